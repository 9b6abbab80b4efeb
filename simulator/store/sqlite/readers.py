"""Connections for readers: each is lent for one moment of the database.

A read transaction sees the database as it was when it began, however long it takes.
Meanwhile SQLite cannot begin its write-ahead log anew, so none is kept open for long.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from simulator.store.sql.readers import ReaderPool
from simulator.store.sqlite import migrations
from simulator.store.sqlite.connection import SqliteConnection

KEPT = 4
"""Connections that wait open for the next reader."""
_LOOK = "SELECT count(*) FROM sqlite_schema WHERE name = ''"
"""What begins a read transaction: SQLite's own BEGIN waits for the first look."""


class FileReaders(ReaderPool[SqliteConnection]):
    """Readers of a file: as many at once as ask."""

    def __init__(self, path: Path) -> None:
        """Open the database at *path*; ConfigurationError if that cannot be."""
        super().__init__(migrations.readable(path), KEPT)
        self._path = path

    def _opened(self) -> SqliteConnection:
        return migrations.readable(self._path)

    def _begin(self, connection: SqliteConnection) -> None:
        connection.execute("BEGIN")
        connection.execute(_LOOK).fetchone()


class MemoryReaders:
    """Readers of a database in memory: one at a time, and never beside a transaction."""

    def __init__(self, connection: SqliteConnection, lock: AbstractContextManager[Any]) -> None:
        """Read through the *connection* of a store, which is used under *lock*."""
        self._connection = connection
        self._lock = lock

    @contextmanager
    def lend(self) -> Iterator[SqliteConnection]:
        """Yield the connection once no transaction runs."""
        with self._lock:
            yield self._connection

    def close(self) -> None:
        """Leave the connection to the store."""
