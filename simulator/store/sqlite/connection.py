"""Connections that raise StoreError, whatever SQLite says: no other module has to know its errors.

What SQLite said stays the cause of the error.
"""

import re
import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self

from simulator.core.translation import Translated
from simulator.store.errors import Reason, StoreError
from simulator.store.sqlite.schema import DIALECT

BUSY_S = 5.0
"""How long to wait for a lock that another program holds."""
LOT = 32
"""Rows that one statement inserts."""
_ROW = re.compile(r"VALUES (\([?,]+\))")
_REASONS: dict[int, Reason] = {
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_NOTADB: "damaged",
    # Our statements fit our tables: a table is gone, or is another's.
    sqlite3.SQLITE_ERROR: "damaged",
    sqlite3.SQLITE_CORRUPT: "damaged",
}


def code_of(error: BaseException | None) -> int:
    """Return SQLite's kind of *error*: the lower byte; what is above tells variants apart."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def translated() -> Translated[sqlite3.Error]:
    """Turn what SQLite raises in the block into StoreError."""
    return Translated(sqlite3.Error, _translation)


def _translation(error: sqlite3.Error) -> StoreError:
    if isinstance(error, sqlite3.OperationalError) and "Could not decode" in str(error):
        # The message would quote the bytes that are no text.
        return StoreError("text is stored that is no UTF-8", "damaged")
    return StoreError(str(error), _REASONS.get(code_of(error), "failed"))


class SqliteCursor(sqlite3.Cursor):
    """The rows of a statement. SQLite looks for them as they are asked for."""

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        try:
            return super().fetchone()
        except sqlite3.Error as error:
            raise _translation(error) from error

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        try:
            return super().fetchall()
        except sqlite3.Error as error:
            raise _translation(error) from error

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except sqlite3.Error as error:
            raise _translation(error) from error


class SqliteConnection(sqlite3.Connection):
    """A connection in autocommit mode, for one thread at a time."""

    dialect = DIALECT

    def together(self) -> AbstractContextManager[None]:
        """Return a block in which nothing is special: no statement makes a journey."""
        return nullcontext()

    def stream(self, sql: str) -> SqliteCursor:
        """Return the rows of a query; they are looked for as they are asked for."""
        return self.execute(sql)

    def execute(self, sql: str, values: Any = ()) -> SqliteCursor:
        """Run one statement."""
        cursor = self.cursor(SqliteCursor)
        try:
            return cursor.execute(sql, values)
        except sqlite3.Error as error:
            raise _translation(error) from error

    def write_many(self, sql: str, rows: Iterable[Any]) -> int:
        """Run one statement for each of *rows*, and return how many rows were written.

        A statement inserts many rows: inside a savepoint, where there are triggers, each further
        statement costs more than the last.
        """
        cursor, together = self.cursor(SqliteCursor), _together(sql)
        remaining, count = iter(rows), 0
        try:
            while lot := list(islice(remaining, LOT)):
                if together and len(lot) == LOT:
                    cursor.execute(together, tuple(chain.from_iterable(lot)))
                else:
                    cursor.executemany(sql, lot)
                count += cursor.rowcount
        except sqlite3.Error as error:
            raise _translation(error) from error
        return count


@lru_cache(256)
def _together(sql: str) -> str:
    """Return the statement that inserts `LOT` rows where *sql* inserts one; else nothing."""
    found = _ROW.search(sql)
    return "" if found is None else sql.replace(found[1], ",".join([found[1]] * LOT))


def connect(name: str | Path, *, busy_s: float | None = None) -> SqliteConnection:
    """Open the database *name*: a path, a ``file:`` URI, or ``:memory:``.

    *busy_s* is how long it waits for a lock, if not `BUSY_S`.
    """
    text = str(name.absolute()) if isinstance(name, Path) else name
    with translated():
        return sqlite3.connect(
            text,
            uri=text.startswith("file:"),
            timeout=BUSY_S if busy_s is None else busy_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            factory=SqliteConnection,
        )
