"""The ledger: all exchanges, added up. A projection of the journal that can be made again.

It knows no manifest: claims are laid over it when a report is made.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.markers import OPENING, Marker, parse_marker
from simulator.disclosure.observation import Disclosure, Observer
from simulator.disclosure.origins import NOVEL, Origins
from simulator.disclosure.plans import Row
from simulator.disclosure.values import text_of
from simulator.messages import Exchange
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.wire import parse_json

EVIDENCE = 5
"""Exchanges that each group names."""
_SAMPLES = 32
"""Different values in clear that each group keeps, for claims that name values."""
_REFUSED = 400


@dataclass(slots=True)
class Seen:
    """How often and when."""

    requests: int = 0
    """Exchanges."""
    records: int = 0
    """Values, repeated ones included."""
    values: set[int] = field(default_factory=set)
    """Different values, as numbers that stand for them."""
    first_ms: int = 0
    last_ms: int = 0
    evidence: list[int] = field(default_factory=list)
    """Numbers of the first exchanges."""
    versions: set[int] = field(default_factory=set)
    """Protocol versions in effect."""
    _last: int = -1

    def note(self, exchange: Exchange) -> None:
        """Count one value's exchange, once however many values it holds."""
        self.records += 1
        seq, at_ms = exchange.seq, exchange.at_ms
        if seq == self._last and self.requests:
            return
        self._last = seq
        self.requests += 1
        # Not min and max, which take longer than all else here.
        if at_ms < self.first_ms or not self.first_ms:
            self.first_ms = at_ms
        self.last_ms = max(self.last_ms, at_ms)
        self.versions.add(exchange.version)
        if self.requests <= EVIDENCE:
            self.evidence.append(seq)


@dataclass(slots=True)
class Sent:
    """All values that went to one operation, in one place, with one meaning."""

    service: str
    operation: str
    example: Disclosure
    """Of the first exchange."""
    text: str | None
    """The example's value; None if it is a secret."""
    seen: Seen = field(default_factory=Seen)
    flags: Counter[str] = field(default_factory=Counter)
    documented: bool = True
    origins: Counter[str] = field(default_factory=Counter)
    """Different values by where they came from when they were first sent."""
    fresh: set[int] = field(default_factory=set)
    """Values that were novel, of concepts that the simulator itself issues."""
    samples: dict[str | None, Disclosure] = field(default_factory=dict)


@dataclass(slots=True)
class Received:
    """All values that one operation answered in one place."""

    service: str
    operation: str
    place: str
    row: Row
    marker: Marker
    """The figures of the first value."""
    text: str | None
    """The first value; None if it is a secret."""
    seen: Seen = field(default_factory=Seen)


SentKey = tuple[str, str, str, str, str, str]
ReceivedKey = tuple[str, str, str]


