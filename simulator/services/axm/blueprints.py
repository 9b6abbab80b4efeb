"""``blueprints``: apps, packages and configurations for devices, users and groups."""

import re
from collections.abc import Iterator
from typing import Any

from simulator.core.state import Body, Entity
from simulator.protocol.fields import Digits, Field, Objects, String
from simulator.protocol.operations import Call, operation
from simulator.services import audit
from simulator.services.axm import access, errors, paging
from simulator.services.axm.blueprint_rows import (
    BLUEPRINT,
    CONCEPTS,
    CONTENT,
    KIND,
    MEMBERS,
    RELATIONSHIPS,
    RESOURCE,
    ROWS,
    SENT,
    all_present,
    checked,
    weight,
)
from simulator.services.axm.device_rows import attributes as device_attributes
from simulator.services.axm.documents import (
    DOCS,
    Links,
    asked_fields,
    document,
    fields_row,
    identifier_row,
    listing,
    names,
    resource,
    single,
    uuid_of,
)
from simulator.services.axm.entities import WriteEntity, entity_rows, to_many
from simulator.services.axm.stored import find_stored, scan_light, stamps
from simulator.services.fleet.devices import Device

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_SHOWN = 10
"""Members that a relationship shows unless ``limit[...]`` says more."""
_MOST_INCLUDED = 50


def _include(value: Any, _: object) -> str:
    strange = [one for one in value.split(",") if one not in RELATIONSHIPS]
    return "names a relationship that there is not" if strange else ""


def _limit(value: Any, _: object) -> str:
    return "" if 1 <= int(value) <= _MOST_INCLUDED else f"must be from 1 to {_MOST_INCLUDED}"


_QUERY: tuple[Field, ...] = (
    fields_row(KIND, [*names(ROWS), *RELATIONSHIPS], "20+"),
    String(
        "include",
        "Relationships whose resources are to be included, joined by commas.",
        place="query",
        concept="protocol",
        check=_include,
        invalid=errors.PARAMETER_INVALID,
        example="apps",
        source="AXM-D",
    ),
    *(
        Digits(
            f"limit[{name}]",
            f"How many of its {name} to return.",
            place="query",
            concept="protocol",
            check=_limit,
            invalid=errors.PARAMETER_INVALID,
            example="10",
            source="AXM-D",
            inferred="At most 50, as in App Store Connect.",
        )
        for name in RELATIONSHIPS
    ),
)
_INCLUDED = Objects("included", "What include asks for; its attributes are those of its type.")
ID = identifier_row("Id of the blueprint.", "content.id")
_LINKED = tuple(to_many(name, f"Its {name}.", name, CONCEPTS[name]) for name in RELATIONSHIPS)
ERRORS = (errors.MISSING_RESOURCES, errors.MISSING_MEMBERS, *errors.ENTITY)


def _related(call: Call, one: Entity, links: Links, included: set[str]) -> Body:
    """Return the relationships; those that are included, or limited, with what they hold."""
    found: Body = {}
    for name in RELATIONSHIPS:
        own = links.to(KIND, one.key, "relationships", name)
        found[name] = {"links": {"self": own}}
        limit = call.query.get(f"limit[{name}]")
        if name in included or limit is not None:
            size = int(limit or _SHOWN)
            held = all_present(call, one, name)
            found[name]["data"] = [{"type": name, "id": key} for key in held[:size]]
            found[name]["meta"] = {"paging": {"limit": size, "total": len(held)}}
    return found


def _asked(call: Call) -> set[str]:
    return set(filter(None, call.query.get("include", "").split(",")))


def _shown(call: Call, one: Entity) -> Body:
    links = Links(call)
    return resource(
        KIND,
        one.key,
        one.body["attributes"],
        relationships=_related(call, one, links, _asked(call)),
        link=links.to(KIND, one.key),
        only=asked_fields(call, KIND),
    )


def _included(call: Call, rows: list[Body]) -> Iterator[Body]:
    """Yield each resource that the relationships of *rows* show and ``include`` asks for, once."""
    links = Links(call)
    for name in sorted(_asked(call)):
        shown = (row.get("relationships", {}).get(name, {}).get("data", ()) for row in rows)
        keys = dict.fromkeys(one["id"] for data in shown for one in data)
        found = call.state.get_many(RELATIONSHIPS[name], keys)
        for key in keys:
            body = found[key].body
            attributes = body.get("attributes")
            if attributes is None:
                device = Device.of(found[key])
                attributes = device_attributes(device, {}, call.version, alone=False)
            elif name == "configurations":  # as in its own list
                attributes = attributes | {"customSettingsValues": None}
            yield resource(name, key, attributes, link=links.to(name, key))


def _with_included(call: Call, answer: Body, rows: list[Body]) -> Body:
    return answer | {"included": list(_included(call, rows))} if _asked(call) else answer


@operation(
    "GET /v1/blueprints",
    "List the blueprints.",
    name="axm.content.blueprints",
    auth="business",
    versions="20+",
    request=(*_QUERY, *paging.PAGE),
    response=(*listing(RESOURCE), _INCLUDED),
    docs=f"{DOCS}get-blueprints",
    source="AXM-D",
    inferred="A page ends early once its blueprints hold 10,000 members and contents.",
)
def list_blueprints(call: Call) -> Body:
    """Return a page of blueprints."""
    found, more = scan_light(call, BLUEPRINT, weight)
    rows = [_shown(call, one) for one in found]
    last = found[-1].key if found else ""
    return _with_included(call, paging.page(call, rows, last, more=more), rows)


