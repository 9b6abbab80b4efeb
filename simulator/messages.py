"""What all layers talk about: requests, responses, exchanges, and the state behind them.

Rule: this module knows no service. What a request makes dozens of are structs
of msgspec, which are made and encoded several times faster than dataclasses;
`msgspec.structs.replace` changes them. What an exchange consists of is recorded
without what has its default: another default would change what is on record.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any, Protocol

from msgspec import Struct, field

Headers = tuple[tuple[str, str], ...]
"""Header fields in the order in which they were sent, duplicates kept, names as sent."""


@lru_cache(maxsize=1024)
def named(headers: Headers) -> Mapping[str, str]:
    """Return the first value of each name, in lower case. Clients repeat their headers."""
    return {name.lower(): value for name, value in reversed(headers)}


Body = dict[str, Any]
"""The JSON object that an entity consists of."""


class Tls(Struct, frozen=True, omit_defaults=True):
    """What a client showed of itself while it set up TLS."""

    version: str
    """Such as ``TLSv1.3``."""
    cipher: str
    sni: str = ""
    """Server name that the client asked for; empty if it named none."""
    alpn: str = ""
    """Application protocol that was agreed on; empty if the client offered none."""
    client_certificate: bytes = b""
    """The client's certificate, DER; empty if it showed none."""


class Peer(Struct, frozen=True, omit_defaults=True):
    """The other end of a connection."""

    address: str
    port: int
    connection: int
    """Number of the connection within this process, from 1."""
    tls: Tls | None = None
    first: bool = True
    """Whether this exchange is the connection's first, to which its facts are attached."""
    settings: str = ""
    """HTTP/2 SETTINGS that the client began with, with the first exchange: ``3:100,4:65535``."""
    others: int = 0
    """How many other HTTP/2 connections the same address had open when this one came."""


class Request(Struct, frozen=True, omit_defaults=True):
    """One request as it came in."""

    method: str
    target: str
    """Request target as sent: path and query."""
    headers: Headers
    body: bytes
    scheme: str
    """``http`` or ``https``, of the listener that took it."""
    peer: Peer
    http: str = "1.1"
    """Protocol version: ``1.0``, ``1.1`` or ``2``."""
    problem: str = ""
    """What the transport found wrong: ``truncated``, ``too-large`` or ``malformed``; else empty."""
    problem_about: str = ""
    """The problem in a sentence, for the finding."""

    def header(self, name: str) -> str | None:
        """Return the first value of header *name* (lower case), or None."""
        return named(self.headers).get(name)


class Goaway(Struct, frozen=True, omit_defaults=True):
    """The end of an HTTP/2 connection, with a reason."""

    debug: bytes
    """Such as ``{"reason":"BadCertificate"}``."""
    code: int = 0
    processed: bool = False
    """Whether the last stream id includes the stream that was asked on: with it, Go's client
    tells the reason; without, it takes the request for unprocessed and connects again."""


class Delivery(Struct, frozen=True, omit_defaults=True):
    """How an answer is brought to the client by a fault; all numbers are settled."""

    name: str
    """A row of ``faults.DELIVERIES``."""
    wait_ms: int = 0
    """How long it waits before anything is sent, by the simulator's clock."""
    size: int = 0
    """Bytes of the body that are sent, or of each piece of it."""
    every_ms: int = 0
    """Time between two pieces."""
    code: int = 0
    """HTTP/2 error code."""
    last: int | None = None
    """Last stream that GOAWAY names; None: the stream that was asked on."""
    debug: str = ""
    """Debug data of GOAWAY."""
    streams: int = 0
    """New limit of open streams."""


class Response(Struct, frozen=True, omit_defaults=True):
    """One answer as it goes out."""

    status: int
    headers: Headers = ()
    body: bytes = b""
    close: bool = False
    """Whether the connection ends after it."""
    goaway: Goaway | None = None
    """How the connection ends instead of an answer; HTTP/1.1 just closes it."""
    streams: int | None = None
    """How many streams an HTTP/2 connection may have open from now on; None: as before."""
    silent: bool = False
    """Whether nothing is sent at all, as if the service had forgotten the request."""
    wakes: str = ""
    """Name of what somebody may be waiting for, and which is there once this is committed."""
    delivery: Delivery | None = None
    """How a fault has it delivered; None: at once and whole."""

    def for_record(self) -> "Response":
        """Return it without what is for the gateway only, and may be a secret."""
        return Response(
            self.status,
            self.headers,
            self.body,
            self.close,
            self.goaway,
            self.streams,
            self.silent,
            delivery=self.delivery,
        )


