"""Rows for operations, and what their handlers get."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

import msgspec
from msgspec import Struct

from simulator.core.messages import Delivery, Exchange, Finding, Request, Tls
from simulator.core.settings import Settings
from simulator.core.state import State
from simulator.protocol import quirks
from simulator.protocol.body_formats import READERS, BodyFormat
from simulator.protocol.fields import ErrorCode, Field, Table
from simulator.protocol.head import NOBODY, HeadNotes, Principal, Quirk, RequestHead
from simulator.protocol.items import Items
from simulator.protocol.wire import QueryPair


class ApiError(Exception):
    """Leaves the line with an error row."""

    def __init__(self, row: ErrorCode, about: str = "") -> None:
        super().__init__(about or row.about)
        self.row = row
        self.about = about


@dataclass(frozen=True, slots=True)
class OutboundCall:
    """A question to the outside, without whose answer a request cannot be answered.

    It is a POST of *body* to *url*; the answer is an empty text if that was
    taken, else what stood in the way.
    """

    url: str
    token: str = field(repr=False)
    """Bearer token that it carries."""
    body: bytes = field(compare=False)
    """It may have a number of its own each time."""


class NeedsOutboundCall(Exception):  # noqa: N818 (nothing is wrong)
    """The outside has to be called first; then the request is handled again.

    Nothing was recorded, and what the handler wrote is undone.
    """

    def __init__(self, outbound_call: OutboundCall) -> None:
        super().__init__(outbound_call.url)
        self.outbound_call = outbound_call


class NeedsPieces(Exception):  # noqa: N818 (nothing is wrong)
    """Something has to be done first that is too long for one transaction; then again the request.

    Nothing was recorded, and what was written for the request is undone.
    """

    def __init__(self, piece: Callable[[State], bool]) -> None:
        """*piece* does some of it, seen from no organisation; it returns whether that was all."""
        super().__init__("something is to be done first")
        self.piece = piece


class InjectedOutcome(Struct, frozen=True):
    """An outcome of single items of a call, such as devices, that a fault has chosen."""

    code: str
    """One of the operation's ``injectable_item_outcomes``."""
    items: frozenset[str]
    """The items that it is for; empty: all."""
    retry_after_s: int = 0


class Call(Struct):
    """What a handler gets: one request, decoded and checked, and the state."""

    exchange: Exchange
    request: Request
    """The request as it came in."""
    now_ms: int
    """When it was received, by the simulator's clock."""
    names: Mapping[str, str]
    """The first value of each header field, by its name in lower case."""
    operation: "Operation"
    settings: Settings
    secret: bytes
    """Key of this data directory, for tokens and cursors."""
    state: State
    """Seen from no organisation until the principal is known, then from the principal's."""
    version: int = 0
    """Protocol version in effect; 0 where the service has none."""
    path: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The values of the route's parameters, percent-decoded."""
    pairs: Sequence[QueryPair] = ()
    """The query as sent, duplicates kept."""
    query: Mapping[str, Any] = msgspec.field(default_factory=dict)
    body: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """The values that passed: right type, known name."""
    principal: Principal = NOBODY
    read: Any = None
    """What `Operation.read_head` returned."""
    headers: list[tuple[str, str]] = msgspec.field(default_factory=list)
    """Further header fields of the answer."""
    given: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """The parameters of the fault that chose the answer; empty without one."""
    delivery: Delivery | None = None
    """How a fault has the answer delivered."""
    injected_outcomes: list["InjectedOutcome"] = msgspec.field(default_factory=list)
    """Outcomes of single items that faults have chosen."""
    completed_calls: Mapping[OutboundCall, str] = msgspec.field(default_factory=dict)
    """Results of the calls that were made for this request."""
    lookups: dict[str, Any] | None = None
    """What `lookups.look_up` keeps while the request is handled anew; None: nothing is kept."""
    authorities: object = None
    """Who issues certificates: `simulator.pki.authorities`, of which this layer knows nothing."""
    prefix: str = ""
    """Path that stood before the target, as the label of a test run; empty if none."""
    items: Items[Any] | None = None
    """Those of the answer that are to be written out yet."""
    writes: list[Callable[[State], None]] = msgspec.field(default_factory=list)
    """What is written as the exchange is recorded."""
    notes: HeadNotes | None = None
    """Where a check of the head is noted, while one runs whose result is to be kept."""

    @property
    def tls(self) -> Tls | None:
        """What the client showed while it set up TLS; None without TLS."""
        return self.request.peer.tls

    @property
    def address(self) -> str:
        """Address of the client."""
        if self.notes is not None:
            self.notes.repeatable = False
        return self.request.peer.address

    def header(self, name: str) -> str | None:
        """Return the first value of header *name* (lower case), or None."""
        if self.notes is not None:
            self.notes.headers.add(name)
        return self.names.get(name)

    def count(self, name: str) -> int:
        """Return how often header *name* (lower case) was sent."""
        return sum(sent.lower() == name for sent, _ in self.request.headers)

    def values(self, name: str) -> list[str]:
        """Return all values of header *name* (lower case), in the order in which they came."""
        if self.notes is not None:
            self.notes.headers.add(name)
        return [value for sent, value in self.request.headers if sent.lower() == name]

    def time(self, *changes_at: int) -> int:
        """Return the time; what is made of it changes at the moments *changes_at* only."""
        if self.notes is not None:
            self.notes.time(self.now_ms, changes_at)
        return self.now_ms

    def note(self, finding: Finding) -> None:
        """Add *finding* to the exchange."""
        self.exchange.findings.append(finding)

    def write_with_record(self, write: Callable[[State], None]) -> None:
        """Have *write* change the state as the exchange is recorded; see `RequestHead`."""
        if self.notes is not None:
            self.notes.repeatable = False
        self.writes.append(write)

    def record(self, root: State) -> None:
        """Record the exchange in the transaction of *root*, with what is written as it is."""
        for write in self.writes:
            write(root.of(""))
        root.of(self.exchange.organisation).record(self.exchange)

    def ask(self, outbound_call: OutboundCall) -> str:
        """Return the answer to *outbound_call*; ask last, once nothing else can be refused."""
        if outbound_call not in self.completed_calls:
            raise NeedsOutboundCall(outbound_call)
        return self.completed_calls[outbound_call]

    def has(self, quirk: Quirk) -> bool:
        """Tell whether *quirk* is on for the organisation that is known so far."""
        return quirks.on(self.state, quirk.id, self.exchange.organisation)

    def item_outcome(self, item: str) -> "InjectedOutcome | None":
        """Return the outcome that a fault has chosen for *item*, or None."""
        if not self.injected_outcomes:
            return None
        return next(
            (one for one in self.injected_outcomes if not one.items or item in one.items), None
        )


