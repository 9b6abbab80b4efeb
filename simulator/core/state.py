"""The state behind the services and the journal, as all layers see them; the store keeps both.

Rule: this module knows no service, and nothing of how it is kept.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from msgspec import Struct

from simulator.core.messages import Exchange

Body = dict[str, Any]
"""The JSON object that an entity consists of."""


class Entity(Struct, frozen=True):
    """One stored thing of one kind."""

    key: str
    revision: int
    """Number of the change that wrote it; grows over all kinds and organisations."""
    body: Body
    """Not to be changed in place: others may be given the same object."""


class State(Protocol):
    """All state, as one transaction sees it, from the point of view of one organisation.

    Keys, kinds and index names are text. Bodies are JSON objects. Whatever is
    written is visible to later calls at once and to others after the commit.

    Keys and index values may be of any length. Their order is that of their first 1,000 bytes;
    what comes first of two that begin with the same, is the same over every database.
    """

    def of(self, organisation: str) -> "State":
        """Return the same transaction seen from *organisation* (``""``: what belongs to none)."""
        ...

    def get(self, kind: str, key: str) -> Entity | None:
        """Return one entity, or None."""
        ...

    def has(self, kind: str, key: str) -> bool:
        """Tell whether there is such an entity."""
        ...

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, Entity]:
        """Return those of *keys* that exist, by key."""
        ...

    def missing(self, kind: str, keys: Iterable[str]) -> set[str]:
        """Return those of *keys* that do not exist; far faster than `get_many`."""
        ...

    def indexed(self, kind: str, name: str, values: Iterable[str]) -> set[str]:
        """Return those of *values* that any entity of *kind* has as its index value *name*."""
        ...

    def put(self, kind: str, key: str, body: Body, index: Mapping[str, str] | None = None) -> int:
        """Write one entity and return its revision.

        *index* holds the values that `find` looks it up by; they replace the
        earlier ones. None leaves them as they are.
        """
        ...

    def put_many(
        self, kind: str, rows: Iterable[tuple[str, Body, Mapping[str, str] | None]]
    ) -> None:
        """Write many entities of one kind; each row is (key, body, index) as in `put`."""
        ...

    def add_many(self, kind: str, rows: Iterable[tuple[str, Body]]) -> None:
        """Write many new entities of one kind, (key, body); ValueError if one is there already.

        Large numbers are fastest in order of key.
        """
        ...

    def index_many(self, kind: str, name: str, rows: Iterable[tuple[str, str]]) -> None:
        """Add to many entities, (value, key), an index value where they have none of that name.

        Large numbers are fastest in order of value.
        """
        ...

    def delete(self, kind: str, key: str) -> bool:
        """Remove one entity and its index values; return whether it was there."""
        ...

    def delete_many(self, kind: str, keys: Iterable[str]) -> int:
        """Remove those of *keys* that exist, with their index values; return how many there were.

        Large numbers are far faster than one by one.
        """
        ...

    def scan(
        self, kind: str, *, prefix: str = "", after: str = "", limit: int = 100
    ) -> list[Entity]:
        """Return up to *limit* entities in order of key, those after *after* with *prefix*."""
        ...

    def keys(self, kind: str, *, after: str = "", limit: int = 100) -> list[str]:
        """Return up to *limit* keys of entities, in order, those after *after*; none is decoded."""
        ...

    def organisations_with(self, kind: str, key: str | None = None) -> list[str]:
        """Return the organisations that have entities of *kind*, or the one of *key*, in order.

        The state may be seen from anywhere; one question instead of one for each organisation.
        """
        ...

    def find(
        self,
        kind: str,
        name: str,
        *,
        equals: str | None = None,
        prefix: str = "",
        after: str = "",
        limit: int = 100,
    ) -> list[Entity]:
        """Return up to *limit* entities by their index value *name*.

        With *equals*: those with that very value, in order of key, *after* a
        key. Else: in order of the index value, those that start with *prefix*, of
        up to 1,000 bytes, and come after the value *after*.
        """
        ...

    def find_many(self, kind: str, name: str, values: Iterable[str]) -> list[Entity]:
        """Return the entities that have any of *values* as their index value *name*, by key.

        Far faster than to `find` one value after the other.
        """
        ...

    def changes(self, kind: str, since: int, limit: int = 100) -> list[Entity]:
        """Return up to *limit* entities whose revision is above *since*, in that order."""
        ...

    def count(self, kind: str) -> int:
        """Return how many entities of *kind* the organisation has."""
        ...

    def count_indexed(self, kind: str, name: str, prefix: str) -> int:
        """Return how many entities have an index value *name* that starts with *prefix*."""
        ...

    def reserve(self, series: str, count: int = 1) -> int:
        """Take *count* consecutive numbers of *series* and return the first; they start at 1."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what was written inside the block if it ends with an exception, which goes on."""
        ...

    def record(self, exchange: Exchange) -> int:
        """Append *exchange* to the journal, set its ``seq`` and return it."""
        ...

    def forget(self, match: Mapping[str, object], *, at_ms: int, reason: str) -> int:
        """Delete exchanges for good, on record, and return how many.

        *match* narrows by ``before_ms``, ``organisation``, ``after`` and ``through`` (numbers)
        and ``exchange``; empty: all. Those of this transaction stay. What is deleted next to
        what was at the same time and for the same reason counts as one cut with it.
        """
        ...


