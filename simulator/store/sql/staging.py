"""Another state beside the present one, made piece by piece, that takes its place at once.

Its rows go to tables of its own, in transactions like any others, so what comes meanwhile is
answered from the present state between two of them. At the end the tables change their names,
which takes as long for a million rows as for one. What was there before is deleted piece by
piece as well, where dropping a table takes its time.

Of several processes over one database the last to begin such a state goes on: it has a number,
and who brings another is refused. What is left of either is dropped by whoever begins one, and as a
database that only one process has is opened.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any

from simulator.core.memo import Memo
from simulator.store.errors import StoreError
from simulator.store.sql import snapshots
from simulator.store.sql.connection import Dialect, SqlConnection, SqlRows, Values
from simulator.store.sql.session import CACHED, SqlSession

STAGED, REPLACED = "staged_", "replaced_"
_KEYS = {
    "entity": "organisation, kind, key",
    "entity_index": "organisation, kind, name, value, key",
    "counter": "organisation, series",
    "baseline": "organisation, kind, key",
}
"""The tables of the state and of what has changed in it, each with its primary key."""
_TABLE = re.compile(rf"\b({'|'.join(_KEYS)})\b")
_STAGED = tuple(f"{STAGED}{table}" for table in _KEYS)
_REPLACED = tuple(f"{REPLACED}{table}" for table in _KEYS)
LEFT = tuple(f"DROP TABLE IF EXISTS {table}" for table in (*_STAGED, *_REPLACED))
"""Statements after which nothing is left of a state that was not finished, or was replaced."""
_NUMBER = "SELECT value FROM meta WHERE name = 'staged'"
_SET_NUMBER = (
    "INSERT INTO meta VALUES ('staged', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_LOT = 100
"""Rows that are deleted at once."""


@lru_cache(512)
def _renamed(sql: str) -> str:
    return _TABLE.sub(rf"{STAGED}\1", sql)


class _StagedConnection:
    """A connection whose statements are about the staged tables."""

    def __init__(self, db: SqlConnection) -> None:
        self._db = db

    @property
    def dialect(self) -> Dialect:
        """What is special about its database."""
        return self._db.dialect

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction runs that can be committed."""
        return self._db.in_transaction

    def execute(self, sql: str, values: Values = (), /) -> SqlRows:
        """Run one statement."""
        return self._db.execute(_renamed(sql), values)

    def write_many(self, sql: str, rows: Iterable[Sequence[Any]], /) -> int:
        """Run one statement for each of *rows*; return how many rows were written."""
        return self._db.write_many(_renamed(sql), rows)

    def together(self) -> AbstractContextManager[Any]:
        """Return a block whose statements may be sent at once."""
        return self._db.together()

    def stream(self, sql: str, /) -> Iterator[Any]:
        """Yield the rows of a query."""
        return self._db.stream(_renamed(sql))

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()


def begin(session: SqlSession) -> int:
    """Make the tables of another state, and return its number."""
    db = session.writable
    session.revision += 1
    for statement in (*LEFT, *db.dialect.staged_tables):
        db.execute(statement.replace("{mark}", str(session.revision)))
    db.execute(_SET_NUMBER, (session.revision,))
    return session.revision


def _is_begun(db: SqlConnection, number: int) -> bool:
    return bool(db.execute(_NUMBER).fetchone() == (number,))


def check(db: SqlConnection, number: int) -> None:
    """Raise StoreError if another state was begun since that of *number*."""
    if not _is_begun(db, number):
        raise StoreError("another state has been begun in the place of this one since", "busy")


@contextmanager
def entered(session: SqlSession, number: int) -> Iterator[SqlSession]:
    """Lend a session over the staged tables of *number*, part of the same transaction."""
    check(session.writable, number)
    staged = SqlSession(
        _StagedConnection(session.writable),
        Memo(CACHED),
        {},
        session.revision,
        session.seq,
        session.link,
        session.committed,
        session.guard,
    )
    try:
        yield staged
        staged.flush()
        staged.count()
        session.revision = staged.revision
    finally:
        staged.close()


def take(session: SqlSession, number: int) -> None:
    """Have the staged state *number* be the present one; there is none to go back to then."""
    db = snapshots.written(session)
    check(db, number)
    for table in _KEYS:
        db.execute(f"ALTER TABLE {table} RENAME TO {REPLACED}{table}")
        db.execute(f"ALTER TABLE {STAGED}{table} RENAME TO {table}")
        if db.dialect.drops_at_once:
            db.execute(f"DROP TABLE {REPLACED}{table}")
    # What was noted is among what is replaced: here it would be deleted all at once.
    snapshots.clear_baseline(session)
    session.forget()


def tidy(session: SqlSession, number: int) -> bool:
    """Delete some of what was replaced, and of the state *number*; return whether all is gone."""
    db = session.writable
    left = (*_REPLACED, *(_STAGED if _is_begun(db, number) else ()))
    there = {name for (name,) in db.execute(db.dialect.table_names).fetchall()}
    for table in (one for one in left if one in there):
        if db.dialect.drops_at_once:
            db.execute(f"DROP TABLE {table}")
            continue
        key = _KEYS[table.partition("_")[2]]
        some = f"SELECT {key} FROM {table} LIMIT {_LOT}"  # noqa: S608 (ours)
        if not db.execute(f"DELETE FROM {table} WHERE ({key}) IN ({some})").rowcount:  # noqa: S608 (ours)
            db.execute(f"DROP TABLE {table}")
        return False
    return True