Handler = Callable[[Call], Any]


class Operation(Struct, frozen=True):
    """One thing that a client may ask of a service."""

    name: str
    """Such as ``dep.fetch``."""
    methods: tuple[str, ...]
    path: str
    about: str
    handler: Handler
    request: tuple[Field, ...] = ()
    response: tuple[Field, ...] = ()
    """In the order in which the keys are sent."""
    errors: tuple[ErrorCode, ...] = ()
    injectable_item_outcomes: tuple[str, ...] = ()
    """Outcomes of single items that the handler takes from `Call.item_outcome`."""
    auth: str = ""
    """Name of one of the service's ways to authenticate; empty: none."""
    versions: str = "1+"
    body_format: BodyFormat = "json"
    """How its request's body is written."""
    json_only: bool = False
    """Whether a body of another content type is refused."""
    docs: str = ""
    """Apple's page."""
    source: str = ""
    inferred: str = ""
    asks: bool = False
    """Whether the handler may use `Call.ask`: what was written until then is undone."""
    aliases: tuple[str, ...] = ()
    """Further paths of the same operation, such as a former base URL; without parameters."""
    read_head: Callable[[RequestHead], Any] | None = None
    """Returns what the handler wants of the head, as `Call.read`; kept with what the checks of
    the head found. It runs once the principal is known, and refuses nothing. Only for ways to
    authenticate that go by the head alone."""
    runs_inline: bool = False
    """Whether it looks at a few entities only, whatever there is and is asked for; this makes it
    faster where it comes alone or by the thousand, and slows others down if it is not true."""
    is_slow: bool = False
    """Whether it computes for long, as a hash that is slow on purpose: it waits with pages."""

    def read_body(self, content: bytes) -> Any:
        """Return the tree of a body; ValueError says why it has none, without its text."""
        return READERS[self.body_format](content)

    @property
    def route(self) -> str:
        """Route template, such as ``GET /profile``."""
        return f"{self.methods[0]} {self.path}"

    @property
    def service(self) -> str:
        """Name of the service that it belongs to; a generation's number (``vpp2``) is no part."""
        return self.name.partition(".")[0].rstrip("0123456789")


class OperationRows(TypedDict, total=False):
    """The attributes of `Operation` that may be left out."""

    request: tuple[Field, ...]
    response: tuple[Field, ...]
    errors: tuple[ErrorCode, ...]
    injectable_item_outcomes: tuple[str, ...]
    auth: str
    versions: str
    body_format: BodyFormat
    json_only: bool
    docs: str
    source: str
    inferred: str
    asks: bool
    aliases: tuple[str, ...]
    read_head: Callable[[RequestHead], Any]
    runs_inline: bool
    is_slow: bool


def operation(
    route: str,
    about: str,
    *,
    name: str,
    also: tuple[str, ...] = (),
    **rows: Unpack[OperationRows],
) -> Callable[[Handler], Operation]:
    """Make the decorated handler an operation.

    *route* is ``POST /profile``; *also* holds further methods of the same
    operation; *rows* are the other attributes of `Operation`. What single items
    can be forced to get is read from the rows of the response unless it is given.
    """
    method, path = route.split(" ", 1)
    rows.setdefault("injectable_item_outcomes", _item_outcomes(rows.get("response", ())))

    def make(handler: Handler) -> Operation:
        return Operation(name, (method, *also), path, about, handler, **rows)

    return make


_SUCCESS = "SUCCESS"


def _item_outcomes(response: tuple[Field, ...]) -> tuple[str, ...]:
    """Return the values but SUCCESS of a response's status, of the call or of each item."""
    for row in response:
        inner = [row]
        if isinstance(row, Table):
            inner += [row.value] if row.value is not None else row.fields
        for one in inner:
            values: tuple[str, ...] = getattr(one, "values", ())
            if _SUCCESS in values:
                return tuple(value for value in values if value != _SUCCESS)
    return ()
