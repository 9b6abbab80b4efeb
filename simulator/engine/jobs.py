"""What waits for the writer: requests to be answered, and other work on the state; and where."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic_ns
from typing import Any, Protocol

from simulator.core.messages import Request, Response
from simulator.core.state import StoreAdmin
from simulator.engine.late_records import LateRecord, Look
from simulator.engine.preparation import Prepared
from simulator.protocol.operations import NeedsOutboundCall, NeedsPieces, OutboundCall


class Work:
    """A piece of work that may fail: what it wrote is then undone apart from the others'."""

    __slots__ = ("ended", "failed", "result", "work")
    is_page = goes_on = has_two_turns = False

    def __init__(self, work: Callable[[StoreAdmin], Any], ended: asyncio.Future[Any]) -> None:
        """Do *work*; *ended* is told the result, or what was raised, once it is committed."""
        self.work = work
        self.ended = ended
        self.result: Any = None
        self.failed: Exception | None = None

    def run(self, state: StoreAdmin) -> None:
        """Do it, in the transaction of a batch."""
        self.failed = None
        try:
            with state.savepoint():
                self.result = self.work(state)
        except Exception as error:  # noqa: BLE001 (it is raised where the work was asked for)
            self.failed = error

    def look_on(self) -> bool:
        """There is nothing to look at before it is run."""
        return False

    def done(self) -> None:
        """Tell who asked for it, on the event loop."""
        if self.ended.done():
            return
        if self.failed is not None:
            self.ended.set_exception(self.failed)
        else:
            self.ended.set_result(self.result)


class Load(Work):
    """Work that writes very much, in a transaction of its own.

    To be undone apart from other work, each row would keep a copy of each page that it changes.
    """

    __slots__ = ()

    def run(self, state: StoreAdmin) -> None:
        """Do it; what it raises undoes the transaction."""
        self.failed = None
        self.result = self.work(state)


class Answering(Protocol):
    """The gateway, as a request needs it."""

    look: Look | None

    def process(
        self,
        request: Request,
        state: StoreAdmin,
        now_ms: int,
        completed_calls: Mapping[OutboundCall, str],
        prepared: Prepared | None,
        elapsed_us: Callable[[], int],
        lookups: dict[str, Any],
        late: LateRecord | None,
    ) -> Response:
        """Answer and record *request*, as the engine does."""
        ...

    def ask(self, job: "RequestJob", outbound_call: OutboundCall) -> None:
        """Make an outbound call, then have the request of *job* answered anew."""
        ...

    def do_first(self, job: "RequestJob", piece: Callable[[StoreAdmin], bool]) -> None:
        """Do *piece* until that was all, then have the request of *job* answered anew."""
        ...

    def finish(self, job: "RequestJob") -> Response:
        """Return the answer to hand on, and wake who waits for it."""
        ...


class RequestJob:
    """A request to be answered. It fails only where the journal cannot be written."""

    __slots__ = (
        "begun_ns",
        "completed_calls",
        "failed",
        "gateway",
        "goes_on",
        "is_page",
        "late",
        "lookups",
        "now_ms",
        "on_response",
        "outbound_call",
        "piece",
        "prepared",
        "request",
        "response",
        "unjournalled",
    )

    def __init__(
        self,
        gateway: Answering,
        request: Request,
        on_response: Callable[[Response], None],
        completed_calls: Mapping[OutboundCall, str],
        now_ms: int,
        begun_ns: int = 0,
    ) -> None:
        """Call *on_response* once the exchange is committed.

        *completed_calls* holds the results of calls that were made for it; *begun_ns* is when it
        had been read, by the clock that only goes forward; 0: now.
        """
        self.begun_ns = begun_ns or monotonic_ns()
        self.gateway = gateway
        self.request = request
        self.on_response = on_response
        self.completed_calls = completed_calls
        self.now_ms = now_ms
        self.prepared: Prepared | None = None
        """What was found out about it beforehand."""
        self.lookups: dict[str, Any] = {}
        """What has been looked up for it so far; see `simulator.protocol.lookups`."""
        self.is_page = False
        """Whether it is about so much that others are not to wait for several such."""
        self.late = LateRecord()
        self.goes_on = False
        """Whether its second turn is still to come."""
        self.response: Response | None = None
        self.outbound_call: OutboundCall | None = None
        """What has to be asked of the outside first."""
        self.piece: Callable[[StoreAdmin], bool] | None = None
        """What has to be done first."""
        self.failed: Exception | None = None
        self.unjournalled: Exception | None = None
        """Why it could not be recorded, though there is an answer."""

    def look_on(self) -> bool:
        """Do the next piece of what lies between its turns; return whether there may be more.

        It costs no transaction.
        """
        return self.goes_on and self.late.go_on(self.gateway.look)

    @property
    def has_two_turns(self) -> bool:
        """Whether it is answered in one transaction and recorded in another; each takes long."""
        return self.late.page is not None

    def run(self, state: StoreAdmin) -> None:
        """Answer it, in the transaction of a batch."""
        self.failed = self.outbound_call = self.piece = None
        if self.late.page is not None and self.late.is_begun:
            self.response = self.late.page.record(state)
            self.goes_on = False
            return
        self.late = LateRecord()  # that of a transaction that failed is void
        try:
            self.response = self.gateway.process(
                self.request,
                state,
                self.now_ms,
                self.completed_calls,
                self.prepared,
                self._elapsed_us,
                self.lookups,
                self.late if self.is_page else None,
            )
        except NeedsOutboundCall as pending:
            self.outbound_call = pending.outbound_call
        except NeedsPieces as pending:
            self.piece = pending.piece
        self.goes_on = self.has_two_turns

    def _elapsed_us(self) -> int:
        return (monotonic_ns() - self.begun_ns) // 1000

    def done(self) -> None:
        """Hand the answer on, or ask the outside first, on the event loop."""
        if self.has_two_turns:
            self.late = LateRecord()  # a page holds this: it would wait for garbage to be collected
        if self.failed is None and self.outbound_call is not None:
            self.gateway.ask(self, self.outbound_call)
        elif self.failed is None and self.piece is not None:
            self.gateway.do_first(self, self.piece)
        else:
            self.on_response(self.gateway.finish(self))


Job = Work | RequestJob
