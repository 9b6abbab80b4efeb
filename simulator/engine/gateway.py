"""The gateway: the one asynchronous step between transports and the engine.

Requests queue up for the writer's thread. It takes all that wait (pages apart: see
`Lanes`), runs the engine over each in one transaction, commits, and only then lets
the answers go: what arrives while a commit runs forms the next batch.

Brief requests, such as pushes, need no thread as long as none is at work: the
event loop runs those that came together itself, which saves each the way to
the thread and back. While they are few it reads on first, as long as more come:
to begin and commit takes as long as to answer three.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from simulator.core.clock import Clock
from simulator.core.messages import Request, Response
from simulator.core.notifier import EXCHANGES, Notifier
from simulator.core.state import StoreAdmin
from simulator.engine.admission import Admission
from simulator.engine.engine import Engine
from simulator.engine.jobs import Job, Load, RequestJob, Work
from simulator.engine.lanes import MAX_BATCH
from simulator.engine.late_records import Look
from simulator.engine.preparation import Prepared, Preparer
from simulator.engine.replica import Replica
from simulator.engine.resubmitting import Resubmitter, do_all
from simulator.engine.unrecorded import UNAVAILABLE, UnjournalledCount
from simulator.engine.writer import Writer
from simulator.protocol.operations import NeedsPieces, OutboundCall
from simulator.store.protocols import Store

LOG = logging.getLogger("mdmsim")
T = TypeVar("T")
_NO_CALLS: Mapping[OutboundCall, str] = {}
FEW = 32
"""Of so many requests, beginning and committing are less than a tenth of the transaction."""


class Gateway:
    """Run work in the store, batch by batch, in the order in which it came."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        clock: Clock,
        call_out: Callable[[OutboundCall], Awaitable[str]] | None = None,
        *,
        preparer: Preparer | None = None,
        serve_unjournalled: bool = False,
        replica: Replica | None = None,
        look: Look | None = None,
    ) -> None:
        """Take what runs the work; *call_out* makes the calls that a request needs.

        *preparer* reads large bodies; without one the writer does, and keeps others waiting.
        *serve_unjournalled* says whether requests are answered even if they cannot be recorded.
        *replica* keeps in step with other processes over the same store.
        *look* looks for secrets in a page, piece by piece, before it is recorded.
        """
        self._store = store
        self.process = engine.process
        self._runs_inline = engine.runs_inline
        self._is_page = engine.is_page
        self._clock = clock
        self._enqueued = self._pages = 0
        """Jobs that the writer has not answered yet, and how many of them are pages."""
        self._inline: list[RequestJob] = []
        """What the event loop runs itself, which it does once the writer has no job; it
        goes to the writer before any job that came later."""
        self._gathered = 0
        """How many of these there were a turn of the event loop ago."""
        self.notifier = Notifier()
        self._exchanged = False
        """Whether any exchange was committed that who waits for exchanges was not woken for."""
        self.leaving = False
        """Whether this process ends soon: a balancer is to send nobody here."""
        self._closing = False
        self._replica = replica
        self.look = look
        self.unrecorded = UnjournalledCount(serve=serve_unjournalled)
        self._resubmitter = Resubmitter(self.submit, self.load, call_out)
        self._admission: Admission | None = None
        if preparer is not None:
            self._admission = Admission(engine, preparer, self.run, self._enqueue)
        self._writer = Writer(store, clock, self.unrecorded, replica, self._done_by_writer)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Start the writer; call it on the event loop that will ask."""
        self._loop = asyncio.get_running_loop()
        self._writer.start()

    async def answer(self, request: Request) -> Response:
        """Answer one request; the exchange is committed when this returns. Never raises."""
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def on_response(response: Response) -> None:
            if not answered.done():
                answered.set_result(response)

        self.submit(request, on_response)
        return await answered

    def submit(
        self,
        request: Request,
        on_response: Callable[[Response], None],
        completed_calls: Mapping[OutboundCall, str] = _NO_CALLS,
        prepared: Prepared | None = None,
        begun_ns: int = 0,
        now_ms: int = 0,
        lookups: dict[str, Any] | None = None,
    ) -> None:
        """Have one request answered: *on_response* is called once the exchange is committed.

        It costs no task and no future, which counts where many requests come at once.
        *completed_calls*: results of the calls that were made for it; *prepared*: what was
        found out about it before those; *begun_ns*: when it came, 0 for now;
        *now_ms*: the time that it is answered at, likewise; *lookups*: what was looked up for it.
        """
        now_ms = now_ms or self._clock.now_ms()
        job = RequestJob(self, request, on_response, completed_calls, now_ms, begun_ns)
        if lookups is not None:
            job.lookups = lookups
        if self._loop is None or self._closing:
            job.failed = RuntimeError("the gateway is not running")
            job.done()
        elif prepared is not None:
            job.prepared = prepared
            self._enqueue(job)
        elif self._admission is not None and self._admission.is_for(request):
            self._admission.take(job)
        elif not self._can_run_inline(request):
            self._enqueue(job)
        else:
            if not self._inline:
                self._loop.call_soon(self._gather)
            self._inline.append(job)

    def _can_run_inline(self, request: Request) -> bool:
        """Tell whether the event loop may answer *request*.

        A store in trouble makes it wait. Beside pages the writer does it: it is between them soon.
        """
        swift = self._store.commits_without_blocking and self.unrecorded.trouble is None
        return swift and not self._pages and self._runs_inline(request)

    def _gather(self) -> None:
        """Answer what waits, once it is many or no more came in the last turn of the event loop."""
        waiting = len(self._inline)
        if self._loop is not None and self._gathered < waiting < FEW:
            self._gathered = waiting
            self._loop.call_soon(self._gather)
        else:
            self._gathered = 0
            self._run_inline()

    def _run_inline(self) -> None:
        """Answer on the event loop what waits for that."""
        if (
            self._enqueued or not self._inline
        ):  # the writer has been given something in the meantime
            return
        batch, self._inline = self._inline[:MAX_BATCH], self._inline[MAX_BATCH:]
        try:
            done = self._writer.commit(batch)
        except Exception:  # noqa: BLE001 (whatever the store failed with)
            self._inline = batch + self._inline
            self._enqueue()
            return
        self._inline = batch[done:] + self._inline
        if self._inline and self._loop is not None:
            self._loop.call_soon(self._run_inline)
        self._resolve(batch[:done])

    def _enqueue(self, *jobs: Job) -> None:
        """Have the writer do *jobs*, after those that waited for the event loop."""
        if jobs:
            self._run_inline()
        earlier, self._inline = self._inline, []
        for job in jobs:
            if isinstance(job, RequestJob):
                job.is_page = self._is_page(job.request)
                self._pages += job.is_page
        for job in (*earlier, *jobs):
            self._enqueued += 1
            self._writer.put(job)

    def ask(self, job: RequestJob, outbound_call: OutboundCall) -> None:
        """Make an outbound call, then have the request of *job* answered anew."""
        self._resubmitter.ask(job, outbound_call)

    def do_first(self, job: RequestJob, piece: Callable[[StoreAdmin], bool]) -> None:
        """Do *piece* until that was all, then have the request of *job* answered anew."""
        self._resubmitter.do_first(job, piece)

    def finish(self, job: RequestJob) -> Response:
        """Return the answer to hand on, and wake who waits for it."""
        self.unrecorded.note(job.failed or job.unjournalled)
        response = job.response
        if job.failed is not None or response is None:
            return UNAVAILABLE
        self._exchanged = True
        if response.notify_topic:
            self.notifier.wake_topic(response.notify_topic)
        return response

    async def run(self, work: Callable[[StoreAdmin], T]) -> T:
        """Run *work* in a transaction and return its result, or raise what it raised.

        NeedsPieces has something done first, as for a request; then *work* is run anew.
        """
        return await self._put(work, Work)

    async def catch_up(self) -> None:
        """Learn what other processes have set, where there are others."""
        if self._replica is not None:
            await self.run(_nothing)

    async def leads(self) -> bool:
        """Tell whether this process does now what only one over the same store may do."""
        return self._replica is None or await self._replica.leads()

    async def load(self, work: Callable[[StoreAdmin], T]) -> T:
        """Run *work* that writes very much: as `run` does, in a transaction of its own."""
        return await self._put(work, Load)

    async def _put(self, work: Callable[[StoreAdmin], T], kind: type[Work]) -> T:
        if self._loop is None or self._closing:
            raise RuntimeError("the gateway is not running")
        while True:
            ended: asyncio.Future[T] = self._loop.create_future()
            self._enqueue(kind(work, ended))
            try:
                return await ended
            except NeedsPieces as pending:
                piece = pending.piece
            await do_all(self.load, piece)

    async def probe(self) -> int:
        """Write as much as a few exchanges take; return a number that `Journal.probed` gives.

        StoreError if exchanges cannot be recorded.
        """
        number = await self.run(lambda state: state.probe())
        self.unrecorded.trouble = None
        return number

    async def close(self) -> None:
        """Finish what was asked, then end the writer."""
        self._resubmitter.cancel()
        if self._admission is not None:
            await self._admission.close()
        self._closing = True
        self._enqueue()
        self._writer.end()
        await asyncio.to_thread(self._writer.join)

    def _done_by_writer(self, batch: Sequence[Job]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._done, batch)

    def _done(self, batch: Sequence[Job]) -> None:
        """Let go what the writer has done."""
        self._enqueued -= len(batch)
        self._pages -= sum(job.is_page for job in batch)
        self._resolve(batch)
        self._run_inline()

    def _resolve(self, batch: Sequence[Job]) -> None:
        """Let the answers of *batch* go, and wake who waits for exchanges, once for all of them."""
        for job in batch:
            try:
                job.done()
            except Exception:
                LOG.exception("an answer could not be handed on")
        if self._exchanged:
            self._exchanged = False
            self.notifier.wake(EXCHANGES)


def _nothing(_: StoreAdmin) -> None:
    """Do nothing: a transaction begins by catching up."""
