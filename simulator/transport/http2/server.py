"""All HTTP/2 connections of the process: what they share, and how they end together."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from simulator.core.clock import Clock
from simulator.core.messages import Request, Response, Tls
from simulator.transport.dates import HttpDate
from simulator.transport.http1.requests import Answer
from simulator.transport.http2.limits import Limits
from simulator.transport.http2.protocol import Http2Protocol

Submit = Callable[[Request, Callable[[Response], None]], None]
"""Answers one request, by calling back on the event loop."""
TICK_S = 1.0
_BODIES = 8
"""How many of the largest bodies a connection may have under way at once."""


class Http2Server:
    """Makes the protocol object of each HTTP/2 connection, and closes them all."""

    def __init__(
        self,
        answer: Answer,
        clock: Clock,
        numbers: Iterator[int],
        body_limit: int,
        limits: Limits | None = None,
        slow_s: int = 60,
        *,
        submit: Submit | None = None,
        first_streams: Callable[[Tls | None], int] | None = None,
        farewell: bytes = b"",
        idle: tuple[int, bytes] = (0, b""),
    ) -> None:
        """Hand each request to *answer*; connections are numbered from *numbers*.

        *submit* does the same without a task for each request. Bodies are cut
        at *body_limit* bytes, and may take *slow_s* seconds (0: any); *limits*
        are others in their place. *first_streams* says how
        many streams a connection may have open at first; *farewell* is the
        debug data of the GOAWAY at the end, *idle* the seconds after which an
        idle connection ends (0: never) and what it is told.
        """
        self.answer = answer
        self.submit = submit
        self.first_streams = first_streams
        self.farewell = farewell
        self.idle_ticks, self.idle_debug = idle
        self.numbers = numbers
        self.limits = limits or Limits(
            body=body_limit, unfinished=_BODIES * body_limit, body_ticks=slow_s
        )
        self.connections: set[Http2Protocol] = set()
        self.by_address: Counter[str] = Counter()
        """How many of them there are from each address."""
        self.clock = clock
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._emptied = asyncio.Event()
        self._emptied.set()
        self.date = HttpDate(clock)

    def __call__(self) -> "Http2Protocol":
        """Return the protocol of a new connection."""
        return Http2Protocol(self)

    async def close(self, timeout_s: float) -> None:
        """Answer what was asked, then close all connections; after *timeout_s* whatever is left."""
        for connection in list(self.connections):
            connection.close(debug=self.farewell)
        try:
            async with asyncio.timeout(timeout_s):
                await self._emptied.wait()
        except TimeoutError:
            for connection in list(self.connections):
                connection.give_up()
            await self._emptied.wait()
        await asyncio.gather(*self._tasks)

    def opened(self, connection: "Http2Protocol") -> None:
        """Keep *connection* until it is lost."""
        self.connections.add(connection)
        self.by_address[connection.address] += 1
        self._emptied.clear()
        if self._timer is None:
            self._timer = self._loop.call_later(TICK_S, self._tick)

    def lost(self, connection: "Http2Protocol") -> None:
        """Forget *connection*."""
        if connection in self.connections:
            self.connections.remove(connection)
            self.by_address[connection.address] -= 1
            if not self.by_address[connection.address]:
                del self.by_address[connection.address]
        if not self.connections:
            self._emptied.set()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK_S, self._tick)
        for connection in list(self.connections):
            connection.tick()

    def ask(self, request: Request, on_response: Callable[[Response], None] | None) -> None:
        """Have *request* answered; *on_response* takes the answer if somebody waits for it."""
        if self.submit is not None:
            self.submit(request, on_response or _no_response_wanted)
            return
        task = self._loop.create_task(self._serve(request, on_response))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run *work* until it ends or its connection does."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(
        self, request: Request, on_response: Callable[[Response], None] | None
    ) -> None:
        response = await self.answer(request)
        if on_response is not None:
            on_response(response)


def _no_response_wanted(_: Response) -> None:
    """Take the answer of a request that is for the record only."""
