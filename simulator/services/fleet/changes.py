"""Changes of many devices that are ordered at once and done piece by piece.

Nothing ticks: whoever looks at devices does first a piece of what is due. So ten thousand
devices are changed without anybody else having to wait for all of them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from simulator.core.state import Body, State
from simulator.services.audit import Actor
from simulator.services.fleet import devices as fleet
from simulator.services.fleet import transitions

CHANGE, PART = "fleet.change", "fleet.change-part"
KIND, KEY = "fleet.changes", "open"
SEEN = "axm.seen"
"""Which server a device was at before it was changed, and how many reads still show that."""
PIECE = 25
"""Devices that one call changes."""
NEVER = 2**62
"""A time that does not come."""
ASSIGN, UNASSIGN, RELEASE = "ASSIGN_DEVICES", "UNASSIGN_DEVICES", "RELEASE_DEVICES"
MIGRATE = "ASSIGN_DEVICES_WITH_MDM_MIGRATION_DEADLINE"
DEADLINE, CANCEL = "UPDATE_MDM_MIGRATION_DEADLINE", "CANCEL_MDM_MIGRATION"
SUCCESS, FAILED = "SUCCESS", "FAILED"


class BulkChange(Struct, frozen=True):
    """One order."""

    id: str
    action: str
    actor: tuple[str, str, str]
    """Type, id and name of who ordered it."""
    by: str
    """E-mail address that devices show as who assigned them."""
    server: str = ""
    """Id of the server that it is about."""
    deadline_ms: int = 0
    created_ms: int = 0
    due_ms: int = 0
    """When the first device is changed."""
    ends_ms: int = 0
    """When it is complete, if all devices are done by then."""
    devices: int = 0
    done: int = 0
    failed: int = 0
    completed_ms: int = 0
    """When the last device was done; 0: not yet."""
    stopped: bool = False
    """Whether it ends without having done anything."""
    stale_reads: int = 0
    """How many reads of a device's server still show the one before."""

    def body(self) -> Body:
        """Return what is stored."""
        return asdict(self)

    @classmethod
    def of(cls, body: Body) -> "BulkChange":
        """Make it of what is stored."""
        return cls(**body | {"actor": tuple(body["actor"])})


def prepare(state: State) -> None:
    """Note that nothing is ordered, so that asking for it is cached from the start."""
    if state.get(KIND, KEY) is None:
        state.put(KIND, KEY, {"open": [], "next_ms": NEVER})


def order(state: State, change: BulkChange, rows: Sequence[tuple[str, str]]) -> BulkChange:
    """Order *change* for *rows*: serial numbers, each with what it fails by, if it is to fail."""
    parts = range(0, len(rows), PIECE)
    state.add_many(
        PART,
        ((_part(change.id, at), {"rows": rows[at : at + PIECE]}) for at in parts),
    )
    made = replace(change, devices=len(rows))
    state.put(CHANGE, change.id, made.body())
    if not change.stopped:
        _keep(state, [*_open(state), (change.due_ms, change.id)])
    return made


def find(state: State, identifier: str) -> BulkChange | None:
    """Return a change of the organisation, or None."""
    found = state.get(CHANGE, identifier)
    return None if found is None else BulkChange.of(found.body)


def results(state: State, change: BulkChange) -> Iterable[tuple[str, str, str]]:
    """Yield serial number, outcome and reason of all devices that are done, as ordered."""
    after = ""
    while found := state.scan(PART, prefix=f"{change.id}/", after=after, limit=10):
        after = found[-1].key
        for one in found:
            yield from (tuple(row) for row in one.body.get("results", ()))


def next_ms(state: State) -> int:
    """Return when the next change is due in the organisation; `NEVER` if none is ordered."""
    found = state.get(KIND, KEY)
    return NEVER if found is None else int(found.body["next_ms"])


def complete_due(state: State, now_ms: int) -> bool:
    """Change up to `PIECE` devices that are due by now; return whether those were all."""
    if next_ms(state) > now_ms:
        return True
    # Of those that are due at the same time, the one that was ordered first.
    waiting = sorted(_open(state), key=lambda one: one[0])
    _, identifier = waiting[0]
    change = find(state, identifier)
    if change is None or _do(state, change, now_ms):
        waiting = waiting[1:]
    return _keep(state, waiting) > now_ms


