"""Calls about the whole state: go back to the start, keep it as a file, load another world."""

import asyncio
import gzip
import tempfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import IO

from aiohttp import web

from simulator import __version__
from simulator.control.device_host import HOST
from simulator.control.parts import (
    BODY,
    ORGANISATION,
    PARTS,
    ApiProblem,
    Parts,
    Route,
    bad,
    json_response,
    missing,
)
from simulator.core import resources
from simulator.core.clock import Clock
from simulator.core.settings import ConfigurationError
from simulator.core.state import Body, State, StoreAdmin
from simulator.core.translation import Translated
from simulator.engine.everywhere import MOST
from simulator.engine.replacing import Piece, replace_state, reset_state
from simulator.faults import faults
from simulator.protocol import quirks
from simulator.protocol.fields import Boolean, Integer, Objects, String
from simulator.services import organisations
from simulator.services.provisioning import Provisioning
from simulator.store import snapshot_lines
from simulator.worlds.loading import chosen_world, load_steps
from simulator.worlds.organisations import World as Plan
from simulator.worlds.rows import world_schema
from simulator.worlds.world import FOLDER

LONGEST = 64 * 1024**2
"""Bytes of a line of a snapshot, unpacked: a small file can say a very long one."""
LARGEST = 4 * 1024**3
"""Bytes of a snapshot that are taken; more is refused."""
GZIP = "application/gzip"
CHUNK = 1 << 16
BUSY: web.AppKey[asyncio.Lock] = web.AppKey("busy", asyncio.Lock)
"""Held while the whole state is being replaced or read."""


async def reset(request: web.Request) -> web.Response:
    """Go back to the world as it was loaded: all of it, or one ``organisation``.

    With all of it faults, quirks and the clock go back too; the journal stays. What has not
    changed is not looked at; with ``brief`` the answer does not list it either.
    """
    parts, body = request.app[PARTS], request[BODY]
    organisation = body.get("organisation")
    settled = {one.branch_kind for one in parts.provisionings if one.branch is not None}

    def work(state: StoreAdmin, copy: int = 0) -> Collection[str]:
        world = state.of("")
        if organisation is not None:
            if world.get(organisations.ORGANISATION, organisation) is None:
                raise missing(f"no organisation has the id {organisation}")
            faults.disarm(state, organisation=organisation)
            quirks.forget(state, [organisation])
        if copy:
            changed = world.take_reset(copy, settled)
        else:
            changed = world.reset(organisation, settled=settled)
        _branch(parts.provisionings, state, changed)
        return changed

    async with request.app[BUSY]:
        # As a load: inside a savepoint each row that goes costs more than the last.
        if organisation is not None:
            changed = await parts.gateway.load(work)
        else:
            changed = await reset_state(parts.gateway, work)
            parts.clock.run()
        shown = await parts.renew(changed)
        await request.app[HOST].reload()
    return _organisations([] if body["brief"] else shown)


async def get_snapshot(request: web.Request) -> web.StreamResponse:
    """Answer the whole state as one file; it holds the simulator's own secrets."""
    parts = request.app[PARTS]
    mode, value = parts.clock.setting
    header = {"mdmsim": __version__, "clock": {"mode": mode, "value": value}}
    response = web.StreamResponse(headers={"Content-Type": GZIP, "Cache-Control": "no-store"})
    response.headers["Content-Disposition"] = 'attachment; filename="mdmsim-snapshot.gz"'

    with tempfile.TemporaryFile() as file:

        def work() -> None:
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=5, mtime=0) as packed:
                for line in parts.journal.export_snapshot(header):
                    packed.write(line)

        async with request.app[BUSY]:
            await asyncio.to_thread(work)
        await asyncio.to_thread(file.seek, 0)
        await response.prepare(request)
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            await response.write(chunk)
    return response


async def put_snapshot(request: web.Request) -> web.Response:
    """Replace the whole state by a snapshot; it is where a reset goes back to from now on."""
    parts = request.app[PARTS]
    with tempfile.TemporaryFile() as file:
        await _receive(request, file)
        async with request.app[BUSY]:
            header, pieces = await asyncio.to_thread(read_snapshot, file, parts.provisionings)
            await replace_state(parts.gateway, pieces)
            setting = header.get("clock") or {"mode": "real", "value": 0}
            parts.clock.resume(setting["mode"], setting["value"])
            shown = await parts.renew(None)
            await request.app[HOST].reload()
            await parts.gateway.run(_set_baseline)
    return _organisations(shown)


async def _receive(request: web.Request, file: IO[bytes]) -> None:
    size = 0
    async for chunk in request.content.iter_chunked(CHUNK):
        size += len(chunk)
        if size > LARGEST:
            raise ApiProblem(413, "Too large", f"a snapshot has at most {LARGEST} bytes")
        await asyncio.to_thread(file.write, chunk)
    await asyncio.to_thread(file.seek, 0)


