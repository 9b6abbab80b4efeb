"""Replicas over one PostgreSQL: what a push costs there, and how pushes and streams spread.

A push of its own is counted first: statements, round trips and transactions of the replica that
takes it. Then SQLite and one, two and three replicas are pushed to in turn as fast as it goes, each
by an h2load of its own; the processor time is theirs and PostgreSQL's. At last device streams are
held, a third at each replica, and pushes to one replica are heard at all. PostgreSQL flushes its
log at each commit, and so does the SQLite beside it that is called full. Adds its figures to
bench.json.
"""

import argparse
import asyncio
import json
import selectors
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import uvloop

from tests.bench.durable import aim
from tests.bench.pushes import MAGIC, STREAMS, enrol, need
from tests.bench.running import cpu_s, file_system, keep, serving, show
from tests.load import crowd
from tests.postgres import PASSWORD, PostgresServer, program

REPLICAS = 3
COUNTED = 200
"""Pushes that are counted one by one."""
STREAMS_S = 300
"""How long the streams may take to be opened."""
SPARE = 300
"""Files of a process that are no streams."""
HEARD = 30
"""Streams whose devices are pushed to."""
LENIENT = ("--push-auth", "none", "--unknown-tokens", "accept")
_COUNTING = ("-c", "shared_preload_libraries=pg_stat_statements", "-c", "max_connections=100")
_CALLS = "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query !~* 'notify|try_adv'"


