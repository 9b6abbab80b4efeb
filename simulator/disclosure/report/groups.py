"""Groups: the lines of a ledger as it is added up."""

from collections import Counter
from dataclasses import dataclass, field

from simulator.core.messages import Exchange
from simulator.disclosure.observe.plans import Row
from simulator.disclosure.observe.records import Disclosure
from simulator.disclosure.redact.markers import Marker
from simulator.disclosure.report.firsts import Firsts

EVIDENCE = 5
"""Exchanges that each group names."""
SAMPLES = 32
"""Different values in clear that each group keeps, for claims that name values."""
WRITTEN = 4096
"""Words of a group up to which the value that each stood in is kept."""
ODD = 3
"""Examples that each group keeps beside the first."""


@dataclass(slots=True)
class Seen:
    """How often and when."""

    requests: int = 0
    """Exchanges."""
    records: int = 0
    """Values, repeated ones included."""
    values: Firsts = field(default_factory=Firsts)
    """Different values, as numbers that stand for them, each with its first exchange."""
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

    def later(self, count: int, seq: int, last_ms: int) -> None:
        """Count so many exchanges more, up to number *seq*; their values are for the caller."""
        self.requests += count
        self._last = max(self._last, seq)
        self.last_ms = max(self.last_ms, last_ms)

    def join(self, later: "Seen") -> None:
        """Add what was seen in the exchanges right behind; the values are settled by the caller."""
        if not self.first_ms or later.first_ms < self.first_ms:
            self.first_ms = later.first_ms
        self.later(later.requests, later._last, later.last_ms)  # noqa: SLF001 (of this class)
        self.records += later.records
        self.values.extend(later.values)
        self.versions |= later.versions
        self.evidence += later.evidence[: EVIDENCE - len(self.evidence)]


@dataclass(frozen=True, slots=True)
class SentExample:
    """One value with its own flags."""

    record: Disclosure
    text: str | None
    """None if it is a secret."""
    exchange: int


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
    fresh: Firsts = field(default_factory=Firsts)
    """Values that were novel, of concepts that the simulator itself issues."""
    samples: dict[str | None, Disclosure] = field(default_factory=dict)
    odd: dict[tuple[str, ...], SentExample] = field(default_factory=dict)
    """The first value of each set of flags that is not the example's; up to `ODD`."""
    words: dict[int, SentExample] = field(default_factory=dict)
    """Of what people write: each word with the first value that it stood in, for `names`."""


@dataclass(slots=True)
class ReceivedValues:
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
