"""How the file of a store is opened, made where there is none, and brought up to date.

Rule: a file is changed only once it is known to be ours, or empty.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator.core.data_directory import MEMORY
from simulator.core.settings import ConfigurationError
from simulator.journal.chain import START, link_of
from simulator.store.errors import DamagedError, StoreError
from simulator.store.sql import counting, staging, statements
from simulator.store.sql.tables import CHAIN, LATER, STATE
from simulator.store.sqlite.connection import SqliteConnection, code_of, connect
from simulator.store.sqlite.schema import (
    APPLICATION_ID,
    NAMES,
    NOTE_NEW,
    STAGED_TABLES,
    TABLES,
    TRIGGERS,
    VERSION,
)

WAL_SIZE = 16 * 1024 * 1024
"""Bytes that the write-ahead log is cut back to after a large transaction."""
WAL_PAGES = WAL_SIZE // 4096
"""Pages of the write-ahead log after which a commit empties it, if nobody has done so before."""
_MEMORY_PAGE = 8192
"""Bytes of a page in memory: there each page is allocated by itself, and a kept world has many."""

_UNCHAINED = "SELECT seq, record FROM exchange WHERE seq > ? ORDER BY seq LIMIT ?"
_SOUND_HEAD = "SELECT 1 FROM journal_head WHERE typeof(seq) = 'integer' AND typeof(link) = 'blob'"
_STRANGE = (
    "SELECT type, name FROM sqlite_schema WHERE type = 'view' OR sql LIKE 'CREATE VIRTUAL%'"
    " OR (type = 'trigger' AND name NOT IN (SELECT value FROM json_each(?))) LIMIT 1"
)
_MISSING = (
    "SELECT value FROM json_each(?) WHERE value NOT IN"
    " (SELECT name FROM sqlite_schema WHERE type = 'table') LIMIT 1"
)
_NO_NUMBERS = (
    "SELECT name FROM meta WHERE typeof(value) <> 'integer'"
    " UNION ALL SELECT series FROM counter WHERE typeof(next) <> 'integer' LIMIT 1"
)
_MARK_WITHOUT_NEW = (
    "SELECT value FROM meta WHERE name = 'baseline' AND NOT EXISTS"
    " (SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = 'baseline_INSERT')"
)
_NEW = (
    "INSERT OR IGNORE INTO baseline SELECT organisation, kind, key, 0, CAST('{}' AS BLOB), '[]'"
    " FROM entity WHERE revision > ?"
)
_IN_ORDER_OF_KEYS = (
    "SELECT 1 FROM sqlite_schema WHERE name = 'entity' AND sql LIKE '%WITHOUT ROWID'"
)
_TRIGGERS = "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'entity'"
_CHUNK = 1000
"""Exchanges that are in memory at a time during an upgrade."""

_ADVICE = {
    sqlite3.SQLITE_BUSY: "is locked by another program: stop it, or give another --data",
    sqlite3.SQLITE_READONLY: "cannot be written: make it and its directory writable, "
    "or give another --data",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: make it and its directory readable and writable, "
    "or give another --data",
    sqlite3.SQLITE_NOTADB: "is no SQLite database: move it away, or give another --data",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore it from a copy, or give another --data",
    sqlite3.SQLITE_FULL: "cannot grow, as its disk is full: make room, or give another --data",
}
_NO_FILES = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
_RESTORE = "restore it from a copy, or give another --data"
_OTHER = "look at its disk, or give another --data"
_PERMISSION = 0o600
"""Of a new database: it holds what clients disclosed."""


def writable(path: Path | None, *, fsync: bool) -> SqliteConnection:
    """Open the database at *path* to write it, or one in memory; make its tables if it has none."""
    if path is None:
        memory = connect(":memory:")
        memory.execute(f"PRAGMA page_size = {_MEMORY_PAGE}")
        return _prepared(memory, lambda one: _make(one, None, fsync=fsync))
    _check_place(path)
    with _explained(path):
        if not path.exists():
            path.touch(_PERMISSION)
        connection = connect(path)
        return _prepared(connection, lambda one: _make(one, path, fsync=fsync))


def readable(path: Path) -> SqliteConnection:
    """Open the database at *path* to read it, be it in use, closed, or on a read-only disk."""
    if not path.exists():
        if path.parent.name == MEMORY:
            raise ConfigurationError(
                "a journal in memory is read while it is served: give --url with the control API"
            )
        raise ConfigurationError(
            f"there is no journal at {path}: run mdmsim serve first, or give another --data"
        )
    _check_place(path)
    if not path.stat().st_size:
        raise DamagedError(f"{path} is empty: restore it from a copy, or give another --data")
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with _explained(path):
        try:
            return _prepared(connect(uri), lambda one: _check_ours(one, path))
        except StoreError as error:
            # SQLite makes files beside a database that it reads, even so. Where it
            # may not, a database that was closed is whole and can be read as it is.
            closed = not path.with_name(f"{path.name}-wal").exists()
            if not closed or code_of(error.__cause__) not in {
                sqlite3.SQLITE_READONLY,
                sqlite3.SQLITE_CANTOPEN,
            }:
                raise
            return _prepared(connect(f"{uri}&immutable=1"), lambda one: _check_ours(one, path))


def _prepared(
    connection: SqliteConnection, prepare: Callable[[SqliteConnection], None]
) -> SqliteConnection:
    """Return *connection* after *prepare*, or close it if that fails."""
    try:
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: SqliteConnection, path: Path | None, *, fsync: bool) -> None:
    """Check that the database is ours, make the tables of a new one, and tune it."""
    if path is not None and not _is_new(connection):
        _check_ours(connection, path, upgradable=True)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'NORMAL'}")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_SIZE}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    connection.execute("PRAGMA cache_size = -32768")
    # What a savepoint would restore is kept in memory instead of a temporary file.
    connection.execute("PRAGMA temp_store = MEMORY")
    # Ask for the write lock even if there is nothing to write: better to fail now than later.
    connection.execute("BEGIN IMMEDIATE")
    if _is_new(connection):
        for statement in TABLES:
            connection.execute(statement)
    elif _number(connection, "user_version") < VERSION:
        _upgrade(connection)
    elif found := connection.execute(_MISSING, (json.dumps(NAMES),)).fetchone():
        raise DamagedError(f"{path} has lost its table {found[0]}: {_RESTORE}")
    elif found := connection.execute(_NO_NUMBERS).fetchone():
        raise DamagedError(f"{path} holds no number where {found[0]} is counted: {_RESTORE}")
    elif not connection.execute(_SOUND_HEAD).fetchone():
        raise ConfigurationError(
            f"{path} has lost the head of its journal: restore it from a copy, look at it with "
            "mdmsim report --verify, or give another --data"
        )
    for statement in (*LATER, *staging.LEFT):
        connection.execute(statement)
    _number_entities(connection)
    _note_new(connection)
    if not counting.counted(connection):  # it may be a long journal of an earlier version
        counting.keep(connection, connection.execute(statements.HEAD).fetchone()[0])
    connection.execute("COMMIT")


def _note_new(connection: SqliteConnection) -> None:
    """Have what is new since the mark noted, if an earlier version set that and did not."""
    for (mark,) in connection.execute(_MARK_WITHOUT_NEW).fetchall():
        connection.execute(_NEW, (mark,))
        connection.execute(NOTE_NEW.replace("{mark}", str(mark)))


def _number_entities(connection: SqliteConnection) -> None:
    """Have the rows of entities numbered, if an earlier version wrote them in order of the keys."""
    if not connection.execute(_IN_ORDER_OF_KEYS).fetchone():
        return
    triggers = [sql for (sql,) in connection.execute(_TRIGGERS).fetchall()]
    for statement in (
        STAGED_TABLES[0],
        "INSERT INTO staged_entity SELECT * FROM entity",
        "DROP TABLE entity",
        "ALTER TABLE staged_entity RENAME TO entity",
        STATE[1],
        *triggers,
    ):
        connection.execute(statement)


def _upgrade(connection: SqliteConnection) -> None:
    """Bring the tables of format 1 to format 2: chain the exchanges that are there."""
    connection.execute("ALTER TABLE exchange ADD COLUMN link BLOB NOT NULL DEFAULT x''")
    for statement in CHAIN:
        connection.execute(statement)
    seq, link = 0, START
    while rows := connection.execute(_UNCHAINED, (seq, _CHUNK)).fetchall():
        links = []
        for number, record in rows:
            seq, link = number, link_of(link, record)
            links.append((link, seq))
        connection.write_many("UPDATE exchange SET link = ? WHERE seq = ?", links)
    connection.execute("INSERT INTO journal_head VALUES (1, ?, ?, ?)", (seq, link, seq + 1))
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _is_new(connection: SqliteConnection) -> bool:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not (tables or _number(connection, "application_id"))


def _check_ours(connection: SqliteConnection, path: Path, *, upgradable: bool = False) -> None:
    if _number(connection, "application_id") != APPLICATION_ID:
        raise ConfigurationError(
            f"{path} is a database of another program: move it away, or give another --data"
        )
    if found := connection.execute(_STRANGE, (json.dumps(TRIGGERS),)).fetchone():
        # It would have every query, or every write, do what somebody else chose.
        raise DamagedError(f"{path} has a {found[0]} of somebody else's, {found[1]}: {_RESTORE}")
    version = _number(connection, "user_version")
    if version > VERSION:
        raise ConfigurationError(
            f"{path} was made by a newer mdmsim (format {version}, this one knows "
            f"{VERSION}): upgrade mdmsim, or give another --data"
        )
    if version < VERSION and not upgradable:
        raise ConfigurationError(
            f"{path} was made by an older mdmsim (format {version}, this one reads {VERSION}): "
            "start mdmsim serve on it once, which brings it up to date"
        )


def _number(connection: SqliteConnection, pragma: str) -> int:
    number: int = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    return number


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise ConfigurationError(
            f"{path} cannot be opened, as it is a directory: give another --data"
        )
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"there is no directory {path.parent}: make it, or give another --data"
        )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SQLite or the system says into one line that helps."""
    try:
        yield
    except StoreError as error:
        advice = _ADVICE.get(code_of(error.__cause__), f"cannot be used ({error}): {_OTHER}")
        kind = DamagedError if error.reason == "damaged" else ConfigurationError
        raise kind(f"{path} {advice}") from error
    except OSError as error:
        advice = "make it and its directory writable, or give another --data"
        raise ConfigurationError(f"{path} cannot be opened ({error.strerror}): {advice}") from error
