"""Under steady load: each report reads one moment, and the write-ahead log stays small."""

import json
import subprocess
import sys
from collections import Counter
from contextlib import closing
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen

from simulator.commands.journal_source import verify
from simulator.core.data_directory import DATABASE
from simulator.core.messages import Exchange, Peer, Request, Response
from simulator.core.settings import Settings
from simulator.store.opening import open_store
from tests.durability.asking import Client, load
from tests.durability.running import simulator

LOG_LIMIT = 24_000_000
"""Bytes of the log. It is begun anew at 4 MiB; a writer that outruns that is held up at 16."""


def test_a_journal_is_whole_whenever_it_is_looked_at(tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [sys.executable, "-m", "simulator", "report", "--verify", "--data", str(data)]
    with simulator(data) as (ready, _), load(ready, 1000):
        looks = [verify(Settings(data=str(data))) for _ in range(100)]
        processes = [subprocess.run(command, check=False, capture_output=True) for _ in range(3)]
        asked = []
        for _ in range(5):
            with urlopen(f"{ready['control']}/api/v1/report?verify=1") as answer:  # noqa: S310 (ours)
                asked.append(json.loads(answer.read())["evidence"]["complete"])

    assert Counter(one.complete for one in looks) == {True: 100}
    assert [one.problems for one in looks if one.problems] == []
    # It was written all the while.
    assert len({one.head.seq for one in looks}) > 50
    assert [one.returncode for one in processes] == [0, 0, 0]
    assert asked == [True] * 5


def test_the_log_stays_small(tmp_path: Path) -> None:
    data = tmp_path / "data"
    log, database = data / f"{DATABASE}-wal", data / DATABASE
    with simulator(data) as (ready, _), closing(Client(ready, pad=15_000)) as client:
        largest = 0
        while database.stat().st_size < 40_000_000:
            assert set(client.ask(50)) == {404}
            largest = max(largest, log.stat().st_size)

    assert 0 < largest < LOG_LIMIT


def test_the_log_stays_small_beside_readers_without_a_pause(tmp_path: Path) -> None:
    """Without holding readers back the log is as long as all that is written, 60 MB."""
    database, log = tmp_path / DATABASE, tmp_path / f"{DATABASE}-wal"
    ended, largest = Event(), 0
    request = Request("GET", "/", (), b"x" * 15_000, "https", Peer("127.0.0.1", 50000, 1))
    with closing(open_store(database)) as store:

        def write(count: int) -> None:
            with store.transaction() as state:
                for number in range(count):
                    state.record(Exchange(number, request, response=Response(200, (), b"")))

        def read() -> None:
            with closing(store.journal()) as journal:
                while not ended.is_set():
                    list(islice(journal.raw(), 300))

        write(300)
        readers = [Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        try:
            for _ in range(400):
                write(10)
                largest = max(largest, log.stat().st_size)
        finally:
            ended.set()
            for reader in readers:
                reader.join()

    assert 0 < largest < 48_000_000
