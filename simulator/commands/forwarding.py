"""``mdmsim ctl dep-servers list`` and the like: commands that only forward, made of route rows.

The first part of a route's path is the group, its parameters are the arguments, and the rows of
query and body are the options. So what a service adds to the control API is a command too.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import click

from simulator.commands.steering import ControlClient, control_options
from simulator.control import web
from simulator.control.parts import Route
from simulator.core.settings import ConfigurationError
from simulator.protocol.fields import Boolean, Digits, Field, Flag, Integer, Number, String, Strings
from simulator.services.provisioning import Provisioning

_PARAMETER = re.compile(r"\{(\w+)\}")
_VERBS = {"GET": "get", "POST": "act", "PUT": "set", "PATCH": "change", "DELETE": "delete"}
_OF_ALL = {"GET": "list", "POST": "add", "DELETE": "clear"}
"""What a method does to a whole collection."""
_JSON = "application/json"
_COMMON = frozenset(("config", "data", "json", "ready-file", "url"))
"""Options that each command has; a row of that name is ``--with-NAME``."""
_TYPES: tuple[tuple[type[Field] | tuple[type[Field], ...], Any], ...] = (
    ((Boolean, Flag), bool),
    ((Integer, Digits), int),
    (Number, float),
    (String, str),
)


def groups(provisionings: Iterable[Provisioning]) -> dict[str, click.Group]:
    """Return the groups of commands by name, for routes that take and return JSON only."""
    found: dict[str, click.Group] = {}
    for route in web.routes(tuple(provisionings)):
        name = route.path.split("/")[1]
        if not route.takes and route.gives == _JSON and "." not in name:
            about = f"Call the control API below /{name}; responses are JSON."
            found.setdefault(name, click.Group(name, help=about)).add_command(_command(route))
    return found


def _command(route: Route) -> click.Command:
    query, body = route.query or (), route.body or ()

    def forward(url: str | None, as_json: bool, config: str | None, **given: Any) -> None:
        flags = {name: given.pop(name) for name in ("data", "ready_file")}
        control = ControlClient.of(url=url, as_json=as_json, config=config, **flags)
        path = _PARAMETER.sub(lambda part: quote(given[f"path_{part[1]}"], safe=""), route.path)
        if asked := _values(query, given):
            path += f"?{urlencode({name: _text(value) for name, value in asked.items()})}"
        content = control.send(
            route.method, path, None if route.body is None else _values(body, given)
        )
        click.echo(json.dumps(json.loads(content), indent=1) if content else "done")

    function: Callable[..., Any] = control_options(forward)
    for row in reversed((*query, *body)):
        function = _option(row)(function)
    for name in reversed(_PARAMETER.findall(route.path)):
        function = click.argument(f"path_{name}", metavar=name.upper())(function)
    return click.command(_name(route), help=route.about)(function)


def _name(route: Route) -> str:
    """Return ``list``, ``delete-token``, ``accept``: what is done to the end of the path."""
    fixed = [part for part in route.path.split("/")[2:] if "{" not in part]
    if route.method == "POST" and fixed:
        return "-".join(fixed)
    verb = _VERBS[route.method]
    return "-".join([verb if "{" in route.path else _OF_ALL.get(route.method, verb), *fixed])


def _option(row: Field) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    name = row.name.replace("_", "-")
    kind = next((kind for rows, kind in _TYPES if isinstance(row, rows)), None)
    return click.option(
        f"--with-{name}" if name in _COMMON else f"--{name}",
        f"row_{row.name}",
        type=str if kind is None else kind,
        multiple=isinstance(row, Strings),
        required=row.required,
        metavar="JSON" if kind is None else None,
        help=row.about,
    )


def _values(rows: Iterable[Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of *rows* that were given, by name on the wire."""
    found = {row.name: (row, given[f"row_{row.name}"]) for row in rows}
    return {
        name: _value(row, value) for name, (row, value) in found.items() if value not in (None, ())
    }


def _value(row: Field, value: Any) -> Any:
    if isinstance(row, Strings):
        return list(value)
    if any(isinstance(row, rows) for rows, _ in _TYPES):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ConfigurationError(f"--{row.name.replace('_', '-')} must be JSON") from None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
