"""The start screen: where to point what, which CA to trust, which credentials to use."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from shlex import quote
from typing import Any, TextIO

import click

from simulator.core.settings import Settings

_SHOWN = 3
"""Most servers whose credentials are shown."""


def show(ready: Mapping[str, Any], settings: Settings, file: TextIO | None = None) -> None:
    """Print the start screen for what *ready* says, to *file* or standard output."""
    file = file or sys.stdout
    head = f"mdmsim {ready['version']}: this is not Apple, and all data is invented"
    rows = list(_rows(ready, settings))
    if file.isatty():
        _table(head, rows, file)
    else:
        _plain([head, *(f"{name}: {value}" for name, value in rows)], file)
    # Not in the table: a terminal's copy must give each line unbroken.
    _plain(_tokens(ready, settings), file)


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


def _rows(ready: Mapping[str, Any], settings: Settings) -> Iterator[tuple[str, str]]:
    if ready["tls"]:
        yield (
            "HTTPS",
            ", ".join(ready["tls"])
            + ("  (instead of https://mdmenrollment.apple.com and https://vpp.itunes.apple.com)"),
        )
        yield "CA to trust", f"{ready['ca']}  (how: mdmsim ca install-hint{_data(settings)})"
    if ready["http"]:
        yield "HTTP", f"{ready['http']}  (the same without TLS)"
    if ready["proxy"]:
        yield "Proxy", f"HTTPS_PROXY={ready['proxy']}  (for clients with built-in host names)"
    if ready["control"]:
        yield "Control API", f"{ready['control']}/api/v1"
    for organisation in ready["organisations"][:_SHOWN]:
        for pair in organisation.get("push_topics", ())[:_SHOWN]:
            yield "Push topic", f"{pair['topic']}  (certificate {pair['certificate']}, key beside)"
    yield "Journal", ready["journal"] or "in memory, gone at the end"
    yield "Report", f"mdmsim report{_data(settings)}  (judged by {settings.manifest})"
    yield "World", f"{settings.world}, seed {settings.seed}; strictness {settings.strictness}"


def _tokens(ready: Mapping[str, Any], settings: Settings) -> Iterator[str]:
    servers = [
        (f"{organisation['id']}/{server['id']}", server["token"])
        for organisation in ready["organisations"]
        for server in organisation["dep_servers"]
    ]
    for name, token in servers[:_SHOWN]:
        yield f"DEP server token of {name}:"
        yield json.dumps(token) if token else "none"
    if len(servers) > _SHOWN:
        hint = f"mdmsim token dep{_data(settings)} --organisation ID --server ID"
        yield f"{len(servers) - _SHOWN} further DEP servers: {hint}"
    places = [one for each in ready["organisations"] for one in each.get("vpp_locations", ())]
    for place in places[:_SHOWN]:
        yield f"Content token (sToken) of {place['id']}, {place['name']}:"
        yield place["stoken"] or "none"
    if len(places) > _SHOWN:
        hint = f"mdmsim token vpp{_data(settings)} --location ID"
        yield f"{len(places) - _SHOWN} further locations: {hint}"


def _data(settings: Settings) -> str:
    default = Settings().data
    return "" if settings.data == default else f" --data {quote(settings.data)}"
