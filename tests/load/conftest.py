"""Load is put on the event loop that serves."""

import asyncio
from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run each test on uvloop, as `mdmsim serve` does."""
    return {"uvloop": uvloop.new_event_loop}
