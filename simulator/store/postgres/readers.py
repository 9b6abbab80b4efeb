"""Connections for readers: as many as a server can spare."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from simulator.store.errors import StoreError
from simulator.store.postgres import opening, schema
from simulator.store.postgres.connection import PostgresConnection
from simulator.store.sql.readers import ReaderPool

KEPT = 2
"""Connections that wait open for the next reader."""
MOST = 8
"""Connections that are lent at once: a server has about a hundred for all its users."""
WAIT_S = 5.0
"""How long a reader waits for one."""


class PostgresReaders(ReaderPool[PostgresConnection]):
    """Readers of a database."""

    def __init__(self, url: str) -> None:
        """Connect to *url*; ConfigurationError if that cannot be."""
        super().__init__(opening.readable(url), KEPT)
        self._url = url
        self._room = threading.BoundedSemaphore(MOST)

    @contextmanager
    def lend(self) -> Iterator[PostgresConnection]:
        """Yield a connection in a read transaction of its own; StoreError if all stay lent."""
        if not self._room.acquire(timeout=WAIT_S):
            raise StoreError(f"all {MOST} connections for readers are in use", "crowded")
        try:
            with super().lend() as connection:
                yield connection
        finally:
            self._room.release()

    def _opened(self) -> PostgresConnection:
        return PostgresConnection(self._url)

    def _begin(self, connection: PostgresConnection) -> None:
        connection.execute(schema.READ_ONLY)

    def _is_lost(self, connection: PostgresConnection) -> bool:
        return connection.lost
