"""Resources that are kept as their attributes: one entity each, whose key is the id."""

from collections.abc import Callable, Sequence

from simulator.core.state import Body, Entity
from simulator.core.timestamps import rfc3339_ms
from simulator.protocol.operations import Call
from simulator.services.axm import errors, paging
from simulator.services.axm.documents import Links, asked_fields, resource, single

Relate = Callable[[Links, str], Body]
"""Takes the links and an id, and returns the relationships."""


def show(call: Call, kind: str, entity: Entity, relate: Relate | None = None) -> Body:
    """Return the resource of an entity."""
    links = Links(call)
    return resource(
        kind,
        entity.key,
        entity.body["attributes"],
        relationships=relate(links, entity.key) if relate is not None else None,
        link=links.to(kind, entity.key),
        only=asked_fields(call, kind),
    )


def list_stored(
    call: Call, entity: str, kind: str, relate: Relate | None = None, *, hidden: str = ""
) -> Body:
    """Return a page of resources, in order of id; the attribute *hidden* is null in each."""
    size = paging.limit(call)
    found = call.state.scan(entity, after=paging.after(call), limit=size + 1)
    page, rows = found[:size], []
    for one in page:
        row = show(call, kind, one, relate)
        if hidden in row["attributes"]:
            row["attributes"] = row["attributes"] | {hidden: None}
        rows.append(row)
    return paging.page(call, rows, page[-1].key if page else "", more=len(found) > size)


def find_stored(call: Call, entity: str, kind: str) -> Entity:
    """Return the entity of the path's id; 404 if there is none."""
    found = call.state.get(entity, call.path["id"])
    if found is None:
        raise errors.not_found(kind, call.path["id"])
    return found


def get_stored(call: Call, entity: str, kind: str, relate: Relate | None = None) -> Body:
    """Return the document of one resource."""
    return single(call, show(call, kind, find_stored(call, entity, kind), relate))


def list_linked(
    call: Call,
    kind: str,
    identifiers: Sequence[str],
    present: Callable[[Sequence[str]], list[str]] = list,
) -> Body:
    """Return a page of resource identifiers, of those that are *present*, in order of id."""
    after, size = paging.after(call), paging.limit(call)
    rest = sorted(one for one in identifiers if one > after)
    found: list[str] = []
    some = paging.LIMIT_MAXIMUM + 1  # what tells that another page follows
    for at in range(0, len(rest), some):
        found += present(rest[at : at + some])
        if len(found) > size:
            break
    page = found[:size]
    rows = [{"type": kind, "id": one} for one in page]
    return paging.page(call, rows, page[-1] if page else "", more=len(found) > size)


def stamps(now_ms: int, *, created: bool = True) -> Body:
    """Return the attributes that say when something was made, or changed."""
    text = rfc3339_ms(now_ms)
    return (
        {"createdDateTime": text} | {"updatedDateTime": text}
        if created
        else {"updatedDateTime": text}
    )
