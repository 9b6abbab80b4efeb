"""State and journal in one SQLite database, in WAL mode.

A transaction holds many exchanges (see the gateway). It counts revisions and
exchanges itself and writes where it got to once, at its end.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from simulator.core.state import Entity, Guard
from simulator.journal.chain import START
from simulator.store.sqlite import connection as opening
from simulator.store.sqlite import journal, retention, schema
from simulator.store.sqlite.checkpointing import Checkpointer
from simulator.store.sqlite.session import Name, Row, Series, Session
from simulator.store.sqlite.state import SqliteState

_DECODE = msgspec.json.Decoder(dict[str, Any]).decode


class Store:
    """One database: a file, or memory that is gone when it is closed."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path | None,
        keep: int = 0,
        *,
        fsync: bool = False,
        guard: Guard | None = None,
    ) -> None:
        # In memory, a reader of the journal keeps transactions waiting; deleting takes its time.
        self.is_swift = path is not None and not fsync and not keep
        """Whether a small transaction waits for no disk and no reader."""
        self._connection = connection
        self._path = path
        self._lock = threading.RLock()
        self._cache: dict[Name, Entity | Row] = {}
        self._counters: dict[Series, int] = {}
        self._seen = -1
        self._revision = 0
        self._seq = 0
        self._link = START
        self._keep = keep
        self._guard = guard
        self._oldest = 0
        """Number of the oldest exchange, as far as is known; 0: look it up."""
        self._checkpointer = None if path is None else Checkpointer(path)

    @classmethod
    def open(
        cls,
        path: Path | None,
        *,
        fsync: bool = False,
        keep: int = 0,
        guard: Guard | None = None,
    ) -> "Store":
        """Open or make the database at *path*, or one in memory.

        With *fsync* a commit is on the disk when it returns, so that it
        survives a power cut; without, it survives the end of the process.
        *keep* is how many exchanges are kept at least; a tenth more are before
        the oldest are deleted. 0 keeps all.
        *guard* keeps secrets out of the journal.
        ConfigurationError says in one line what stands in the way.
        """
        return cls(opening.writable(path, fsync=fsync), path, keep, fsync=fsync, guard=guard)

    def journal(self) -> journal.SqliteJournal:
        """Return a reader of the journal.

        A database in memory has one connection only: its reader waits for the
        transaction that runs, and must be asked in another thread than that.
        """
        if self._path is None:
            return journal.SqliteJournal(self._connection, self._lock)
        return journal.SqliteJournal.open(self._path)

    def close(self) -> None:
        """Close the database."""
        if self._checkpointer is not None:
            self._checkpointer.close()
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator["SqliteState"]:
        """Begin a transaction; commit it at the end, or undo it on an exception.

        The state is of use inside only. Transactions do not nest; those of
        other threads and processes wait for each other. What fails, be it for
        a full disk, raises, leaves nothing behind, and can be tried again.
        """
        with self._lock:
            if self._connection.in_transaction:
                raise RuntimeError("transactions do not nest")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                session = self._begin()
                try:
                    yield SqliteState(session, "")
                    if session.revision != self._revision:
                        session.db.execute(schema.SET_REVISION, (session.revision,))
                    session.finish()
                    if session.recorded:
                        self._limit(session)
                    session.db.execute("COMMIT")
                finally:
                    session.over = True
            except BaseException:
                # After some errors SQLite has undone the transaction itself.
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                self._cache.clear()
                self._counters.clear()
                raise
            if self._checkpointer is not None:
                written = session.revision - self._revision + session.seq - self._seq
                self._checkpointer.note(written)
            self._revision, self._seq, self._link = session.revision, session.seq, session.link

    def _limit(self, session: Session) -> None:
        """Delete the oldest exchanges where there are a tenth more than are to be kept."""
        if not self._keep or session.seq - self._oldest < self._keep + self._keep // 10:
            return
        (self._oldest,) = session.db.execute(journal.OLDEST).fetchone()
        through = session.seq - self._keep
        if through < self._oldest + self._keep // 10:
            return
        match, now = {"through": through}, session.newest_ms
        retention.delete(session.db, session.seq, match, at_ms=now, reason=retention.LIMIT)
        self._oldest = through + 1

    def _begin(self) -> Session:
        """Begin with the numbers as they are, read again if another process wrote."""
        db = self._connection
        (seen,) = db.execute("PRAGMA data_version").fetchone()
        if seen != self._seen:
            (self._revision,) = db.execute(schema.REVISION).fetchone()
            self._seq, self._link = db.execute(journal.HEAD).fetchone()
            self._cache.clear()
            self._counters.clear()
            self._seen = seen
            self._show()
        return Session(
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
