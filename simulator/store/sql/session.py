"""One transaction as it goes: what is to be written at its end, and what savepoints undo.

Rule: each call of SQLite lets go of the interpreter lock and waits to get it
back, and each of PostgreSQL is a round trip, so what can wait is written at
the end, all at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simulator.core.memo import Memo
from simulator.core.messages import Exchange
from simulator.core.state import Body, Entity, Guard
from simulator.journal.chain import link_of
from simulator.store import records
from simulator.store.errors import StoreError
from simulator.store.sql import counting, statements
from simulator.store.sql.connection import SqlConnection

CACHED = 65_536
"""Most entities that are kept, decoded once they were asked for: about 1 KB each, two a device."""
CLOSED = "the transaction is over: its state is of no more use"
MAX_PENDING_WRITES = 1000
"""Entities that wait to be written before they are."""
FLUSH_BYTES = 65_536
"""Bytes of an entity that does not wait."""
Name = tuple[str, str, str]
"""Organisation, kind and key of an entity."""
Row = tuple[int, bytes]
"""Revision and body of an entity, as they are stored."""
ABSENT = Entity("", 0, {})
"""Stands in the cache for an entity that there is not."""
Series = tuple[str, str]
"""Organisation and name of a series of numbers."""


@dataclass(slots=True)
class SqlSession:
    """One transaction as its states share it."""

    connection: SqlConnection
    cache: Memo[Name, Entity | Row]
    """What `SqlState.get` found or `SqlState.put` wrote lately."""
    counters: dict[Series, int]
    """The next number of each series that was asked for lately."""
    revision: int
    seq: int
    link: bytes
    """That of the newest exchange before this transaction, at its end that of the newest; see
    `simulator.journal.chain`."""
    committed: int
    """Number of the newest exchange before this transaction."""
    guard: Guard | None = None
    newest_ms: int = 0
    """When the newest exchange of this transaction came."""
    recorded_bytes: int = 0
    """About how much the exchanges of this transaction take."""
    recorded: list[Exchange] = field(default_factory=list)
    """Exchanges to be written at the end."""
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    """Those of the first of them, as far as they are made, with their links."""
    pending_writes: dict[Name, Row] = field(default_factory=dict)
    """Entities (revision, body) to be written at the end, or before the next look at a table."""
    dirty_counters: set[Series] = field(default_factory=set)
    """Series whose next number is to be written at the end."""
    undo: list[tuple[dict[Any, Any], Any, Any]] = field(default_factory=list)
    """What stood in one of the dictionaries before a savepoint was left: dictionary, key, value."""
    savepoints: list["Savepoint"] = field(default_factory=list)
    """The open ones, outermost first."""
    states: dict[str, Any] = field(default_factory=dict)
    """The views of it, by organisation."""
    topics: set[str] = field(default_factory=set)
    """What other processes are told of."""
    removed: bool = False
    """Whether entities may be gone, or be what they were: their revisions do not tell."""
    deleted: bool = False
    """Whether exchanges were deleted."""
    closed: bool = False

    @property
    def db(self) -> SqlConnection:
        """The connection, as long as the transaction lasts.

        After a full disk and the like, the database has undone all of it:
        what came after would be kept without it.
        """
        if self.closed:
            raise RuntimeError(CLOSED)
        if not self.connection.in_transaction:
            raise StoreError("the transaction was undone after an earlier error")
        return self.connection

    @property
    def waits(self) -> bool:
        """Whether anything waits to be written at the end."""
        return bool(self.pending_writes or self.dirty_counters or self.recorded)

    def close(self) -> None:
        """End with the transaction: whoever still asks its states is told so.

        They are let go of, as they know the session: else all that was recorded would stay until
        garbage is looked for.
        """
        self.closed = True
        self.cache, self.pending_writes, self.states = Memo(1), {}, {}

    def keep(self, name: Name, entity: Entity | Row) -> None:
        """Have `SqlState.get` find *entity*."""
        if self.cache.has_room(name):
            self.set(self.cache, name, entity)

    def set(self, where: dict[Any, Any], key: Any, value: Any) -> None:
        """Set *key* of one of the dictionaries, or remove it for None; a savepoint can undo it."""
        if self.savepoints:
            self.undo.append((where, key, where.get(key)))
        if value is None:
            where.pop(key, None)
        else:
            where[key] = value

    def forget(self) -> None:
        """Keep nothing of what the tables may no longer hold."""
        self.removed = True
        for where in (self.cache, self.counters):
            for key in list(where):
                self.set(where, key, None)

    def forget_changed(self, names: Iterable[Name]) -> None:
        """Keep nothing of the entities of *names*, which are what they were, and no number."""
        self.removed = True
        self.forget_some(names)
        for key in list(self.counters):
            self.set(self.counters, key, None)

    def revert(self, mark: int) -> None:
        """Undo what `set` has done since there were *mark* entries."""
        for where, key, value in reversed(self.undo[mark:]):
            if value is None:
                where.pop(key, None)
            else:
                where[key] = value
        del self.undo[mark:]

    def put(self, name: Name, row: Row) -> None:
        """Have an entity written; it may take the place of one that waits."""
        self.set(self.pending_writes, name, row)
        if len(row[1]) > FLUSH_BYTES or len(self.pending_writes) > MAX_PENDING_WRITES:
            self.flush()

    def forget_some(self, names: Iterable[Name]) -> None:
        """Keep nothing of the entities of *names*, which are written without `put`."""
        for name in names:
            if name in self.cache:
                self.set(self.cache, name, None)

    def show(self, kind: str, rows: Iterable[tuple[str, Body]]) -> None:
        """Show the guard entities of one kind, (key, body), that are written."""
        if self.guard is not None and kind in self.guard.kinds:
            for key, body in rows:
                self.guard.learn(kind, key, body)

    def count(self) -> None:
        """Write the numbers that series have come to."""
        rows = [
            (*name, self.counters[name]) for name in self.dirty_counters if name in self.counters
        ]
        if rows:
            self.writable.write_many(statements.RESERVE, rows)

    def chain(self) -> bytes:
        """Make the rows of what was recorded; return the link of the newest."""
        rows = self.rows
        link = rows[-1][-1] if rows else self.link
        for row in records.rows_of(self.recorded[len(rows) :], self.guard):
            link = link_of(link, row[-1])
            self.recorded_bytes += len(row[-1])
            rows.append((*row, link))
        return link

    def finish(self) -> None:
        """Write everything that waits."""
        self.flush()
        self.count()
        if self.recorded:
            self.link = self.chain()
            self.db.write_many(statements.RECORD, self.rows)
            self.db.execute(statements.SET_HEAD, (self.seq, self.link))
            if counting.is_due(self.committed, self.seq):
                counting.keep(self.db, self.seq)

    def flush(self) -> SqlConnection:
        """Write the entities that wait, and return the connection: the tables are now true."""
        if self.pending_writes:
            rows = [(*name, *row) for name, row in self.pending_writes.items()]
            self.writable.write_many(statements.PUT, rows)
            if self.savepoints:
                self.undo += [
                    (self.pending_writes, name, row) for name, row in self.pending_writes.items()
                ]
            self.pending_writes.clear()
        return self.db

    @property
    def writable(self) -> SqlConnection:
        """The connection, once every open savepoint is set and covers what will be written."""
        db = self.db
        for level, savepoint in enumerate(self.savepoints):
            if not savepoint.is_set:
                db.execute(f"SAVEPOINT level_{level}")
                savepoint.is_set = True
        return db


class Savepoint:
    """A block that is undone if it ends with an exception.

    The database hears of it with the first write inside: most requests only read.
    """

    __slots__ = ("_recorded", "_revision", "_seq", "_session", "_undo", "is_set")

    def __init__(self, session: SqlSession) -> None:
        self._session = session
        self.is_set = False
        """Whether the database has heard of it."""

    def __enter__(self) -> None:
        session = self._session
        self._revision, self._seq = session.revision, session.seq
        self._recorded, self._undo = len(session.recorded), len(session.undo)
        session.savepoints.append(self)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        session = self._session
        session.savepoints.pop()
        if kind is None:
            if self.is_set:
                session.db.execute(f"RELEASE level_{len(session.savepoints)}")
            if not session.savepoints:
                session.undo.clear()
            return
        session.revision, session.seq = self._revision, self._seq
        del session.recorded[self._recorded :], session.rows[self._recorded :]
        if self.is_set and session.connection.in_transaction:
            name = f"level_{len(session.savepoints)}"
            session.connection.execute(f"ROLLBACK TO {name}")
            session.connection.execute(f"RELEASE {name}")
            session.cache.clear()
        session.revert(self._undo)
