"""The gateway: the one asynchronous step between transports and the engine.

Requests queue up for the writer thread. It takes all that wait, runs the
engine over each in one transaction, commits, and only then lets the answers
go: what arrives while a commit runs forms the next batch.
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import NoReturn, Protocol, TypeVar, cast

from simulator.clock import Clock
from simulator.engine import Engine
from simulator.jobs import Asked, Job, Load, Work
from simulator.messages import Request, Response, State, World
from simulator.protocol.operations import Inquiry
from simulator.unrecorded import Unrecorded

LOG = logging.getLogger("mdmsim")
T = TypeVar("T")
_NOTHING: Mapping[Inquiry, str] = {}
MAX_BATCH = 256
"""Most jobs in one transaction; bounds how long an answer waits for its commit."""
EXCHANGES = "exchanges"
"""What every committed exchange wakes."""
_UNAVAILABLE = Response(
    503,
    (("Content-Type", "text/plain; charset=utf-8"), ("Retry-After", "5")),
    b"mdmsim: the journal cannot be written, and nothing is served unseen\n",
    close=True,
)


class Transactions(Protocol):
    """The store, as the gateway needs it."""

    def transaction(self) -> AbstractContextManager[World]:
        """Begin a transaction and commit it at the end, or undo it on an exception."""
        ...


class _UnseenError(Exception):
    """Undoes a transaction whose answer is given all the same."""


class Gateway:
    """Run work in the store, batch by batch, in the order in which it came."""

    def __init__(
        self,
        store: Transactions,
        engine: Engine,
        clock: Clock,
        inquire: Callable[[Inquiry], Awaitable[str]] | None = None,
        *,
        serve_unseen: bool = False,
    ) -> None:
        """Take what runs the work; *inquire* answers what a request asks the outside.

        *serve_unseen* says whether requests are answered even if they cannot be recorded.
        """
        self._store = store
        self.process = engine.process
        self._clock = clock
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        """What waits for the writer; None: there will be nothing any more."""
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._closing = False
        self._inquire = inquire
        self.unrecorded = Unrecorded(serve=serve_unseen)
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
        known: Mapping[Inquiry, str] = _NOTHING,
    ) -> None:
        """Have one request answered: *hear* is called once the exchange is committed.

        It costs no task and no future, which counts where many requests come at once.
        *known* are the inquiries that were made for it.
        """
        job = Asked(self, request, hear, known, self._clock.now_ms())
        if self._loop is None or self._closing:
            job.failed = RuntimeError("the gateway is not running")
            job.done()
        else:
            self._jobs.put(job)

    def ask(self, job: Asked, inquiry: Inquiry) -> None:
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

    def told(self, job: Asked) -> Response:
        """Return the answer to hand on, and wake who waits for it."""
        self.unrecorded.heard(job.failed or job.unseen)
        response = job.response
        if job.failed is not None or response is None:
            return _UNAVAILABLE
        if self._waiting:
            for name in (EXCHANGES, response.wakes):
                for waiting in self._waiting.get(name, ()):
                    waiting.set()
        return response

    @contextmanager
    def listen(self, name: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever a committed answer wakes *name*."""
        event = asyncio.Event()
        self._waiting.setdefault(name, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[name].discard(event)
            if not self._waiting[name]:
                del self._waiting[name]

    async def run(self, work: Callable[[State], T]) -> T:
        """Run *work* in a transaction and return its result, or raise what it raised."""
        return await self._put(work, Work)

    async def load(self, work: Callable[[State], T]) -> T:
        """Run *work* that writes very much: as `run` does, in a transaction of its own."""
        return await self._put(work, Load)

    async def _put(self, work: Callable[[State], T], kind: type[Work]) -> T:
        if self._loop is None or self._closing:
            raise RuntimeError("the gateway is not running")
        ended: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(kind(work, ended))
        return await ended

    async def trouble(self) -> str:
        """Return why exchanges cannot be recorded, or nothing.

        Where the last one could not be, it is tried whether one could be by now.
        """
        if self.unrecorded.trouble:
            with suppress(sqlite3.Error, OSError):
                await self.run(lambda state: cast("World", state).probe())
                self.unrecorded.trouble = ""
        return self.unrecorded.trouble

    async def close(self) -> None:
        """Finish what was asked, then end the writer."""
        for task in self._asking:
            task.cancel()
        self._closing = True
        self._jobs.put(None)
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        last = False
        while not last:
            batch, last = self._next()
            if batch:
                alone = len(batch) - 1 if isinstance(batch[-1], Load) else len(batch)
                for some in (batch[:alone], batch[alone:]):
                    if some:
                        self._transact(some)
                if self._loop is not None and not self._loop.is_closed():
                    self._loop.call_soon_threadsafe(_resolve, batch)

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

    def _transact(self, batch: list[Job]) -> None:
        """Run a batch; if it cannot be committed as a whole, each job gets its own transaction."""
        unrecorded = self.unrecorded
        try:
            with self._store.transaction() as state:
                if unrecorded.unseen:
                    state.pass_over(unrecorded.unseen, at_ms=self._clock.now_ms())
                for job in batch:
                    job.run(state)
        except Exception as error:  # noqa: BLE001 (whatever the store failed with)
            if len(batch) == 1:
                self._fail(batch[0], error)
                return
            for job in batch:
                self._transact([job])
        else:
            unrecorded.unseen = 0
            if unrecorded.trouble and not all(isinstance(job, Work) for job in batch):
                unrecorded.trouble = ""

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

    def _run_unseen(self, job: Asked) -> NoReturn:
        """Run a job and undo what it wrote; raise _UnseenError if there is an answer."""
        with self._store.transaction() as state:
            job.run(state)
            raise _UnseenError


def _resolve(batch: list[Job]) -> None:
    for job in batch:
        try:
            job.done()
        except Exception:
            LOG.exception("an answer could not be handed on")
