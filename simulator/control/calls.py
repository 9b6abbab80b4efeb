"""The calls that are being answered: a process that is told to stop has them end first."""

import asyncio
from typing import Any

from aiohttp import web


class Calls:
    """All of one application."""

    def __init__(self) -> None:
        """Begin with none."""
        self._answering: set[asyncio.Task[Any]] = set()

    def begin(self) -> None:
        """Note that the present task answers a call, until it has sent all."""
        task = asyncio.current_task()
        if task is not None:
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    async def end(self, seconds: float) -> None:
        """Wait until nothing is being answered; cut off what takes longer than *seconds*.

        aiohttp waits too, but fails with InvalidStateError where a call ends just as it gives up.
        """
        if self._answering:
            _, late = await asyncio.wait(self._answering, timeout=seconds)
            for one in late:
                one.cancel()


CALLS: web.AppKey[Calls] = web.AppKey("calls", Calls)
