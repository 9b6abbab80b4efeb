"""Run a simulator in a thread of this process, for a test suite."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from simulator.app import Simulator
from simulator.core.settings import Settings
from simulator.testing.client import Mdmsim

START_S = 120
"""How long a simulator may take to start; it takes a second, or some with 200,000 new devices."""


@contextmanager
def serving(**settings: Any) -> Iterator[Mdmsim]:
    """Run a simulator in a thread of this process until the end of the block.

    *settings* are those of `Settings`. Unless told otherwise it takes free
    ports and keeps nothing; its files, such as the CA, are there until the end. Those of the first
    push topic and account are there at once, those of others when they are asked for.
    """
    free: dict[str, Any] = {"tls_port": (0,), "http_port": 0, "control_port": 0, "proxy_port": 0}
    wanted = Settings(**({"data": ":memory:", "credential_files": 1, **free} | settings))
    with _running(lambda: Simulator(wanted)) as simulator:
        yield Mdmsim(simulator.ready)


@contextmanager
def _running(make: Callable[[], Simulator]) -> Iterator[Simulator]:
    """Run a simulator on an event loop of its own; what keeps it from starting is raised here."""
    started = threading.Event()
    state: dict[str, Any] = {}

    async def run() -> None:
        stop = state["stop"] = asyncio.Event()
        state["loop"] = asyncio.get_running_loop()
        try:
            async with make() as simulator:
                state["simulator"] = simulator
                started.set()
                await stop.wait()
        except BaseException as error:  # noqa: BLE001 (raised in the thread that waits)
            state["failed"] = error
        finally:
            started.set()

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="mdmsim", daemon=True)
    thread.start()
    if not started.wait(START_S):
        raise TimeoutError(f"mdmsim did not start within {START_S} s")
    if "failed" in state:
        raise state["failed"]
    try:
        yield state["simulator"]
    finally:
        state["loop"].call_soon_threadsafe(state["stop"].set)
        thread.join()
        if "failed" in state:
            raise state["failed"]
