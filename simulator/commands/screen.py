"""The start screen: where to point what, which CA to trust, which credentials to use."""

import json
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from shlex import quote
from typing import Any, TextIO

import click

from simulator.core.data_directory import MEMORY
from simulator.core.settings import Settings
from simulator.services.provisioning import Credential, Provisioning

_SHOWN = 3
"""Most servers whose credentials are shown."""


def show(
    ready: Mapping[str, Any],
    settings: Settings,
    known: Collection[Provisioning],
    file: TextIO | None = None,
) -> None:
    """Print the start screen for what *ready* says, to *file* or standard output.

    *known* is what says how the services' credentials are shown.
    """
    file = file or sys.stdout
    head = f"mdmsim {ready['version']}: this is not Apple, and all data is invented"
    rows = list(_rows(ready, settings, known))
    if file.isatty():
        _table(head, rows, file)
    else:
        _plain([head, *(f"{name}: {value}" for name, value in rows)], file)
    # Not in the table: a terminal's copy must give each line unbroken.
    for one in known:
        for kind in one.credentials:
            if kind.line is None:
                _plain(_tokens(kind, ready, settings), file)


def _table(head: str, rows: Iterable[tuple[str, str]], file: TextIO) -> None:
    # Test suites and containers read no table, and are not to wait for what draws it.
    from rich.console import Console  # noqa: PLC0415 (for terminals only)
    from rich.table import Table  # noqa: PLC0415 (for terminals only)
    from rich.text import Text  # noqa: PLC0415 (for terminals only)

    console = Console(file=file, highlight=False)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(value))
    console.print(head, style="bold yellow")
    console.print(table)


def _plain(lines: Iterable[str], file: TextIO) -> None:
    for line in lines:
        click.echo(line, file=file)


def _rows(
    ready: Mapping[str, Any], settings: Settings, known: Iterable[Provisioning]
) -> Iterator[tuple[str, str]]:
    if ready["tls"]:
        hosts = ", ".join(f"https://{one.service.hosts[0]}" for one in known)
        yield "HTTPS", f"{', '.join(ready['tls'])}  (instead of {hosts})"
        yield "CA to trust", f"{ready['ca']}{_install_hint(settings)}"
    if ready["http"]:
        yield "HTTP", f"{ready['http']}  (the same without TLS)"
    if ready["proxy"]:
        yield "Proxy", f"HTTPS_PROXY={ready['proxy']}  (for clients with built-in host names)"
    if ready["control"]:
        yield "Control API", f"{ready['control']}/api/v1"
    for organisation in ready["organisations"][:_SHOWN]:
        for kind in (kind for one in known for kind in one.credentials):
            if kind.line is not None:
                for entry in organisation.get(kind.ready, ())[:_SHOWN]:
                    yield kind.title, kind.line(entry)
    yield "Journal", ready["journal"] or "in memory, gone at the end"
    if command := _report(ready, settings):
        yield "Report", f"{command}  (manifest: {settings.manifest})"
    yield "World", f"{settings.world}, seed {settings.seed}; strictness {settings.strictness}"


def _tokens(kind: Credential, ready: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    rows = [
        (f"{organisation['id']}/{entry['id']}" if kind.scoped else _named(entry), entry)
        for organisation in ready["organisations"]
        for entry in organisation.get(kind.ready, ())
    ]
    for name, entry in rows[:_SHOWN]:
        value = entry[kind.value] if kind.value else entry
        yield f"{kind.title} of {name}:"
        yield value if isinstance(value, str) else json.dumps(value) if value else "none"
    if len(rows) > _SHOWN:
        option = kind.holder.rpartition(" ")[2]
        which = f"--organisation ID --{option} ID" if kind.scoped else f"--{option} ID"
        hint = f"mdmsim token {kind.name}{_data(settings)} {which}"
        yield f"{len(rows) - _SHOWN} further {kind.holder}s: " + (
            hint if _is_kept(settings) else "see ready.json"
        )


def _named(entry: Mapping[str, Any]) -> str:
    return f"{entry['id']}, {entry['name']}" if entry.get("name") else str(entry["id"])


def _is_kept(settings: Settings) -> bool:
    """Tell whether another command can read the data directory."""
    return settings.data != MEMORY


def _install_hint(settings: Settings) -> str:
    return f"  (how: mdmsim ca install-hint{_data(settings)})" if _is_kept(settings) else ""


def _report(ready: Mapping[str, Any], settings: Settings) -> str:
    """Return the command that reports; empty if there is nothing that it could read."""
    if _is_kept(settings):
        return f"mdmsim report{_data(settings)}"
    return f"mdmsim report --url {ready['control']}" if ready["control"] else ""


def _data(settings: Settings) -> str:
    default = Settings().data
    return "" if settings.data == default else f" --data {quote(settings.data)}"
