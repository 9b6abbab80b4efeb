"""Opening a store or a journal by where it is: the only module that knows which backends exist."""

from pathlib import Path

from simulator.core.state import Guard
from simulator.store.protocols import Journal, Store
from simulator.store.sqlite.journal import SqliteJournal
from simulator.store.sqlite.store import SqliteStore


def open_store(
    path: Path | None, *, fsync: bool = False, keep: int = 0, guard: Guard | None = None
) -> Store:
    """Open or make the database at *path*, or one in memory that is gone when it is closed.

    With *fsync* a commit is on the disk when it returns, so that it survives a power cut;
    without, it survives the end of the process. *keep* is how many exchanges are kept at
    least; a tenth more are before the oldest are deleted. 0 keeps all. *guard* keeps secrets
    out of the journal.
    ConfigurationError says in one line what stands in the way.
    """
    return SqliteStore.open(path, fsync=fsync, keep=keep, guard=guard)


def open_journal(path: Path) -> Journal:
    """Open the journal of the database at *path* for reading; ConfigurationError if there is none.

    The database may be in use, closed, or on a read-only disk.
    """
    return SqliteJournal.open(path)