class Finding(Struct, frozen=True):
    """One deviation from the documented protocol."""

    rule: str
    """Such as ``field-unknown``; the rules are listed in ``protocol/rules.py``."""
    part: str
    """Where: ``path``, ``query``, ``header``, ``body`` or ``connection``."""
    at: str
    """Place within the part: header name, query key or JSON pointer."""
    message: str
    """What is wrong and how to mend it. Never holds a value that a client sent."""
    refused: bool = False
    """Whether the answer was an error because of it."""
    versions: str = ""
    """Protocol versions that the field is documented for."""
    docs: str = ""
    """Apple's page."""


class Touch(Struct, frozen=True):
    """What a fault did to an exchange."""

    fault: str
    """Id of the fault."""
    does: str
    """The outcome, such as ``dep.T_C_NOT_SIGNED``, or the name of the delivery."""


class Exchange(Struct, omit_defaults=True):
    """One request and all that became of it. Filled by the engine, frozen by being recorded."""

    at_ms: int
    """When it was received, milliseconds since the epoch, by the simulator's clock."""
    request: Request
    seq: int = 0
    """Gap-free number in the journal, from 1; 0 until recorded."""
    organisation: str = ""
    client: str = ""
    """Which credential was recognised, such as ``dep:<server id>``."""
    service: str = ""
    operation: str = ""
    """Such as ``dep.fetch``; empty if nothing matched."""
    route: str = ""
    """Route template, such as ``GET /profile``. Logs show it instead of the path."""
    version_sent: str | None = None
    version: int = 0
    """Protocol version in effect; 0 where the service has none."""
    findings: list[Finding] = field(default_factory=list)
    error: str = ""
    """Error code that was answered; empty on success."""
    session: str = ""
    """Label that the client's test run gave it by ``X-Mdmsim-Session``; empty if none."""
    faults: list[Touch] = field(default_factory=list)
    """The faults that touched it, in the order in which they did."""
    response: Response = field(default_factory=lambda: Response(500))


class Entity(Struct, frozen=True):
    """One stored thing of one kind."""

    key: str
    revision: int
    """Number of the change that wrote it; grows over all kinds and organisations."""
    body: Body
    """Not to be changed in place: others may be given the same object."""


class State(Protocol):
    """All state, as one transaction sees it, from the point of view of one organisation.

    Keys, kinds and index names are text. Bodies are JSON objects. Whatever is
    written is visible to later calls at once and to others after the commit.
    """

    def of(self, organisation: str) -> "State":
        """Return the same transaction seen from *organisation* (``""``: what belongs to none)."""
        ...

    def get(self, kind: str, key: str) -> Entity | None:
        """Return one entity, or None."""
        ...

    def has(self, kind: str, key: str) -> bool:
        """Tell whether there is such an entity."""
        ...

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, Entity]:
        """Return those of *keys* that exist, by key."""
        ...

    def put(self, kind: str, key: str, body: Body, index: Mapping[str, str] | None = None) -> int:
        """Write one entity and return its revision.

        *index* holds the values that `find` looks it up by; they replace the
        earlier ones. None leaves them as they are.
        """
        ...

    def put_many(
        self, kind: str, rows: Iterable[tuple[str, Body, Mapping[str, str] | None]]
    ) -> None:
        """Write many entities of one kind; each row is (key, body, index) as in `put`."""
        ...

    def add_many(self, kind: str, rows: Iterable[tuple[str, Body]]) -> None:
        """Write many new entities of one kind, (key, body); ValueError if one is there already.

        Large numbers are fastest in order of key.
        """
        ...

    def index_many(self, kind: str, name: str, rows: Iterable[tuple[str, str]]) -> None:
        """Add to many entities, (value, key), an index value where they have none of that name.

        Large numbers are fastest in order of value.
        """
        ...

    def delete(self, kind: str, key: str) -> bool:
        """Remove one entity and its index values; return whether it was there."""
        ...

    def delete_many(self, kind: str, keys: Iterable[str]) -> int:
        """Remove those of *keys* that exist, with their index values; return how many there were.

        Large numbers are far faster than one by one.
        """
        ...

    def scan(
        self, kind: str, *, prefix: str = "", after: str = "", limit: int = 100
    ) -> list[Entity]:
        """Return up to *limit* entities in order of key, those after *after* with *prefix*."""
        ...

    def find(
        self,
        kind: str,
        name: str,
        *,
        equals: str | None = None,
        prefix: str = "",
        after: str = "",
        limit: int = 100,
    ) -> list[Entity]:
        """Return up to *limit* entities by their index value *name*.

        With *equals*: those with that very value, in order of key, *after* a
        key. Else: in order of the index value, those that start with *prefix*
        and come after the value *after*.
        """
        ...

    def changes(self, kind: str, since: int, limit: int = 100) -> list[Entity]:
        """Return up to *limit* entities whose revision is above *since*, in that order."""
        ...

    def count(self, kind: str) -> int:
        """Return how many entities of *kind* the organisation has."""
        ...

    def reserve(self, series: str, count: int = 1) -> int:
        """Take *count* consecutive numbers of *series* and return the first; they start at 1."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what was written inside the block if it ends with an exception, which goes on."""
        ...

    def record(self, exchange: Exchange) -> int:
        """Append *exchange* to the journal, set its ``seq`` and return it."""
        ...

    def forget(self, match: Mapping[str, object], *, at_ms: int, reason: str) -> int:
        """Delete exchanges for good, on record, and return how many.

        *match* narrows by ``before_ms``, ``organisation``, ``through`` (a number)
        and ``exchange``; empty: all. Those of this transaction stay.
        """
        ...


