"""Connections for readers: each is lent for one moment of the database.

A read transaction sees the database as it was when it began, however long it takes.
Meanwhile SQLite cannot begin its write-ahead log anew, so none is kept open for long,
and all of a store are counted: new ones are held back for a moment where that is due.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from simulator.store.sql.readers import ReaderPool
from simulator.store.sqlite import migrations
from simulator.store.sqlite.connection import SqliteConnection

KEPT = 4
"""Connections that wait open for the next reader."""
HELD_BACK_S = 0.5
"""How long a reader is held back at most."""
_LOOK = "SELECT count(*) FROM sqlite_schema WHERE name = ''"
"""What begins a read transaction: SQLite's own BEGIN waits for the first look."""


class ReadTransactions:
    """The read transactions of a store that are open."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = 0
        self._held_back = False

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one more, after those before it if they are waited for."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held_back, HELD_BACK_S)
            self._open += 1
        try:
            yield
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    @contextmanager
    def held_back(self, wait_s: float) -> Iterator[bool]:
        """Hold new ones back and yield whether those that were open have ended in *wait_s*."""
        with self._changed:
            self._held_back = True
            ended = self._changed.wait_for(lambda: not self._open, min(wait_s, HELD_BACK_S))
        try:
            yield ended
        finally:
            with self._changed:
                self._held_back = False
                self._changed.notify_all()


class FileReaders(ReaderPool[SqliteConnection]):
    """Readers of a file: as many at once as ask."""

    def __init__(self, path: Path, reads: ReadTransactions | None = None) -> None:
        """Open the database at *path*; ConfigurationError if that cannot be.

        *reads* are those of the store that writes it, if that is this process.
        """
        super().__init__(migrations.readable(path), KEPT)
        self._path = path
        self._reads = reads or ReadTransactions()

    @contextmanager
    def lend(self) -> Iterator[SqliteConnection]:
        """Yield a connection in a read transaction of its own."""
        with self._reads.one(), super().lend() as connection:
            yield connection

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
