"""What people do in Apple's portal: there is no DEP call for any of it (dep.md 3.5).

All functions take the state as seen from the organisation, unless they say
otherwise, and raise LookupError for what does not exist and ValueError for
what cannot be done.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339
from simulator.services import audit
from simulator.services.audit import Actor
from simulator.services.fleet import devices as fleet
from simulator.services.fleet import locks, transitions
from simulator.services.fleet.devices import Device, DeviceEvent


def add_devices(
    state: State,
    rows: Iterable[tuple[Body, int]],
    *,
    server: str,
    by: str,
    events: bool = False,
) -> list[str]:
    """Add new devices, assigned to *server*, as `place_devices` does; ValueError if one is there.

    A released device may come back in time.
    """
    listed = list(rows)
    serials = [hardware["serial_number"] for hardware, _ in listed]
    times = [at_ms for _, at_ms in listed]
    refuse_taken(taken(state, serials), zip(serials, times, strict=True))
    return place_devices(state, listed, server=server, by=by, events=events)


def place_devices(
    state: State,
    rows: Iterable[tuple[Body, int]],
    *,
    server: str,
    by: str,
    events: bool = False,
    group: str = "",
) -> list[str]:
    """Write new devices, assigned to *server*; return their serial numbers.

    *rows* hold the hardware facts by wire name and the time of assignment in
    milliseconds, in order of time. Without *events* no sync tells of them,
    which is right for what was there before the first fetch. *group* is that of the audit's
    events.
    """
    devices = [
        Device(
            hardware["serial_number"],
            fleet.record(hardware, by, at_ms),
            **fleet.migration_of(hardware),
        )
        for hardware, at_ms in rows
    ]
    fleet.add(state, devices, server)
    if events and devices:
        at_ms = max(device.assigned_ms for device in devices)
        fleet.tell(state, [DeviceEvent(server, "added", device) for device in devices], at_ms)
        audit.record_devices(
            state,
            "DEVICE_ADDED_TO_ORG",
            [device.serial for device in devices],
            {"purchaseSourceType": "APPLE", "purchaseSourceId": "0"},
            actor=Actor.user(by),
            now_ms=at_ms,
            group=group,
        )
    return [device.serial for device in devices]


def taken(state: State, serials: Iterable[str]) -> dict[str, Device]:
    """Return those of *serials* that the organisation has or had, by serial number."""
    known = state.get_many(fleet.DEVICE, serials)
    return {serial: Device.of(entity) for serial, entity in known.items()}


def refuse_taken(known: Mapping[str, Device], rows: Iterable[tuple[str, int]]) -> None:
    """Raise ValueError if one of *rows*, serial number and time, cannot be added.

    *known* are those that `taken` found. A released device may come back in time.
    """
    if there := [serial for serial, one in known.items() if not one.released]:
        raise ValueError(f"{len(there)} of the serial numbers exist, {min(there)} among them")
    for serial, at_ms in rows:
        gone = known.get(serial)
        if gone is not None and at_ms < gone.released_ms + fleet.AWAY_MS:
            back = rfc3339(gone.released_ms + fleet.AWAY_MS)
            raise ValueError(
                f"{serial} was released and can be added again from {back} on: move the clock"
            )


def change_device(state: State, serial: str, facts: Body, *, now_ms: int) -> Device:
    """Set attributes of a device by their wire names (None takes one away), and tell of it."""
    before = device(state, serial)
    gone = [name for name, value in facts.items() if value is None]
    kept = {name: value for name, value in facts.items() if value is not None}
    changed = before.with_record(*gone, **kept)
    if not before.server:
        fleet.write(state, [changed], (), now_ms)
        return changed
    (told,) = transitions.tell_modified(state, [changed], now_ms)
    return told


def device(state: State, serial: str) -> Device:
    """Return a device of the organisation; LookupError if there is none."""
    found = state.get(fleet.DEVICE, serial)
    if found is None:
        raise LookupError(f"no device has the serial number {serial}")
    return Device.of(found)


def assign(
    state: State,
    serial: str,
    server_id: str,
    *,
    by: str,
    now_ms: int,
    actor: Actor | None = None,
) -> Device:
    """Assign a device to a server, moving it from another one if it is there."""
    moved = [device(state, serial)]
    (placed,) = transitions.assign(state, moved, server_id, by=by, now_ms=now_ms, actor=actor)
    return placed


def unassign(state: State, serial: str, *, now_ms: int, actor: Actor | None = None) -> Device:
    """Take a device from its server; it stays with the organisation."""
    (loose,) = transitions.unassign(state, [device(state, serial)], now_ms=now_ms, actor=actor)
    return loose


def release(
    state: State,
    serial: str,
    *,
    now_ms: int,
    tells: bool = False,
    actor: Actor | None = None,
    entity: tuple[str, str] = ("USER", ""),
) -> Device:
    """Release a device from the organisation; a sync tells of it only if *tells*.

    *actor* and *entity* say who did it, as `transitions.release` takes them.
    """
    transitions.release(
        state, [device(state, serial)], now_ms, tells=tells, actor=actor, entity=entity
    )
    return device(state, serial)


def replace_device(state: State, serial: str, hardware: Body, *, by: str, now_ms: int) -> Device:
    """Replace a device by the new one of *hardware*, as Apple's repair does."""
    old = device(state, serial)
    if not old.server:
        raise ValueError(f"{serial} is assigned to no server")
    new_serial = hardware["serial_number"]
    if state.get(fleet.DEVICE, new_serial) is not None:
        raise ValueError(f"the serial number {new_serial} exists")
    gone = fleet.bare(old)
    new = Device(
        new_serial,
        fleet.record(hardware, by, now_ms) | {"is_replacement_device": True},
        replaces=serial,
        replaced_on=rfc3339(now_ms)[:10],
    )
    placed = fleet.assign(state, new, old.server)
    farewell = gone.with_record(released_by_replacement=True)
    told = [DeviceEvent(old.server, "deleted", farewell), DeviceEvent(old.server, "added", placed)]
    fleet.tell(state, told, now_ms)
    fleet.assign(state, replace(gone, released=True), "")
    return placed


