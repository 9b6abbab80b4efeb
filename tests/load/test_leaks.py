"""Rude clients leave nothing behind: no descriptor, task, thread or temporary file.

`python -m tests.bench.rudeness` does the same with ten thousand connections, and memory.
"""

import asyncio
import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from simulator.app import Simulator
from simulator.control.api import events
from simulator.core.data_directory import DATABASE
from simulator.core.settings import Settings
from simulator.store.opening import open_journal
from simulator.store.sqlite.readers import KEPT
from tests.load import rude
from tests.load.crowd import opened

TIMES = 12
"""How often each way is gone."""
SETTLE_S = 20
THREADS = 4


def left(folder: Path) -> dict[str, int]:
    """Count what a connection could leave behind."""
    return {
        "descriptors": sum(DATABASE not in name for name in opened(os.getpid())),
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "files": len(list(folder.iterdir())),
    }


def recorded(path: Path) -> int:
    """Return how many exchanges there are."""
    with closing(open_journal(path)) as journal:
        return journal.count()


async def start_threads() -> None:
    """Have the event loop start all the threads that it will ever use for what takes its time."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
    meeting = threading.Barrier(THREADS)
    await asyncio.gather(*(asyncio.to_thread(meeting.wait) for _ in range(THREADS)))


async def test_rude_clients_leave_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(events, "KEEP_ALIVE_S", 0.05)
    settings = Settings(
        data=str(tmp_path / "data"), tls_port=(0,), http_port=0, control_port=0, proxy_port=0
    )
    loop = asyncio.get_running_loop()
    await start_threads()
    with ThreadPoolExecutor(4) as pool:
        async with Simulator(settings) as simulator:
            ports = rude.Ports.of(simulator.ready)

            async def all_ways(times: int) -> None:
                work = [
                    loop.run_in_executor(pool, rude.do, name, ports)
                    for name in list(rude.WAYS) * times
                ]
                await asyncio.gather(*work)

            await all_ways(1)  # what stays comes with the first
            await asyncio.sleep(0.2)
            before = left(folder)
            await all_ways(TIMES)
            async with asyncio.timeout(SETTLE_S):
                while True:
                    after = left(folder)
                    if all(after[name] <= before[name] for name in before):
                        break
                    await asyncio.sleep(0.05)
            readers = (
                sum(name.endswith(DATABASE) for name in opened(os.getpid())) - 1
            )  # the writer's
    assert await asyncio.to_thread(recorded, tmp_path / "data" / DATABASE) > 10 * TIMES
    assert not caplog.records
    assert after["files"] == before["files"] == 0
    assert readers <= KEPT + len(("checkpoints", "index of texts")), (
        "more connections wait for readers than are kept"
    )
