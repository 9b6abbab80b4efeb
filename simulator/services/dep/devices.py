"""Devices: fetch, sync, details, disown."""

from operator import attrgetter
from typing import Any

from simulator.core.state import Body
from simulator.core.timestamps import milliseconds, rfc3339
from simulator.protocol.fields import Boolean, Integer, String, Table
from simulator.protocol.fields import Objects as Array
from simulator.protocol.items import Items
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.dep import cursors, errors, quirks, timeline
from simulator.services.dep.cursors import DeviceCursor
from simulator.services.dep.device_rows import (
    DOCS,
    EVENT,
    PAGE_MAXIMUM,
    STATUS,
    changeable,
    device_fields,
    outcomes,
    requested_serials,
    serials,
)
from simulator.services.fleet import at_once
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.servers import server

PAGE_DEFAULT = 100

CURSOR = String(
    "cursor",
    "Where to go on: the cursor of the response before.",
    concept="protocol",
    longest=1000,
    source="AD",
)
LIMIT = Integer(
    "limit",
    "Largest number of devices in the response; 0 or absent: 100.",
    concept="protocol",
    least=0,
    most=PAGE_MAXIMUM,
    example=100,
    source="AD",
    inferred="Above the maximum it counts as the maximum; below 0 as absent.",
)
PAGE = (
    String("fetched_until", "Time that the response reaches.", concept="protocol", source="PR"),
    Boolean("more_to_follow", "Whether there is more to get at once.", concept="protocol"),
    String("cursor", "Where to go on.", concept="protocol", source="AD"),
)


def _limit(call: Call) -> int:
    asked: int = call.body.get("limit") or 0
    return min(asked, PAGE_MAXIMUM) if asked > 0 else PAGE_DEFAULT


def _page(call: Call, records: Items[Any], cursor: DeviceCursor, *, more: bool) -> Body:
    return {
        "devices": records,
        "fetched_until": rfc3339(cursor.progress_ms),
        "more_to_follow": more,
        "cursor": timeline.encode(call.state, cursor, call.secret, call.principal.id),
    }


def _known(call: Call, text: str) -> DeviceCursor:
    cursor = timeline.decode(call.state, text, call.secret, call.principal.id)
    if cursor is None:
        raise ApiError(errors.INVALID_CURSOR)
    return cursor


@operation(
    "POST /server/devices",
    "Fetch all devices that are assigned to the server, oldest first.",
    name="dep.fetch",
    auth="session",
    request=(CURSOR, LIMIT),
    response=(Array("devices", "The devices.", fields=device_fields(), source="AD"), *PAGE),
    errors=(errors.INVALID_CURSOR, errors.EXHAUSTED_CURSOR),
    json_only=True,
    docs=f"{DOCS}fetch-devices",
    source="AD, PR",
)
def fetch(call: Call) -> Body:
    """Return the next page of devices, and a cursor that a sync can start from."""
    text = call.body.get("cursor") or ""
    if text:
        at = _known(call, text)
        if at.phase != "fetching":
            raise ApiError(errors.EXHAUSTED_CURSOR)
    else:
        at = DeviceCursor("fetching", 0, fleet.last_event(call.state), call.now_ms, call.now_ms)
    found, more = fleet.page(call.state, call.principal.id, at.position, _limit(call))
    position = found[-1].place if found else at.position
    progress_ms = found[-1].assigned_ms if more else call.now_ms
    phase: cursors.Phase = "fetching" if more else "fetched"
    cursor = DeviceCursor(phase, position, at.base, progress_ms, call.now_ms)
    if call.has(quirks.THROTTLED_MISSING):
        found = [device for device in found if device.throttled_until_ms <= call.now_ms]
    page = _page(call, Items(found, attrgetter("record")), cursor, more=more)
    if text and call.has(quirks.SAME_CURSOR):
        page |= {"cursor": text, "more_to_follow": True}
    return page


