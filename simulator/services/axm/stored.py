"""Resources that are kept as their attributes: one entity each, whose key is the id."""

from collections.abc import Callable, Sequence

from simulator.core.state import Body, Entity
from simulator.core.timestamps import rfc3339_ms
from simulator.protocol.operations import Call
from simulator.services.axm import errors, paging
from simulator.services.axm.documents import Links, asked_fields, resource, single

_BATCH = 5
"""Entities that are read at once where one may be large."""
_HEAVY = 10_000
"""Weight from which on a page ends."""
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


def list_stored(call: Call, entity: str, kind: str, relate: Relate | None = None) -> Body:
    """Return a page of resources, in order of id."""
    size = paging.limit(call)
    found = call.state.scan(entity, after=paging.after(call), limit=size + 1)
    page = found[:size]
    rows = [show(call, kind, one, relate) for one in page]
    return paging.page(call, rows, page[-1].key if page else "", more=len(found) > size)


def scan_light(call: Call, entity: str, weigh: Callable[[Body], int]) -> tuple[list[Entity], bool]:
    """Return a page of entities, in order of id, and whether more follow.

    It is shorter where they *weigh* a lot, as others wait while it is read.
    """
    size, found, weight = paging.limit(call), list[Entity](), 0
    after = paging.after(call)
    while batch := call.state.scan(entity, after=after, limit=_BATCH):
        for one in batch:
            if len(found) == size or weight >= _HEAVY:
                return found, True
            found.append(one)
            weight += weigh(one.body)
        after = batch[-1].key
    return found, False


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
