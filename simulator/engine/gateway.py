"""The gateway: the one asynchronous step between transports and the engine.

Requests queue up for the writer thread. It takes all that wait, runs the
engine over each in one transaction, commits, and only then lets the answers
go: what arrives while a commit runs forms the next batch.

Brief requests, such as pushes, need no thread as long as none is at work: the
event loop runs those that came together itself, which saves each the way to
the thread and back.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from time import monotonic
from typing import NoReturn, TypeVar

from simulator.core.clock import Clock
from simulator.core.messages import Request, Response
from simulator.core.notifier import Listeners
from simulator.core.state import StoreAdmin
from simulator.engine.engine import Engine
from simulator.engine.jobs import Job, Load, RequestJob, Work
from simulator.engine.unrecorded import UnjournalledCount
from simulator.protocol.operations import OutboundCall
from simulator.store.protocols import Store

LOG = logging.getLogger("mdmsim")
T = TypeVar("T")
_NOTHING: Mapping[OutboundCall, str] = {}
MAX_BATCH = 256
"""Most jobs in one transaction."""
BATCH_S = 0.05
"""Seconds after which a transaction takes no further job: else an answer waits for all of them."""
_UNAVAILABLE = Response(
    503,
    (("Content-Type", "text/plain; charset=utf-8"), ("Retry-After", "5")),
    b"mdmsim: the journal cannot be written, and nothing is served unseen\n",
    close=True,
)


class _UnseenError(Exception):
    """Undoes a transaction whose answer is given all the same."""


class Gateway:
    """Run work in the store, batch by batch, in the order in which it came."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        clock: Clock,
        inquire: Callable[[OutboundCall], Awaitable[str]] | None = None,
        *,
        serve_unseen: bool = False,
    ) -> None:
        """Take what runs the work; *inquire* answers what a request asks the outside.

        *serve_unseen* says whether requests are answered even if they cannot be recorded.
        """
        self._store = store
        self.process = engine.process
        self._is_brief = engine.is_brief
        self._clock = clock
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        """What waits for the writer; None: there will be nothing any more."""
        self._given = 0
        """Jobs that the writer has not answered yet."""
        self._brief: list[RequestJob] = []
        """What waits for the event loop's own turn, which comes once the writer has no job; it
        goes to the writer before any job that came later."""
        self.listeners = Listeners()
        self._closing = False
        self._inquire = inquire
        self.unrecorded = UnjournalledCount(serve=serve_unseen)
        self._asking: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="mdmsim-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Start the writer; call it on the event loop that will ask."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def answer(self, request: Request) -> Response:
        """Answer one request; the exchange is committed when this returns. Never raises."""
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def hear(response: Response) -> None:
            if not answered.done():
                answered.set_result(response)

        self.submit(request, hear)
        return await answered

    def submit(
        self,
        request: Request,
        hear: Callable[[Response], None],
        known: Mapping[OutboundCall, str] = _NOTHING,
    ) -> None:
        """Have one request answered: *hear* is called once the exchange is committed.

        It costs no task and no future, which counts where many requests come at once.
        *known* are the inquiries that were made for it.
        """
        job = RequestJob(self, request, hear, known, self._clock.now_ms())
        if self._loop is None or self._closing:
            job.failed = RuntimeError("the gateway is not running")
            job.done()
        elif not self._may_turn(request):
            self._give(job)
        else:
            if not (self._brief or self._given):
                self._loop.call_soon(self._turn)
            self._brief.append(job)

    def _may_turn(self, request: Request) -> bool:
        """Tell whether the event loop may answer *request*: a store in trouble makes it wait."""
        swift = self._store.commits_without_blocking and self.unrecorded.trouble is None
        return swift and self._is_brief(request)

    def _turn(self) -> None:
        """Answer on the event loop what waits for that."""
        if self._given or not self._brief:  # the writer has been given something in the meantime
            return
        batch, self._brief = self._brief[:MAX_BATCH], self._brief[MAX_BATCH:]
        try:
            done = self._commit(batch)
        except Exception:  # noqa: BLE001 (whatever the store failed with)
            self._brief = batch + self._brief
            self._give()
            return
        self._brief = batch[done:] + self._brief
        if self._brief and self._loop is not None:
            self._loop.call_soon(self._turn)
        _resolve(batch[:done])

    def _give(self, *jobs: Job) -> None:
        """Have the writer do *jobs*, after those that waited for the event loop."""
        if jobs:
            self._turn()
        earlier, self._brief = self._brief, []
        for job in (*earlier, *jobs):
            self._given += 1
            self._jobs.put(job)

    def ask(self, job: RequestJob, inquiry: OutboundCall) -> None:
        """Make an inquiry, then have the request of *job* answered anew."""

        async def ask() -> None:
            try:
                about = "nothing is asked from here"
                if self._inquire is not None:
                    about = await self._inquire(inquiry)
            except BaseException:
                job.hear(_UNAVAILABLE)
                raise
            self.submit(job.request, job.hear, {**job.known, inquiry: about})

        task = asyncio.get_running_loop().create_task(ask())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def told(self, job: RequestJob) -> Response:
        """Return the answer to hand on, and wake who waits for it."""
        self.unrecorded.heard(job.failed or job.unseen)
        response = job.response
        if job.failed is not None or response is None:
            return _UNAVAILABLE
        self.listeners.wake(response)
        return response

    async def run(self, work: Callable[[StoreAdmin], T]) -> T:
        """Run *work* in a transaction and return its result, or raise what it raised."""
        return await self._put(work, Work)

    async def load(self, work: Callable[[StoreAdmin], T]) -> T:
        """Run *work* that writes very much: as `run` does, in a transaction of its own."""
        return await self._put(work, Load)

    async def _put(self, work: Callable[[StoreAdmin], T], kind: type[Work]) -> T:
        if self._loop is None or self._closing:
            raise RuntimeError("the gateway is not running")
        ended: asyncio.Future[T] = self._loop.create_future()
        self._give(kind(work, ended))
        return await ended

    async def probe(self) -> int:
        """Write as much as a few exchanges take; return a number that `Journal.probed` gives.

        StoreError if exchanges cannot be recorded.
        """
        number = await self.run(lambda state: state.probe())
        self.unrecorded.trouble = None
        return number

    async def close(self) -> None:
        """Finish what was asked, then end the writer."""
        for task in self._asking:
            task.cancel()
        self._closing = True
        self._give()
        self._jobs.put(None)
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        last = False
        while not last:
            batch, last = self._next()
            while batch:
                done = self._transact(batch)
                if self._loop is not None and not self._loop.is_closed():
                    self._loop.call_soon_threadsafe(self._done, batch[:done])
                batch = batch[done:]

    def _done(self, batch: list[Job]) -> None:
        """Let go what the writer has done."""
        self._given -= len(batch)
        if self._brief and not self._given and self._loop is not None:
            self._loop.call_soon(self._turn)
        _resolve(batch)

    def _next(self) -> tuple[list[Job], bool]:
        """Wait for work; return what there is by then, and whether it is the last."""
        batch: list[Job] = []
        job = self._jobs.get()
        try:
            while job is not None:
                batch.append(job)
                if len(batch) == MAX_BATCH or isinstance(job, Load):
                    return batch, False
                job = self._jobs.get_nowait()
        except Empty:
            return batch, False
        return batch, True

    def _transact(self, batch: list[Job]) -> int:
        """Run a batch, each job in its own transaction if need be; return how many were run."""
        try:
            return self._commit(batch)
        except Exception as error:  # noqa: BLE001 (whatever the store failed with)
            if len(batch) == 1:
                self._fail(batch[0], error)
            else:
                for job in batch:
                    self._transact([job])
            return len(batch)

    def _commit(self, batch: Sequence[Job]) -> int:
        """Run jobs in one transaction, as many as there is time for; return how many those are.

        A load is alone in its own. Raise what the store failed with.
        """
        unrecorded, until, done = self.unrecorded, monotonic() + BATCH_S, 0
        with self._store.transaction() as state:
            if unrecorded.unseen:
                state.skip_sequence_numbers(unrecorded.unseen, at_ms=self._clock.now_ms())
            for job in batch:
                if done and (isinstance(job, Load) or monotonic() > until):
                    break
                job.run(state)
                done += 1
        unrecorded.unseen = 0
        if unrecorded.trouble and not all(isinstance(job, Work) for job in batch[:done]):
            unrecorded.trouble = None
        return done

    def _fail(self, job: Job, error: Exception) -> None:
        """Have *job* fail, or answered without a record if that is wanted."""
        job.failed = error
        if isinstance(job, Work):
            return
        self.unrecorded.failed(error)
        if self.unrecorded.serve:
            try:
                self._run_unseen(job)
            except _UnseenError:
                job.unseen = error
                self.unrecorded.unseen += job.inquiry is None
            except Exception as again:  # noqa: BLE001 (whatever the store failed with)
                job.failed = again

    def _run_unseen(self, job: RequestJob) -> NoReturn:
        """Run a job and undo what it wrote; raise _UnseenError if there is an answer."""
        with self._store.transaction() as state:
            job.run(state)
            raise _UnseenError


def _resolve(batch: Sequence[Job]) -> None:
    for job in batch:
        try:
            job.done()
        except Exception:
            LOG.exception("an answer could not be handed on")