def activate(state: State, serial: str, *, now_ms: int) -> Device:
    """Let the device fetch its profile, if one is assigned, as it does when it is set up.

    A bypass code that it made before an erase is not its code any more.
    """
    woken = device(state, serial)
    locks.forget_code(state, serial)
    if woken.record["profile_status"] not in ("assigned", "pushed"):
        return woken
    pushed = woken.with_record(profile_status="pushed", profile_push_time=rfc3339(now_ms))
    (told,) = transitions.tell_modified(state, [pushed], now_ms)
    return told


def migrate(state: State, serial: str, deadline_ms: int, *, now_ms: int) -> Device:
    """Set the time by which the device has to move to another server."""
    (moving,) = transitions.migrate(state, [device(state, serial)], deadline_ms, now_ms=now_ms)
    return moving


def complete_migration(state: State, serial: str, *, now_ms: int) -> Device:
    """Note that the device has moved: it enrolled with its server, and no deadline is left.

    The lock of the server before is gone, and its codes open nothing.
    """
    moved = device(state, serial)
    if not moved.record.get("mdm_migration_deadline"):
        raise ValueError(f"{serial} has no deadline to migrate: set one with migrate")
    if locks.hand_over(state, serial):
        moved = moved.locked_as(False)
    pushed = moved.with_record("mdm_migration_deadline", **_pushed(moved, now_ms))
    migrated = transitions.migrating(pushed, "SUCCESS", now_ms)
    (told,) = transitions.tell_modified(state, [migrated], now_ms)
    return told


def _pushed(moved: Device, now_ms: int) -> Body:
    if moved.record["profile_status"] == "empty":
        return {}
    return {"profile_status": "pushed", "profile_push_time": rfc3339(now_ms)}


def clear_migration(state: State, serial: str, *, now_ms: int) -> Device:
    """Take the deadline away; the device stays where it is."""
    (staying,) = transitions.clear_migration(state, [device(state, serial)], now_ms=now_ms)
    return staying


def throttle(state: State, serial: str, seconds: int, *, now_ms: int) -> Device:
    """Throttle assignments to the device for *seconds*; 0 ends it."""
    slow = replace(device(state, serial), throttled_until_ms=now_ms + seconds * 1000)
    fleet.write(state, [slow], (), now_ms)
    return slow


def fail(state: State, serial: str, *, failing: bool, now_ms: int) -> Device:
    """Let calls that change the device answer FAILED, or end that."""
    broken = replace(device(state, serial), failing=failing)
    fleet.write(state, [broken], (), now_ms)
    return broken
