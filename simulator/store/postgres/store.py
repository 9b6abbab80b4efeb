"""State and journal in one PostgreSQL database, which any number of replicas share.

Design: ARCHITECTURE.md, "Several replicas".
"""

import threading
from contextlib import suppress
from time import monotonic
from typing import Any

import msgspec

from simulator.core.state import Guard
from simulator.store.errors import StoreError
from simulator.store.postgres import opening, schema
from simulator.store.postgres.connection import PostgresConnection
from simulator.store.postgres.peers import PostgresPeers, notices
from simulator.store.postgres.readers import PostgresReaders
from simulator.store.sql import long_texts
from simulator.store.sql.journal import SqlJournal
from simulator.store.sql.session import CACHED, SqlSession
from simulator.store.sql.store import SqlStore

_DECODE = msgspec.json.Decoder(dict[str, Any]).decode
_UNKNOWN = -1
"""The version of no database: what is remembered has to be read again."""
SETTLE_S = 10.0
"""How long to ask whether a commit that was cut off is one."""
_PAUSE_S = 0.1


class PostgresStore(SqlStore):
    """One database; see `simulator.store.protocols.Store` for what each call does."""

    commits_without_blocking = False

    def __init__(
        self, url: str, keep: int = 0, guard: Guard | None = None, mark: bytes = b""
    ) -> None:
        """Open or make the database at *url*; ConfigurationError if that cannot be."""
        super().__init__(keep, guard)
        self._url = url
        self._connection = opening.writable(url, mark)
        self._version = _UNKNOWN
        """How many transactions had written when what is remembered was true."""
        self._shown = _UNKNOWN
        """The revision up to which the guard has seen the state."""
        self._closing = threading.Event()
        self.replica = int(self._connection.execute(schema.JOIN).fetchone()[0])
        """The number of this store among all that were ever opened here."""
        self.peers: PostgresPeers = PostgresPeers(url, self.replica)

    def journal(self) -> SqlJournal:
        """Return a reader of the journal."""
        return SqlJournal(PostgresReaders(self._url), size=self._size)

    def close(self) -> None:
        """Let go of the database."""
        self._closing.set()
        self.peers.close()
        with self._lock:
            self._connection.close()

    def _running(self) -> bool:
        return self._connection.in_transaction

    def _begin(self) -> PostgresConnection:
        """Wait for the lock, and drop what others have changed meanwhile."""
        try:
            found = self._locked()
        except StoreError:
            if not self._connection.lost or self._closing.is_set():
                raise
            self._connection.close()
            self._connection = PostgresConnection(self._url, writes=True)
            self._version = _UNKNOWN
            found = self._locked()
        if found is None:
            raise StoreError("the head of the journal is gone", "damaged")
        seq, link, revision, version, removed = found
        db = self._connection
        if version != self._version:
            if self._version == _UNKNOWN or removed > self._version:
                self._forget()
                # What another state brought is older than what was seen of this one.
                self._shown = _UNKNOWN
            else:
                self._drop_changed(db)
            self._counters.clear()
            self._oldest = 0
            self._show_changed(db, revision)
        self._seq, self._link, self._revision, self._version = seq, link, revision, version
        return db

    def _locked(self) -> Any:
        return self._connection.execute(schema.BEGIN).fetchone()

    def _drop_changed(self, db: PostgresConnection) -> None:
        """Drop of the cache what has been written since."""
        names = db.execute(schema.CHANGED_NAMES, (self._revision, CACHED)).fetchall()
        if len(names) == CACHED:
            self._cache.clear()
        for name in names:
            self._cache.pop(name, None)

    def _show_changed(self, db: PostgresConnection, revision: int) -> None:
        """Show the guard what it has not seen yet."""
        guard = self._guard
        if guard is None or self._shown == _UNKNOWN:
            self._show_all(db)
        else:
            kinds = list(guard.kinds)
            for kind, key, body in db.execute(schema.CHANGED_OF_KINDS, (self._shown, kinds)):
                known = _DECODE(body)
                guard.learn(kind, long_texts.whole(key, known), known)
        self._shown = revision

    def _commit(self, session: SqlSession) -> None:
        """Commit; where the connection is lost meanwhile, find out whether that was done."""
        db = self._connection
        told, *more = notices(self.replica, sorted(session.topics))
        counted = session.db.execute(schema.COUNT, (self.replica, told)).fetchone()
        if counted is None:
            db.execute("COMMIT")
            return
        version, _ = counted
        if more:
            session.db.write_many(schema.NOTIFY, [(one,) for one in more])
        if session.removed:
            db.execute(schema.REMOVED, (version,))
        try:
            db.execute("COMMIT")
        except StoreError:
            if not db.lost or not self._is_committed(version):
                raise
        self._version, self._shown = version, session.revision

    def _is_committed(self, version: int) -> bool:
        """Tell whether the transaction of this store that counted *version* is committed.

        Whoever holds the lock sees what became of it. StoreError if nobody can be asked.
        """
        until = monotonic() + SETTLE_S
        while True:
            try:
                self._connection = PostgresConnection(self._url, writes=True)
                self._locked()
                own = self._connection.execute(schema.OWN_VERSION, (self.replica,)).fetchone()
                self._connection.execute("ROLLBACK")
            except StoreError:
                self._connection.close()
                if monotonic() > until or self._closing.wait(_PAUSE_S):
                    raise
            else:
                return bool(own == (version,))

    def _undo(self, *, committing: bool) -> None:  # noqa: ARG002 (PostgreSQL's commit is whole or none)
        """Undo the transaction, and believe nothing of what was known before it."""
        self._version = _UNKNOWN
        with suppress(StoreError):
            self._connection.execute("ROLLBACK")
