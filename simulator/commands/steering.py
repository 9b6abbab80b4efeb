"""What the commands of ``mdmsim ctl`` share: where the simulator is, asking it, showing answers."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import click
from msgspec import Struct
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from simulator.commands.options import ready_file, setting_options, settings
from simulator.commands.remote import ask
from simulator.core import ready_file as ready
from simulator.core.settings import ConfigurationError
from simulator.disclosure.report.layout import grid

Function = TypeVar("Function", bound=Callable[..., Any])
PREFIX = "/api/v1"
PLACES = ("path", "query", "header", "body")
_MISSED = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT)
"""What a wait or a verification that fails is answered with."""


def control_options(function: Function) -> Function:
    """Add the options that find the running simulator, and ``--json``."""
    function = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")(
        function
    )
    about = "The control API, instead of looking it up in ready.json."
    function = click.option("--url", metavar="URL", help=about)(function)
    return setting_options("data", "ready_file")(function)


class ControlClient(Struct, frozen=True):
    """The control API of a running simulator."""

    url: str
    token: str
    as_json: bool

    @classmethod
    def of(
        cls, *, url: str | None, as_json: bool, config: str | None, **flags: Any
    ) -> "ControlClient":
        """Find it by the options of `control_options`; ConfigurationError if nothing runs there."""
        if url is not None:
            return cls(url, "", as_json)
        path = ready_file(settings(config, **flags))
        running = ready.read(path)
        if running is None or not running.get("control"):
            raise ConfigurationError(
                f"there is no {path}: start mdmsim serve, or name a simulator with --url"
            )
        return cls(running["control"], running["control_token"], as_json)

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> bytes:
        """Return the body of an answer; ConfigurationError with what a problem document says."""
        status, content = self.answer(method, path, body, **more)
        if status >= HTTPStatus.BAD_REQUEST:
            raise ConfigurationError(f"{method} {path}: {_detail(content) or status}")
        return content

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Return the JSON of an answer, as `send` does."""
        return json.loads(self.send(method, path, body, **more))

    def judge(self, path: str, body: Any, timeout_s: float) -> Any:
        """Return the JSON of a wait or verification; exit with 1 and the reason if it fails."""
        status, content = self.answer("POST", path, body, timeout_s=timeout_s)
        if status in _MISSED:
            text = content.decode() if self.as_json else f"mdmsim: {_detail(content)}"
            click.echo(text, err=not self.as_json)
            raise SystemExit(1)
        if status >= HTTPStatus.BAD_REQUEST:
            raise ConfigurationError(f"POST {path}: {_detail(content) or status}")
        return json.loads(content)

    def answer(
        self, method: str, path: str, body: Any = None, *, timeout_s: float = 60
    ) -> tuple[int, bytes]:
        """Return status and body of an answer; *body* is sent as JSON unless it is bytes."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            return ask(
                method,
                self.url,
                PREFIX + path,
                content,
                token=self.token,
                timeout_s=timeout_s,
            )
        except OSError as error:
            why = f"{self.url} does not respond ({error}): is it a running simulator?"
            raise ConfigurationError(why) from error

    def show(self, answer: Any, text: str) -> None:
        """Print *answer* as JSON if that is wanted, else *text*."""
        click.echo(json.dumps(answer, indent=1) if self.as_json else text)

    def table(self, answer: Any, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Print *answer* as JSON if that is wanted, else a table."""
        if self.as_json:
            click.echo(json.dumps(answer, indent=1))
            return
        plain = [tuple(map(_cell, row)) for row in rows]
        if not sys.stdout.isatty():
            click.echo(grid(heads, plain, width=sys.maxsize))
            return
        table = Table(*(Column(head, overflow="fold") for head in heads))
        for row in plain:
            table.add_row(*map(Text, row))
        Console().print(table)


def _cell(value: Any) -> str:
    """Return a value as people read it; objects and arrays as JSON on one line."""
    if value is None:
        return ""
    if isinstance(value, bool | dict | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _detail(content: bytes) -> str:
    try:
        document = json.loads(content)
    except ValueError:
        return ""
    return str(document.get("detail", "")) if isinstance(document, dict) else ""


def pairs(arguments: Iterable[str], option: str) -> dict[str, Any]:
    """Return ``name=value`` pairs as an object; values are JSON, or else text."""
    named: dict[str, Any] = {}
    for one in arguments:
        name, equals, text = one.partition("=")
        if not name or not equals:
            raise ConfigurationError(f"{option} {one!r} must be NAME=VALUE")
        named[name] = _value(text)
    return named


def match(arguments: Iterable[str]) -> dict[str, Any]:
    """Return a match: ``operation=dep.sync``, ``body.devices=SN1``, ``header.x~part``."""
    wanted: dict[str, Any] = {}
    for one in arguments:
        name, equals, text = one.partition("=")
        contains, tilde, part = one.partition("~")
        value: Any = _value(text)
        if tilde and len(contains) < len(name):
            name, value, text = contains, {"contains": part}, part
        elif not (name and equals):
            raise ConfigurationError(f"--match {one!r} must be NAME=VALUE or PLACE.NAME~PART")
        place, dot, field = name.partition(".")
        if dot and place in PLACES:
            wanted.setdefault(place, {})[field] = value
        else:
            wanted[name] = text
    return wanted


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
