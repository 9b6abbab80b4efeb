"""Another state beside the present one, made piece by piece, that takes its place at once.

Its rows go to tables of its own, in transactions like any others, so what comes meanwhile is
answered from the present state between two of them. At the end the tables change their names,
which takes as long for a million rows as for one. What was there before is deleted piece by
piece as well. A store that is opened drops what is left of either.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any

from simulator.store.sql import snapshots
from simulator.store.sql.connection import Dialect, SqlConnection, SqlRows, Values
from simulator.store.sql.session import SqlSession

STAGED, REPLACED = "staged_", "replaced_"
_KEYS = {
    "entity": "organisation, kind, key",
    "entity_index": "organisation, kind, name, value, key",
    "counter": "organisation, series",
}
"""The tables of the state, each with its primary key."""
_TABLE = re.compile(rf"\b({'|'.join(_KEYS)})\b")
_ALL = tuple(f"{kind}{table}" for kind in (STAGED, REPLACED) for table in _KEYS)
LEFT = tuple(f"DROP TABLE IF EXISTS {table}" for table in _ALL)
"""Statements after which nothing is left of a state that was not finished, or was replaced."""
_WHICH = f"SELECT name FROM sqlite_master WHERE type = 'table' AND name IN {_ALL}"  # noqa: S608 (ours)
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


def begin(session: SqlSession) -> bool:
    """Make the tables of another state; False if the database has no way to exchange them."""
    db = session.writable
    if not db.dialect.staged_tables:
        return False
    for statement in LEFT:
        db.execute(statement)
    for statement in db.dialect.staged_tables:
        db.execute(statement.replace("{mark}", str(session.revision)))
    return True


@contextmanager
def entered(session: SqlSession) -> Iterator[SqlSession]:
    """Lend a session over the staged tables, part of the same transaction."""
    staged = SqlSession(
        _StagedConnection(session.writable),
        {},
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
        staged.closed = True


def take(session: SqlSession) -> None:
    """Have the staged state be the present one; there is no state to go back to then."""
    snapshots.clear_baseline(session)
    db = session.writable
    for table in _KEYS:
        db.execute(f"ALTER TABLE {table} RENAME TO {REPLACED}{table}")
        db.execute(f"ALTER TABLE {STAGED}{table} RENAME TO {table}")
    session.forget()


def tidy(session: SqlSession) -> bool:
    """Delete some of a state that was not finished, or was replaced; return whether all is gone."""
    db = session.writable
    for (table,) in db.execute(_WHICH).fetchall():
        key = _KEYS[table.partition("_")[2]]
        some = f"SELECT {key} FROM {table} LIMIT {_LOT}"  # noqa: S608 (ours)
        if not db.execute(f"DELETE FROM {table} WHERE ({key}) IN ({some})").rowcount:  # noqa: S608 (ours)
            db.execute(f"DROP TABLE {table}")
        return False
    return True
