"""The tables of the embedded store, the statements over them, and how a file is opened.

Rule: a file is changed only once it is known to be ours, or empty.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from simulator.disclosure.evidence import START, link_of
from simulator.settings import ConfigurationError
from simulator.store import keeping

VERSION = 2
"""Of the tables. A file with a higher one is left alone; one with a lower one is upgraded when
it is opened to be written.

2: the hash chain over the journal.
"""
APPLICATION_ID = 0x6D646D73
"""``mdms``: how our files are told from other SQLite databases."""
BUSY_S = 5.0
"""How long to wait for a lock that another program holds."""
WAL_SIZE = 64 * 1024 * 1024
"""Bytes that the write-ahead log is cut back to after a large transaction."""
WAL_PAGES = WAL_SIZE // 4096
"""Pages of the write-ahead log after which a commit empties it, if nobody has done so before."""

INDEX_KEY = "CREATE INDEX IF NOT EXISTS entity_index_key ON entity_index (organisation, kind, key)"
NO_INDEX_KEY = "DROP INDEX IF EXISTS entity_index_key"
"""While very many index values are added in their order, this index takes them in any."""
_START = f"x'{START.hex()}'"
CHAIN = (
    """CREATE TABLE journal_head (
      one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, link BLOB NOT NULL,
      chained_from INTEGER NOT NULL
    )""",
    """CREATE TABLE journal_cut (
      number INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,
      link BLOB NOT NULL, at_ms INTEGER NOT NULL, reason TEXT NOT NULL
    )""",
)
"""What the hash chain needs beside the link of each exchange."""
TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE entity (
      organisation TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
      revision INTEGER NOT NULL, body BLOB NOT NULL,
      PRIMARY KEY (organisation, kind, key)
    ) WITHOUT ROWID""",
    "CREATE INDEX entity_revision ON entity (organisation, kind, revision)",
    """CREATE TABLE entity_index (
      organisation TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
      value TEXT NOT NULL, key TEXT NOT NULL,
      PRIMARY KEY (organisation, kind, name, value, key)
    ) WITHOUT ROWID""",
    INDEX_KEY,
    """CREATE TABLE counter (
      organisation TEXT NOT NULL, series TEXT NOT NULL, next INTEGER NOT NULL,
      PRIMARY KEY (organisation, series)
    ) WITHOUT ROWID""",
    """CREATE TABLE exchange (
      seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, organisation TEXT NOT NULL,
      client TEXT NOT NULL, service TEXT NOT NULL, operation TEXT NOT NULL,
      status INTEGER NOT NULL, error TEXT NOT NULL, rules TEXT NOT NULL,
      route TEXT NOT NULL, target TEXT NOT NULL, record BLOB NOT NULL, link BLOB NOT NULL
    )""",
    "CREATE INDEX exchange_operation ON exchange (operation, seq)",
    *CHAIN,
    f"INSERT INTO journal_head VALUES (1, 0, {_START}, 1)",  # noqa: S608 (a number of ours)
    f"INSERT INTO meta VALUES ('schema', {VERSION}), ('revision', 0)",  # noqa: S608 (a number of ours)
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
"""What makes an empty database ours, in one transaction."""

_SELECT = "SELECT key, revision, body FROM entity WHERE organisation=? AND kind=?"
_JOIN = (
    "SELECT e.key, e.revision, e.body FROM entity_index i CROSS JOIN entity e"
    " ON e.organisation = i.organisation AND e.kind = i.kind AND e.key = i.key"
    " WHERE i.organisation=? AND i.kind=? AND i.name=?"
)
GET = "SELECT revision, body FROM entity WHERE organisation=? AND kind=? AND key=?"
_WHICH_OF = "SELECT key FROM entity WHERE organisation=? AND kind=? AND key IN"
_GET_SOME = "SELECT key, revision, body FROM entity WHERE organisation=? AND kind=? AND key IN"
PUT = (
    "INSERT INTO entity VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE"
    " SET revision = excluded.revision, body = excluded.body"
)
ADD = "INSERT INTO entity VALUES (?,?,?,?,?)"
DELETE = "DELETE FROM entity WHERE organisation=? AND kind=? AND key=?"
_DELETE_SOME = "DELETE FROM entity WHERE organisation=? AND kind=? AND key IN"
INDEX = "INSERT INTO entity_index VALUES (?,?,?,?,?)"
UNINDEX = "DELETE FROM entity_index WHERE organisation=? AND kind=? AND key=?"
_UNINDEX_SOME = "DELETE FROM entity_index WHERE organisation=? AND kind=? AND key IN"
SCAN = f"{_SELECT} AND key >= ? AND key < ? ORDER BY key LIMIT ?"
CHANGES = f"{_SELECT} AND revision > ? ORDER BY revision LIMIT ?"
COUNT = "SELECT count(*) FROM entity WHERE organisation=? AND kind=?"
FIND = f"{_JOIN} AND i.value >= ? AND i.value < ? ORDER BY i.value, i.key LIMIT ?"
FIND_EQUAL = f"{_JOIN} AND i.value = ? AND i.key > ? ORDER BY i.key LIMIT ?"
NEXT = "SELECT next FROM counter WHERE organisation=? AND series=?"
RESERVE = "INSERT OR REPLACE INTO counter VALUES (?,?,?)"
WIPE = (
    "DELETE FROM entity WHERE organisation=?",
    "DELETE FROM entity_index WHERE organisation=?",
    "DELETE FROM counter WHERE organisation=?",
)
WIPE_ALL = ("DELETE FROM entity", "DELETE FROM entity_index", "DELETE FROM counter")
REVISION = "SELECT value FROM meta WHERE name = 'revision'"
_UNCHAINED = "SELECT seq, record FROM exchange WHERE seq > ? ORDER BY seq LIMIT ?"
_CHUNK = 1000
"""Exchanges that are in memory at a time during an upgrade."""
SET_REVISION = "UPDATE meta SET value = ? WHERE name = 'revision'"

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
_PERMISSION = 0o600
"""Of a new database: it holds what clients disclosed."""


