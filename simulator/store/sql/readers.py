"""Connections for readers: each is lent for one moment of the database, and kept for the next."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from simulator.store.errors import StoreError
from simulator.store.sql.connection import SqlConnection

_Connection = TypeVar("_Connection", bound=SqlConnection)


class ReaderPool(ABC, Generic[_Connection]):
    """Connections to one database, of which *kept* wait open for the next reader."""

    def __init__(self, first: _Connection, kept: int) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._idle = [first]
        self._closed = False

    @abstractmethod
    def _opened(self) -> _Connection:
        """Return a new connection; StoreError if that cannot be."""

    @abstractmethod
    def _begin(self, connection: _Connection) -> None:
        """Begin a transaction that reads, and sees the database as it is now."""

    def _is_lost(self, connection: _Connection) -> bool:  # noqa: ARG002 (a file is never lost)
        """Tell whether an error came of *connection* alone, and a new one may work."""
        return False

    @contextmanager
    def lend(self) -> Iterator[_Connection]:
        """Yield a connection in a read transaction of its own."""
        connection = self._taken()
        sound = False
        try:
            yield connection
            sound = True
        finally:
            with suppress(StoreError):
                connection.execute("ROLLBACK")
            with self._lock:
                # After an error the connection may have a file open that is none any more.
                keep = sound and not self._closed and len(self._idle) < self._kept
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    def _taken(self) -> _Connection:
        """Return a connection in a transaction: one that waits, if its database still knows it."""
        while True:
            with self._lock:
                idle = self._idle.pop() if self._idle else None
            connection = idle or self._opened()
            try:
                self._begin(connection)
            except BaseException:
                connection.close()
                if idle is None or not self._is_lost(connection):
                    raise
            else:
                return connection

    def close(self) -> None:
        """Close the connections; those that are lent close when they come back."""
        with self._lock:
            idle, self._idle, self._closed = self._idle, [], True
        for connection in idle:
            connection.close()
