"""Connections for readers: each is lent for one moment of the database.

A read transaction sees the database as it was when it began, however long it takes.
Meanwhile SQLite cannot begin its write-ahead log anew, so none is kept open for long.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from simulator.store.errors import StoreError
from simulator.store.sqlite import migrations
from simulator.store.sqlite.connection import SqliteConnection

KEPT = 4
"""Connections that wait open for the next reader."""
_LOOK = "SELECT count(*) FROM sqlite_schema WHERE name = ''"
"""What begins a read transaction: SQLite's own BEGIN waits for the first look."""


class FileReaders:
    """Readers of a file: as many at once as ask."""

    def __init__(self, path: Path) -> None:
        """Open the database at *path*; ConfigurationError if that cannot be."""
        self._path = path
        self._lock = threading.Lock()
        self._idle = [migrations.readable(path)]
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[SqliteConnection]:
        """Yield a connection in a read transaction of its own."""
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or migrations.readable(self._path)
        sound = False
        try:
            connection.execute("BEGIN")
            connection.execute(_LOOK).fetchone()
            yield connection
            sound = True
        finally:
            # After an error the connection may have a file open that is none any more.
            with suppress(StoreError):
                connection.execute("ROLLBACK")
            with self._lock:
                keep = sound and not self._closed and len(self._idle) < KEPT
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def close(self) -> None:
        """Close the connections; those that are lent close when they come back."""
        with self._lock:
            idle, self._idle, self._closed = self._idle, [], True
        for connection in idle:
            connection.close()


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
