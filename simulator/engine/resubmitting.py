"""Requests that need something done first, outside of their transaction; then they run anew."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from simulator.core.messages import Request, Response
from simulator.core.state import StoreAdmin
from simulator.engine.jobs import RequestJob
from simulator.engine.preparation import Prepared
from simulator.engine.unrecorded import UNAVAILABLE
from simulator.protocol.operations import OutboundCall

Piece = Callable[[StoreAdmin], bool]
"""Does some of what there is to do; returns whether that was all."""
Load = Callable[[Piece], Awaitable[bool]]
"""Runs a piece in a transaction of its own."""


class Submit(Protocol):
    """Has a request answered; see `Gateway.submit`."""

    def __call__(  # noqa: D102 (it is said where it is written)
        self,
        request: Request,
        on_response: Callable[[Response], None],
        completed_calls: Mapping[OutboundCall, str],
        prepared: Prepared | None,
        begun_ns: int,
        now_ms: int,
        lookups: dict[str, Any] | None,
    ) -> None: ...


async def do_all(load: Load, piece: Piece) -> None:
    """Do *piece* until that was all; in between, others have their transactions."""
    while not await load(piece):
        pass


class Resubmitter:
    """Those requests that are on their way to being answered anew."""

    def __init__(
        self,
        submit: Submit,
        load: Load,
        call_out: Callable[[OutboundCall], Awaitable[str]] | None,
    ) -> None:
        """Have requests answered by *submit*, pieces done by *load*, calls made by *call_out*."""
        self._submit, self._load, self._call_out = submit, load, call_out
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, job: RequestJob, outbound_call: OutboundCall) -> None:
        """Make an outbound call, then have the request of *job* answered anew."""

        async def ask() -> Mapping[OutboundCall, str]:
            about = "nothing is asked from here"
            if self._call_out is not None:
                about = await self._call_out(outbound_call)
            return {**job.completed_calls, outbound_call: about}

        self._begin(job, ask)

    def do_first(self, job: RequestJob, piece: Piece) -> None:
        """Do *piece* until that was all, then have the request of *job* answered anew."""

        async def do() -> Mapping[OutboundCall, str]:
            await do_all(self._load, piece)
            return job.completed_calls

        # At the same time: by a later one more might be due, again and again.
        self._begin(job, do, job.now_ms)

    def _begin(
        self,
        job: RequestJob,
        first: Callable[[], Awaitable[Mapping[OutboundCall, str]]],
        now_ms: int = 0,
    ) -> None:
        task = asyncio.get_running_loop().create_task(self._answer_after(job, first, now_ms))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_after(
        self,
        job: RequestJob,
        first: Callable[[], Awaitable[Mapping[OutboundCall, str]]],
        now_ms: int,
    ) -> None:
        """Answer the request of *job* anew once *first* has the calls that were made for it."""
        try:
            calls = await first()
        except BaseException:
            job.on_response(UNAVAILABLE)
            raise
        self._submit(
            job.request, job.on_response, calls, job.prepared, job.begun_ns, now_ms, job.lookups
        )

    def cancel(self) -> None:
        """Let go of what was begun; each such request is answered that it cannot be now."""
        for task in self._tasks:
            task.cancel()
