"""Transactions over one connection, whatever SQL database is behind it.

A transaction holds many exchanges (see the gateway). It counts revisions and
exchanges itself and writes where it got to once, at its end. What memory
believes is changed right after a commit, before anything else can fail; after
a failure nothing is believed, and the next transaction reads where it is.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from simulator.core.memo import Memo
from simulator.core.state import Entity, Guard
from simulator.journal.chain import START
from simulator.store.protocols import Peers
from simulator.store.sql import long_texts, retention, statements
from simulator.store.sql.connection import SqlConnection
from simulator.store.sql.journal import SqlJournal
from simulator.store.sql.retention import SizeLimit
from simulator.store.sql.session import CACHED, Name, Row, Series, SqlSession
from simulator.store.sql.state import SqlState

_DECODE = msgspec.json.Decoder(dict[str, Any]).decode


class SqlStore(ABC):
    """What is the same of every SQL database; see `simulator.store.protocols.Store`."""

    commits_without_blocking: bool
    peers: "Peers | None"

    def __init__(self, keep: int, guard: Guard | None) -> None:
        self._lock = threading.RLock()
        self._cache: Memo[Name, Entity | Row] = Memo(CACHED)
        self._counters: dict[Series, int] = {}
        self._revision = 0
        self._seq = 0
        self._link = START
        self._size = SizeLimit(keep)
        self._guard = guard
        self._oldest = 0
        """Number of the oldest exchange, as far as is known; 0: look it up."""

    @abstractmethod
    def journal(self) -> SqlJournal:
        """Return a reader of the journal."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the database."""

    @abstractmethod
    def _begin(self) -> SqlConnection:
        """Begin a transaction that no other runs beside, and learn what others have written."""

    @abstractmethod
    def _commit(self, session: SqlSession) -> None:
        """Commit what *session* has written."""

    @abstractmethod
    def _undo(self, *, committing: bool) -> None:
        """Undo the transaction, which may have failed as it was *committing*."""

    @abstractmethod
    def _running(self) -> bool:
        """Tell whether a transaction runs."""

    def _committed(self, session: SqlSession) -> None:  # noqa: B027 (few care)
        """Take note that *session* is committed."""

    @contextmanager
    def transaction(self) -> Iterator[SqlState]:
        """Begin a transaction; commit it at the end, or undo it on an exception."""
        with self._lock:
            if self._running():
                raise RuntimeError("transactions do not nest")
            committing = False
            try:
                session = SqlSession(
                    self._begin(),
                    self._cache,
                    self._counters,
                    self._revision,
                    self._seq,
                    self._link,
                    self._seq,
                    self._guard,
                )
                try:
                    yield SqlState(session, "")
                    new = session.revision != self._revision
                    if new or session.waits:
                        with session.db.together():
                            if new:
                                session.db.execute(statements.SET_REVISION, (session.revision,))
                            session.finish()
                    if session.recorded:
                        self._limit(session)
                    committing = True
                    self._commit(session)
                finally:
                    session.close()
            except BaseException:
                self._forget()
                self._undo(committing=committing)
                raise
            self._revision, self._seq, self._link = session.revision, session.seq, session.link
        self._committed(session)

    def _forget(self) -> None:
        """Believe nothing of what was known."""
        self._oldest = 0
        self._cache.clear()
        self._counters.clear()

    def _limit(self, session: SqlSession) -> None:
        """Delete the oldest exchanges where there are more than are to be kept, and may be."""
        keep, surplus = self._size.keep, self._size.surplus
        if not keep or session.seq - self._oldest < keep + surplus:
            return
        (self._oldest,) = session.db.execute(statements.OLDEST).fetchone()
        if session.seq - self._oldest < keep + surplus:
            return
        through = min(session.seq - keep, self._oldest + retention.LOT - 1)
        match, now = {"through": through}, session.newest_ms
        retention.delete(session.db, session.seq, match, at_ms=now, reason=retention.LIMIT)
        self._oldest = through + 1
        session.deleted = True

    def _show_all(self, db: SqlConnection) -> None:
        """Show the guard what there is, also of what a reset would bring back."""
        guard = self._guard
        if guard is None:
            return
        for kind in guard.kinds:
            for key, body in db.execute(statements.BODIES_EVER, (kind, kind)):
                known = _DECODE(body)
                guard.learn(kind, long_texts.whole(key, known), known)
