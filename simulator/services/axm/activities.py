"""``orgDeviceActivities``: many devices assigned, unassigned, migrated or released at once.

What is to be done is done by the clock, piece by piece (`simulator.services.fleet.changes`);
an activity is what a client sees of that.
"""

from typing import Any

from simulator.core.state import Body
from simulator.core.timestamps import is_time, milliseconds, rfc3339_ms
from simulator.protocol.fields import Field, Object, String
from simulator.protocol.lookups import look_up
from simulator.protocol.operations import Call, operation
from simulator.services.axm import access, errors, logs, quirks
from simulator.services.axm.documents import (
    DOCS,
    Links,
    asked_fields,
    document,
    fields_row,
    identifier_row,
    names,
    resource,
    resource_rows,
    single,
    uuid_of,
)
from simulator.services.axm.entities import WriteEntity, entity_rows, to_many, to_one
from simulator.services.axm.errors import wrong_entity
from simulator.services.axm.server_rows import find_server
from simulator.services.fleet import changes
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.changes import BulkChange
from simulator.services.organisations import organisation

MOST_DEVICES = 10_000
MOST_AHEAD_MS = 90 * 24 * 3600 * 1000
LIFE_MS = 30 * 24 * 3600 * 1000
KIND = "orgDeviceActivities"
SINCE = {
    changes.ASSIGN: 10,
    changes.UNASSIGN: 10,
    changes.MIGRATE: 23,
    changes.DEADLINE: 23,
    changes.CANCEL: 23,
    changes.RELEASE: 24,
}
"""Version that brought each type; School does not have the last."""
_NEEDS_SERVER = (changes.ASSIGN, changes.MIGRATE)
_NEEDS_DEADLINE = (changes.MIGRATE, changes.DEADLINE)
_REASONS = ("DEVICE_NOT_FOUND", "ALREADY_ASSIGNED", "NOT_ASSIGNED", "OPERATION_FAILED")
_STEPS = ((0.25, "SUBMITTED"), (0.5, "PRE_PROCESSING"), (0.75, "PROCESSING"))
"""What the parts of an activity's time are called, each until its end; then POST_PROCESSING."""


def _text(name: str, about: str, concept: str, **more: Any) -> String:
    return String(name, about, concept=concept, source="AXM-D", **more)


ATTRIBUTES: tuple[Field, ...] = (
    _text(
        "status",
        "Whether it is done.",
        "protocol",
        values=("IN_PROGRESS", "COMPLETED", "STOPPED", "FAILED"),
    ),
    _text("subStatus", "How far it is, or how it went.", "protocol"),
    _text("createdDateTime", "When it was ordered.", "server.time"),
    _text("completedDateTime", "When it was done.", "server.time"),
    _text("downloadUrl", "Where the log is, for a minute.", "axm.log_url"),
)
ROWS = resource_rows(KIND, ATTRIBUTES)
_DEADLINE = Object(
    "activityTypeMetadata",
    "What the type needs beside.",
    versions="23+",
    source="AXM-D",
    fields=(
        String(
            "mdmMigrationDeadlineDateTime",
            "By when the devices have to migrate; at most 90 days ahead.",
            concept="device.time",
            source="AXM-D",
        ),
    ),
)
_REQUEST = entity_rows(
    KIND,
    (
        String(
            "activityType",
            "What is to be done.",
            concept="protocol",
            values=tuple(SINCE),
            source="AXM-D",
        ),
        _DEADLINE,
    ),
    (
        to_many("devices", "The devices.", "orgDevices", "device.serial"),
        to_one("mdmServer", "The server that they go to.", "mdmServers", "server.uuid"),
    ),
)


@operation(
    "POST /v1/orgDeviceActivities",
    "Order that devices are assigned, unassigned, migrated or released.",
    name="axm.activities.create",
    auth="token",
    versions="10+",
    json_only=True,
    injectable_item_outcomes=_REASONS,
    request=_REQUEST,
    response=document(ROWS),
    errors=errors.ENTITY,
    docs=f"{DOCS}create-an-orgdeviceactivity",
    source="AXM-D, AXM-GD",
    inferred="At most 10,000 devices: Apple documents no limit. To unassign, the server may be "
    "left out; a device of another server then is not unassigned, which the log says.",
)
def create_activity(call: Call) -> Body:
    """Check all that can be checked now, and order the rest."""
    entity = WriteEntity(call, KIND)
    action = _action(call, entity)
    server = _server(call, entity, action)
    deadline_ms = _deadline(call, entity) if action in _NEEDS_DEADLINE else 0
    serials = _serials(call, entity)
    account = access.account(call)
    number = call.state.reserve("axm.activity")
    span_ms = call.settings.axm_activity_s * 1000
    stuck = call.has(quirks.STUCK)
    change = BulkChange(
        id=uuid_of(call.secret, "activity", account.organisation, number),
        action=action,
        actor=(account.actor.type, account.actor.id, account.actor.name),
        by=organisation(call.state, account.organisation)["admin_id"],
        server=server,
        deadline_ms=deadline_ms,
        created_ms=call.now_ms,
        due_ms=changes.NEVER if stuck else call.now_ms + span_ms // 2,
        ends_ms=changes.NEVER if stuck else call.now_ms + span_ms,
        stopped=call.has(quirks.STOPPED),
        stale_reads=quirks.STALE_COUNT if call.has(quirks.STALE_READS) else 0,
    )
    rows = [
        (serial, forced.code if (forced := call.item_outcome(serial)) else "") for serial in serials
    ]
    made = changes.order(call.state, change, rows)
    logs.publish(call, made.id)
    links = Links(call)
    shown = resource(
        KIND,
        made.id,
        {
            "status": "IN_PROGRESS",
            "subStatus": "SUBMITTED",
            "createdDateTime": rfc3339_ms(made.created_ms),
        },
        link=links.to(KIND, made.id),
    )
    return single(call, shown, links.to(KIND))


