"""How requests with large bodies get their turn.

Who sends one is looked at first, and the body is read beside the writer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

from simulator.core.messages import Request, named
from simulator.core.state import State, StoreAdmin
from simulator.engine.jobs import RequestJob
from simulator.engine.preparation import BUSY, LARGE, UNRECOGNISED, Prepared, Preparer
from simulator.protocol.wire import unpacks_to_more
from simulator.store.errors import StoreError


class Recognising(Protocol):
    """The engine, as far as it is needed here."""

    def recognises(self, request: Request, state: State, now_ms: int) -> bool:
        """Tell whether the head of *request* is that of a client, as far as it can tell."""
        ...


class Admission:
    """Those requests that are on their way to the writer."""

    def __init__(
        self,
        engine: Recognising,
        preparer: Preparer,
        run: Callable[[Callable[[StoreAdmin], bool]], Awaitable[bool]],
        enqueue: Callable[[RequestJob], None],
    ) -> None:
        """Look at the head by *run*, have *preparer* read the body, hand the job to *enqueue*."""
        self._engine, self._preparer = engine, preparer
        self._run, self._enqueue = run, enqueue
        self._tasks: set[asyncio.Task[None]] = set()

    @staticmethod
    def is_for(request: Request) -> bool:
        """Tell whether *request* has a body that is large, or is when it is unpacked."""
        coded = len(request.body) > 0 and "content-encoding" in named(request.headers)
        return len(request.body) > LARGE or (coded and unpacks_to_more(request, LARGE))

    def take(self, job: RequestJob) -> None:
        """Have *job* prepared and enqueued, on the event loop."""
        task = asyncio.get_running_loop().create_task(self._take(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, job: RequestJob) -> None:
        recognised = True
        with suppress(StoreError):  # the job itself will say so
            recognised = await self._run(partial(self._recognises, job))
        if recognised:
            job.prepared = await self._prepared(job.request)
        else:
            job.prepared = Prepared.unread(job.request.body, UNRECOGNISED)
        self._enqueue(job)

    def _recognises(self, job: RequestJob, state: StoreAdmin) -> bool:
        """Look, and leave the state as it is: `process` looks again."""
        recognised = True
        with suppress(_LookedError), state.savepoint():
            recognised = self._engine.recognises(job.request, state.of(""), job.now_ms)
            raise _LookedError
        return recognised

    async def _prepared(self, request: Request) -> Prepared | None:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Prepared | None] = loop.create_future()

        def settle(prepared: Prepared | None) -> None:
            if not done.done():
                done.set_result(prepared)

        self._preparer.submit(request, lambda one: _soon(loop, settle, one))
        try:
            async with asyncio.timeout(self._preparer.wait_s):
                return await done
        except TimeoutError:
            return Prepared.unread(request.body, BUSY)

    async def close(self) -> None:
        """Read no more bodies, and enqueue what is on its way."""
        await asyncio.to_thread(self._preparer.close)
        while self._tasks:
            await asyncio.gather(*self._tasks)


def _soon(
    loop: asyncio.AbstractEventLoop,
    settle: Callable[[Prepared | None], None],
    prepared: Prepared | None,
) -> None:
    loop.call_soon_threadsafe(settle, prepared)


class _LookedError(Exception):
    """Undoes what was written by looking."""
