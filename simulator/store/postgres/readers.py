"""Connections for readers: each is lent for one moment of the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from simulator.store.errors import StoreError
from simulator.store.postgres import opening, schema
from simulator.store.postgres.connection import PostgresConnection

KEPT = 2
"""Connections that wait open for the next reader."""
MOST = 8
"""Connections that are lent at once: a server has about a hundred for all its users."""
WAIT_S = 5.0
"""How long a reader waits for one."""


class PostgresReaders:
    """Readers of a database."""

    def __init__(self, url: str) -> None:
        """Connect to *url*; ConfigurationError if that cannot be."""
        self._url = url
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(MOST)
        self._idle = [opening.readable(url)]
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[PostgresConnection]:
        """Yield a connection in a read transaction of its own; StoreError if all stay lent."""
        if not self._room.acquire(timeout=WAIT_S):
            raise StoreError(f"all {MOST} connections for readers are in use", "busy")
        try:
            connection = self._taken()
            sound = False
            try:
                yield connection
                sound = True
            finally:
                with suppress(StoreError):
                    connection.execute("ROLLBACK")
                with self._lock:
                    keep = sound and not self._closed and len(self._idle) < KEPT
                    if keep:
                        self._idle.append(connection)
                if not keep:
                    connection.close()
        finally:
            self._room.release()

    def _taken(self) -> PostgresConnection:
        """Return a connection in a transaction: one that waits, if the server still knows it."""
        while True:
            with self._lock:
                idle = self._idle.pop() if self._idle else None
            connection = idle or PostgresConnection(self._url)
            try:
                connection.execute(schema.READ_ONLY)
            except BaseException:
                connection.close()
                if idle is None or not connection.lost:
                    raise
            else:
                return connection

    def close(self) -> None:
        """Close the connections; those that are lent close when they come back."""
        with self._lock:
            idle, self._idle, self._closed = self._idle, [], True
        for connection in idle:
            connection.close()