class Relay:
    """Stands between one replica and PostgreSQL, and counts how often the replica waits."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.trips = 0
        """Of the connection that writes: requests after a response."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listening.accept()
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        writes, asked = False, False
        with (
            client,
            socket.create_connection(("127.0.0.1", self._to)) as server,
            selectors.DefaultSelector() as selector,
        ):
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(one, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    came = key.fileobj
                    data = came.recv(1 << 16)  # type: ignore[union-attr]  # one of the two
                    if not data:
                        return
                    (server if came is client else client).sendall(data)
                    writes = writes or b"pg_advisory_xact_lock" in data
                    self.trips += writes and came is client and not asked
                    asked = came is client


@dataclass(frozen=True, slots=True)
class Case:
    """Some processes that are pushed to side by side."""

    name: str
    processes: list[int]
    targets: list[Path]
    database: int = 0
    """Process of PostgreSQL; 0: none."""


def counted(server: PostgresServer, directory: Path) -> dict[str, list[float]]:
    """Return what one push costs that comes alone."""
    server.run("CREATE DATABASE counted")
    relay = Relay(server.port)
    url = f"postgresql://owner:{PASSWORD}@127.0.0.1:{relay.port}/counted"
    flags = (*LENIENT, "--http-port", "0", "--store", url)
    with serving(directory / "counted", *flags) as (_, ready):
        token = enrol(ready, 1)[0]
        with psycopg.connect(server.url(database="counted"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            push(ready, token, COUNTED)
            connection.execute("SELECT pg_stat_statements_reset()")
            trips = relay.trips
            push(ready, token, COUNTED)
            trips = relay.trips - trips
            (calls,) = connection.execute(_CALLS).fetchone() or (0,)
    return {
        "statements of a push alone": [float(calls) / COUNTED],
        "round trips of a push alone": [trips / COUNTED],
    }


def push(ready: dict[str, Any], token: str, count: int) -> None:
    """Push so often, one after the other."""
    body = json.dumps({"mdm": MAGIC})
    topic = ready["organisations"][0]["push_topics"][0]["topic"]
    lines = (
        f"POST /3/device/{token} HTTP/1.1",
        "Host: localhost",
        f"apns-topic: {topic}",
        "apns-push-type: mdm",
        f"Content-Length: {len(body)}",
    )
    request = "\r\n".join((*lines, "", body)).encode()
    asyncio.run(crowd.times_ms(urlsplit(ready["http"]).port or 0, request, count))


@contextmanager
def cases(
    server: PostgresServer, directory: Path, held: int
) -> Iterator[tuple[list[Case], list[Any]]]:
    """Start all; yield what is measured, and what the three replicas say.

    A replica can hold *held* streams: half of its connections may be those of the control port.
    """
    room = ("--connections", str(2 * (held + SPARE)))
    with ExitStack() as stack:
        found = []
        for name in ("normal", "full"):
            place = directory / name
            place.mkdir()
            flags = (*LENIENT, "--synchronous", name)
            process, ready = stack.enter_context(serving(place / "data", *flags))
            found.append(Case(f"SQLite, {name}", [process], [aim(ready, place, enrol(ready))]))
        url = server.new()
        tokens: list[str] = []
        processes, ready_files, targets = [], [], []
        for number in range(REPLICAS):
            place = directory / f"replica-{number}"
            place.mkdir()
            shared = (*LENIENT, *room, "--store", url, "--store-key", PASSWORD * 2)
            process, ready = stack.enter_context(serving(place / "data", *shared))
            tokens = tokens or enrol(ready)
            processes.append(process)
            ready_files.append(ready)
            targets.append(aim(ready, place, tokens))
        for count in range(1, REPLICAS + 1):
            name = f"{count} replica{'s' if count > 1 else ''}"
            case = Case(name, processes[:count], targets[:count], server.process.pid)
            found.append(case)
        yield found, list(zip(processes, ready_files, strict=True))


def measure(case: Case, server: PostgresServer, payload: Path, seconds: int) -> dict[str, float]:
    """Push to all processes of *case* as fast as it goes."""
    before = _used(case), _transactions(server)
    loads = [
        subprocess.Popen(
            (
                *("h2load", "-c", "4", "-m", str(STREAMS), "-D", str(seconds)),
                *("-i", str(targets), "-d", str(payload), "-H", "apns-push-type: mdm"),
            ),
            stdout=subprocess.PIPE,
            text=True,
        )
        for targets in case.targets
    ]
    said = [load.communicate()[0] for load in loads]
    pushes = sum(_succeeded(case.name, text) for text in said)
    used, transactions = _used(case) - before[0], _transactions(server) - before[1]
    found = {
        "pushes /s": pushes / seconds,
        "processor us a push": used / pushes * 1_000_000,
    }
    if case.database:
        found["pushes a transaction"] = pushes / transactions
    return found


def _succeeded(name: str, text: str) -> int:
    line = next(line for line in text.splitlines() if line.startswith("status codes:"))
    taken, *odd = (int(word) for word in line.split() if word.isdigit())
    if any(odd):
        raise SystemExit(f"{name}: h2load says\n{text}")
    return taken


def _used(case: Case) -> float:
    """Return the seconds of processor time of all of *case*, with those of PostgreSQL."""
    used = sum(map(cpu_s, case.processes))
    for session in _children(case.database) if case.database else ():
        with suppress(FileNotFoundError, ProcessLookupError):  # it may have ended meanwhile
            used += cpu_s(session)
    return used


def _children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(word) for word in text.split()]


def _transactions(server: PostgresServer) -> int:
    """Return how many transactions have changed anything: each counts up the version."""
    with psycopg.connect(server.url("s1"), autocommit=True) as connection:
        row = connection.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
    return int(row[0]) if row else 0


async def hold(port: int, tokens: Sequence[str], heard: int, told: Connection) -> None:
    """Hold a stream for each of *tokens*; tell how many there are, and are once some have heard."""
    listening = await crowd.hold_streams(port, tokens)
    told.send(len(listening))
    async with asyncio.timeout(STREAMS_S):  # those of the others may be opened still
        await asyncio.gather(*(one.heard for one in listening[:heard]))
    told.send(sum(not one.lost for one in listening))
    for one in listening:
        if one.transport is not None:
            one.transport.abort()


def held_apart(port: int, tokens: Sequence[str], heard: int, told: Connection) -> None:
    """Do as `hold`, in a process of its own: one may not have enough files open."""
    crowd.raise_limit()
    uvloop.run(hold(port, tokens, heard, told))


async def push_each(ready: dict[str, Any], tokens: Iterable[str]) -> None:
    """Push to each of *tokens* at one replica."""
    topic = ready["organisations"][0]["push_topics"][0]["topic"]
    (apns,) = await crowd.hold_apns(urlsplit(ready["tls"][0]).port or 0, 1)
    for token in tokens:
        await apns.push(topic, token)
    if apns.transport is not None:
        apns.transport.abort()


def streams(running: Sequence[Any], count: int) -> dict[str, list[float]]:
    """Hold *count* device streams, spread over the replicas, and push to some at the first."""
    share, heard = count // len(running), HEARD // len(running)
    tokens = [f"{number:064x}" for number in range(share * len(running))]
    before = [crowd.memory(process) for process, _ in running]
    begun, pipes, clients = time.perf_counter(), [], []
    for number, (_, ready) in enumerate(running):
        told, tells = Pipe(duplex=False)
        own = tokens[number * share :][:share]
        port = urlsplit(ready["control"]).port or 0
        clients.append(Process(target=held_apart, args=(port, own, heard, tells), daemon=True))
        clients[-1].start()
        pipes.append(told)
    opened = [_told(pipe) for pipe in pipes]
    took = time.perf_counter() - begun
    after = [crowd.memory(process) for process, _ in running]
    wanted = (tokens[number * share + at] for number in range(len(running)) for at in range(heard))
    pushed = time.perf_counter()
    asyncio.run(push_each(running[0][1], wanted))
    left = [_told(pipe) for pipe in pipes]
    until_heard = time.perf_counter() - pushed
    for client in clients:
        client.join(crowd.PATIENCE_S)
    return {
        "device streams held": [sum(opened)],
        "opened /s": [sum(opened) / took],
        "KiB for each": [
            (now - then) / share / 1024 for now, then in zip(after, before, strict=True)
        ],
        "heard a push to the first replica": [heard * len(running)],
        "s until all were pushed to and heard": [until_heard],
        "still open at the end": [sum(left)],
    }


def _told(pipe: Connection) -> int:
    if not pipe.poll(STREAMS_S):
        raise SystemExit(f"the streams are not held within {STREAMS_S} s")
    return int(pipe.recv())


def main() -> None:
    """Run all rounds and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--streams", type=int, default=30_000)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    wanted = parser.parse_args()
    need("h2load")
    if program("initdb") is None:
        print("PostgreSQL is missing, Debian's postgresql: replicas are not measured")
        return
    allowed = crowd.raise_limit()
    most = (allowed - SPARE) * REPLICAS
    if most < wanted.streams:
        wanted.streams = most
        print(f"a process may open {allowed} files only: {most} streams are held")
    server = PostgresServer(*_COUNTING)
    try:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            payload = directory / "payload"
            payload.write_text(json.dumps({"mdm": MAGIC}))
            disk = file_system(server.folder)
            figures = counted(server, directory)
            with cases(server, directory, wanted.streams // REPLICAS) as (measured, running):
                rounds = [
                    {one.name: measure(one, server, payload, wanted.seconds) for one in measured}
                    for _ in range(wanted.rounds)
                ]
                held = streams(running, wanted.streams)
    finally:
        server.close()
    rows = {
        f"{case}, {figure}": [one[case][figure] for one in rounds]
        for figure in ("pushes /s", "processor us a push", "pushes a transaction")
        for case in rounds[0]
        if figure in rounds[0][case]
    }
    show(f"what a push costs in PostgreSQL ({disk})", figures)
    show(f"pushes, 4 connections a process, {STREAMS} streams each, TLS", rows)
    show("device streams over three replicas", held)
    keep(wanted.output, "replicas", {"file_system": disk, **figures, **rows, **held})


if __name__ == "__main__":
    main()
