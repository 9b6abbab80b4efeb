"""Devices that arrive over time: so many every hour, from one moment on until another.

Nothing ticks. What has arrived by now is written when somebody asks, as if it had
been there since: which devices those are, and when they came, follows from what was
ordered alone. So is what was ordered of devices all at once (`at_once`).
"""

from collections.abc import Iterable
from functools import partial
from heapq import heapify, heappop, heapreplace
from itertools import groupby

from msgspec.structs import replace

from simulator.core.state import Body, State
from simulator.hardware.devices import BLOCK, BLOCKS, DeviceMix
from simulator.protocol.operations import NeedsPieces
from simulator.services.fleet import at_once
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.devices import Device, DeviceEvent
from simulator.services.fleet.orders import NEVER, Arrivals, keep, next_ms, ordered
from simulator.services.organisations import identifiers

SERIES = "dep.arrivals"
MOST_ORDERED = 100
"""Orders of an organisation at a time."""
MOST_EVER = 100
"""Orders of all organisations since the world was loaded; each has a block of numbers."""
LISTS = BLOCKS - 1 - MOST_EVER
"""How many blocks are left for the lists of a world; the last one is for single devices."""
MOST_AT_ONCE = 1_000_000
"""Devices that an order may bring at once, as it starts in the past."""


def prepare(state: State) -> None:
    """Note that nothing is ordered, so that asking for it is cached from the start."""
    keep(state, [])


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
    keep(state, [*rows, made])
    return made


def cancel(state: State, identifier: str) -> Arrivals:
    """Let no more devices of that order arrive; LookupError if there is none."""
    rows = ordered(state)
    gone = next((one for one in rows if one.id == identifier), None)
    if gone is None:
        raise LookupError(f"no order of arrivals has the id {identifier}")
    keep(state, [one for one in rows if one is not gone])
    return gone


def require(state: State, organisation: str, now_ms: int) -> None:
    """Raise NeedsPieces if devices have arrived at the organisation that are not written yet."""
    if next_ms(state) <= now_ms:
        raise NeedsPieces(partial(_materialise, organisation=organisation, now_ms=now_ms))


def _materialise(state: State, *, organisation: str, now_ms: int) -> bool:
    return materialise_due(state.of(organisation), now_ms)


def materialise_all(state: State, now_ms: int) -> bool:
    """Write a piece of what has arrived at one organisation; return whether nothing had anywhere.

    The state is seen from no organisation.
    """
    for one in identifiers(state):
        own = state.of(one)
        if next_ms(own) <= now_ms:
            materialise_due(own, now_ms)
            return False
    return True


def materialise_due(state: State, now_ms: int, most: int = at_once.MOST) -> bool:
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
            at_once.write(state, one, numbers)
    _add(state, [(one, number) for one, numbers in new if not one.group for number in numbers])
    return keep(state, (one for one in rows if not one.group or one.next_ms < NEVER)) > now_ms


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
