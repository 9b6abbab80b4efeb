"""State and journal in one SQLite database, in WAL mode."""

from contextlib import closing, suppress
from pathlib import Path

from simulator.core.state import Guard
from simulator.store.errors import StoreError
from simulator.store.sql import statements
from simulator.store.sql.journal import SqlJournal
from simulator.store.sql.session import SqlSession
from simulator.store.sql.store import SqlStore
from simulator.store.sqlite import indexing, migrations, schema, text_index
from simulator.store.sqlite.checkpointing import Checkpointer
from simulator.store.sqlite.connection import SqliteConnection, connect, translated
from simulator.store.sqlite.indexing import TextIndexer
from simulator.store.sqlite.presence import DatabaseFile
from simulator.store.sqlite.readers import FileReaders, MemoryReaders, ReadTransactions
from simulator.store.sqlite.text_index import TextIndex

_TABLES = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
_UNKNOWN = -1
"""Of no database: what is remembered has to be read again."""


class SqliteStore(SqlStore):
    """One database: a file, or memory that is gone when it is closed.

    See `simulator.store.protocols.Store` for what each call does.
    """

    peers = None

    def __init__(
        self,
        connection: SqliteConnection,
        path: Path | None,
        keep: int = 0,
        *,
        fsync: bool = False,
        guard: Guard | None = None,
        index_texts: bool | None = None,
    ) -> None:
        super().__init__(keep, guard)
        # In memory, a reader of the journal keeps transactions waiting; deleting takes its time.
        self.commits_without_blocking = path is not None and not fsync and not keep
        self._connection = connection
        self._path = path
        self._file = None if path is None else DatabaseFile(path)
        self._seen = _UNKNOWN
        self._reads = ReadTransactions()
        self._checkpointer = None if path is None else Checkpointer(path, self._lock, self._reads)
        self._indexer = None
        if path is not None and index_texts and text_index.is_possible():
            self._indexer = TextIndexer(path)
        elif path is not None and index_texts is not None:
            text_index.remove(path)

    @classmethod
    def open(
        cls,
        path: Path | None,
        *,
        fsync: bool = False,
        keep: int = 0,
        guard: Guard | None = None,
        index_texts: bool | None = None,
    ) -> "SqliteStore":
        """Open or make the database at *path*, or one in memory; see `opening.open_store`."""
        connection = migrations.writable(path, fsync=fsync)
        return cls(connection, path, keep, fsync=fsync, guard=guard, index_texts=index_texts)

    def journal(self) -> SqlJournal:
        """Return a reader of the journal.

        A database in memory has one connection only: its reader waits for the
        transaction that runs, and must be asked in another thread than that.
        """
        if self._path is None:
            return SqlJournal(MemoryReaders(self._connection, self._lock), size=self._size)
        texts = None if self._indexer is None else TextIndex(self._path)
        return SqlJournal(FileReaders(self._path, self._reads), texts, size=self._size)

    def write_copy(self, path: Path) -> None:
        """Write the whole database to the new file *path*; StoreError if that fails."""
        with self._lock, closing(connect(path)) as target, translated():
            target.execute("PRAGMA synchronous = OFF")  # what a power cut leaves of it is noticed
            self._connection.backup(target)

    def read_copy(self, path: Path) -> None:
        """Replace the whole database by the one in the file *path*; StoreError if that fails."""
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with self._lock, closing(connect(uri)) as source, translated():
            source.execute(f"PRAGMA mmap_size = {path.stat().st_size}")  # else each page twice
            tables = (db.execute(_TABLES).fetchall() for db in (source, self._connection))
            if next(tables) != next(tables):
                raise StoreError("it has other tables", "damaged")
            source.backup(self._connection)
            self._seen = _UNKNOWN

    def close(self) -> None:
        """Close the database."""
        if self._checkpointer is not None:
            self._checkpointer.close()
        if self._indexer is not None:
            self._indexer.close()
        # A database in memory may still be read by another thread.
        with self._lock:
            self._connection.close()
            if self._file is not None:
                self._file.close()

    def texts_are_indexed(self, timeout_s: float) -> bool:
        """Wait until the index of texts is up to date; tell whether it is."""
        return self._indexer is not None and self._indexer.idle.wait(timeout_s)

    def _running(self) -> bool:
        return self._connection.in_transaction

    def _begin(self) -> SqliteConnection:
        """Begin with the numbers as they are, read again if another process wrote."""
        db = self._connection
        db.execute("BEGIN IMMEDIATE")
        (seen,) = db.execute("PRAGMA data_version").fetchone()
        if seen != self._seen:
            (self._revision,) = db.execute(statements.REVISION).fetchone()
            self._seq, self._link = db.execute(statements.HEAD).fetchone()
            self._forget()
            self._seen = seen
            self._show_all(db)
        return db

    def _commit(self, session: SqlSession) -> None:
        if self._file is not None:
            self._file.check()
        session.db.execute("COMMIT")

    def _committed(self, session: SqlSession) -> None:
        if self._checkpointer is not None:
            self._checkpointer.note(self._connection.total_changes, session.recorded_bytes)
        if self._indexer is not None:
            self._indexer.note(session.seq, deleted=session.deleted)
        elif session.deleted and self._path is not None:
            indexing.forget(self._path)

    def _undo(self, *, committing: bool) -> None:
        """Undo the transaction, and believe nothing of what was known before it."""
        self._seen = _UNKNOWN
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