@cache
def get_many(count: int) -> str:
    """Return the statement that gets up to *count* entities of one kind by their keys."""
    marks = ",".join("?" * count)
    return f"{_GET_SOME} ({marks})"


@cache
def which_of(count: int) -> str:
    """Return the statement that tells which of *count* keys of one kind there are."""
    marks = ",".join("?" * count)
    return f"{_WHICH_OF} ({marks})"


@cache
def delete_many(count: int) -> tuple[str, str]:
    """Return the statements that remove *count* entities of one kind, and their index values."""
    marks = ",".join("?" * count)
    return f"{_DELETE_SOME} ({marks})", f"{_UNINDEX_SOME} ({marks})"


def bounds(prefix: str, after: str) -> tuple[str, str | bytes]:
    """Return what texts with *prefix* and after *after* start from, and what they are below.

    Two bounds and no more, as SQLite seeks by one lower bound only.
    """
    lowest = max(prefix, f"{after}\0")
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return lowest, b""  # to SQLite, any bytes are above all text
    # No text has code points from D800 to DFFF.
    following = ord(stem[-1]) + 1 if stem[-1] != "\ud7ff" else 0xE000
    return lowest, stem[:-1] + chr(following)


def open_writable(path: Path | None, *, fsync: bool) -> sqlite3.Connection:
    """Open the database at *path* to write it, or one in memory; make its tables if it has none."""
    if path is None:
        return _prepared(_connect(":memory:"), lambda one: _make(one, None, fsync=fsync))
    _check_place(path)
    with _explained(path):
        if not path.exists():
            path.touch(_PERMISSION)
        connection = _connect(str(path.absolute()))
        return _prepared(connection, lambda one: _make(one, path, fsync=fsync))


def open_readable(path: Path) -> sqlite3.Connection:
    """Open the database at *path* to read it, be it in use, closed, or on a read-only disk."""
    if not path.exists():
        raise ConfigurationError(
            f"there is no journal at {path}: run mdmsim serve first, or give another --data"
        )
    _check_place(path)
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with _explained(path):
        try:
            return _prepared(_connect(uri), lambda one: _check_ours(one, path))
        except sqlite3.OperationalError as error:
            # SQLite makes files beside a database that it reads, even so. Where it
            # may not, a database that was closed is whole and can be read as it is.
            closed = not path.with_name(f"{path.name}-wal").exists()
            if not closed or _code(error) not in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:
                raise
            return _prepared(_connect(f"{uri}&immutable=1"), lambda one: _check_ours(one, path))


def connect(path: Path) -> sqlite3.Connection:
    """Open a further connection to the database at *path*, which is open already."""
    return _connect(str(path.absolute()))


def _connect(name: str) -> sqlite3.Connection:
    return sqlite3.connect(
        name,
        uri=name.startswith("file:"),
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )


def _prepared(
    connection: sqlite3.Connection, prepare: Callable[[sqlite3.Connection], None]
) -> sqlite3.Connection:
    """Return *connection* after *prepare*, or close it if that fails."""
    try:
        prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: sqlite3.Connection, path: Path | None, *, fsync: bool) -> None:
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
    elif not connection.execute("SELECT 1 FROM journal_head").fetchone():
        raise ConfigurationError(
            f"{path} has lost the head of its journal: restore it from a copy, look at it with "
            "mdmsim report --verify, or give another --data"
        )
    for statement in keeping.TABLES:
        connection.execute(statement)
    connection.execute("COMMIT")


def _upgrade(connection: sqlite3.Connection) -> None:
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
        connection.executemany("UPDATE exchange SET link = ? WHERE seq = ?", links)
    connection.execute("INSERT INTO journal_head VALUES (1, ?, ?, ?)", (seq, link, seq + 1))
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _is_new(connection: sqlite3.Connection) -> bool:
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return not (tables or _number(connection, "application_id"))


def _check_ours(connection: sqlite3.Connection, path: Path, *, upgradable: bool = False) -> None:
    if _number(connection, "application_id") != APPLICATION_ID:
        raise ConfigurationError(
            f"{path} is a database of another program: move it away, or give another --data"
        )
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


def _number(connection: sqlite3.Connection, pragma: str) -> int:
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


def _code(error: sqlite3.Error) -> int:
    """Return the kind of error: the lower byte; what is above tells variants apart."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SQLite or the system says into one line that helps."""
    try:
        yield
    except sqlite3.Error as error:
        advice = _ADVICE.get(_code(error), f"cannot be used ({error}): give another --data")
        raise ConfigurationError(f"{path} {advice}") from error
    except OSError as error:
        advice = "make it and its directory writable, or give another --data"
        raise ConfigurationError(f"{path} cannot be opened ({error.strerror}): {advice}") from error
