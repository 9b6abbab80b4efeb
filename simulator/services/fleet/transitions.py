"""What becomes of devices, however many at once: they are written, told of and audited together.

All functions take the state as seen from the organisation. Bad input is refused before anything
is written.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from simulator.core.state import State
from simulator.core.timestamps import rfc3339
from simulator.services import audit
from simulator.services.audit import Actor
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.devices import Device, DeviceEvent
from simulator.services.fleet.servers import server


def assign(
    state: State,
    devices: Sequence[Device],
    server_id: str,
    *,
    by: str,
    now_ms: int,
    actor: Actor | None = None,
) -> list[Device]:
    """Assign devices to a server, moving them from another one if they are there.

    The new server sees each as ``added``, or, coming from another server with
    a profile or from the same one, as ``modified`` and ``removed`` (dep.md 3.3).
    """
    facts = server(state, server_id)
    target = facts["id"]
    for one in devices:
        if one.released:
            back = rfc3339(one.released_ms + fleet.AWAY_MS)
            raise ValueError(f"{one.serial} was released: it can be added again from {back} on")
    placed = fleet.assign_many(
        state, [_assigned(one, target, by, now_ms) for one in devices], target
    )
    events = []
    for before, after in zip(devices, placed, strict=True):
        if before.server and before.server != target:
            events.append(DeviceEvent(before.server, "deleted", fleet.bare(before)))
        kept = before.server and (before.server == target or _has_removed_profile(after))
        events.append(DeviceEvent(target, "modified" if kept else "added", after))
    fleet.tell(state, events, now_ms)
    audit.record_devices(
        state,
        "DEVICE_ASSIGNED_TO_SERVER",
        [one.serial for one in placed],
        {"targetServerName": facts["name"]},
        actor=actor or Actor.user(by),
        now_ms=now_ms,
    )
    return placed


def _assigned(before: Device, target: str, by: str, now_ms: int) -> Device:
    """Return the device as *target* sees it once it has it."""
    fresh = replace(
        fleet.without_profile(before).with_record(
            "mdm_migration_deadline",
            device_assigned_by=by,
            device_assigned_date=rfc3339(now_ms),
        ),
        throttled_until_ms=0,
        added_ms=before.since_ms,
        migration="",
    )
    stays = before.server == target or _has_removed_profile(fresh)
    return fresh if before.server and stays else fleet.bare(fresh)


def _has_removed_profile(device: Device) -> bool:
    return bool(device.record["profile_status"] == "removed")


def unassign(
    state: State, devices: Sequence[Device], *, now_ms: int, actor: Actor | None = None
) -> list[Device]:
    """Take devices from their servers; they stay with the organisation."""
    for gone in devices:
        if not gone.server:
            raise ValueError(f"{gone.serial} is assigned to no server")
    bared = [fleet.bare(gone) for gone in devices]
    fleet.tell(state, [DeviceEvent(gone.server, "deleted", gone) for gone in bared], now_ms)
    serials = [gone.serial for gone in bared]
    kind = "DEVICE_UNASSIGNED_FROM_SERVER"
    audit.record_devices(state, kind, serials, {}, actor=actor, now_ms=now_ms)
    loose = [
        replace(gone, added_ms=gone.since_ms, updated_ms=now_ms, migration="") for gone in bared
    ]
    return fleet.assign_many(state, loose, "")


def release(
    state: State,
    devices: Sequence[Device],
    now_ms: int,
    *,
    tells: bool = False,
    actor: Actor | None = None,
    entity: tuple[str, str] = ("USER", ""),
    group: str = "",
) -> None:
    """Give *devices* up; their server is told that they are deleted only if *tells*.

    Apple support: an event comes only when a device goes to another server (fleet#49268).
    *entity* is what released them, kind and id, as the audit trail names it; *group* is that of
    its events.
    """
    gone = [fleet.bare(device) for device in devices]
    if tells:
        fleet.tell(
            state, [DeviceEvent(one.server, "deleted", one) for one in gone if one.server], now_ms
        )
    released = [
        replace(one, released=True, released_ms=now_ms, migration="", added_ms=one.since_ms)
        for one in gone
    ]
    fleet.assign_many(state, released, "")
    kind, identifier = entity
    payload = {
        "releaseEntityId": identifier or (actor.id if actor else ""),
        "releaseEntityType": kind,
    }
    audit.record_devices(
        state,
        "DEVICE_REMOVED_FROM_ORG",
        [one.serial for one in gone],
        payload,
        actor=actor,
        now_ms=now_ms,
        group=group,
    )


def migrate(
    state: State, devices: Sequence[Device], deadline_ms: int, *, now_ms: int
) -> list[Device]:
    """Set the time by which the devices have to move to another server."""
    for one in devices:
        if not one.server:
            raise ValueError(f"{one.serial} is assigned to no server")
    deadline = rfc3339(deadline_ms)
    marked = [one.with_record(mdm_migration_deadline=deadline) for one in devices]
    return tell_modified(state, [migrating(one, "REQUESTED", now_ms) for one in marked], now_ms)


def migrating(device: Device, status: str, now_ms: int) -> Device:
    """Return the device with how its migration goes."""
    return replace(device, migration=status, updated_ms=now_ms)


def clear_migration(state: State, devices: Sequence[Device], *, now_ms: int) -> list[Device]:
    """Take the deadlines away; the devices stay where they are."""
    cleared = [one.with_record("mdm_migration_deadline") for one in devices]
    return tell_modified(state, [migrating(one, "", now_ms) for one in cleared], now_ms)


def tell_modified(state: State, changed: Sequence[Device], now_ms: int) -> list[Device]:
    """Write changed devices and tell their servers that they were modified."""
    events = [DeviceEvent(one.server, "modified", one) for one in changed]
    fleet.write(state, changed, events, now_ms)
    return list(changed)
