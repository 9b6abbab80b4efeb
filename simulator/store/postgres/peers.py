"""What replicas over one database tell each other, and who of them does what only one may do."""

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

from simulator.store.errors import StoreError
from simulator.store.postgres import schema
from simulator.store.postgres.connection import PostgresConnection

LONGEST = 7000
"""Characters of a notice, about: PostgreSQL takes 8000 bytes."""
_SLICE_S = 0.5
"""How long to listen before a look whether to end."""
_PAUSE_S = 1.0
"""How long to wait for a server that cannot be reached."""


def notices(replica: int, topics: Iterable[str]) -> list[str]:
    """Return what tells others of *topics*, one notice at least.

    An odd topic wakes all who wait for anything, which may be thousands: many topics do not.
    """
    found = [str(replica)]
    for topic in topics:
        if not topic.isascii() or " " in topic or len(topic) > LONGEST:
            return [f"{replica} *"]
        if len(found[-1]) + len(topic) > LONGEST:
            found.append(str(replica))
        found[-1] += f" {topic}"
    return found


class PostgresPeers:
    """The other replicas, as one sees them; see `simulator.store.protocols.Peers`."""

    def __init__(self, url: str, number: int) -> None:
        """Be replica *number* of the database at *url*."""
        self.number = number
        self._url = url
        self._closing = threading.Event()
        self._leading: PostgresConnection | None = None
        """Holds the lock of who leads, as long as it is open."""
        self._lock = threading.Lock()

    def listen(self, heard: Callable[[list[str] | None], None]) -> None:
        """Call *heard* with the topics of each notice of others until `close`.

        None stands for all: notices may have been missed.
        """
        while not self._closing.is_set():
            with suppress(StoreError):
                connection = PostgresConnection(self._url)
                try:
                    connection.execute("LISTEN mdmsim")
                    heard(None)
                    while not self._closing.is_set():
                        for text in connection.listen(_SLICE_S):
                            number, *topics = text.split(" ")
                            if number != str(self.number):
                                heard(None if "*" in topics else topics)
                finally:
                    connection.close()
            self._closing.wait(_PAUSE_S)

    def leads(self) -> bool:
        """Tell whether this replica leads; it does until it ends or loses the database."""
        with self._lock, suppress(StoreError):
            if self._closing.is_set():
                return False
            try:
                if self._leading is None:
                    self._leading = PostgresConnection(self._url)
                # To hold it twice does no harm: it goes with the connection.
                held = self._leading.execute(schema.LEAD).fetchone()[0]
            except StoreError:
                if self._leading is not None:
                    self._leading.close()
                self._leading = None
                raise
            return bool(held)
        return False

    def close(self) -> None:
        """Listen and lead no longer."""
        self._closing.set()
        with self._lock:
            if self._leading is not None:
                self._leading.close()
