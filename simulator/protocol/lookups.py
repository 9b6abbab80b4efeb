"""Looking up the many items that one request names: so many in a transaction, then the next.

What was found is kept beside the request while it is handled anew. An item that somebody changes
in between is as if that had been done just after the request.
"""

from collections.abc import Callable, Collection, Iterable, Sequence

from simulator.core.state import Entity, State
from simulator.protocol.operations import Call, NeedsPieces

MOST = 1000
"""Items that are looked up in one transaction."""
READ = 500
"""Entities of a list that are read in one transaction."""
Look = Callable[[State, Sequence[str]], Collection[str]]
"""Takes the state as seen from the organisation and some of the items; returns what it found."""

Read = Callable[[State, Entity | None, int], list[Entity]]
"""Takes the state as seen from the organisation, the last entity that was read, if one was, and how
many may be; returns the next ones. Fewer are the last ones."""
Weigh = Callable[[State, Sequence[Entity]], Iterable[int]]
"""Takes that state and entities; returns how many items of the list each stands for, be it none."""


class Lookup:
    """The look-up of many items, as far as it has got."""

    def __init__(self, organisation: str, items: Sequence[str], look: Look) -> None:
        """Look for *items* by *look*."""
        self._organisation, self._items, self._look = organisation, items, look
        self._done = 0
        self.found: set[str] = set()

    def go_on(self, state: State) -> bool:
        """Look up the next `MOST` items; return whether those were the last."""
        end = self._done + MOST
        items = self._items[self._done : end]
        self.found.update(self._look(state.of(self._organisation), items))
        self._done = end
        return self.is_complete

    @property
    def is_complete(self) -> bool:
        """Whether all items have been looked up."""
        return self._done >= len(self._items)


def look_up(call: Call, name: str, items: Sequence[str], look: Look) -> set[str]:
    """Return what *look* finds of *items*; NeedsPieces if that takes several transactions.

    *name* tells the look-ups of one request apart.
    """
    if call.lookups is None or len(items) <= MOST:
        return set(look(call.state, items))
    new = Lookup(call.principal.organisation, items, look)
    lookup: Lookup = call.lookups.setdefault(name, new)
    if not lookup.is_complete:
        raise NeedsPieces(lookup.go_on)
    return lookup.found


class Listing:
    """One page of a list, as far as the entities that the list is made of have been read."""

    def __init__(
        self, organisation: str, read: Read, weigh: Weigh, page: range, version: int, *, whole: bool
    ) -> None:
        """Find the items of *page*, by their places in the list; count all of them if *whole*."""
        self._organisation, self._read, self._weigh = organisation, read, weigh
        self._page, self._whole = page, whole
        self._last: Entity | None = None
        self.version = version
        """That of the list before the first of them was read: what has changed since is newer."""
        self.total = 0
        self.rows: list[tuple[int, Entity]] = []
        """The entities of the page, each with the place of its first item."""
        self.is_complete = False

    @property
    def entities(self) -> list[Entity]:
        """Those of `rows`."""
        return [one for _, one in self.rows]

    def go_on(self, state: State) -> bool:
        """Read the next `READ` entities; return whether those were the last that count."""
        own = state.of(self._organisation)
        found = self._read(own, self._last, READ)
        for one, weight in zip(found, self._weigh(own, found), strict=True):
            if weight and self.total < self._page.stop and self.total + weight > self._page.start:
                self.rows.append((self.total, one))
            self.total += weight
        is_found = not self._whole and self.total >= self._page.stop
        self.is_complete = len(found) < READ or is_found
        self._last = found[-1] if found else None
        return self.is_complete


def list_page(
    call: Call,
    name: str,
    read: Read,
    weigh: Weigh,
    page: range,
    version: int = 0,
    *,
    whole: bool = True,
) -> Listing:
    """Return *page* of the list *name*; NeedsPieces if that takes several transactions.

    *read* and *weigh* may not use the state of *call*, which ends before the others.
    """
    listing = Listing(call.principal.organisation, read, weigh, page, version, whole=whole)
    if call.lookups is not None:
        listing = call.lookups.setdefault(name, listing)
    while not (listing.is_complete or listing.go_on(call.state)):
        if call.lookups is not None:
            raise NeedsPieces(listing.go_on)
    return listing
