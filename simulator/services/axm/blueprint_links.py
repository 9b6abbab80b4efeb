"""``blueprints/{id}/relationships``: what a blueprint holds, listed, added to and taken from."""

from functools import partial

from simulator.core.state import Body, Entity
from simulator.protocol.fields import Objects, String
from simulator.protocol.operations import Call, operation
from simulator.services.axm import errors, paging
from simulator.services.axm.blueprint_rows import (
    BLUEPRINT,
    KIND,
    RELATIONSHIPS,
    checked,
    present,
    refuse_many,
)
from simulator.services.axm.blueprints import ERRORS, ID, keep, refuse_empty
from simulator.services.axm.documents import DOCS, linkage_rows, listing
from simulator.services.axm.stored import find_stored, list_linked, stamps

_REL = String(
    "rel",
    "Name of the relationship.",
    place="path",
    concept="protocol",
    values=tuple(RELATIONSHIPS),
    source="AXM-D",
)
_PATH = "/v1/blueprints/{id}/relationships/{rel}"
_DATA = Objects(
    "data",
    "Resource identifiers.",
    required=True,
    concept="protocol",
    missing=errors.ENTITY_INVALID,
    source="AXM-D",
    fields=(
        String("type", "Name of the relationship.", concept="protocol", source="AXM-D"),
        String("id", "Its identifier.", concept="content.member", source="AXM-D"),
    ),
)


def _relationship(call: Call) -> tuple[Entity, str]:
    found = find_stored(call, BLUEPRINT, KIND)
    name = call.path["rel"]
    if name not in RELATIONSHIPS:
        raise errors.refused(errors.PATH_UNKNOWN, errors.PATH_UNKNOWN.about)
    return found, name


@operation(
    f"GET {_PATH}",
    "List the ids that a relationship of a blueprint holds.",
    name="axm.content.linkage",
    auth="business",
    versions="20+",
    request=(ID, _REL, *paging.PAGE),
    response=listing(linkage_rows("the relationship", "content.member")),
    docs=f"{DOCS}get-all-app-ids-for-a-blueprint",
    source="AXM-D",
)
def list_linkage(call: Call) -> Body:
    """Return a page of resource identifiers."""
    found, name = _relationship(call)
    held = found.body["related"].get(name, ())
    return list_linked(call, name, held, partial(present, call.state, name))


def _change_linkage(call: Call, *, adds: bool) -> None:
    found, name = _relationship(call)
    data = call.body["data"]
    sent: list[str] = []
    for at, one in enumerate(data):
        if one.get("type") != name or not one.get("id"):
            text = f"each item must have the type '{name}' and an id"
            raise errors.wrong_entity(call, errors.RELATIONSHIP_INVALID, f"/data/{at}", text)
        sent.append(one["id"])
    held, named = found.body["related"].get(name, []), dict.fromkeys(sent)
    if adds:
        known = set(held)
        new = [one for one in named if one not in known]
        changed = [*held, *checked(call, name, new, "/data")]
        refuse_many(call, changed, "/data")
    else:
        changed = [one for one in held if one not in named]
    related = found.body["related"] | {name: changed}
    refuse_empty(related)
    attributes = found.body["attributes"] | stamps(call.now_ms, created=False)
    keep(call, found.key, {"attributes": attributes, "related": related}, "UPDATED")


@operation(
    f"POST {_PATH}",
    "Add to a relationship of a blueprint.",
    name="axm.content.link",
    auth="business",
    versions="20+",
    json_only=True,
    request=(ID, _REL, _DATA),
    errors=ERRORS,
    docs=f"{DOCS}add-apps-to-a-blueprint",
    source="AXM-D",
    inferred="It holds at most 10,000 of each kind: Apple documents no limit.",
)
def link(call: Call) -> None:
    """Add what is named; what does not exist is dropped silently."""
    _change_linkage(call, adds=True)


@operation(
    f"DELETE {_PATH}",
    "Take from a relationship of a blueprint.",
    name="axm.content.unlink",
    auth="business",
    versions="20+",
    json_only=True,
    request=(ID, _REL, _DATA),
    errors=ERRORS,
    docs=f"{DOCS}remove-apps-from-a-blueprint",
    source="AXM-D",
    inferred="What would leave no content or no member is refused as at creation.",
)
def unlink(call: Call) -> None:
    """Take away what is named."""
    _change_linkage(call, adds=False)


@operation(
    f"PATCH {_PATH}",
    "Replace a relationship of a blueprint, which the service does not do.",
    name="axm.content.replace",
    auth="business",
    versions="20+",
    request=(ID, _REL, _DATA),
    docs=f"{DOCS}add-apps-to-a-blueprint",
    source="AXM-HI",
)
def replace(call: Call) -> None:
    """Refuse, as seen live."""
    _, name = _relationship(call)
    allowed = ("GET_RELATIONSHIP", "CREATE", "DELETE")
    raise errors.not_allowed(f"blueprints.{name}", "REPLACE", *allowed)