@operation(
    "GET /v1/blueprints/{id}",
    "Get a blueprint.",
    name="axm.content.blueprint",
    auth="business",
    versions="20+",
    request=(ID, *_QUERY),
    response=(*document(RESOURCE), _INCLUDED),
    docs=f"{DOCS}get-blueprint-information",
    source="AXM-D",
)
def get_blueprint(call: Call) -> Body:
    """Return one blueprint."""
    row = _shown(call, find_stored(call, BLUEPRINT, KIND))
    return _with_included(call, single(call, row), [row])


def _checked_name(sent: WriteEntity, name: str | None) -> None:
    if name is not None and not _NAME.fullmatch(name):
        text = "name may hold letters, digits, dots, dashes and underscores only"
        raise sent.wrong("name", text)


def _linked(call: Call, sent: WriteEntity) -> dict[str, list[str]]:
    """Return what the relationships name; what does not exist is dropped silently."""
    return {
        name: checked(call, name, found, f"/data/relationships/{name}/data")
        for name in RELATIONSHIPS
        if (found := sent.many(name, name)) is not None
    }


def refuse_empty(related: dict[str, list[str]]) -> None:
    """Raise the refusal of a blueprint without content, or without members."""
    for names_of, row in ((CONTENT, errors.MISSING_RESOURCES), (MEMBERS, errors.MISSING_MEMBERS)):
        if not any(related.get(name) for name in names_of):
            text = f"{row.about}: one of {', '.join(names_of)}"
            raise errors.refused(row, text, {"pointer": "/data/relationships"})


@operation(
    "POST /v1/blueprints",
    "Add a blueprint with content and members.",
    name="axm.content.create_blueprint",
    auth="business",
    versions="20+",
    json_only=True,
    request=entity_rows(KIND, SENT, _LINKED),
    response=document(RESOURCE),
    errors=ERRORS,
    docs=f"{DOCS}create-a-blueprint",
    source="AXM-D, AXM-HI",
    inferred="It holds at most 10,000 of each kind: Apple documents no limit.",
)
def create_blueprint(call: Call) -> Body:
    """Add the blueprint."""
    sent = WriteEntity(call, KIND)
    name = sent.text("name")
    _checked_name(sent, name)
    related = _linked(call, sent)
    refuse_empty(related)
    number = call.state.reserve(BLUEPRINT)
    identifier = uuid_of(call.secret, BLUEPRINT, call.principal.organisation, number)
    attributes: Body = {
        "name": name,
        "description": sent.attributes.get("description") or "",
        "status": "ACTIVE",
        "appLicenseDeficient": False,
        **stamps(call.now_ms),
    }
    one = keep(call, identifier, {"attributes": attributes, "related": related}, "CREATED")
    return single(call, _shown(call, one), Links(call).to(KIND, identifier))


def keep(call: Call, identifier: str, body: Body, what: str) -> Entity:
    """Store the blueprint (or delete it), and write that to the audit trail."""
    if what == "DELETED":
        call.state.delete(BLUEPRINT, identifier)
    else:
        call.state.put(BLUEPRINT, identifier, body)
    facts = body["attributes"]
    audit.record(
        call.state,
        f"COLLECTION_{what}",
        identifier,
        facts["name"],
        {"name": facts["name"], "description": facts["description"]},
        actor=access.account(call).actor,
        now_ms=call.now_ms,
    )
    return Entity(identifier, 0, body)


@operation(
    "PATCH /v1/blueprints/{id}",
    "Change a blueprint.",
    name="axm.content.update_blueprint",
    auth="business",
    versions="20+",
    json_only=True,
    request=(ID, *entity_rows(KIND, SENT, _LINKED, with_id="content.id")),
    response=document(RESOURCE),
    errors=ERRORS,
    docs=f"{DOCS}update-a-blueprint",
    source="AXM-D",
    inferred="A relationship that is given replaces what it held.",
)
def update_blueprint(call: Call) -> Body:
    """Change what is given."""
    found = find_stored(call, BLUEPRINT, KIND)
    sent = WriteEntity(call, KIND, with_id=found.key)
    name = sent.text("name", required=False)
    _checked_name(sent, name)
    related = found.body["related"] | _linked(call, sent)
    refuse_empty(related)
    given = {"name": name, "description": sent.attributes.get("description")}
    changes = {key: value for key, value in given.items() if value is not None}
    attributes = found.body["attributes"] | changes | stamps(call.now_ms, created=False)
    body: Body = {"attributes": attributes, "related": related}
    return single(call, _shown(call, keep(call, found.key, body, "UPDATED")))


@operation(
    "DELETE /v1/blueprints/{id}",
    "Delete a blueprint.",
    name="axm.content.delete_blueprint",
    auth="business",
    versions="20+",
    request=(ID,),
    docs=f"{DOCS}delete-a-blueprint",
    source="AXM-D",
)
def delete_blueprint(call: Call) -> None:
    """Delete the blueprint."""
    found = find_stored(call, BLUEPRINT, KIND)
    keep(call, found.key, found.body, "DELETED")
