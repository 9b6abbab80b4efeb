"""Devices that arrive over time: so many every hour, from one moment on until another.

Nothing ticks. What has arrived by now is written when somebody asks, as if it had
been there since: which devices those are, and when they came, follows from what was
ordered alone.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from heapq import heapify, heappop, heapreplace
from itertools import groupby

from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339
from simulator.hardware.devices import BLOCK, BLOCKS, DeviceMix
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.devices import Device, DeviceEvent

KIND, KEY = "dep.arrivals", "ordered"
SERIES = "dep.arrivals"
MOST = 2000
"""Devices that one call writes: more than the longest page, so that no answer ends too early."""
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


def materialise_due(state: State, now_ms: int, most: int = MOST) -> bool:
    """Write up to *most* devices that have arrived by *now_ms*; return whether those are all."""
    if next_ms(state) > now_ms:
        return True
    rows = {one.id: one for one in ordered(state)}
    due = [(one.next_ms, int(one.id)) for one in rows.values()]
    heapify(due)
    new: list[tuple[Arrivals, int]] = []
    while len(new) < most and due and due[0][0] <= now_ms:
        one = rows[str(due[0][1])]
        end = min((one.arrived // one.count + 1) * one.count, one.total)
        numbers = range(one.arrived, min(end, one.arrived + most - len(new)))
        new += ((one, number) for number in numbers)
        rows[one.id] = later = replace(one, arrived=numbers.stop)
        if later.next_ms < NEVER:
            heapreplace(due, (later.next_ms, int(one.id)))
        else:
            heappop(due)
    _add(state, new)
    return _keep(state, rows.values()) > now_ms


def _add(state: State, new: list[tuple[Arrivals, int]]) -> None:
    """Write devices of orders by their numbers, in order of time, and tell their servers."""
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
