"""Checkpoints beside the writer: what the write-ahead log holds goes into the database.

SQLite does that at a commit, and waits for the disk meanwhile: a tenth of a
second, in which nothing is answered. A thread with a connection of its own
does it without holding anybody up. The commit's own checkpoint stays as the
limit of a log that grows faster than this.
"""

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from simulator.store.sqlite import connection as opening

LOG = logging.getLogger("mdmsim")
AFTER_ROWS = 500
"""Rows written after which it is time: few, as the disk that this keeps busy holds commits up."""


class Checkpointer:
    """The thread; it ends with `close`."""

    def __init__(self, path: Path) -> None:
        """Look after the database at *path*, which is open in write-ahead mode."""
        self._path = path
        self._rows = 0
        self._due = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="mdmsim-checkpoint", daemon=True)

    def note(self, rows: int) -> None:
        """Note that *rows* were committed."""
        self._rows += rows
        if self._rows >= AFTER_ROWS:
            self._rows = 0
            if not self._thread.is_alive():
                self._thread.start()
            self._due.set()

    def close(self) -> None:
        """End the thread, after a last time."""
        self._closing = True
        self._due.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            with closing(opening.connect(self._path)) as connection:
                last = False
                while not last:
                    self._due.wait()
                    self._due.clear()
                    last = self._closing
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error:
            # Nothing is lost: the log is only longer, until a commit does it.
            LOG.warning("the write-ahead log is left to the commits", exc_info=True)
