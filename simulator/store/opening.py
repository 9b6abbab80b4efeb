"""Opening a store or a journal by where it is: the only module that knows which backends exist."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator.core.settings import ConfigurationError
from simulator.core.state import Guard
from simulator.store.protocols import Journal, Store
from simulator.store.sql.journal import SqlJournal
from simulator.store.sqlite.readers import FileReaders
from simulator.store.sqlite.store import SqliteStore

Place = Path | str | None
"""A file, the URL of a PostgreSQL database, or memory."""
_SCHEMES = ("postgresql://", "postgres://")


def is_url(place: object) -> bool:
    """Tell whether *place* is the URL of a database, and no file."""
    return isinstance(place, str) and place.startswith(_SCHEMES)


def open_store(
    place: Place, *, fsync: bool = False, keep: int = 0, guard: Guard | None = None
) -> Store:
    """Open or make the database at *place*, or one in memory that is gone when it is closed.

    With *fsync* a commit is on the disk when it returns, so that it survives a power cut;
    without, it survives the end of the process. PostgreSQL's always are on the disk. *keep* is
    how many exchanges are kept at least; a tenth more are before the oldest are deleted. 0 keeps
    all. *guard* keeps secrets out of the journal.
    ConfigurationError says in one line what stands in the way.
    """
    if isinstance(place, str):
        with _psycopg_needed():
            from simulator.store.postgres.store import PostgresStore  # noqa: PLC0415 (an extra)

        return PostgresStore(place, keep, guard)
    return SqliteStore.open(place, fsync=fsync, keep=keep, guard=guard)


def open_journal(place: Path | str) -> Journal:
    """Open the journal of the database at *place* to read it; ConfigurationError if there is none.

    The database may be in use, closed, or on a read-only disk.
    """
    if isinstance(place, str):
        with _psycopg_needed():
            from simulator.store.postgres.readers import PostgresReaders  # noqa: PLC0415 (an extra)

        return SqlJournal(PostgresReaders(place))
    return SqlJournal(FileReaders(place))


@contextmanager
def _psycopg_needed() -> Iterator[None]:
    """Say what to install where psycopg is not."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"a store in PostgreSQL needs {error.name}: pip install 'mdmsim[postgres]'"
        ) from error