def read_snapshot(
    file: IO[bytes], provisionings: Iterable[Provisioning] = ()
) -> tuple[Body, Iterator[Piece]]:
    """Return the header of the snapshot in *file*, and what writes its state piece by piece.

    A problem, at once or instead of a further piece, says what is wrong with the file.
    """
    packed = gzip.GzipFile(fileobj=file, mode="rb")
    lines = _lines(packed)
    with _explained():
        header = snapshot_lines.head(next(lines, b""))
    return header, _pieces(packed, lines, provisionings)


def _pieces(
    packed: gzip.GzipFile, lines: Iterator[bytes], provisionings: Iterable[Provisioning]
) -> Iterator[Piece]:
    with packed, _explained():
        yield from snapshot_lines.steps(lines)
    yield _must_be_whole
    yield from _branching(provisionings)


def _explained() -> Translated[Exception]:
    return Translated((OSError, EOFError, zlib.error, ValueError), _explanation)


def _explanation(error: Exception) -> ApiProblem:
    if isinstance(error, ValueError):
        return bad(str(error))
    return bad(
        f"the body is no whole gzip file ({type(error).__name__}): "
        "GET /snapshot, or mdmsim ctl snapshot save, makes one"
    )


def _lines(packed: gzip.GzipFile) -> Iterator[bytes]:
    while line := packed.readline(LONGEST):
        if len(line) == LONGEST:
            raise ValueError(f"a line of the snapshot is longer than {LONGEST} bytes")
        yield line


def _branch(
    provisionings: Iterable[Provisioning],
    state: State,
    changed: Iterable[str],
    *,
    anew: bool = False,
) -> None:
    """Let what clients hold of a time after where the state is now, as cursors, be good no more.

    *changed* are the organisations that are not what they were.
    """
    for name in changed:
        for one in provisionings:
            if one.branch is not None:
                one.branch(state.of(name), anew)


def _branching(provisionings: Iterable[Provisioning], *, anew: bool = False) -> Iterator[Piece]:
    """Yield what does so with all organisations of a state that is being made, some at a time."""
    names: list[str] = []
    yield lambda state: names.extend(organisations.identifiers(state))
    for at in range(0, len(names), MOST):
        some = names[at : at + MOST]
        yield partial(_branch, provisionings, changed=some, anew=anew)


def _must_be_whole(state: State) -> None:
    if not state.of("").scan(organisations.ORGANISATION, limit=1):
        raise bad("the snapshot has no organisation")


async def load(request: web.Request) -> web.Response:
    """Replace everything by a world that ships with the simulator; its credentials are new."""
    parts, body = request.app[PARTS], request[BODY]
    world = await asyncio.to_thread(_plan, parts, request.match_info["name"], body)
    seed = body.get("seed", parts.settings.seed)

    known = parts.provisionings
    steps = load_steps(world, seed, Clock().now_ms(), provisionings=known, brief=True)
    async with request.app[BUSY]:
        await replace_state(parts.gateway, chain(steps, _branching(known, anew=True)))
        parts.clock.run()
        shown = await parts.renew(None)
        await request.app[HOST].reload()
        await parts.gateway.run(_set_baseline)
    return _organisations(shown, world=world.name)


async def get_schema(request: web.Request) -> web.Response:
    """Answer the JSON Schema of a world's file."""
    return json_response(world_schema(request.app[PARTS].provisionings))


def _plan(parts: Parts, name: str, body: Body) -> Plan:
    known = sorted(one.removesuffix(".toml") for one in resources.names(FOLDER))
    if name not in known:
        raise missing(f"no world is called {name}: there are {', '.join(known)}")
    world = chosen_world(parts.settings, parts.provisionings, name)
    try:
        return world.resized(body["devices"]) if "devices" in body else world
    except ConfigurationError as error:
        raise bad(str(error)) from None


def _organisations(shown: list[Body], **facts: str) -> web.Response:
    """Answer organisations with their credentials, which may be thousands."""
    return json_response({**facts, "organisations": shown})


def _set_baseline(state: StoreAdmin) -> None:
    state.set_baseline()


SHOWN = (Objects("organisations", "As in ready.json, with credentials.", required=True),)
ROUTES = (
    Route(
        "POST",
        "/reset",
        "Go back to the world as it was loaded.",
        reset,
        query=(),
        body=(
            ORGANISATION,
            Boolean("brief", "Whether organisations stays empty in the response.", default=False),
        ),
        answer=SHOWN,
    ),
    Route("GET", "/snapshot", "Get the whole state as a file.", get_snapshot, query=(), gives=GZIP),
    Route(
        "PUT",
        "/snapshot",
        "Replace the whole state by a snapshot.",
        put_snapshot,
        query=(),
        takes="application/octet-stream",
        answer=SHOWN,
    ),
    Route("GET", "/world-schema.json", "Get the schema of a world's file.", get_schema, query=()),
    Route(
        "POST",
        "/worlds/{name}",
        "Replace everything by a world that ships.",
        load,
        query=(),
        body=(
            Integer("devices", "How many its first list generates.", least=1, most=1_000_000),
            Integer("seed", "Seed of what is generated.", least=0, most=2**53),
        ),
        answer=(String("world", "Its name.", required=True), *SHOWN),
    ),
)
