"""Checkpoints beside the writer: what the write-ahead log holds goes into the database.

SQLite does that at a commit, and waits for the disk meanwhile: a tenth of a
second, in which nothing is answered. A thread with a connection of its own
does it without holding anybody up. Only what was written meanwhile is left to a
moment in which nothing is written, so that the log can begin anew: under steady
load it would otherwise grow until a commit has to do it all. It cannot begin anew
beside a reader either: where readers follow one another without a pause, the next
ones are held back until those before them have ended.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from simulator.store.sqlite.background import BackgroundWork
from simulator.store.sqlite.connection import SqliteConnection, connect
from simulator.store.sqlite.readers import ReadTransactions

AFTER_ROWS = 1250
"""Rows of all tables after which it is time (a push writes 7): few, as the disk that this keeps
busy holds commits up."""
AFTER_BYTES = 1024 * 1024
"""Bytes of exchanges after which it is time, however few they are."""
ANEW_PAGES = 1024
"""Pages of the log from which on it is begun anew."""
PRESSING_PAGES = 2048
"""Pages of the log from which on readers are held back for it."""
HELD_BACK_S = 0.05
"""How long they are, at most, with a log of so many pages; longer with a longer one."""
_ROUNDS = 4
"""Passes beside the writer: each leaves less to do without it."""


class Checkpointer:
    """What empties the log whenever enough was written."""

    def __init__(
        self, path: Path, writing: AbstractContextManager[Any], reads: ReadTransactions
    ) -> None:
        """Look after the database at *path*; nothing is written while *writing* is held."""
        self._path = path
        self._writing = writing
        self._reads = reads
        self._rows_before = self._bytes = 0
        self._connection: SqliteConnection | None = None
        # After a failure nothing is lost: the log is only longer, until there is room again.
        about = "the write-ahead log cannot be emptied now"
        self._thread = BackgroundWork("mdmsim-checkpoint", self._empty, about)
        self._thread.start()

    def note(self, rows: int, size: int) -> None:
        """Note that *rows* have been written by now, and *size* bytes of exchanges committed."""
        self._bytes += size
        if rows - self._rows_before >= AFTER_ROWS or self._bytes >= AFTER_BYTES:
            self._rows_before, self._bytes = rows, 0
            self._thread.tell()

    def close(self) -> None:
        """End the thread."""
        self._thread.close()
        self._disconnect()

    def _empty(self) -> None:
        """Empty the log, with a new connection after a failure."""
        try:
            self._pass()
        except BaseException:
            self._disconnect()
            raise

    def _pass(self) -> None:
        if self._connection is None:
            # It waits for nobody: what readers still need stays for the next time.
            self._connection = connect(self._path, busy_s=0)
        pages = 0
        for _ in range(_ROUNDS):
            _, pages, done = self._checkpoint("PASSIVE")
            if pages < ANEW_PAGES or self._thread.closing.is_set():
                return
            if pages - done < ANEW_PAGES // 8:
                break
        if self._begin_anew() or pages < PRESSING_PAGES:
            return
        with self._reads.held_back(HELD_BACK_S * pages / PRESSING_PAGES) as alone:
            if alone:
                self._begin_anew()

    def _begin_anew(self) -> bool:
        """Tell whether the log begins anew: nothing was read from it."""
        with self._writing:
            busy, _, _ = self._checkpoint("RESTART")
        return not busy

    def _checkpoint(self, mode: str) -> tuple[int, int, int]:
        """Return whether it was kept from it, the pages of the log, and those that are done."""
        assert self._connection is not None  # noqa: S101 (for mypy)
        row = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return row[0], row[1], row[2]

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
