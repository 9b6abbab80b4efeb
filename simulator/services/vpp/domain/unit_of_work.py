"""A unit of work: what one piece of work changes of a location, written at its end."""

from collections.abc import Callable, Iterable

from simulator.core.state import Body, State
from simulator.services.vpp.domain.locations import Location


class UnitOfWork:
    """The entities of one kind that a piece of work changes."""

    def __init__(self, state: State, location: Location, kind: str) -> None:
        self._state = state
        self._location = location
        self._kind = location.kind(kind)
        self._known: dict[str, Body | None] = {}
        """Entities as they are stored, as far as they were looked up."""
        self._placed: dict[str, Body | None] = {}
        """Entities written or (None) removed by this work."""

    @property
    def size(self) -> int:
        """How many entities it has changed."""
        return len(self._placed)

    def _look_up(self, keys: Iterable[str]) -> None:
        """Look up all at once what `_left` is going to be asked."""
        wanted = [key for key in keys if key not in self._known]
        found = self._state.get_many(self._kind, wanted)
        self._known |= {key: found[key].body if key in found else None for key in wanted}

    def _left(self, key: str) -> Body | None:
        """Return an entity as this work has left it, or None."""
        if key in self._placed:
            return self._placed[key]
        self._look_up([key])
        return self._known[key]

    def _write(self, index: Callable[[Body], dict[str, str]]) -> None:
        """Write what was changed, each with its *index* values."""
        kept = {key: body for key, body in self._placed.items() if body is not None}
        self._state.delete_many(self._kind, self._placed.keys() - kept.keys())
        self._state.put_many(self._kind, ((key, body, index(body)) for key, body in kept.items()))
