"""Looking up the many items that one request names: so many in a transaction, then the next.

What was found is kept beside the request while it is handled anew. An item that somebody changes
in between is as if that had been done just after the request.
"""

from collections.abc import Callable, Collection, Sequence

from simulator.core.state import State
from simulator.protocol.operations import Call, NeedsPieces

MOST = 1000
"""Items that are looked up in one transaction."""
Look = Callable[[State, Sequence[str]], Collection[str]]
"""Takes the state as seen from the organisation and some of the items; returns what it found."""


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
