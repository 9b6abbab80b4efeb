"""The tables of the embedded store, and the statements over them."""

from functools import cache

from simulator.journal.chain import START

VERSION = 2
"""Of the tables. A file with a higher one is left alone; one with a lower one is upgraded when
it is opened to be written.

2: the hash chain over the journal.
"""
APPLICATION_ID = 0x6D646D73
"""``mdms``: how our files are told from other SQLite databases."""
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
_ONE_OF_KEY = "SELECT 1 FROM entity WHERE organisation=? AND kind=? AND key=asked.value"
_ONE_OF_VALUE = (
    "SELECT 1 FROM entity_index WHERE organisation=? AND kind=? AND name=? AND value=asked.value"
)
_SOME_ASKED = "SELECT value FROM asked WHERE"
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
OF_KIND = (
    "SELECT key, body FROM entity WHERE kind = ?"
    " UNION ALL SELECT key, body FROM baseline WHERE kind = ?"
)
COUNT_INDEXED = (
    "SELECT count(*) FROM entity_index "
    "WHERE organisation=? AND kind=? AND name=? AND value >= ? AND value < ?"
)
NEXT = "SELECT next FROM counter WHERE organisation=? AND series=?"
RESERVE = "INSERT OR REPLACE INTO counter VALUES (?,?,?)"
WIPE = (
    "DELETE FROM entity WHERE organisation=?",
    "DELETE FROM entity_index WHERE organisation=?",
    "DELETE FROM counter WHERE organisation=?",
)
WIPE_ALL = ("DELETE FROM entity", "DELETE FROM entity_index", "DELETE FROM counter")
RECORD = "INSERT INTO exchange VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
HEAD = "SELECT seq, link FROM journal_head"
SET_HEAD = "UPDATE journal_head SET seq = ?, link = ?"
OLDEST = "SELECT ifnull(min(seq), 0) FROM exchange"
PROBE_TABLE = "CREATE TABLE IF NOT EXISTS probe (number INTEGER PRIMARY KEY, room BLOB NOT NULL)"
PROBE = "INSERT INTO probe SELECT ifnull(max(number), 0) + 1, zeroblob(?) FROM probe"
PROBE_OLD = "DELETE FROM probe WHERE number < (SELECT max(number) FROM probe)"
"""The newest stays: bytes that were taken back would never have been written."""
UNDONE = "INSERT INTO meta VALUES ('undone', 1) ON CONFLICT DO UPDATE SET value = value + 1"
"""Counts commits that failed. SQLite writes nothing where nothing changes, so it must count."""
PROBED = "SELECT ifnull(max(number), 0) FROM probe"
REVISION = "SELECT value FROM meta WHERE name = 'revision'"
SET_REVISION = "UPDATE meta SET value = ? WHERE name = 'revision'"


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
def missing(count: int) -> str:
    """Return the statement that tells which of *count* keys of one kind there are not."""
    return f"{_asked(count)} NOT EXISTS ({_ONE_OF_KEY})"


@cache
def indexed(count: int) -> str:
    """Return the statement that tells which of *count* values one index has."""
    return f"{_asked(count)} EXISTS ({_ONE_OF_VALUE})"


def _asked(count: int) -> str:
    """Return the start of what picks some of *count* texts: those it leaves out cost no row."""
    marks = ",".join(["(?)"] * count)
    return f"WITH asked (value) AS (VALUES {marks}) {_SOME_ASKED}"


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