def _do(state: State, change: BulkChange, now_ms: int) -> bool:
    """Do the next part of *change*; return whether that was the last."""
    key = _part(change.id, change.done)
    part = state.get(PART, key)
    done = change
    if part is not None:
        reasons = _change(state, change, part.body["rows"], now_ms)
        results = [
            (serial, FAILED if reason else SUCCESS, reason) for serial, reason in reasons.items()
        ]
        state.put(PART, key, {"results": results})
        failed = sum(outcome == FAILED for _, outcome, _ in results)
        done = replace(change, done=change.done + len(results), failed=change.failed + failed)
    is_last = part is None or done.done >= change.devices
    if is_last:
        done = replace(done, completed_ms=max(now_ms, change.ends_ms))
    state.put(CHANGE, change.id, done.body())
    return is_last


def _change(
    state: State, change: BulkChange, rows: Sequence[tuple[str, str]], now_ms: int
) -> dict[str, str]:
    """Change the devices of *rows*; return for each why that failed, or an empty string."""
    known = state.get_many(fleet.DEVICE, [serial for serial, _ in rows])
    devices = {serial: fleet.Device.of(entity) for serial, entity in known.items()}
    reasons = {serial: forced or _objection(change, devices.get(serial)) for serial, forced in rows}
    good = [devices[serial] for serial, reason in reasons.items() if not reason]
    try:
        _write(state, change, good, now_ms)
    except LookupError:  # the server has been deleted since this was ordered
        return reasons | {one.serial: "SERVER_NOT_FOUND" for one in good}
    if change.stale_reads:
        seen = ((one.serial, {"server": one.server, "left": change.stale_reads}) for one in good)
        state.put_many(SEEN, ((serial, body, None) for serial, body in seen))
    return reasons


def _write(state: State, change: BulkChange, devices: Sequence[fleet.Device], now_ms: int) -> None:
    actor: Any = Actor(*change.actor)
    if change.action in (ASSIGN, MIGRATE):
        devices = transitions.assign(
            state, devices, change.server, by=change.by, now_ms=now_ms, actor=actor
        )
    if change.action in (MIGRATE, DEADLINE):
        transitions.migrate(state, devices, change.deadline_ms, now_ms=now_ms)
    elif change.action == CANCEL:
        transitions.clear_migration(state, devices, now_ms=now_ms)
    elif change.action == UNASSIGN:
        transitions.unassign(state, devices, now_ms=now_ms, actor=actor)
    elif change.action == RELEASE:
        entity = ("API", change.actor[1])
        transitions.release(state, devices, now_ms, actor=actor, entity=entity)


def _objection(change: BulkChange, device: fleet.Device | None) -> str:
    """Return why *change* does not fit what *device* is like now, or an empty string."""
    if device is None or device.released:
        return "DEVICE_NOT_FOUND"
    if device.failing:
        return "OPERATION_FAILED"
    if change.action in (ASSIGN, MIGRATE) and device.server == change.server:
        return "ALREADY_ASSIGNED"
    if change.action == UNASSIGN and (
        not device.server or change.server not in ("", device.server)
    ):
        return "NOT_ASSIGNED"
    if change.action in (DEADLINE, CANCEL) and device.migration != "REQUESTED":
        return "NO_MIGRATION_IN_PROGRESS"
    return ""


def _part(identifier: str, start: int) -> str:
    return f"{identifier}/{start:09d}"


def _open(state: State) -> list[tuple[int, str]]:
    found = state.get(KIND, KEY)
    return [] if found is None else [(due_ms, key) for due_ms, key in found.body["open"]]


def _keep(state: State, waiting: list[tuple[int, str]]) -> int:
    """Store what is open; return when the next is due."""
    earliest = min((due_ms for due_ms, _ in waiting), default=NEVER)
    state.put(KIND, KEY, {"open": waiting, "next_ms": earliest})
    return earliest
