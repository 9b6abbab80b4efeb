"""The ledger: all exchanges, added up. A projection of the journal that can be made again.

It knows no manifest: claims are laid over it when a report is made.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.markers import Marker, parse_marker
from simulator.disclosure.observation import Disclosure, Observer
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
        if exchange.seq == self._last and self.requests:
            return
        self._last = exchange.seq
        self.requests += 1
        self.first_ms = min(self.first_ms or exchange.at_ms, exchange.at_ms)
        self.last_ms = max(self.last_ms, exchange.at_ms)
        self.versions.add(exchange.version)
        if len(self.evidence) < EVIDENCE:
            self.evidence.append(exchange.seq)


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

    def __init__(self, observer: Observer, catalogue: Catalogue) -> None:
        """Start empty."""
        self._observer = observer
        self._catalogue = catalogue
        self.sent: dict[SentKey, Sent] = {}
        self.received: dict[ReceivedKey, Received] = {}
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
        operation = self._catalogue.operations.get(exchange.operation)
        service = self._catalogue.services.get(exchange.service)
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
            _add(group, one, exchange)
        if any(one.shape == "opaque" and one.part == "body" for one in records):
            self.unreadable += 1
            self.truncated += any("truncated" in one.flags for one in records)
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

    def _receive(self, exchange: Exchange) -> None:
        operation = self._catalogue.operations[exchange.operation]
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
            group.seen.values.update(hash(text_of(value)) for value in values)

    def _first_received(self, exchange: Exchange, place: str, row: Row, value: Any) -> Received:
        sealed = parse_marker(value) if isinstance(value, str) else None
        marker = sealed or self._observer.mark(row.concept, value)
        text = None if sealed or CONCEPTS[row.concept].sealed else text_of(value)
        return Received(exchange.service, exchange.operation, place, row, marker, text)

    def issued(self, concept: str, text: str) -> bool:
        """Tell whether *text* was answered as a value of *concept*."""
        value = hash(text)
        return any(
            value in group.seen.values
            for group in self.received.values()
            if group.row.concept == concept
        )


def _add(group: Sent, one: Disclosure, exchange: Exchange) -> None:
    group.seen.note(exchange)
    group.seen.values.add(int(one.fp, 16))
    group.flags.update(one.flags)
    group.documented = group.documented and one.documented
    if one.clear not in group.samples and len(group.samples) < _SAMPLES:
        group.samples[one.clear] = one
