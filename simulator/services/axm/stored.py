"""Resources that are kept as their attributes: one entity each, whose key is the id."""

from collections.abc import Callable, Iterator, Sequence

from simulator.core.state import Body, Entity, State
from simulator.core.timestamps import rfc3339_ms
from simulator.protocol.items import Items
from simulator.protocol.operations import Call, NeedsPieces
from simulator.services.axm import errors, paging
from simulator.services.axm.documents import Links, asked_fields, resource, single

_HEAVY = 10_000
"""Weight from which on a page ends, or a piece of a search."""
_LEAST = 10
"""What an entity weighs at least in a search: a thousand take some milliseconds to read."""
Relate = Callable[[Links, str], Body]
"""Takes the links and an id, and returns the relationships."""


def shower(call: Call, kind: str, relate: Relate | None = None) -> Callable[[Entity], Body]:
    """Return what makes of an entity its resource."""
    links, only = Links(call), asked_fields(call, kind)

    def show(entity: Entity) -> Body:
        return resource(
            kind,
            entity.key,
            entity.body["attributes"],
            relationships=relate(links, entity.key) if relate is not None else None,
            link=links.to(kind, entity.key),
            only=only,
        )

    return show


def show(call: Call, kind: str, entity: Entity, relate: Relate | None = None) -> Body:
    """Return the resource of an entity."""
    return shower(call, kind, relate)(entity)


def list_stored(call: Call, entity: str, kind: str, relate: Relate | None = None) -> Body:
    """Return a page of resources, in order of id."""
    size = paging.limit(call)
    found = call.state.scan(entity, after=paging.after(call), limit=size + 1)
    page = found[:size]
    items = Items(page, shower(call, kind, relate))
    return paging.page(call, items, page[-1].key if page else "", more=len(found) > size)


def scan_light(call: Call, entity: str, weigh: Callable[[Body], int]) -> tuple[list[Entity], bool]:
    """Return a page of entities, in order of id, and whether more follow.

    It is shorter where they *weigh* a lot, as others wait while it is read.
    """
    size, found, weight = paging.limit(call), list[Entity](), 0
    for one in _one_by_one(call.state, entity, paging.after(call)):
        if len(found) == size or weight >= _HEAVY:
            return found, True
        found.append(one)
        weight += weigh(one.body)
    return found, False


def _one_by_one(state: State, entity: str, after: str) -> Iterator[Entity]:
    """Yield entities in order of id; each is read by itself, as it may be large."""
    while found := state.scan(entity, after=after, limit=1):
        yield found[0]
        after = found[0].key


class _Search:
    """The search for an entity that fits among all of a kind, as far as it has got."""

    def __init__(
        self,
        organisation: str,
        entity: str,
        fits: Callable[[Body], bool],
        weigh: Callable[[Body], int],
    ) -> None:
        self._organisation, self._entity = organisation, entity
        self._fits, self._weigh = fits, weigh
        self._after = ""
        self.found = False

    def go_on(self, state: State) -> bool:
        """Look at some more; return whether that was all, or one was found."""
        weight, own = 0, state.of(self._organisation)
        for one in _one_by_one(own, self._entity, self._after):
            self._after = one.key
            self.found = self.found or self._fits(one.body)
            weight += _LEAST + self._weigh(one.body)
            if self.found or weight >= _HEAVY:
                return self.found
        return True


def any_fits(
    call: Call, entity: str, fits: Callable[[Body], bool], weigh: Callable[[Body], int]
) -> bool:
    """Tell whether any entity *fits*; NeedsPieces if they *weigh* too much for one transaction.

    One that somebody changes meanwhile is as if that had been done just after the request.
    """
    search = _Search(call.principal.organisation, entity, fits, weigh)
    if call.lookups is not None:
        search = call.lookups.setdefault(entity, search)
    while not (search.found or search.go_on(call.state)):
        if call.lookups is not None:
            raise NeedsPieces(search.go_on)
    return search.found


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
    items = Items(page, lambda one: {"type": kind, "id": one})
    return paging.page(call, items, page[-1] if page else "", more=len(found) > size)


def stamps(now_ms: int, *, created: bool = True) -> Body:
    """Return the attributes that say when something was made, or changed."""
    text = rfc3339_ms(now_ms)
    return (
        {"createdDateTime": text} | {"updatedDateTime": text}
        if created
        else {"updatedDateTime": text}
    )