class StoreAdmin(State, Protocol):
    """The state as those who keep it whole see it; services get `State` only."""

    def of(self, organisation: str) -> "StoreAdmin":
        """Return the same transaction seen from *organisation*."""
        ...

    def skip_sequence_numbers(self, count: int, *, at_ms: int) -> None:
        """Leave out the next *count* numbers, for exchanges that were answered unrecorded."""
        ...

    def announce(self, topics: Iterable[str]) -> None:
        """Wake who waits for *topics* in other processes, once this is committed."""
        ...

    def probe(self) -> int:
        """Write as much as a few exchanges take; return a number that `Journal.probed` gives.

        StoreError, here or at the commit, if exchanges could not be recorded either.
        """
        ...

    def wipe(self, organisation: str | None = None) -> None:
        """Remove the entities and counters of *organisation*, or all with the baseline."""
        ...

    def begin_bulk_load(self) -> None:
        """Say that very many entities are going to be added.

        Until `end_bulk_load`, changes of what has index values are slow.
        """
        ...

    def end_bulk_load(self) -> None:
        """Say that they have been."""
        ...

    def begin_staging(self) -> int:
        """Make an empty state beside this one, in place of any that was begun; return its number.

        Nobody sees it before `take_staged`.
        """
        ...

    def staged(self, number: int) -> AbstractContextManager["StoreAdmin"]:
        """Lend the state *number* that is made beside this one, for a part of this transaction.

        What is written to it takes its revisions from this one. Bulk loads are for others.
        StoreError, here and as it is taken, if another was begun since.
        """
        ...

    def take_staged(self, number: int) -> None:
        """Have that state be the present one, without a baseline."""
        ...

    def tidy_staging(self, number: int) -> bool:
        """Delete some of what was replaced or left half-made; return whether all is gone."""
        ...

    def set_baseline(self) -> None:
        """Note that this is the state that `reset` goes back to."""
        ...

    def has_baseline(self) -> bool:
        """Tell whether there is a state to go back to."""
        ...

    def begin_reset(self) -> int:
        """Begin a copy of what `reset` goes back to with all; ValueError if there is no such state.

        Return its number, as `begin_staging` does; 0 if so little has changed that it is done in
        place.
        """
        ...

    def copy_reset(self, number: int, after: tuple[str, str, str]) -> tuple[str, str, str] | None:
        """Copy some of it: what comes after organisation, kind and key. Return where that ended.

        None: that was all. What is changed between two calls makes no difference.
        """
        ...

    def take_reset(self, number: int, settled: Collection[str]) -> Collection[str]:
        """Have the copy be the present state, as `reset` does; `tidy_staging` has to follow."""
        ...

    def reset(
        self, organisation: str | None = None, *, settled: Collection[str] = ()
    ) -> Collection[str]:
        """Go back to the baseline with one organisation, or all; ValueError if there is none.

        Return those of which anything was changed since. *settled* are kinds that are written
        after each reset: an organisation in which nothing else has changed stays as it is.
        """
        ...

    def export_snapshot(self, header: Body) -> Iterable[bytes]:
        """Yield the whole state as the lines of a snapshot with *header*."""
        ...


class Guard(Protocol):
    """What keeps secrets out of the journal; a store shows it all that it writes."""

    @property
    def kinds(self) -> Collection[str]:
        """The kinds of entities that hold secrets."""
        ...

    def learn(self, kind: str, key: str, body: Mapping[str, Any]) -> None:
        """Take in the secrets of one entity of one of `kinds`; they stay secret for good."""
        ...

    def cleaned(
        self, exchanges: Sequence[Exchange], records: Sequence[bytes]
    ) -> dict[int, Exchange]:
        """Return those of *exchanges* that hold secrets without them, by place.

        *records* are all of them as they would be stored.
        """
        ...
