"""``mdmsim replay``: captured requests at a running simulator, and how its responses differ."""

import json
import secrets
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from simulator import services
from simulator.captures.credentials import Credentials
from simulator.captures.evaluation import HostFilter
from simulator.captures.messages import Advance, Capture, Entry, ExportedExchange, Invalid
from simulator.captures.opening import open_capture
from simulator.captures.public_shapes import PUBLIC_SHAPES, replay_shapes
from simulator.captures.replaying import Captured, Replay, Simulation
from simulator.captures.shapes import shape_of
from simulator.captures.transcript import counted, listed
from simulator.commands.options import (
    RUN,
    host_option,
    is_journal,
    ready_file,
    setting_options,
    settings,
)
from simulator.commands.progress import bar
from simulator.commands.remote import get
from simulator.core import ready_file as ready_files
from simulator.core.data_directory import DATABASE
from simulator.core.messages import Exchange, Request, Response
from simulator.core.settings import ConfigurationError
from simulator.disclosure.formats.har import tables
from simulator.disclosure.observe.observation import BODY_LIMIT
from simulator.disclosure.report.devices import DEVICE
from simulator.disclosure.report.layout import printable
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.wire import decode
from simulator.store.opening import named, open_journal
from simulator.store.reading import exchanges_through

_SHOWN = 5
"""Exchanges that are named for each difference."""


@click.command("replay")
@click.argument("file", type=RUN)
@setting_options("data", "ready_file")
@host_option
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
@click.pass_context
def command(
    context: click.Context,
    /,
    file: Path | str,
    hosts: tuple[str, ...],
    as_json: bool,
    config: str | None,
    **flags: Any,
) -> None:
    """Send the requests of a capture to a running simulator, and compare the responses.

    FILE is a HAR, a file of mitmproxy's flows, a data directory, the URL of a store, or
    public-shapes, which ships: shapes of responses that others have published. Credentials are
    replaced by those of the simulator's ready.json: server token and session, content token, API
    account, push certificate. What the requests change is changed in the simulator: use one that
    may be reset. Compared are status, and which fields of which type the response has.

    Exit code: 0 no difference, 1 differences, 2 usage or a file or simulator that is not there.
    """
    wanted = settings(config, **flags)
    catalogue = services.load()
    replay = _start(ready_file(wanted), catalogue)
    known: Mapping[str, str] = {}
    if isinstance(file, Path) and str(file) == PUBLIC_SHAPES and not file.exists():
        known = replay_shapes(replay, catalogue)
    else:
        for line in _replay_file(file, replay, HostFilter(catalogue, hosts), catalogue):
            click.echo(f"mdmsim: {line}", err=True)
    found = [one for one in replay.lines if str(one) not in known]
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=1, ensure_ascii=False))
    else:
        beside = f" beside {len(known)} that are known" if known else ""
        click.echo(f"{replay.sent} requests replayed, {len(found)} differences{beside}")
        for one in found:
            click.echo(printable(f"  {one} ({_numbers(one.exchanges)})"))
    context.exit(bool(found))


def _start(path: Path, catalogue: Catalogue) -> Replay:
    """Return a replay at the simulator that wrote the ready file at *path*."""
    ready = ready_files.read(path)
    if ready is None or not ready["tls"]:
        raise ConfigurationError(
            f"no simulator with TLS serves by {path}: start mdmsim serve first"
        )
    tls = ssl.create_default_context(cafile=ready["ca"])
    for organisation in ready["organisations"]:
        for topic in organisation.get("push_topics", ())[:1]:
            tls.load_cert_chain(topic["certificate"], topic["key"])
    simulation = Simulation(ready["tls"][0], tls)
    try:
        _, body = get(ready["control"], "/api/v1/clock")
        now_s = json.loads(body)["now_ms"] // 1000
    except (OSError, ValueError, KeyError) as error:
        why = f"the simulator of {path} does not respond ({error}): start mdmsim serve first"
        raise ConfigurationError(why) from None
    credentials = Credentials(ready, simulation.send, now_s, _random_hex)
    return Replay(catalogue, simulation, credentials)


def _random_hex(digits: int) -> str:
    return secrets.token_hex(digits)[:digits]


def _replay_file(
    file: Path | str, replay: Replay, hosts: HostFilter, catalogue: Catalogue
) -> Iterator[str]:
    """Replay a capture, and yield what has to be said about it, a line each."""
    name = named(file)
    capture = _journal(file) if isinstance(file, str) or is_journal(file) else open_capture(file)
    invalid: list[Invalid] = []
    with bar(f"replaying {name}", capture.size) as advance:
        for entry in capture.entries(advance):
            if isinstance(entry, Invalid):
                invalid.append(entry)
            elif isinstance(entry, Exchange):
                replay.send(_captured(entry.seq, entry.request, entry.response, catalogue))
            elif isinstance(entry, ExportedExchange):
                raise ConfigurationError(
                    f"{name}: is an export without its requests: export a HAR with --redact clear"
                )
            elif hosts.takes(entry):
                one = _captured(entry.number, entry.request, entry.response, catalogue)
                replay.send(one if not entry.bodiless else replace(one, shape=None))
    if hosts.others:
        yield f"skipped, as they went to other hosts: {counted(hosts.others)}"
    if invalid:
        yield f"skipped, as they are invalid: {listed(invalid)}"
    yield from (f"not sent: {one}" for one in replay.unsent)
    if not replay.sent:
        raise ConfigurationError(f"{name}: none of its requests to Apple's hosts can be replayed")


def _journal(run: Path | str) -> Capture:
    """Return the exchanges with Apple of a data directory, of its database, or of a store."""
    database = run / DATABASE if isinstance(run, Path) and run.is_dir() else run

    def entries(advance: Advance) -> Iterator[Entry]:
        with closing(open_journal(database)) as journal:
            for exchange in exchanges_through(journal, journal.last()):
                advance(1)
                if exchange.service != DEVICE:
                    yield exchange

    with closing(open_journal(database)) as journal:
        return Capture("journal", journal.last(), entries)


def _captured(number: int, request: Request, response: Response, catalogue: Catalogue) -> Captured:
    operation = catalogue.match(request).operation
    keyed = tables(operation.response) if operation else frozenset[str]()
    body = decode(request, BODY_LIMIT).content if request.body else b""
    plain = replace(request, body=body or request.body)
    return Captured(number, plain, response.status, shape_of(response.body, keyed))


def _numbers(exchanges: list[int]) -> str:
    named = ", ".join(map(str, exchanges[:_SHOWN]))
    more = len(exchanges) - _SHOWN
    return f"exchange {named}" + (f" and {more} more" if more > 0 else "")
