"""``auditEvents``: what people, API accounts and Apple did, as the portal's trail has it."""

from typing import Any

from simulator.core.state import Body, Entity
from simulator.core.timestamps import is_time, milliseconds, rfc3339_ms
from simulator.protocol.fields import Field, Object, String
from simulator.protocol.items import Items
from simulator.protocol.operations import Call, operation
from simulator.services import audit
from simulator.services.audit import KINDS, data_key
from simulator.services.axm import errors, paging
from simulator.services.axm.documents import (
    DOCS,
    asked_fields,
    fields_row,
    listing,
    names,
    resource,
    resource_rows,
    uuid_of,
)


def _text(name: str, about: str, concept: str = "protocol", **more: Any) -> String:
    return String(name, about, concept=concept, source="AXM-D", **more)


_PAYLOADS: dict[str, tuple[tuple[str, str], ...]] = {
    "DEVICE_ADDED_TO_ORG": (
        ("serialNumber", "device.serial"),
        ("purchaseSourceType", "device.order"),
        ("purchaseSourceId", "device.order"),
    ),
    "DEVICE_REMOVED_FROM_ORG": (
        ("serialNumber", "device.serial"),
        ("releaseEntityId", "audit.actor"),
        ("releaseEntityType", "protocol"),
    ),
    "DEVICE_ASSIGNED_TO_SERVER": (
        ("serialNumber", "device.serial"),
        ("targetServerName", "server.name"),
    ),
    "DEVICE_UNASSIGNED_FROM_SERVER": (("serialNumber", "device.serial"),),
    **dict.fromkeys(
        ("CONFIG_SETTINGS_CREATED", "CONFIG_SETTINGS_UPDATED", "CONFIG_SETTINGS_DELETED"),
        (
            ("configType", "protocol"),
            ("configId", "content.id"),
            ("configVersion", "protocol"),
        ),
    ),
    **dict.fromkeys(
        ("COLLECTION_CREATED", "COLLECTION_UPDATED", "COLLECTION_DELETED"),
        (("name", "content.name"), ("description", "content.description")),
    ),
    **dict.fromkeys(
        (
            "API_ACCOUNT_CREATED_WITH_KEY",
            "API_ACCOUNT_KEY_GENERATED",
            "API_ACCOUNT_KEY_REVOKED",
        ),
        (("keyId", "axm.key_id"),),
    ),
    "API_ACCOUNT_NAME_CHANGED": (("newName", "axm.account_name"),),
}
"""Keys of the payloads with their concepts; the other types have an empty one."""


def _payload(kind: str) -> Object:
    rows = tuple(_text(name, f"{name}.", concept) for name, concept in _PAYLOADS.get(kind, ()))
    return Object(data_key(kind), f"Of {kind}.", fields=rows, source="AXM-D")


ATTRIBUTES: tuple[Field, ...] = (
    _text("eventDateTime", "When it happened.", "server.time"),
    _text("type", "What happened.", values=tuple(KINDS)),
    _text(
        "category",
        "What it is about.",
        values=(
            "ORGANIZATION",
            "ACCOUNT_ACTIVITY",
            "DEVICE_INVENTORY",
            "PURCHASING",
            "DEVICE_MANAGEMENT",
        ),
    ),
    _text("actorType", "What did it.", values=("USER", "API_USER", "SYSTEM")),
    _text("actorId", "Who did it.", "audit.actor"),
    _text("actorName", "Who did it, by name.", "audit.actor"),
    _text(
        "subjectType",
        "What it was done to.",
        values=tuple(dict.fromkeys(kind for _, kind in KINDS.values())),
    ),
    _text("subjectId", "Its id.", "audit.subject"),
    _text("subjectName", "Its name.", "audit.subject"),
    _text("outcome", "How it went.", values=("SUCCESS", "FAILURE")),
    _text("groupId", "The same for events of one action."),
    _text("eventDataPropertyKey", "Name of the property that holds the rest."),
    *(_payload(kind) for kind in KINDS),
)


def _filter(name: str, about: str, concept: str, **more: Any) -> String:
    return String(
        f"filter[{name}]",
        about,
        place="query",
        versions="20+",
        concept=concept,
        source="AXM-D, AXM-HI",
        **more,
    )


_TIME: dict[str, Any] = {
    "required": True,
    "missing": errors.PARAMETER_REQUIRED,
    "invalid": errors.PARAMETER_INVALID,
    "check": is_time,
    "example": "2026-03-01T12:00:00Z",
}


@operation(
    "GET /v1/auditEvents",
    "List the events of a time.",
    name="axm.audit.list",
    auth="business",
    versions="20+",
    request=(
        _filter("startTimestamp", "From when on.", "protocol", **_TIME),
        _filter("endTimestamp", "Until when.", "protocol", **_TIME),
        _filter("actorId", "Who did it.", "audit.actor"),
        _filter("subjectId", "What it was done to.", "audit.subject"),
        _filter("type", "What happened.", "protocol"),
        fields_row("auditEvents", names(ATTRIBUTES), "20+"),
        *paging.PAGE,
    ),
    response=listing(resource_rows("auditEvents", ATTRIBUTES)),
    errors=(errors.PARAMETER_REQUIRED,),
    docs=f"{DOCS}get-audit-events",
    source="AXM-D, AXM-HI",
    inferred="Oldest first, both ends included; an end before the start gives nothing. A page "
    "that had to leave out much may be short although more follows. Types of 2.6 are not written.",
)
def list_events(call: Call) -> Body:
    """Return a page of events."""
    start_ms = milliseconds(call.query["filter[startTimestamp]"])
    end_ms = milliseconds(call.query["filter[endTimestamp]"])
    last_key = f"{max(end_ms, 0):015d}/\uffff"
    start = paging.after(call) or f"{max(start_ms, 0):015d}"

    def read(after: str, limit: int) -> list[Entity]:
        found = audit.read(call.state, after, limit)
        return [one for one in found if one.key <= last_key]

    found, last, more = paging.collect(
        read, start, paging.limit(call), lambda one: _fits(call, one)
    )
    only = asked_fields(call, "auditEvents")
    items = Items(found, lambda one: _shown(call, one, only))
    return paging.page(call, items, last, more=more)


def _fits(call: Call, one: Entity) -> bool:
    """Tell whether an event is one that the filters want."""
    values = {
        "actorId": one.body["actor"][1],
        "subjectId": one.body["subject"][0],
        "type": one.body["type"],
    }
    asked = ((name, call.query.get(f"filter[{name}]")) for name in values)
    return all(wanted in (None, values[name]) for name, wanted in asked)


def _shown(call: Call, one: Entity, only: frozenset[str] | None) -> Body:
    body = one.body
    kind = body["type"]
    category, subject_type = KINDS[kind]
    actor_type, actor_id, actor_name = body["actor"]
    subject, subject_name = body["subject"]
    return resource(
        "auditEvents",
        uuid_of(b"audit", call.principal.organisation, one.key),
        {
            "eventDateTime": rfc3339_ms(body["at_ms"]),
            "type": kind,
            "category": category,
            "actorType": actor_type,
            "actorId": actor_id,
            "actorName": actor_name,
            "subjectType": subject_type,
            "subjectId": subject,
            "subjectName": subject_name,
            "outcome": "SUCCESS",
            "groupId": body["group"],
            "eventDataPropertyKey": data_key(kind),
            data_key(kind): body["payload"],
        },
        only=only,
    )
