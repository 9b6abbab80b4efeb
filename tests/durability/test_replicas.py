"""Replicas over one PostgreSQL: what any of them answered is there, whoever is killed."""

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.durability.asking import Client, numbers
from tests.durability.load import MAKERS, Busy
from tests.durability.running import journal_of, simulator, verified
from tests.durability.test_killed import START_S, prove
from tests.postgres import PostgresServer, program

ROUNDS = int(os.environ.get("REPLICA_KILLS", "2"))
DATABASE_KILLS = int(os.environ.get("DATABASE_KILLS", "1"))
"""How often each is killed; ``make replicas`` does so more often."""
WAIT_S = 60


@contextmanager
def replicas(
    data: Path, url: str, count: int
) -> Iterator[list[tuple[dict[str, Any], subprocess.Popen[bytes]]]]:
    """Start *count* of them, which share the data directory."""
    with ExitStack() as stack:
        yield [stack.enter_context(simulator(data, "--store", url)) for _ in range(count)]


def test_a_replica_that_is_killed_takes_nothing_along(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    data, url = tmp_path / "data", postgres.new()
    answered: set[str] = set()
    clients: list[Busy] = []
    with replicas(data, url, 2) as running, ExitStack() as stack:
        for number in range(ROUNDS):
            begun = [
                make(ready, str(2 * number + at))
                for at, (ready, _) in enumerate(running)
                for make in MAKERS
            ]
            clients += begun
            for client in begun:
                client.start()
            pause = Event()
            while min(len(client.answered) for client in begun) < 5:
                assert all(client.is_alive() for client in begun), "it ended by itself"
                pause.wait(0.001)
            victim = random.Random(number).randrange(2)  # noqa: S311 (the same in each run)
            running[victim][1].send_signal(signal.SIGKILL)
            running[victim] = stack.enter_context(simulator(data, "--store", url))
        for _, process in running:
            process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(START_S)
            answered.update(client.answered)

    assert not any(client.is_alive() for client in clients)
    prove(data, answered, url)


def test_a_database_that_is_killed_takes_nothing_along(tmp_path: Path) -> None:
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed here")
    server = PostgresServer()
    data, url = tmp_path / "data", server.url()
    try:
        with replicas(data, url, 2) as running:
            clients = [Client(ready) for ready, _ in running]
            stop = Event()

            def ask(client: Client) -> None:
                while not stop.is_set():
                    client.ask(1)

            threads = [Thread(target=ask, args=(client,)) for client in clients]
            for thread in threads:
                thread.start()
            pause = Event()
            for _ in range(DATABASE_KILLS):
                wait_for_more(clients, pause)
                server.kill()
                server.start()
            wait_for_more(clients, pause)
            stop.set()
            for thread in threads:
                thread.join(WAIT_S)
            health = [client.health() for client in clients]
            for client in clients:
                client.close()
        exchanges = journal_of(data, url)
        report = verified(data, url)
    finally:
        server.close()

    recorded = numbers(exchanges)
    for client in clients:
        assert set(client.answered.values()) <= {404, 503}
        assert set(client.recorded()) <= set(recorded)
    assert [status for status, _ in health] == [200, 200]
    assert len(recorded) >= sum(len(client.recorded()) for client in clients)
    assert [one.seq for one in exchanges] == list(range(1, len(exchanges) + 1))
    assert report.exit_code == 0, report.output


def test_a_database_that_is_away_makes_them_wait_and_not_lie(tmp_path: Path) -> None:
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed here")
    server = PostgresServer("-c", "fsync=off")
    try:
        with simulator(tmp_path / "data", "--store", server.url()) as (ready, _):
            client = Client(ready)
            assert client.ask(1) == {404: 1}
            server.stop()
            with pytest.raises(HTTPError) as refused:
                urlopen(f"{ready['http']}/nothing/0", timeout=30)  # noqa: S310 (ours)
            status, told = client.health()
            server.start()
            again = client.ask(1)
            well, _ = client.health()
            client.close()
    finally:
        server.close()

    assert refused.value.code == 503
    assert refused.value.headers["Retry-After"] == "5"
    refused.value.close()
    assert (status, told["status"]) == (503, "unready")
    assert told["detail"].endswith("start PostgreSQL, or see why it does not answer")
    assert (again, well) == ({404: 1}, 200)


def wait_for_more(clients: list[Client], pause: Event) -> None:
    """Wait until each client has twenty more answers that are on record."""
    before = [len(client.recorded()) for client in clients]
    for _ in range(WAIT_S * 100):
        if all(len(one.recorded()) > had + 20 for one, had in zip(clients, before, strict=True)):
            return
        pause.wait(0.01)
    raise AssertionError([client.answered for client in clients])
