"""Opening a store or a journal by where it is: the only module that knows which backends exist."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from simulator.core.settings import ConfigurationError
from simulator.core.state import Guard
from simulator.store.file_state import FileState, state_of
from simulator.store.protocols import Copied, Journal, Store
from simulator.store.shared_files import SharedFiles
from simulator.store.sql import copying
from simulator.store.sql.connection import Readers
from simulator.store.sql.journal import SqlJournal
from simulator.store.sql.store import SqlStore
from simulator.store.sqlite.readers import FileReaders
from simulator.store.sqlite.store import SqliteStore

Place = Path | str | None
"""A file, the URL of a PostgreSQL database, or memory."""
Bar = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Shows how far something is of so many."""
_SCHEMES = ("postgresql://", "postgres://")


def is_url(place: object) -> bool:
    """Tell whether *place* is the URL of a database, and no file."""
    return isinstance(place, str) and place.startswith(_SCHEMES)


def open_store(
    place: Place,
    *,
    fsync: bool = False,
    keep: int = 0,
    guard: Guard | None = None,
    mark: bytes = b"",
    index_texts: bool | None = None,
) -> Store:
    """Open or make the database at *place*, or one in memory that is gone when it is closed.

    With *fsync* a commit is on the disk when it returns, so that it survives a power cut;
    without, it survives the end of the process. PostgreSQL's always are on the disk. *keep* is
    how many exchanges are kept at least; a tenth more are before the oldest are deleted. 0 keeps
    all. *guard* keeps secrets out of the journal. *mark* stands for the keys of a process: of those
    that share a database all need the same. *index_texts*: whether texts are looked for by an
    index in a file beside the database; None leaves one that is there as it is, but for what is
    deleted. PostgreSQL and a database in memory have none.
    ConfigurationError says in one line what stands in the way.
    """
    return _opened(place, fsync=fsync, keep=keep, guard=guard, mark=mark, index_texts=index_texts)


def _opened(
    place: Place,
    *,
    fsync: bool = False,
    keep: int = 0,
    guard: Guard | None = None,
    mark: bytes = b"",
    index_texts: bool | None = None,
) -> SqlStore:
    if isinstance(place, str):
        with _psycopg_needed():
            from simulator.store.postgres.store import PostgresStore  # noqa: PLC0415 (an extra)

        return PostgresStore(place, keep, guard, mark)
    return SqliteStore.open(place, fsync=fsync, keep=keep, guard=guard, index_texts=index_texts)


def open_journal(place: Path | str) -> Journal:
    """Open the journal of the database at *place* to read it; ConfigurationError if there is none.

    The database may be in use, closed, or on a read-only disk.
    """
    return SqlJournal(_readers(place))


def file_state(place: Path | str) -> FileState | None:
    """Return how the files of the database at *place* are now; None if it is no file."""
    return state_of(Path(place)) if not is_url(place) else None


def copy_store(source: Path | str, target: Path | str, bar: Bar) -> None:
    """Write all of the database at *source* to that at *target*, or nothing of it.

    Both are as they are at one moment; *bar* shows how far it is of how many rows.
    ConfigurationError if *target* has been used before.
    """
    with ExitStack() as stack:
        readers = _readers(source)
        stack.callback(readers.close)
        found = stack.enter_context(readers.lend())
        store: SqlStore = _opened(target, fsync=True)
        stack.callback(store.close)
        state = stack.enter_context(store.transaction())
        if not state.receive(found, stack.enter_context(bar(copying.size(found)))):
            raise ConfigurationError(
                f"{named(target)} has been used before: give one that is empty or not there"
            )


def _readers(place: Path | str) -> Readers:
    if isinstance(place, str):
        with _psycopg_needed():
            from simulator.store.postgres.readers import PostgresReaders  # noqa: PLC0415 (an extra)

        return PostgresReaders(place)
    return FileReaders(place)


def check_clock(place: Place, now_ms: Callable[[], int]) -> None:
    """Compare the clock *now_ms* with that of a database at a URL; ConfigurationError if it is off.

    A small difference is logged. A file has no clock.
    """
    if isinstance(place, str):
        with _psycopg_needed():
            from simulator.store.postgres import opening  # noqa: PLC0415 (an extra)

        opening.check_clock(place, now_ms)


def shared_files(place: Place, key: str) -> SharedFiles | None:
    """Return the files that replicas over *place* share, sealed with *key*; None: it is no URL."""
    if not is_url(place):
        return None
    with _psycopg_needed():
        from simulator.store.postgres.files import PostgresFiles  # noqa: PLC0415 (an extra)

    return SharedFiles(PostgresFiles(str(place)), key)


def copied(store: Store) -> Copied | None:
    """Return *store* as one that can be copied whole, if its backend has that."""
    return store if isinstance(store, SqliteStore) else None


@contextmanager
def starting(place: Place) -> Iterator[None]:
    """Keep others that share the database from starting at the same time."""
    if not isinstance(place, str):
        yield
        return
    with _psycopg_needed():
        from simulator.store.postgres.opening import starting_alone  # noqa: PLC0415 (an extra)

    with starting_alone(place):
        yield


def named(place: Place) -> str | None:
    """Return *place* as it may be shown: without a password. None: memory."""
    if not isinstance(place, str):
        return str(place) if place else None
    with _psycopg_needed():
        from simulator.store.postgres.opening import name_of  # noqa: PLC0415 (an extra)

    return name_of(place)


@contextmanager
def _psycopg_needed() -> Iterator[None]:
    """Say what to install where psycopg is not."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"a store in PostgreSQL needs {error.name}: pip install 'mdmsim[postgres]'"
        ) from error
