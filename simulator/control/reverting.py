"""Faults with a time to live by the real clock: they are disarmed, whatever becomes of their test.

A simulator that starts again goes on with what is left of their time.
"""

import asyncio
from datetime import UTC, datetime

from aiohttp import web

from simulator.engine.gateway import Gateway
from simulator.faults import faults


def real_ms() -> int:
    """Return the real time in milliseconds since the epoch, whatever time is simulated."""
    return int(datetime.now(UTC).timestamp() * 1000)  # noqa: TID251 (the point of this module)


class Reverter:
    """Disarms faults when their time is over."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._tasks: set[asyncio.Task[None]] = set()

    async def restore(self, _: web.Application) -> None:
        """Schedule what earlier runs have armed."""
        for identifier, at_ms in await self._gateway.run(faults.reverting):
            self.schedule(identifier, at_ms)

    def schedule(self, identifier: str, at_ms: int) -> None:
        """Disarm the fault of that id at *at_ms* of the real clock."""
        task = asyncio.get_running_loop().create_task(self._revert(identifier, at_ms))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _revert(self, identifier: str, at_ms: int) -> None:
        await asyncio.sleep(max(0, at_ms - real_ms()) / 1000)
        await self._gateway.run(lambda state: faults.disarm(state, identifier))

    async def close(self, _: web.Application) -> None:
        """Schedule nothing any more; the next start does."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


REVERTER: web.AppKey[Reverter] = web.AppKey("reverter", Reverter)
