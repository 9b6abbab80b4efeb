"""Devices that arrive over time: so many every hour, from one moment on until another.

Nothing ticks. What has arrived by now is written when somebody asks, as if it had
been there since: which devices those are, and when they came, follows from what was
ordered alone. Devices that are added, or changed, all at once are ordered likewise: that is one
small step, after which all of it is so, be it that they are written piece by piece.

Longer than 300 lines: what is ordered and what is written of it share one arithmetic.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from heapq import heapify, heappop, heapreplace
from itertools import groupby
from typing import Any

from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339
from simulator.hardware.devices import BLOCK, BLOCKS, DeviceMix
from simulator.protocol.operations import NeedsPieces
from simulator.services import audit
from simulator.services.fleet import devices as fleet
from simulator.services.fleet import portal, transitions
from simulator.services.fleet.devices import Device, DeviceEvent
from simulator.services.organisations import identifiers

KIND, KEY = "dep.arrivals", "ordered"
PART = "dep.arrivals-part"
"""Devices that are added or changed all at once, `MOST` in an entity."""
SERIES = "dep.arrivals"
MOST = 100
"""Devices that one piece writes."""
MOST_ORDERED = 100
"""Orders of an organisation at a time."""
MOST_EVER = 100
"""Orders of all organisations since the world was loaded; each has a block of numbers."""
LISTS = BLOCKS - 1 - MOST_EVER
"""How many blocks are left for the lists of a world; the last one is for single devices."""
NEVER = 253_402_300_800_000
"""The year 10000, which no time stamp can say."""
MOST_AT_ONCE = 1_000_000
"""Devices that an order may bring at once, as it starts in the past."""


@dataclass(frozen=True, slots=True)
class Arrivals:
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


def prepare(state: State) -> None:
    """Note that nothing is ordered, so that asking for it is cached from the start."""
    _keep(state, [])


def order(
    state: State,
    server: str,
    *,
    now_ms: int,
    by: str,
    count: int,
    every_s: int,
    seed: int,
    starts_ms: int,
    ends_ms: int = NEVER,
    times: int = 0,
    families: Iterable[str] | None = None,
) -> Arrivals:
    """Let devices arrive at *server*; ValueError if that is too much.

    *now_ms* tells how many would be there at once.
    """
    rows = ordered(state)
    if len(rows) >= MOST_ORDERED:
        raise ValueError(f"{MOST_ORDERED} orders of arrivals are open: remove some")
    number = state.of("").reserve(SERIES)
    if number > MOST_EVER:
        raise ValueError(f"there were {MOST_EVER} orders of arrivals since the last reset: reset")
    made = Arrivals(
        str(number),
        server,
        by,
        count,
        every_s,
        starts_ms,
        ends_ms,
        times,
        None if families is None else list(families),
        seed,
        (BLOCKS - 1 - number) * BLOCK,
    )
    if min(made.total, ((now_ms - starts_ms) // (every_s * 1000) + 1) * count) > MOST_AT_ONCE:
        raise ValueError(f"that is more than {MOST_AT_ONCE} devices at once: start later")
    _keep(state, [*rows, made])
    return made


def ordered(state: State) -> list[Arrivals]:
    """Return the orders of the organisation."""
    found = state.get(KIND, KEY)
    return [] if found is None else [Arrivals(**one) for one in found.body["rows"]]


def cancel(state: State, identifier: str) -> Arrivals:
    """Let no more devices of that order arrive; LookupError if there is none."""
    rows = ordered(state)
    gone = next((one for one in rows if one.id == identifier), None)
    if gone is None:
        raise LookupError(f"no order of arrivals has the id {identifier}")
    _keep(state, [one for one in rows if one is not gone])
    return gone


def next_ms(state: State) -> int:
    """Return when the next devices come to the organisation; `NEVER` if none are ordered."""
    found = state.get(KIND, KEY)
    return NEVER if found is None else int(found.body["next_ms"])


def require(state: State, organisation: str, now_ms: int) -> None:
    """Raise NeedsPieces if devices have arrived at the organisation that are not written yet."""
    if next_ms(state) <= now_ms:
        raise NeedsPieces(partial(_materialise, organisation=organisation, now_ms=now_ms))


def _materialise(state: State, *, organisation: str, now_ms: int) -> bool:
    return materialise_due(state.of(organisation), now_ms)


def materialise_all(state: State, now_ms: int) -> bool:
    """Write a piece of what has arrived at any organisation; return whether that was all.

    The state is seen from no organisation.
    """
    return all(materialise_due(state.of(one), now_ms) for one in identifiers(state))


def materialise_due(state: State, now_ms: int, most: int = MOST) -> bool:
    """Write up to *most* devices that have arrived by *now_ms*; return whether those are all."""
    if next_ms(state) > now_ms:
        return True
    rows = ordered(state)
    due = [(one.next_ms, place) for place, one in enumerate(rows)]
    heapify(due)
    new: list[tuple[Arrivals, range]] = []
    left = most
    while left and due and due[0][0] <= now_ms:
        place = due[0][1]
        one = rows[place]
        end = min((one.arrived // one.count + 1) * one.count, one.total)
        numbers = range(one.arrived, min(end, one.arrived + left))
        new.append((one, numbers))
        left -= len(numbers)
        rows[place] = later = replace(one, arrived=numbers.stop)
        if later.next_ms < NEVER:
            heapreplace(due, (later.next_ms, place))
        else:
            heappop(due)
    for one, numbers in new:
        if one.group:
            _add_at_once(state, one, numbers)
    _add(state, [(one, number) for one, numbers in new if not one.group for number in numbers])
    return _keep(state, (one for one in rows if not one.group or one.next_ms < NEVER)) > now_ms


def add(state: State, server: str, added: "Addition", *, now_ms: int, by: str, seed: int) -> None:
    """Have the devices of *added* be there, all at once, written or not.

    Nothing may be due, and none of them may be there; see `portal.refuse_taken`.
    """
    group, parts = f"{state.reserve(audit.EVENT)}", list(added.parts())
    made = Arrivals(group, server, by, added.count, 1, now_ms, NEVER, 1, None, seed, 0, group=group)
    state.add_many(PART, ((_part(made, at * MOST), body) for at, body in enumerate(parts)))
    _keep(state, [*ordered(state), made])


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
    _keep(state, [*ordered(state), one])


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


@dataclass(frozen=True, slots=True)
class Addition:
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


def hardware(runs: Iterable[tuple[int, int, list[str] | None]], seed: int) -> Iterator[Body]:
    """Yield the hardware facts of invented devices."""
    mixes: dict[tuple[str, ...] | None, DeviceMix] = {}
    for start, count, families in runs:
        kind = None if families is None else tuple(families)
        mix = mixes[kind] = mixes.get(kind) or DeviceMix(seed, families)
        yield from map(mix.device, range(start, start + count))


def _add_at_once(state: State, one: Arrivals, numbers: range) -> None:
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


def _add(state: State, new: list[tuple[Arrivals, int]]) -> None:
    """Write devices of orders by their numbers, in order of time, and tell their servers."""
    if not new:
        return
    orders = {one.id: one for one, _ in new}
    plans = {name: DeviceMix(one.seed, one.families) for name, one in orders.items()}
    made: list[tuple[str, int, Device]] = []
    for one, number in new:
        hardware, at_ms = plans[one.id].device(one.start + number), one.at_ms(number)
        record = fleet.record(hardware, one.by, at_ms)
        made.append((one.server, at_ms, Device(hardware["serial_number"], record)))
    # Somebody may have listed a device with a number that is made up here as well.
    taken = state.get_many(fleet.DEVICE, (device.serial for _, _, device in made))
    made = [one for one in made if one[2].serial not in taken]
    for server, group in groupby(sorted(made, key=_server), key=_server):
        _assign(state, server, [device for _, _, device in group])
    fleet.tell(state, (DeviceEvent(at, "added", device, ms) for at, ms, device in made), 0)


def _assign(state: State, server: str, devices: list[Device]) -> None:
    """Store new devices in order of assignment; written in order of serial number."""
    first = fleet.places(state, len(devices))
    placed = [(one.serial, one.record, first + number) for number, one in enumerate(devices)]
    fleet.fill(state, server, sorted(placed, key=_serial))
    fleet.arrange(state, server, ((place, serial) for serial, _, place in placed))


def _serial(one: tuple[str, Body, int]) -> str:
    return one[0]


def _server(one: tuple[str, int, Device]) -> str:
    return one[0]


def _keep(state: State, rows: Iterable[Arrivals]) -> int:
    """Store the orders; return when the next devices come."""
    listed = list(rows)
    earliest = min((one.next_ms for one in listed), default=NEVER)
    state.put(KIND, KEY, {"rows": [asdict(one) for one in listed], "next_ms": earliest})
    return earliest
