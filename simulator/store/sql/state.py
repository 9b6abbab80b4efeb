"""The state within one transaction, in tables of SQL.

Longer than 300 lines: each method is one call of the protocol, a few lines long.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import msgspec

from simulator.core.messages import Exchange
from simulator.core.state import Body, Entity
from simulator.store.protocols import NEWEST
from simulator.store.sql import (
    bulk_load,
    copying,
    going_back,
    long_texts,
    retention,
    snapshots,
    staging,
    statements,
)
from simulator.store.sql.connection import SqlConnection, SqlRows
from simulator.store.sql.long_texts import SURELY_SHORT, shortened
from simulator.store.sql.session import ABSENT, CLOSED, Row, Savepoint, SqlSession

_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(dict[str, Any]).decode
_CHUNK = 1000
"""Rows of `SqlState.put_many` that are in memory at a time."""


class SqlState:
    """The state within one transaction; see `simulator.core.state.State` for what each call does.

    Text is ordered by code point, as far as it is stored (`simulator.store.sql.long_texts`). Keys
    are not empty.
    """

    __slots__ = ("_organisation", "_session")

    def __init__(self, session: SqlSession, organisation: str) -> None:
        self._session = session
        self._organisation = organisation

    def of(self, organisation: str) -> "SqlState":
        """Return the same transaction seen from *organisation*."""
        if organisation == self._organisation:
            return self
        states = self._session.states
        state = states.get(organisation)
        if state is None:
            state = states[organisation] = SqlState(self._session, organisation)
        return state

    def get(self, kind: str, key: str) -> Entity | None:
        """Return one entity, or None."""
        if len(key) > SURELY_SHORT:
            key = shortened(key)
        session, name = self._session, (self._organisation, kind, key)
        found = session.cache.get(name)
        if found is ABSENT:
            return None
        if isinstance(found, Entity):
            return found
        row: Row | None = found or session.pending_writes.get(name)
        row = row or session.db.execute(statements.GET, name).fetchone()
        if row is None:
            session.keep(name, ABSENT)
            return None
        entity = _entity(key, *row)
        session.keep(name, entity)
        return entity

    def has(self, kind: str, key: str) -> bool:
        """Tell whether there is such an entity."""
        session, name = self._session, (self._organisation, kind, shortened(key))
        found = session.cache.get(name)
        if found is None:
            row = session.pending_writes.get(name)
            found = row or session.db.execute(statements.GET, name).fetchone() or ABSENT
            session.keep(name, found)
        return found is not ABSENT

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, Entity]:
        """Return those of *keys* that exist, by key."""
        db, name = self._session.flush(), (self._organisation, kind)
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Entity] = {}
        for at in range(0, len(wanted), _CHUNK):
            chunk = [shortened(key) for key in wanted[at : at + _CHUNK]]
            rows = db.execute(statements.get_many(len(chunk)), (*name, *chunk))
            found.update((one.key, one) for one in _entities(rows))
        return {key: found[key] for key in wanted if key in found}

    def missing(self, kind: str, keys: Iterable[str]) -> set[str]:
        """Return those of *keys* that do not exist."""
        return self._some(statements.missing, keys, (self._organisation, kind))

    def indexed(self, kind: str, name: str, values: Iterable[str]) -> set[str]:
        """Return those of *values* that any entity of *kind* has as its index value *name*."""
        return self._some(statements.indexed, values, (self._organisation, kind, name))

    def _some(
        self, statement: Callable[[int], str], texts: Iterable[str], where: tuple[str, ...]
    ) -> set[str]:
        db, remaining = self._session.flush(), iter(texts)
        found: set[str] = set()
        while chunk := {shortened(one): one for one in islice(remaining, _CHUNK)}:
            rows = db.execute(statement(len(chunk)), (*chunk, *where))
            found.update(chunk[one] for (one,) in rows)
        return found

    def put(self, kind: str, key: str, body: Body, index: Mapping[str, str] | None = None) -> int:
        """Write one entity and return its revision; ValueError if the key is empty."""
        if not key:
            raise ValueError(f"a {kind} needs a key")
        session = self._session
        if session.closed:
            raise RuntimeError(CLOSED)
        if session.guard is not None and kind in session.guard.kinds:
            session.guard.learn(kind, key, body)
        if len(key) > SURELY_SHORT:
            key, body = long_texts.stored(key, body)
        name = (self._organisation, kind, key)
        session.revision = revision = session.revision + 1
        row = (revision, _ENCODE(body))
        session.put(name, row)
        # Not the caller's own object, which may change; it is decoded once somebody asks for it.
        session.keep(name, row)
        if index is not None:
            self._index(kind, {key: index})
        return revision

    def put_many(
        self, kind: str, rows: Iterable[tuple[str, Body, Mapping[str, str] | None]]
    ) -> None:
        """Write many entities of one kind; *rows* are taken as they are written."""
        session, org, remaining = self._session, self._organisation, iter(rows)
        session.flush()
        while chunk := list(islice(remaining, _CHUNK)):
            if not all(key for key, _, _ in chunk):
                raise ValueError(f"a {kind} needs a key")
            session.show(kind, ((key, body) for key, body, _ in chunk))
            chunk = [(*long_texts.stored(key, body), index) for key, body, index in chunk]
            numbered = enumerate(chunk, session.revision + 1)
            encoded = [(org, kind, row[0], number, _ENCODE(row[1])) for number, row in numbered]
            session.revision += len(chunk)
            session.forget_some((org, kind, row[0]) for row in chunk)
            # Inside a savepoint, each row that may replace another costs more than the last.
            keys = [row[0] for row in chunk]
            there = {
                key
                for (key,) in session.db.execute(statements.which_of(len(keys)), (org, kind, *keys))
            }
            new: dict[str, Any] = {}
            rest = [
                one for one in encoded if one[2] in there or new.setdefault(one[2], one) is not one
            ]
            session.writable.write_many(statements.ADD, new.values())
            session.writable.write_many(statements.PUT, rest)
            # Of a key that comes twice, the later values count.
            self._index(kind, {key: index for key, _, index in chunk if index is not None})

    def _index(self, kind: str, values: Mapping[str, Mapping[str, str]]) -> None:
        """Replace the index values of each key in *values*."""
        org = self._organisation
        if values:
            # What is kept of an entity before its first change holds its index values too.
            self._session.flush()
            db = self._session.writable
            db.execute(statements.delete_many(len(values))[1], (org, kind, *values))
            rows = [
                (org, kind, name, shortened(value), key)
                for key, one in values.items()
                for name, value in one.items()
            ]
            db.write_many(statements.INDEX, rows)

    def add_many(self, kind: str, rows: Iterable[tuple[str, Body]]) -> None:
        """Write many new entities of one kind, (key, body); ValueError if one is there already."""
        bulk_load.add(self._session, self._organisation, kind, rows)

    def index_many(self, kind: str, name: str, rows: Iterable[tuple[str, str]]) -> None:
        """Add to many entities, (value, key), an index value where they have none of that name."""
        bulk_load.index(self._session, (self._organisation, kind, name), rows)

    def begin_bulk_load(self) -> None:
        """Say that very many entities are going to be added."""
        bulk_load.begin(self._session)

    def end_bulk_load(self) -> None:
        """Say that they have been."""
        bulk_load.end(self._session)

    def delete(self, kind: str, key: str) -> bool:
        """Remove one entity and its index values; return whether it was there."""
        session, name = self._session, (self._organisation, kind, shortened(key))
        session.flush()
        if not session.writable.execute(statements.DELETE, name).rowcount:
            return False
        session.removed = True
        session.set(session.cache, name, None)
        session.writable.execute(statements.UNINDEX, name)
        return True

    def delete_many(self, kind: str, keys: Iterable[str]) -> int:
        """Remove those of *keys* that exist, with their index values; return how many there were.

        One statement for many: inside a savepoint SQLite takes longer with each one that it ran,
        and to PostgreSQL each is a round trip.
        """
        session, name = self._session, (self._organisation, kind)
        session.flush()
        wanted = sorted({shortened(key) for key in keys})
        session.removed = True
        count = 0
        for at in range(0, len(wanted), _CHUNK):
            chunk = wanted[at : at + _CHUNK]
            delete, unindex = statements.delete_many(len(chunk))
            count += session.writable.execute(delete, (*name, *chunk)).rowcount
            session.writable.execute(unindex, (*name, *chunk))
            for key in chunk:
                session.set(session.cache, (*name, key), None)
        return count

    def scan(
        self, kind: str, *, prefix: str = "", after: str = "", limit: int = 100
    ) -> list[Entity]:
        """Return up to *limit* entities in order of key, those after *after* with *prefix*."""
        if (stored := long_texts.beginning(prefix)) != prefix:
            # Few have so much in common.
            found = self.scan(kind, prefix=stored, after=after, limit=NEWEST)
            return [one for one in found if one.key.startswith(prefix)][: max(limit, 0)]
        values = (self._organisation, kind, *self._bounds(prefix, after), max(limit, 0))
        return _entities(self._session.flush().execute(statements.SCAN, values))

    def keys(self, kind: str, *, after: str = "", limit: int = 100) -> list[str]:
        """Return up to *limit* keys of entities, in order, those after *after*."""
        values = (self._organisation, kind, *self._bounds("", after), max(limit, 0))
        found = self._session.flush().execute(statements.KEYS, values).fetchall()
        return [key if len(key) <= SURELY_SHORT else self._whole(kind, key) for (key,) in found]

    def _whole(self, kind: str, key: str) -> str:
        entity = self.get(kind, key)
        return key if entity is None else entity.key

    def organisations_with(self, kind: str, key: str | None = None) -> list[str]:
        """Return the organisations that have entities of *kind*, or the one of *key*, in order."""
        db = self._session.flush()
        if key is None:
            rows = db.execute(statements.WITH_KIND, (kind,))
        else:
            rows = db.execute(statements.WITH_KEY, (kind, shortened(key)))
        return [found for (found,) in rows]

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

        Empty values come after nothing: they are found with *equals* only.
        Entities with the same value are in order of key.
        """
        sql = statements.FIND if equals is None else statements.FIND_EQUAL
        limits: tuple[object, ...] = (shortened(equals or ""), shortened(after))
        if equals is None:
            limits = self._bounds(prefix, after)
        values = (self._organisation, kind, name, *limits, max(limit, 0))
        return _entities(self._session.flush().execute(sql, values))

    def find_many(self, kind: str, name: str, values: Iterable[str]) -> list[Entity]:
        """Return the entities that have any of *values* as their index value *name*, by key."""
        db, wanted = self._session.flush(), list(dict.fromkeys(map(shortened, values)))
        found: dict[str, Entity] = {}
        for at in range(0, len(wanted), _CHUNK):
            chunk = wanted[at : at + _CHUNK]
            rows = db.execute(
                statements.find_many(len(chunk)), (self._organisation, kind, name, *chunk)
            )
            found.update((one.key, one) for one in _entities(rows))
        return [found[key] for key in sorted(found)]

    def _bounds(self, prefix: str, after: str) -> tuple[str, object]:
        above = self._session.connection.dialect.above
        return statements.bounds(prefix, shortened(after), above)

    def changes(self, kind: str, since: int, limit: int = 100) -> list[Entity]:
        """Return up to *limit* entities whose revision is above *since*, in that order."""
        values = (self._organisation, kind, min(since, NEWEST), max(limit, 0))
        return _entities(self._session.flush().execute(statements.CHANGES, values))

    def count(self, kind: str) -> int:
        """Return how many entities of *kind* the organisation has."""
        rows = self._session.flush().execute(statements.COUNT, (self._organisation, kind))
        return int(rows.fetchone()[0])

    def count_indexed(self, kind: str, name: str, prefix: str) -> int:
        """Return how many entities have an index value *name* that starts with *prefix*."""
        values = (self._organisation, kind, name, *self._bounds(prefix, ""))
        return int(self._session.flush().execute(statements.COUNT_INDEXED, values).fetchone()[0])

    def reserve(self, series: str, count: int = 1) -> int:
        """Take *count* consecutive numbers of *series* and return the first; 0 takes none."""
        session, name = self._session, (self._organisation, series)
        first = None if session.closed else session.counters.get(name)
        if first is None:
            row = session.db.execute(statements.NEXT, name).fetchone()
            first = row[0] if row else 1
            session.set(session.counters, name, first)
        if count:
            session.set(session.counters, name, first + count)
            session.dirty_counters.add(name)
        return first

    def savepoint(self) -> Savepoint:
        """Undo what was written inside the block if it ends with an exception, which goes on."""
        return Savepoint(self._session)

    def record(self, exchange: Exchange) -> int:
        """Append *exchange* to the journal, set its ``seq`` and return it."""
        session = self._session
        if session.closed:
            raise RuntimeError(CLOSED)
        session.seq = exchange.seq = session.seq + 1
        session.newest_ms = exchange.at_ms
        session.recorded.append(exchange)
        return exchange.seq

    def forget(self, match: Mapping[str, object], *, at_ms: int, reason: str) -> int:
        """Delete the exchanges of earlier transactions that *match*, and say how many."""
        session = self._session
        cuts = retention.delete(
            session.writable, session.committed, match, at_ms=at_ms, reason=reason
        )
        session.deleted = session.deleted or bool(cuts)
        return sum(cut.last - cut.first + 1 for cut in cuts)

    def skip_sequence_numbers(self, count: int, *, at_ms: int) -> None:
        """Leave out the next *count* numbers, for exchanges that were answered unrecorded."""
        session = self._session
        link = session.chain()
        retention.skip(session.writable, session.seq, count, link, at_ms)
        session.seq += count
        session.writable.execute(statements.SET_HEAD, (session.seq, link))

    def announce(self, topics: Iterable[str]) -> None:
        """Wake who waits for *topics* in other processes, once this is committed."""
        self._session.topics.update(topics)

    def receive(self, source: SqlConnection, advance: Callable[[int], None]) -> bool:
        """Take over all of another database; False if this one has been used."""
        db = self._session.writable
        if not copying.is_unused(db):
            return False
        copying.copy(source, db, advance)
        return True

    def probe(self) -> int:
        """Write as much as a few exchanges take, and return a number to be read back."""
        return retention.probe(self._session.flush())

    def wipe(self, organisation: str | None = None) -> None:
        """Remove the entities and counters of *organisation*, or all; revisions go on growing.

        With all of them goes the mark.
        """
        if organisation is None:
            snapshots.clear_baseline(self._session)
        self._session.flush()
        self._session.count()
        self._session.forget()
        for statement in statements.WIPE_ALL if organisation is None else statements.WIPE:
            self._session.writable.execute(
                statement, () if organisation is None else (organisation,)
            )

    def begin_staging(self) -> int:
        """Make an empty state beside this one, and return its number."""
        return staging.begin(self._session)

    @contextmanager
    def staged(self, number: int) -> Iterator["SqlState"]:
        """Lend the state *number* that is being made beside this one."""
        with staging.entered(self._session, number) as session:
            yield SqlState(session, "")

    def take_staged(self, number: int) -> None:
        """Have that state be the present one."""
        staging.take(self._session, number)

    def tidy_staging(self, number: int) -> bool:
        """Delete some of what was replaced or left half-made; return whether all is gone."""
        return staging.tidy(self._session, number)

    def set_baseline(self) -> None:
        """Note that this is the state that `reset` goes back to."""
        snapshots.set_baseline(self._session)

    def has_baseline(self) -> bool:
        """Tell whether there is a state to go back to."""
        return snapshots.has_baseline(self._session)

    def begin_reset(self) -> int:
        """Begin to copy what `reset` goes back to; 0 if that can be done in place."""
        return going_back.begin(self._session)

    def copy_reset(self, number: int, after: tuple[str, str, str]) -> tuple[str, str, str] | None:
        """Copy some of it, and return where that ended; None: that was all."""
        return going_back.copy_some(self._session, number, after)

    def take_reset(self, number: int, settled: Collection[str]) -> Collection[str]:
        """Have the copy be the present state, as `reset` does with all."""
        return going_back.take(self._session, number, settled)

    def reset(
        self, organisation: str | None = None, *, settled: Collection[str] = ()
    ) -> Collection[str]:
        """Go back to the mark with one organisation, or with all; ValueError without a mark."""
        return snapshots.reset(self._session, organisation, settled)

    def export_snapshot(self, header: Body) -> Iterator[bytes]:
        """Yield the whole state as the lines of a snapshot with *header*."""
        return snapshots.export_lines(snapshots.written(self._session), header)


def _entities(rows: SqlRows) -> list[Entity]:
    # All at once: asked for one by one, each row costs a call of our own.
    return [
        Entity(key, revision, _DECODE(body))
        if len(key) <= SURELY_SHORT
        else _entity(key, revision, body)
        for key, revision, body in rows.fetchall()
    ]


def _entity(key: str, revision: int, stored: bytes) -> Entity:
    body = _DECODE(stored)
    return Entity(long_texts.whole(key, body), revision, body)
