"""HTTP/1.1 by aiohttp's low-level server: what was on the wire in, what is answered out.

Rule 1: whatever arrives is handed on, also what is malformed, cut off or too large.
Rule 2: nothing is logged here; a path or a header may hold a secret.
"""

import itertools
from asyncio import Task, gather, get_running_loop
from collections.abc import Callable, Iterator

from aiohttp import web

from simulator.core.clock import Clock
from simulator.core.messages import Request, Response
from simulator.transport.dates import HttpDate
from simulator.transport.http1.connection import Http1Connection
from simulator.transport.http1.requests import Answer, RequestReader


class Http1Server(web.Server):
    """Makes the protocol object of each HTTP/1.1 connection, and closes them all."""

    def __init__(self, answer: Answer, clock: Clock, body_limit: int, slow_s: float = 0) -> None:
        """Hand each request to *answer*; bodies are cut at *body_limit* bytes.

        *slow_s* is the time for a request to come, and for what waits to be read; 0: any.
        """
        # Its connections answer by themselves: aiohttp never calls it.
        super().__init__(answer, loop=get_running_loop())  # type: ignore[arg-type]
        self.answer = answer
        self.numbers: Iterator[int] = itertools.count(1)
        self.body_limit = body_limit
        self.slow_s = slow_s
        self.leaves: Callable[[], bool] = bool
        """Whether connections are to end with their next response."""
        self.clock = clock
        self._abandoned: set[Task[Response]] = set()
        self.date = HttpDate(clock)
        self.requests = RequestReader()

    @property
    def held(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def __call__(self) -> Http1Connection:
        """Return the protocol of a new connection."""
        return Http1Connection(self, self)

    async def close(self, timeout_s: float) -> None:
        """Answer what is being answered, then close all connections."""
        self.pre_shutdown()
        await self.shutdown(timeout_s)
        await gather(*self._abandoned)

    def note(self, request: Request) -> None:
        """Have *request* answered though nobody is there any more to hear it."""
        task = get_running_loop().create_task(self.answer(request))
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)