@operation(
    "POST /devices/sync",
    "Sync: get what has happened to the server's devices since the cursor, in order.",
    name="dep.sync",
    auth="session",
    request=(
        String(
            "cursor",
            "Cursor of the last fetch or sync; good for 7 days.",
            concept="protocol",
            required=True,
            missing=errors.CURSOR_REQUIRED,
            shortest=1,
            longest=1000,
            invalid=errors.CURSOR_REQUIRED,
            source="AD, PR",
        ),
        LIMIT,
    ),
    response=(
        Array("devices", "The events.", fields=device_fields(*EVENT), source="AD"),
        *PAGE,
    ),
    errors=(errors.CURSOR_REQUIRED, errors.INVALID_CURSOR, errors.EXPIRED_CURSOR),
    json_only=True,
    docs=f"{DOCS}sync-devices",
    source="AD, PR",
    inferred="EXHAUSTED_CURSOR, which AD lists for a sync, was never seen and is not given. A "
    "cursor from before a reset of the simulator is INVALID_CURSOR where it would miss events.",
)
def sync(call: Call) -> Body:
    """Return the next page of events, and the cursor behind it."""
    text = call.body.get("cursor") or ""
    if not text:
        raise ApiError(errors.CURSOR_REQUIRED)
    at = _known(call, text)
    if call.now_ms - at.issued_ms > cursors.LIFE_MS:
        raise ApiError(errors.EXPIRED_CURSOR)
    # With the quirk on, a cursor with base 1 has told its last event twice already.
    syncing = at.phase == "syncing"
    again = syncing and not at.base and at.position > 0 and call.has(quirks.EVENT_TWICE)
    start = at.last_event - again
    found, last, more = fleet.events(call.state, call.principal.id, start, _limit(call))
    if call.has(quirks.LATE_EVENTS):
        found, last, more = _early(call, start)
    twice = last <= at.last_event and syncing and bool(again or at.base)
    cursor = DeviceCursor("syncing", last, int(twice), call.now_ms, call.now_ms)
    page = _page(call, Items(_odd(call, found)), cursor, more=more)
    if syncing and call.has(quirks.SAME_SYNC_CURSOR):
        page["cursor"] = text
    return page


def _early(call: Call, start: int) -> tuple[list[Body], int, bool]:
    """Return the events that are old enough to be told, as `fleet.events` does."""
    found, last, more = fleet.events(call.state, call.principal.id, start, _limit(call))
    before_ms = call.now_ms - quirks.LATE_MS
    old = sum(milliseconds(one["op_date"]) <= before_ms for one in found)
    if old == len(found):
        return found, last, more
    if not old:
        return [], start, False
    return *fleet.events(call.state, call.principal.id, start, old)[:2], False


def _odd(call: Call, events: list[Body]) -> list[Body]:
    """Return *events* as the quirks that are on would tell them."""
    if call.has(quirks.THROTTLED_MISSING):
        serials = (one["serial_number"] for one in events)
        known = fleet.find(call.state, call.principal.id, serials)
        slow = {
            serial
            for serial, device in known.items()
            if device is not None and device.throttled_until_ms > call.now_ms
        }
        events = [one for one in events if one["serial_number"] not in slow]
    if call.has(quirks.NEW_MISSING):
        events = [one for one in events if one["op_type"] != "added"]
    if call.has(quirks.MIGRATING_MISSING):
        events = [one for one in events if not one.get("mdm_migration_deadline")]
    if call.has(quirks.ADDED_AND_MODIFIED):
        events = [
            one
            for event in events
            for one in (event, event | {"op_type": "modified"})
            if one is event or event["op_type"] == "added"
        ]
    return events


@operation(
    "POST /devices",
    "Get details of devices by serial number.",
    name="dep.details",
    auth="session",
    request=(serials("Serial numbers to look up."),),
    response=(
        Table(
            "devices",
            "Details by serial number.",
            concept="device.serial",
            fields=device_fields(STATUS),
            source="AD",
        ),
    ),
    errors=(errors.DEVICE_ID_REQUIRED,),
    json_only=True,
    docs=f"{DOCS}get-device-details",
    source="AD, PR",
    inferred="An inaccessible serial number gets NOT_ACCESSIBLE, as seen live; PR says NOT_FOUND.",
)
def details(call: Call) -> Body:
    """Return each device with its status; one that is not the server's has only a status."""
    found = fleet.find(call.state, call.principal.id, requested_serials(call))
    return {"devices": {serial: _detail(call, serial, one) for serial, one in found.items()}}


def _detail(call: Call, serial: str, device: fleet.Device | None) -> Body:
    if forced := call.item_outcome(serial):
        return {"response_status": forced.code}
    if device is None:
        return {"response_status": "NOT_ACCESSIBLE"}
    return device.record | {"response_status": "SUCCESS"}


@operation(
    "POST /devices/disown",
    "Give devices up for good.",
    name="dep.disown",
    auth="session",
    request=(serials("Serial numbers to give up."),),
    response=(outcomes("Outcome by serial number.", "SUCCESS", "NOT_ACCESSIBLE", "FAILED"),),
    errors=(errors.DEVICE_ID_REQUIRED, errors.ACCESS_DENIED),
    json_only=True,
    docs=f"{DOCS}disown-devices",
    source="AD, PR",
    inferred="No sync tells of a disowned device, as Apple's support said (fleet#49268, #51418); a "
    "quirk gives the other behaviour. The portal's switch answers ACCESS_DENIED.",
)
def disown(call: Call) -> Body:
    """Release the devices from the organisation, if the portal lets the server do so."""
    if not server(call.state, call.principal.id).get("may_release", True):
        raise ApiError(errors.ACCESS_DENIED)
    answers: dict[str, str] = {}
    released, identifier = list(changeable(call, answers)), call.principal.id
    tells = call.has(quirks.RELEASE_TELLS)
    what = {"do": "release", "tells": tells, "entity": ["MDM", identifier]}
    at_once.change(call.state, identifier, released, what, now_ms=call.now_ms)
    return {"devices": answers}