def _action(call: Call, entity: WriteEntity) -> str:
    """Return the type, one that the version in effect has."""
    action = entity.text("activityType") or ""
    school = access.account(call).is_school
    known = SINCE.get(action, changes.NEVER) <= call.version
    if not known or (school and action == changes.RELEASE):
        raise entity.wrong("activityType", "activityType is not one that there is")
    return action


def _server(call: Call, entity: WriteEntity, action: str) -> str:
    """Return the id of the server as DEP has it; empty if none is meant."""
    uuid = entity.one("mdmServer", "mdmServers")
    pointer = "/data/relationships/mdmServer"
    if uuid is None and action in _NEEDS_SERVER:
        row, about = errors.RELATIONSHIP_REQUIRED, "mdmServer is required"
        raise wrong_entity(call, row, pointer, about, rule="field-missing")
    if uuid is None:
        return ""
    found = find_server(call.state, uuid)
    if found is None:
        about = "the organization has no server of this id"
        raise wrong_entity(call, errors.RELATIONSHIP_INVALID, f"{pointer}/data/id", about)
    return str(found["id"])


def _deadline(call: Call, entity: WriteEntity) -> int:
    metadata = entity.attributes.get("activityTypeMetadata") or {}
    name = "activityTypeMetadata/mdmMigrationDeadlineDateTime"
    text = metadata.get("mdmMigrationDeadlineDateTime")
    if text is None:
        raise entity.missing(name)
    if why := is_time(text):
        raise entity.wrong(name, f"the deadline {why}")
    at_ms = milliseconds(text)
    if at_ms > call.now_ms + MOST_AHEAD_MS:
        raise entity.wrong(name, "the deadline must be at most 90 days ahead")
    return at_ms


def _serials(call: Call, entity: WriteEntity) -> list[str]:
    """Return the serial numbers, all of devices that the organisation has now."""
    serials = entity.many("devices", "orgDevices")
    pointer = "/data/relationships/devices"
    if not serials:
        row, about = errors.RELATIONSHIP_REQUIRED, "devices is required: name at least one"
        raise wrong_entity(call, row, pointer, about, rule="field-missing")
    if len(serials) > MOST_DEVICES:
        about = f"at most {MOST_DEVICES} devices can be named at once"
        raise wrong_entity(call, errors.RELATIONSHIP_INVALID, f"{pointer}/data", about)
    if strange := look_up(call, "devices", serials, fleet.unmanaged):
        at = next(at for at, serial in enumerate(serials) if serial in strange)
        about = "the organization has no device of this id"
        raise wrong_entity(call, errors.RELATIONSHIP_INVALID, f"{pointer}/data/{at}/id", about)
    return serials


@operation(
    "GET /v1/orgDeviceActivities/{id}",
    "Get how far an activity of the last 30 days is.",
    name="axm.activities.get",
    auth="token",
    versions="10+",
    request=(identifier_row("Id of the activity."), fields_row(KIND, names(ATTRIBUTES))),
    response=document(ROWS),
    docs=f"{DOCS}get-orgdeviceactivity-information",
    source="AXM-D, AXM-HI",
    inferred="If some devices failed it is COMPLETED_WITH_ERROR, as seen live; which of Apple's "
    "three words says what is not clear.",
)
def get_activity(call: Call) -> Body:
    """Return the activity, with a log once it is done."""
    identifier = call.path["id"]
    change = changes.find(call.state, identifier)
    if change is None or call.now_ms - change.created_ms > LIFE_MS:
        raise errors.not_found(KIND, identifier)
    shown = resource(
        KIND,
        identifier,
        _progress(call, change),
        link=Links(call).to(KIND, identifier),
        only=asked_fields(call, KIND),
    )
    return single(call, shown)


def _progress(call: Call, change: BulkChange) -> Body:
    """Return the attributes: state, and when and how it ended."""
    shown: Body = {"createdDateTime": rfc3339_ms(change.created_ms)}
    if change.stopped:
        return shown | {"status": "STOPPED", "subStatus": "STOPPING"}
    if change.completed_ms and call.now_ms >= change.completed_ms:
        how = "COMPLETED_WITH_ERROR" if change.failed else "COMPLETED_WITH_SUCCESS"
        return shown | {
            "status": "COMPLETED",
            "subStatus": how,
            "completedDateTime": rfc3339_ms(change.completed_ms),
            "downloadUrl": logs.url(call, change),
        }
    return shown | {"status": "IN_PROGRESS", "subStatus": _step(call.now_ms, change)}


def _step(now_ms: int, change: BulkChange) -> str:
    """Return the name of the part of its time that the activity is in."""
    if change.ends_ms == changes.NEVER:
        return "SUBMITTED"
    part = (now_ms - change.created_ms) / max(1, change.ends_ms - change.created_ms)
    if part >= 1 and not change.completed_ms:
        return "PROCESSING"
    return next((name for end, name in _STEPS if part < end), "POST_PROCESSING")


@operation(
    "GET /v1/orgDeviceActivities",
    "The list of activities, which the service does not give.",
    name="axm.activities.list",
    auth="token",
    versions="10+",
    docs=f"{DOCS}get-orgdeviceactivity-information",
    source="AXM-AS",
    inferred="A client asks for it; what it is answered is not known.",
)
def list_activities(_: Call) -> Body:
    """Refuse: only single activities can be asked for."""
    raise errors.not_allowed(KIND, "GET_COLLECTION", "CREATE", "GET_INSTANCE")
