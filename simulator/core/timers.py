"""Waiting for a time of the simulator's clock: whoever waits wakes when the clock is moved."""

import asyncio
from collections.abc import Callable

from simulator.core.clock import Clock

FOREVER = 2**62
"""A time that never comes."""


def never() -> bool:
    """Return that nothing has ended."""
    return False


async def sleep_until(
    clock: Clock,
    at_ms: int,
    ended: Callable[[], bool] = never,
    wakeup: asyncio.Event | None = None,
) -> bool:
    """Wait until *clock* says *at_ms*; return False if it *ended* before.

    Frozen time has to be moved. Whoever makes it end sets *wakeup*.
    """
    wakeup = wakeup or asyncio.Event()
    with clock.watched(wakeup.set):
        while not ended():
            left_ms = at_ms - clock.now_ms()
            if left_ms <= 0:
                return True
            wakeup.clear()
            timeout_s = None if clock.mode == "frozen" or at_ms >= FOREVER else left_ms / 1000
            try:
                async with asyncio.timeout(timeout_s):
                    await wakeup.wait()
            except TimeoutError:
                continue
        return False
