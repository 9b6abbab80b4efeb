"""The devices of an organisation and the events that a sync tells of.

A device is stored with its *record*, which is what stands on the wire, so a
page of a fetch is a page of records. Every transition here writes the device
and, where its server has to hear of it, one event.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from simulator.core.state import Body, Entity, State
from simulator.core.timestamps import milliseconds, rfc3339

DEVICE = "dep.device"
EVENT = "dep.event"
AWAY_MS = 30 * 24 * 3600 * 1000
"""How long a released device cannot be added again (fleet#47633, nanodep#43)."""
PROFILE_KEYS = ("profile_uuid", "profile_assign_time", "profile_push_time")


class Device(Struct, frozen=True):
    """One device, wherever it is assigned."""

    serial: str
    record: Body
    """What stands on the wire: hardware, assignment and profile."""
    server: str = ""
    """Id of the server that it is assigned to; empty if to none."""
    place: int = 0
    """Position in the order of assignment, over all servers of the organisation."""
    released: bool = False
    """Whether the organisation has given it up."""
    released_ms: int = 0
    """When it did."""
    throttled_until_ms: int = 0
    failing: bool = False
    """Whether calls that change it answer FAILED."""
    locked: bool = False
    """Whether Activation Lock is on."""
    replaces: str = ""
    """Serial number of the device that it replaced."""
    replaced_on: str = ""
    """Date of that, ``2026-01-15``."""
    added_ms: int = 0
    """When it came to the organisation; 0: when it came to its server."""
    updated_ms: int = 0
    """When it was unassigned or told to migrate; 0: it was not."""
    migration: str = ""
    """How its migration to another server goes: ``REQUESTED``, ``SUCCESS``; empty: none."""

    @classmethod
    def of(cls, entity: Entity) -> "Device":
        """Make it of what is stored."""
        return cls(entity.key, **entity.body)

    @property
    def assigned_ms(self) -> int:
        """When it came to its server."""
        return milliseconds(self.record["device_assigned_date"])

    @property
    def since_ms(self) -> int:
        """When it came to the organisation."""
        return self.added_ms or self.assigned_ms

    def body(self) -> Body:
        """Return what is stored."""
        return {name: value for name in _STORED if (value := getattr(self, name))}

    def locked_as(self, is_locked: bool) -> "Device":
        """Return the device with Activation Lock on or off."""
        return replace(self, locked=is_locked)

    def with_record(self, *without: str, **values: Any) -> "Device":
        """Return the device with *values* set in its record and the keys *without* gone."""
        kept = {k: v for k, v in self.record.items() if k not in without}
        return replace(self, record=kept | values)


_STORED = tuple(name for name in Device.__struct_fields__ if name != "serial")


def find(state: State, server: str, serials: Iterable[str]) -> dict[str, Device | None]:
    """Return for each of *serials*, once, the device if *server* may see it, else None."""
    wanted = list(dict.fromkeys(serials))
    found = state.get_many(DEVICE, wanted)
    return {
        serial: device
        if (entity := found.get(serial)) and (device := Device.of(entity)).server == server
        else None
        for serial in wanted
    }


def page(state: State, server: str, after: int, limit: int) -> tuple[list[Device], bool]:
    """Return the next *limit* devices of *server* by assignment, and whether more follow."""
    found = state.find(
        DEVICE, "place", prefix=f"{server}/", after=_place(server, after), limit=limit + 1
    )
    return [Device.of(entity) for entity in found[:limit]], len(found) > limit


def count(state: State, server: str) -> int:
    """Return how many devices are assigned to *server*."""
    return state.count_indexed(DEVICE, "place", f"{server}/")


def events(state: State, server: str, after: int, limit: int) -> tuple[list[Body], int, bool]:
    """Return the next *limit* event records of *server*, the last's number, and if more follow."""
    found = state.scan(EVENT, prefix=f"{server}/", after=_place(server, after), limit=limit + 1)
    taken = found[:limit]
    last = int(taken[-1].key.rpartition("/")[2]) if taken else after
    return [entity.body for entity in taken], last, len(found) > limit


def last_event(state: State) -> int:
    """Return the number of the newest event."""
    return state.reserve(EVENT, 0) - 1


def last_place(state: State) -> int:
    """Return the place of the device that was assigned last."""
    return places(state, 0) - 1


def _place(server: str, number: int) -> str:
    return f"{server}/{number:012d}"


class DeviceEvent(Struct, frozen=True):
    """One event to be told to a server."""

    server: str
    op_type: str
    device: Device
    at_ms: int = 0
    """When it happened; 0: when it is told."""


def write(
    state: State, devices: Iterable[Device], events: Iterable[DeviceEvent], now_ms: int
) -> None:
    """Store changed *devices* and tell their servers; assignment stays as it was."""
    state.put_many(DEVICE, ((device.serial, device.body(), None) for device in devices))
    tell(state, events, now_ms)


def tell(state: State, events: Iterable[DeviceEvent], now_ms: int) -> None:
    """Append events in the given order."""
    listed = list(events)
    number = state.reserve(EVENT, len(listed))
    # They are new: a store need not look for what they would replace, which costs far more.
    state.add_many(
        EVENT,
        (
            (
                _place(one.server, number + offset),
                one.device.record
                | {"op_type": one.op_type, "op_date": rfc3339(one.at_ms or now_ms)},
            )
            for offset, one in enumerate(listed)
        ),
    )


def assign(state: State, device: Device, server: str) -> Device:
    """Store *device* as assigned to *server* (empty: to none), last in the order."""
    (moved,) = assign_many(state, [device], server)
    return moved


def assign_many(state: State, devices: Sequence[Device], server: str) -> list[Device]:
    """Store *devices* as `assign` does, in their order."""
    first = places(state, len(devices)) if server else 0
    moved = [
        replace(device, server=server, place=first + offset if server else 0)
        for offset, device in enumerate(devices)
    ]
    state.put_many(
        DEVICE,
        (
            (one.serial, one.body(), {"place": _place(server, one.place)} if server else _gone(one))
            for one in moved
        ),
    )
    return moved


def _gone(device: Device) -> dict[str, str]:
    """Return what a device of no server is found by."""
    return {"released": device.serial} if device.released else {}


def unmanaged(state: State, serials: Sequence[str]) -> set[str]:
    """Return those of *serials* that the organisation does not have, or has released.

    Their records are not read, so that others do not have to wait for ten thousand. Who has
    released devices before there was this index finds them here no more than `Device.released`.
    """
    return state.missing(DEVICE, serials) | state.indexed(DEVICE, "released", serials)


def add(state: State, rows: list[Device], server: str) -> None:
    """Store many new devices as assigned to *server*, in order."""
    first = places(state, len(rows))
    state.put_many(
        DEVICE,
        (
            (
                row.serial,
                row.body() | {"server": server, "place": first + offset},
                {"place": _place(server, first + offset)},
            )
            for offset, row in enumerate(rows)
        ),
    )


def record(hardware: Body, by: str, at_ms: int) -> Body:
    """Return what stands on the wire of a device that was just assigned."""
    return hardware | {
        "profile_status": "empty",
        "device_assigned_by": by,
        "device_assigned_date": rfc3339(at_ms),
    }


def fill(state: State, server: str, rows: Iterable[tuple[str, Body, int]]) -> None:
    """Store new devices of *server* by serial number, record and place; `arrange` has to follow.

    ValueError if one is there already. Many are stored fastest in order of serial number.
    """
    state.add_many(
        DEVICE,
        (
            (serial, {"record": record, "server": server, "place": place} | migration_of(record))
            for serial, record, place in rows
        ),
    )


def migration_of(record: Body) -> Body:
    """Return what is stored of a device that comes with a deadline to migrate."""
    return {"migration": "REQUESTED"} if "mdm_migration_deadline" in record else {}


def arrange(state: State, server: str, rows: Iterable[tuple[int, str]]) -> None:
    """Let devices that `fill` has stored be found by place; fastest in that order."""
    state.index_many(DEVICE, "place", ((_place(server, place), serial) for place, serial in rows))


def places(state: State, count: int) -> int:
    """Reserve *count* places in the order of assignment, and return the first."""
    return state.reserve("dep.place", count)


def with_profile(device: Device, uuid: str, now_ms: int) -> Device:
    """Return *device* with the profile assigned."""
    return device.with_record(
        "profile_push_time",
        profile_status="assigned",
        profile_uuid=uuid,
        profile_assign_time=rfc3339(now_ms),
    )


def without_profile(device: Device) -> Device:
    """Return *device* with its profile taken away.

    The uuid and the time of assignment stay to be seen (live log, nanodep#16).
    """
    if device.record["profile_status"] == "empty":
        return device
    return device.with_record("profile_push_time", profile_status="removed")


def bare(device: Device) -> Device:
    """Return *device* as it is told of once it is gone: without any profile (PR's sample)."""
    return device.with_record(*PROFILE_KEYS, "mdm_migration_deadline", profile_status="empty")