class World(State, Protocol):
    """The state as those who keep it whole see it; services get `State` only."""

    def pass_over(self, count: int, *, at_ms: int) -> None:
        """Leave out the next *count* numbers, for exchanges that were answered unrecorded."""
        ...

    def probe(self) -> None:
        """Fail as `State.record` would if there is no room for more exchanges."""
        ...

    def wipe(self, organisation: str | None = None) -> None:
        """Remove the entities and counters of *organisation*, or all, and the mark with them."""
        ...

    def fill(self, *, ended: bool) -> None:
        """Say that very many entities are going to be added, or that they have been.

        In between, changes of what has index values are slow.
        """
        ...

    def mark(self) -> None:
        """Note that this is the state that `reset` goes back to."""
        ...

    def marked(self) -> bool:
        """Tell whether there is a state to go back to."""
        ...

    def reset(self, organisation: str | None = None) -> None:
        """Go back to the mark with one organisation, or with all; ValueError without a mark."""
        ...

    def dump(self, header: Body) -> Iterable[bytes]:
        """Yield the whole state as the lines of a snapshot with *header*."""
        ...

    def load(self, lines: Iterable[bytes]) -> None:
        """Replace the whole state by the *lines* after the header; ValueError if damaged."""
        ...


class Journal(Protocol):
    """The recorded exchanges, read from outside any transaction."""

    def read(
        self, after: int = 0, limit: int = 100, match: Mapping[str, str] | None = None
    ) -> Sequence[Exchange]:
        """Return up to *limit* exchanges with a number above *after*, oldest first.

        *match* narrows by ``service``, ``operation``, ``organisation``, ``client``,
        ``session``, ``status``, ``error``, ``finding`` (a rule), ``fault`` (an id)
        and ``q`` (text of the request or its outcome: see `simulator.searching`).
        """
        ...

    def newest(
        self, before: int = ..., limit: int = 100, match: Mapping[str, str] | None = None
    ) -> Sequence[Exchange]:
        """Return up to *limit* exchanges with a number below *before*, newest first."""
        ...

    def get(self, seq: int) -> Exchange | None:
        """Return one exchange, or None."""
        ...

    def count(self, match: Mapping[str, str] | None = None) -> int:
        """Return how many exchanges there are, or how many match as in `read`."""
        ...

    def tally(self, after: int) -> tuple[int, Sequence[tuple[str, str, int, str, int]]]:
        """Count the exchanges after *after*; return where that got to, and the counts.

        Each is service, operation, status, the words that it is found by (rules,
        ``fault:<id>``, ``session:<label>``), and how many there are.
        """
        ...

    def last(self) -> int:
        """Return the number of the newest exchange, deleted or not; 0 if there was none."""
        ...
