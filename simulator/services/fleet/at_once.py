"""Devices that are added, or changed, all at once.

That is one small step, after which all of it is so, be it that they are written piece by piece.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from simulator.core.state import Body, State
from simulator.hardware.devices import DeviceMix
from simulator.services import audit
from simulator.services.fleet import devices as fleet
from simulator.services.fleet import portal, transitions
from simulator.services.fleet.orders import NEVER, Arrivals, keep, ordered

PART = "dep.arrivals-part"
"""Devices that are added or changed, `MOST` in an entity."""
MOST = 100
"""Devices that one piece writes."""


class Addition(Struct, frozen=True):
    """Devices that are added all at once: described ones, or else invented ones."""

    listed: Sequence[Body] = ()
    """Hardware facts by wire name."""
    runs: Sequence[tuple[int, int, list[str] | None]] = ()
    """Index of the first, number and families (None: all) of each run of invented ones."""

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.listed) + sum(count for _, count, _ in self.runs)

    def parts(self) -> Iterator[Body]:
        """Yield what is stored, `MOST` devices in each."""
        for at in range(0, len(self.listed), MOST):
            yield {"devices": self.listed[at : at + MOST]}
        part: list[tuple[int, int, list[str] | None]] = []
        room = MOST
        for start, count, families in self.runs:
            left = count
            while left:
                number = min(left, room)
                part.append((start + count - left, number, families))
                left, room = left - number, room - number
                if not room:
                    yield {"runs": part}
                    part, room = [], MOST
        if part:
            yield {"runs": part}


def add(state: State, server: str, added: Addition, *, now_ms: int, by: str, seed: int) -> None:
    """Have the devices of *added* be there, all at once, written or not.

    Nothing may be due, and none of them may be there; see `portal.refuse_taken`.
    """
    group, parts = f"{state.reserve(audit.EVENT)}", list(added.parts())
    made = Arrivals(group, server, by, added.count, 1, now_ms, NEVER, 1, None, seed, 0, group=group)
    state.add_many(PART, ((_part(made, at * MOST), body) for at, body in enumerate(parts)))
    keep(state, [*ordered(state), made])


def change(state: State, server: str, serials: Sequence[str], what: Body, *, now_ms: int) -> None:
    """Have devices of a server be changed, all at once, written or not; nothing may be due.

    *what* has a ``do``: ``assign`` a profile (its ``uuid``), ``clear`` it, or ``release`` the
    devices (``tells`` the server or not, in the audit by ``entity``).
    """
    one = Arrivals("", server, "", len(serials), 1, now_ms, NEVER, 1, None, 0, 0, change=what)
    if len(serials) <= MOST:
        _change(state, one, serials)
        return
    name = f"{state.reserve(audit.EVENT)}"
    one = replace(one, id=name, group=name)
    parts = range(0, len(serials), MOST)
    state.add_many(PART, ((_part(one, at), {"devices": serials[at : at + MOST]}) for at in parts))
    keep(state, [*ordered(state), one])


def _change(state: State, one: Arrivals, serials: Iterable[str]) -> None:
    """Change those of the devices that the server has."""
    at_ms, what = one.starts_ms, one.change
    found = [device for device in fleet.find(state, one.server, serials).values() if device]
    if what["do"] == "release":
        tells, entity = what["tells"], tuple(what["entity"])
        transitions.release(state, found, at_ms, tells=tells, entity=entity, group=one.group)
    elif what["do"] == "assign":
        assigned = [fleet.with_profile(device, what["uuid"], at_ms) for device in found]
        transitions.tell_modified(state, assigned, at_ms)
    else:
        pairs = [(device, fleet.without_profile(device)) for device in found]
        transitions.tell_modified(state, [new for old, new in pairs if new is not old], at_ms)


def hardware(runs: Iterable[tuple[int, int, list[str] | None]], seed: int) -> Iterator[Body]:
    """Yield the hardware facts of invented devices."""
    mixes: dict[tuple[str, ...] | None, DeviceMix] = {}
    for start, count, families in runs:
        kind = None if families is None else tuple(families)
        mix = mixes[kind] = mixes.get(kind) or DeviceMix(seed, families)
        yield from map(mix.device, range(start, start + count))


def write(state: State, one: Arrivals, numbers: range) -> None:
    """Write devices that were added or changed all at once, by their numbers."""
    if one.change:
        _change(state, one, list(_parted(state, one, numbers)))
        return
    portal.place_devices(
        state,
        ((facts, one.starts_ms) for facts in _parted(state, one, numbers)),
        server=one.server,
        by=one.by,
        events=True,
        group=one.group,
    )


def _parted(state: State, one: Arrivals, numbers: range) -> Iterator[Any]:
    """Yield what the parts say of devices, and delete those of which nothing is left.

    It is their hardware facts, or the serial numbers of those that are changed.
    """
    for at in range(numbers.start - numbers.start % MOST, numbers.stop, MOST):
        found = state.get(PART, _part(one, at))
        body: Body = {} if found is None else found.body
        rows = body.get("devices") or list(hardware(body.get("runs", ()), one.seed))
        yield from rows[max(numbers.start - at, 0) : numbers.stop - at]
        if at + len(rows) <= numbers.stop:
            state.delete(PART, _part(one, at))


def _part(one: Arrivals, at: int) -> str:
    return f"{one.id}/{at:09d}"
