"""What is ordered of devices that are written later, and how that is stored."""

from collections.abc import Iterable

from msgspec import Struct, field
from msgspec.structs import asdict

from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339
from simulator.hardware.devices import BLOCK

KIND, KEY = "dep.arrivals", "ordered"
NEVER = 253_402_300_800_000
"""The year 10000, which no time stamp can say."""


class Arrivals(Struct, frozen=True):
    """One order: *count* devices every *every_s* seconds."""

    id: str
    server: str
    by: str
    """E-mail address of who assigns them."""
    count: int
    every_s: int
    starts_ms: int
    """When the first come."""
    ends_ms: int
    """From when on none come any more; `NEVER`: there is no such time."""
    times: int
    """How many times they come; 0: any number."""
    families: list[str] | None
    seed: int
    start: int
    """Index of the first device."""
    arrived: int = 0
    """How many have been written."""
    group: str = ""
    """What all at once is told by, in the audit for devices that are added; empty: they come
    over time."""
    change: Body = field(default_factory=dict)
    """What becomes of devices that are there; see `change`."""

    @property
    def total(self) -> int:
        """How many there will ever be."""
        times = max(0, -(-(self.ends_ms - self.starts_ms) // (self.every_s * 1000)))
        return min(min(self.times or times, times) * self.count, BLOCK)

    def at_ms(self, number: int) -> int:
        """Return when the device with *number*, from 0, comes."""
        return self.starts_ms + number // self.count * self.every_s * 1000

    @property
    def next_ms(self) -> int:
        """When the next come; `NEVER` after the last."""
        if self.group and self.arrived < self.total:
            return 0
        return min(self.at_ms(self.arrived), NEVER) if self.arrived < self.total else NEVER

    def shown(self) -> Body:
        """Return it as the control API shows it."""
        return {
            "id": self.id,
            "server": self.server,
            "by": self.by,
            "count": self.count,
            "every_s": self.every_s,
            "starts": rfc3339(self.starts_ms),
            "ends": rfc3339(self.ends_ms) if self.ends_ms < NEVER else None,
            "times": self.times or None,
            "families": self.families,
            "arrived": self.arrived,
            "next": rfc3339(self.next_ms) if self.next_ms < NEVER else None,
        }


def ordered(state: State) -> list[Arrivals]:
    """Return the orders of the organisation."""
    found = state.get(KIND, KEY)
    return [] if found is None else [Arrivals(**one) for one in found.body["rows"]]


def next_ms(state: State) -> int:
    """Return when the next devices come to the organisation; `NEVER` if none are ordered."""
    found = state.get(KIND, KEY)
    return NEVER if found is None else int(found.body["next_ms"])


def keep(state: State, rows: Iterable[Arrivals]) -> int:
    """Store the orders; return when the next devices come."""
    listed = list(rows)
    earliest = min((one.next_ms for one in listed), default=NEVER)
    state.put(KIND, KEY, {"rows": [asdict(one) for one in listed], "next_ms": earliest})
    return earliest
