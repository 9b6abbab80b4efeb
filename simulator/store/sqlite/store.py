"""State and journal in one SQLite database, in WAL mode.

A transaction holds many exchanges (see the gateway). It counts revisions and
exchanges itself and writes where it got to once, at its end. What memory
believes is changed right after a commit, before anything else can fail; after
a failure nothing is believed, and the next transaction reads where it is.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from simulator.core.state import Entity, Guard
from simulator.journal.chain import START
from simulator.store.errors import StoreError
from simulator.store.sqlite import migrations, retention, schema
from simulator.store.sqlite.checkpointing import Checkpointer
from simulator.store.sqlite.connection import SqliteConnection
from simulator.store.sqlite.journal import SqliteJournal
from simulator.store.sqlite.readers import MemoryReaders
from simulator.store.sqlite.session import Name, Row, Series, SqliteSession
from simulator.store.sqlite.state import SqliteState

_DECODE = msgspec.json.Decoder(dict[str, Any]).decode
_UNKNOWN = -1
"""Of no database: what is remembered has to be read again."""


class SqliteStore:
    """One database: a file, or memory that is gone when it is closed.

    See `simulator.store.protocols.Store` for what each call does.
    """

    def __init__(
        self,
        connection: SqliteConnection,
        path: Path | None,
        keep: int = 0,
        *,
        fsync: bool = False,
        guard: Guard | None = None,
    ) -> None:
        # In memory, a reader of the journal keeps transactions waiting; deleting takes its time.
        self.commits_without_blocking = path is not None and not fsync and not keep
        self._connection = connection
        self._path = path
        self._lock = threading.RLock()
        self._cache: dict[Name, Entity | Row] = {}
        self._counters: dict[Series, int] = {}
        self._seen = _UNKNOWN
        self._revision = 0
        self._seq = 0
        self._link = START
        self._keep = keep
        self._guard = guard
        self._oldest = 0
        """Number of the oldest exchange, as far as is known; 0: look it up."""
        self._checkpointer = None if path is None else Checkpointer(path, self._lock)

    @classmethod
    def open(
        cls,
        path: Path | None,
        *,
        fsync: bool = False,
        keep: int = 0,
        guard: Guard | None = None,
    ) -> "SqliteStore":
        """Open or make the database at *path*, or one in memory; see `opening.open_store`."""
        return cls(migrations.writable(path, fsync=fsync), path, keep, fsync=fsync, guard=guard)

    def journal(self) -> SqliteJournal:
        """Return a reader of the journal.

        A database in memory has one connection only: its reader waits for the
        transaction that runs, and must be asked in another thread than that.
        """
        if self._path is None:
            return SqliteJournal(MemoryReaders(self._connection, self._lock))
        return SqliteJournal.open(self._path)

    def close(self) -> None:
        """Close the database."""
        if self._checkpointer is not None:
            self._checkpointer.close()
        # A database in memory may still be read by another thread.
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[SqliteState]:
        """Begin a transaction; commit it at the end, or undo it on an exception."""
        with self._lock:
            if self._connection.in_transaction:
                raise RuntimeError("transactions do not nest")
            self._connection.execute("BEGIN IMMEDIATE")
            committing = False
            try:
                session = self._begin()
                try:
                    yield SqliteState(session, "")
                    if session.revision != self._revision:
                        session.db.execute(schema.SET_REVISION, (session.revision,))
                    session.finish()
                    if session.recorded:
                        self._limit(session)
                    committing = True
                    session.db.execute("COMMIT")
                finally:
                    session.closed = True
            except BaseException:
                self._undo(committing=committing)
                raise
            written = session.revision - self._revision + session.seq - self._seq
            self._revision, self._seq, self._link = session.revision, session.seq, session.link
        if self._checkpointer is not None:
            self._checkpointer.note(written, session.recorded_bytes)

    def _undo(self, *, committing: bool) -> None:
        """Undo the transaction, and believe nothing of what was known before it."""
        self._seen, self._oldest = _UNKNOWN, 0
        self._cache.clear()
        self._counters.clear()
        # After some errors SQLite has undone the transaction itself.
        with suppress(StoreError):
            self._connection.execute("ROLLBACK")
        if committing:
            # All of it may stand in the write-ahead log and only its last step have failed:
            # after the end of this process it would be taken for committed. What is written
            # now goes to the same place.
            with suppress(StoreError):
                self._connection.execute("BEGIN IMMEDIATE")
            with suppress(StoreError):
                self._connection.execute(schema.UNDONE)
                self._connection.execute("COMMIT")
            with suppress(StoreError):
                self._connection.execute("ROLLBACK")

    def _limit(self, session: SqliteSession) -> None:
        """Delete the oldest exchanges where there are a tenth more than are to be kept."""
        if not self._keep or session.seq - self._oldest < self._keep + self._keep // 10:
            return
        (self._oldest,) = session.db.execute(schema.OLDEST).fetchone()
        through = session.seq - self._keep
        if through < self._oldest + self._keep // 10:
            return
        match, now = {"through": through}, session.newest_ms
        retention.delete(session.db, session.seq, match, at_ms=now, reason=retention.LIMIT)
        self._oldest = through + 1

    def _begin(self) -> SqliteSession:
        """Begin with the numbers as they are, read again if another process wrote."""
        db = self._connection
        (seen,) = db.execute("PRAGMA data_version").fetchone()
        if seen != self._seen:
            (self._revision,) = db.execute(schema.REVISION).fetchone()
            self._seq, self._link = db.execute(schema.HEAD).fetchone()
            self._oldest = 0
            self._cache.clear()
            self._counters.clear()
            self._seen = seen
            self._show()
        return SqliteSession(
            db,
            self._cache,
            self._counters,
            self._revision,
            self._seq,
            self._link,
            self._seq,
            self._guard,
        )

    def _show(self) -> None:
        """Show the guard what there is, also of what a reset would bring back."""
        guard = self._guard
        if guard is None:
            return
        for kind in guard.kinds:
            for key, body in self._connection.execute(schema.OF_KIND, (kind, kind)):
                guard.learn(kind, key, _DECODE(body))
