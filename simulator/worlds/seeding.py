"""Seeding: a world written into the state, in steps that may be committed one by one."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from simulator import services
from simulator.core.random_hex import RandomHex, seeded_hex
from simulator.core.settings import ConfigurationError
from simulator.core.state import Body, State, StoreAdmin
from simulator.core.timestamps import rfc3339
from simulator.hardware.devices import DeviceMix
from simulator.services import organisations
from simulator.services.fleet import arrivals, portal, servers
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.orders import NEVER
from simulator.services.provisioning import Provisioning, Seeding, Step, TimelessSeeding
from simulator.worlds.organisations import DeviceList, Organisation, World

CHUNK = 5000
"""How many devices one step writes at most."""

_TOGETHER = 50
"""How many organisations one step adds at most."""

_ARRANGING = 5
"""Every so many of the devices count as done only when they can be found by place."""

_DAY_MS = 24 * 3600 * 1000
_LONGEST = 12
"""Characters of a serial number."""
_Made = TypeVar("_Made", bound=TimelessSeeding)


def seed_world(
    state: State,
    world: World,
    *,
    seed: int,
    generate_secret: RandomHex,
    now_ms: int,
    progress: Callable[[int], None] | None = None,
    devices: int | None = None,
) -> None:
    """Write *world* into *state*, which is seen from no organisation, in one transaction.

    *generate_secret* gives the digits of credentials, which are dated *now_ms*; all else
    follows from *world* and *seed*. *progress* is called after each piece with
    the number of organisations or devices in it. *devices* replaces the count of the first
    generated list. Large worlds are better written by `steps`.
    """
    for step in steps(
        world, seed=seed, generate_secret=generate_secret, now_ms=now_ms, devices=devices
    ):
        written = step(state)
        if progress:
            progress(written)


def steps(
    world: World,
    *,
    seed: int,
    generate_secret: RandomHex,
    now_ms: int,
    devices: int | None = None,
    chunk: int = CHUNK,
    bulk: bool = True,
    provisionings: Iterable[Provisioning] | None = None,
    timeless: bool = True,
) -> Iterator[Step]:
    """Yield what writes *world*, piece by piece; the parameters are those of `seed_world`.

    To be run in order; the caller may commit between any two. First comes what `timeless_steps`
    writes, unless it is there already (*timeless*: False), then the servers of each organisation
    with what else each service seeds, then the other devices, up to *chunk* in a step; *bulk* says
    whether these are a bulk load (`StoreAdmin.begin_bulk_load`), which ends with a long step. The
    returned numbers add up to the world's size. *provisionings* are those of the services, all
    unless some are given.
    """
    sized = world if devices is None else world.resized(devices)
    known = services.provisionings() if provisionings is None else tuple(provisionings)
    if timeless:
        yield from timeless_steps(sized, seed, known, chunk, bulk=bulk)
    yield partial(_begin, known=known, parts=sized.parts, now_ms=now_ms)
    for organisation in sized.organisations:
        yield partial(_found, organisation=organisation, seed=seed, now_ms=now_ms)
        dated = partial(
            Seeding,
            seed=seed,
            generate_secret=generate_secret,
            now_ms=now_ms,
            server_tokens={one.id: one.token for one in organisation.dep_servers if one.token},
        )
        for one in known:
            yield from one.seed(_of(organisation, one, dated))
    written = {each.number for _, each in sized.timeless_lists()}
    rest = [(one.id, each) for one, each in sized.device_lists() if each.number not in written]
    yield from _device_steps(rest, seed, now_ms, chunk, bulk=bulk)


def timeless_steps(
    world: World,
    seed: int,
    provisionings: Iterable[Provisioning],
    chunk: int = CHUNK,
    *,
    bulk: bool = True,
) -> Iterator[Step]:
    """Yield what writes all that follows from *world* and *seed* alone, and is no secret.

    That comes before anything else: the organisations, most of their devices, and what
    *provisionings* have of it. *chunk* and *bulk* are those of `steps`.
    """
    known, every = tuple(provisionings), world.organisations
    for first in range(0, len(every), _TOGETHER):
        yield partial(_add_organisations, some=every[first : first + _TOGETHER])
    for organisation in every:
        for one in known:
            made = _of(organisation, one, partial(TimelessSeeding, seed=seed))
            yield from one.seed_timeless(made)
    yield from _device_steps(world.timeless_lists(), seed, 0, chunk, bulk=bulk)


def _of(organisation: Organisation, service: Provisioning, make: Callable[..., _Made]) -> _Made:
    """Return what *make* makes of what a service is told of an organisation in any case."""
    return make(
        organisation=organisation.id,
        facts=organisation.facts(),
        part=organisation.parts.get(service.name),
    )


def _add_organisations(state: State, *, some: Sequence[Organisation]) -> int:
    for one in some:
        organisations.add_organisation(state, one.facts())
    return 0


def _device_steps(
    lists: Sequence[tuple[str, DeviceList]], seed: int, now_ms: int, chunk: int, *, bulk: bool
) -> Iterator[Step]:
    """Yield what writes *lists* of devices, each with the id of its organisation."""
    if bulk and lists:
        yield _begin_bulk_load
    for organisation, each in lists:
        if each.listed:
            yield partial(_assign, organisation=organisation, devices=each, now_ms=now_ms)
        else:
            yield from _Generation(organisation, each, seed, now_ms).steps(chunk)
    if bulk and lists:
        yield _end_bulk_load


def _begin(
    state: State, *, known: Sequence[Provisioning], parts: Mapping[str, Any], now_ms: int
) -> int:
    """Write what the services have beside organisations."""
    for one in known:
        if one.begin is not None:
            one.begin(state, now_ms, parts.get(one.name))
    return 0


def _begin_bulk_load(state: State) -> int:
    cast("StoreAdmin", state).begin_bulk_load()
    return 0


def _end_bulk_load(state: State) -> int:
    cast("StoreAdmin", state).end_bulk_load()
    return 0


def refuse_clashes(world: World, seed: int) -> None:
    """Raise ConfigurationError if a listed device has the serial number of a generated one."""
    for organisation in world.organisations:
        generated = [each for each in organisation.devices if not each.listed]
        given = [device for each in organisation.devices for device in each.listed]
        plans = [(each, DeviceMix(seed, each.families)) for each in generated if given]
        for listed in given:
            serial = listed["serial_number"]
            for each, plan in plans:
                index = plan.find(serial)
                if index is not None and each.start <= index < each.start + each.count:
                    raise ConfigurationError(
                        f"world {world.name}: serial_number {serial!r} of a listed device is one "
                        f"that is generated with seed {seed}: give the device another"
                    )


def _found(state: State, *, organisation: Organisation, seed: int, now_ms: int) -> int:
    """Add the servers of an organisation, and order its arrivals."""
    own = state.of(organisation.id)
    arrivals.prepare(own)
    for server in organisation.dep_servers:
        random_hex = seeded_hex(seed, organisation.id, server.id)
        servers.add_server(own, server.id, server.name, random_hex=random_hex, now_ms=now_ms)
    for one in organisation.arrivals:
        arrivals.order(
            own,
            one.server,
            now_ms=now_ms,
            by=one.assigned_by,
            count=one.count,
            every_s=one.every_s,
            seed=seed,
            starts_ms=now_ms + one.every_s * 1000 if one.starts_ms is None else one.starts_ms,
            ends_ms=NEVER if one.ends_ms is None else one.ends_ms,
            times=one.times,
            families=one.families,
        )
    return 1


def _migration(devices: DeviceList, now_ms: int) -> Body:
    """Return by when the devices have to have moved, as their records have it, if they have to."""
    if devices.migrate_in_days is None:
        return {}
    return {"mdm_migration_deadline": rfc3339(now_ms + devices.migrate_in_days * _DAY_MS)}


def _assign(state: State, *, organisation: str, devices: DeviceList, now_ms: int) -> int:
    listed = (one | _migration(devices, now_ms) for one in map(dict, devices.listed))
    times = (devices.assigned_at_ms(number) for number in range(devices.count))
    added = portal.add_devices(
        state.of(organisation),
        zip(listed, times, strict=True),
        server=devices.server,
        by=devices.assigned_by,
    )
    return len(added)


class _Generation:
    """One list of generated devices as it is written.

    `simulator.store.sql.bulk_load` gives the order.

    What is kept in memory of each device: its place, by serial number, and its serial number.
    """

    def __init__(self, organisation: str, devices: DeviceList, seed: int, now_ms: int) -> None:
        self._migration = _migration(devices, now_ms)
        self._organisation = organisation
        self._devices = devices
        self._plan = DeviceMix(seed, devices.families)
        self._places = array("Q")
        self._serials = bytearray()
        self._first = 0
        """Position of the first device in the organisation's order of assignment."""

    def steps(self, chunk: int) -> Iterator[Step]:
        """Yield the steps; each returns its share of the devices."""
        start, count = self._devices.start, self._devices.count
        self._places = self._plan.by_serial(range(start, start + count))
        self._serials = bytearray(count * _LONGEST)
        yield self._begin
        for work in (self._fill, self._arrange):
            for first in range(0, self._devices.count, chunk):
                yield partial(work, part=range(first, min(first + chunk, self._devices.count)))

    def _begin(self, state: State) -> int:
        self._first = fleet.places(state.of(self._organisation), self._devices.count)
        return 0

    def _fill(self, state: State, part: range) -> int:
        fleet.fill(state.of(self._organisation), self._devices.server, map(self._row, part))
        return len(part) - len(part) // _ARRANGING

    def _row(self, at: int) -> tuple[str, Body, int]:
        devices = self._devices
        place = self._places[at]
        index = self._plan.index(place)
        number = index - devices.start
        hardware = self._plan.device_at(place, index) | self._migration
        serial = hardware["serial_number"]
        start = number * _LONGEST
        self._serials[start : start + _LONGEST] = serial.encode().ljust(_LONGEST)
        record = fleet.record(hardware, devices.assigned_by, devices.assigned_at_ms(number))
        return serial, record, self._first + number

    def _arrange(self, state: State, part: range) -> int:
        rows = ((self._first + number, self._serial(number)) for number in part)
        fleet.arrange(state.of(self._organisation), self._devices.server, rows)
        return len(part) // _ARRANGING

    def _serial(self, number: int) -> str:
        start = number * _LONGEST
        return self._serials[start : start + _LONGEST].decode().rstrip()