class Ledger:
    """Exchanges added up; memory grows with what is different, not with what is many."""

    def __init__(
        self, observer: Observer, catalogue: Catalogue, origins: Origins | None = None
    ) -> None:
        """Start empty. *origins*: what was answered, if more is known of it than will be added."""
        self._observer = observer
        self.catalogue = catalogue
        self.origins = origins or Origins(catalogue)
        self._follows = origins is None
        self._issued = frozenset(
            one.concept for service in catalogue.services.values() for one in service.issues
        )
        self.sent: dict[SentKey, Sent] = {}
        self.received: dict[ReceivedKey, Received] = {}
        self.connections: dict[tuple[str, str], Sent] = {}
        """What connections told beside their messages, by service and fact."""
        self.outcomes: Counter[tuple[str, str, int]] = Counter()
        """Exchanges by service, operation and status."""
        self.exchanges = 0
        self.refused = 0
        self.unreadable = 0
        """Requests whose body could not be read."""
        self.truncated = 0
        """Requests of which a part is missing."""
        self.first: tuple[int, int] = (0, 0)
        """Number and time (milliseconds) of the first exchange; zeros if there is none."""
        self.last: tuple[int, int] = (0, 0)

    @property
    def key_id(self) -> str:
        """Name of the key that the fingerprints were made with."""
        return self._observer.key_id

    def add(self, exchange: Exchange) -> None:
        """Add one recorded exchange."""
        self._count(exchange)
        operation = self.catalogue.operations.get(exchange.operation)
        service = self.catalogue.services.get(exchange.service)
        records = self._observer.observe(exchange.request, operation, service)
        texts: list[str | None] | None = None
        for position, one in enumerate(records):
            key = (
                exchange.service,
                exchange.operation,
                one.part,
                one.generic,
                one.via,
                one.concept,
            )
            group = self.sent.get(key)
            if group is None:
                if texts is None:
                    texts = self._observer.texts(exchange.request, operation, service)
                group = Sent(exchange.service, exchange.operation, one, texts[position])
                self.sent[key] = group
            self._add(group, one, exchange)
        if any(one.shape == "opaque" and one.part == "body" for one in records):
            self.unreadable += 1
            self.truncated += any("truncated" in one.flags for one in records)
        if exchange.request.peer.first:
            self._connection(exchange)
        if self._follows:
            self._follow_headers(exchange)
        if operation is not None and exchange.response.status < _REFUSED:
            self._receive(exchange)

    def _count(self, exchange: Exchange) -> None:
        status = exchange.response.status
        self.outcomes[exchange.service, exchange.operation, status] += 1
        self.exchanges += 1
        self.refused += status >= _REFUSED
        if self.exchanges == 1:
            self.first = (exchange.seq, exchange.at_ms)
        self.last = (exchange.seq, exchange.at_ms)

    def _connection(self, exchange: Exchange) -> None:
        for one, text in self._observer.connection(exchange.request):
            key = (exchange.service, one.at)
            group = self.connections.get(key)
            if group is None:
                group = self.connections[key] = Sent(exchange.service, "", one, text)
            self._add(group, one, exchange)

    def _follow_headers(self, exchange: Exchange) -> None:
        """Note the secrets in the head of an answer, such as a session's next token."""
        for _, value in exchange.response.headers:
            sealed = parse_marker(value) if value.startswith(OPENING) else None
            if sealed and exchange.operation and self.origins.follows(sealed.concept):
                stamp = int(sealed.fp, 16)
                self.origins.answered(sealed.concept, (stamp,), exchange.seq, exchange.operation)

    def _receive(self, exchange: Exchange) -> None:
        operation = self.catalogue.operations[exchange.operation]
        if not operation.response or not exchange.response.body:
            return
        try:
            tree = parse_json(exchange.response.body)
        except ValueError:
            return
        for place, (row, values) in self._observer.received(tree, operation).items():
            if not values:
                continue
            key = (exchange.service, exchange.operation, place)
            group = self.received.get(key)
            if group is None:
                group = self._first_received(exchange, place, row, values[0])
                self.received[key] = group
            group.seen.note(exchange)
            group.seen.records += len(values) - 1
            if self.origins.follows(row.concept):
                stamps = [self._observer.stamp(row.concept, value) for value in values]
                group.seen.values.update(stamps)
                if self._follows:
                    seq, name = exchange.seq, exchange.operation
                    self.origins.answered(row.concept, stamps, seq, name)
            else:
                group.seen.values.update(stable(text_of(value)) for value in values)

    def _first_received(self, exchange: Exchange, place: str, row: Row, value: Any) -> Received:
        sealed = parse_marker(value) if isinstance(value, str) else None
        marker = sealed or self._observer.mark(row.concept, value)
        text = None if sealed or CONCEPTS[row.concept].sealed else text_of(value)
        return Received(exchange.service, exchange.operation, place, row, marker, text)

    def issued(self, concept: str, text: str) -> bool:
        """Tell whether *text* was answered as a value of *concept*."""
        followed = self.origins.follows(concept)
        value = self._observer.stamp(concept, text) if followed else stable(text)
        return any(
            value in group.seen.values
            for group in self.received.values()
            if group.row.concept == concept
        )

    def _add(self, group: Sent, one: Disclosure, exchange: Exchange) -> None:
        group.seen.note(exchange)
        value = int(one.fp, 16)
        if value not in group.seen.values:
            group.seen.values.add(value)
            if origin := self.origins.of(one.concept, value, exchange.seq):
                group.origins[origin] += 1
                if origin == NOVEL and one.concept in self._issued:
                    group.fresh.add(value)
        if one.flags:
            group.flags.update(one.flags)
        group.documented = group.documented and one.documented
        if one.clear not in group.samples and len(group.samples) < _SAMPLES:
            group.samples[one.clear] = one


@lru_cache(maxsize=65_536)
def stable(text: str) -> int:
    """Return a number that stands for *text* in every process."""
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest())
