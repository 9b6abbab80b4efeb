"""What locations have to do: at a time, or at once, but piece by piece.

A row tells of an event, of a subscription whose period ends, or of licences that pass from one
record of a user to another. What has been begun, or is due at once, comes first of all.
"""

from collections.abc import Iterator

from simulator.core.state import Body, Entity, State
from simulator.services.vpp.domain.locations import Location

DUE = "vpp.due"
_DIGITS = 15


def schedule(state: State, location: Location, at_ms: int, name: str, what: Body) -> None:
    """Have *what* done when its time comes; *name* tells it from all else of that time."""
    row = {"organisation": location.organisation, "location": location.id, "event": "", **what}
    state.of("").put(DUE, f"{at_ms:0{_DIGITS}d}/{name}", row)


def schedule_rest(state: State, location: Location, at_ms: int, name: str, what: Body) -> None:
    """Have the rest of *what* done before anybody looks, as if it was all done at *at_ms*."""
    schedule(state, location, 0, name, what | {"at_ms": at_ms})


def rows(state: State, now_ms: int, organisation: str | None = None) -> Iterator[Entity]:
    """Yield the rows that are due by *now_ms*, of one organisation or of all, in their order."""
    root, after = state.of(""), ""
    while found := root.scan(DUE, after=after, limit=10):
        for one in found:
            if int(one.key[:_DIGITS]) > now_ms:
                return
            if organisation in (None, one.body["organisation"]):
                yield one
        after = found[-1].key


def at_ms(row: Entity) -> int:
    """Return when a row was due."""
    return int(row.body.get("at_ms") or row.key[:_DIGITS])
