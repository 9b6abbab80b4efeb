"""The statements over the tables, in the SQL that all backends speak."""

from functools import cache

NO_INDEX_KEY = "DROP INDEX IF EXISTS entity_index_key"
"""While very many index values are added in their order, this index takes them in any."""
_SELECT = "SELECT key, revision, body FROM entity WHERE organisation=? AND kind=?"
_JOIN = (
    # To SQLite, CROSS says which table comes first.
    "SELECT e.key, e.revision, e.body FROM entity_index i CROSS JOIN entity e"
    " WHERE e.organisation = i.organisation AND e.kind = i.kind AND e.key = i.key"
    " AND i.organisation=? AND i.kind=? AND i.name=?"
)
GET = "SELECT revision, body FROM entity WHERE organisation=? AND kind=? AND key=?"
_ONE_OF_KEY = "SELECT 1 FROM entity WHERE organisation=? AND kind=? AND key=asked.value"
_ONE_OF_VALUE = (
    "SELECT 1 FROM entity_index WHERE organisation=? AND kind=? AND name=? AND value=asked.value"
)
_SOME_ASKED = "SELECT value FROM asked WHERE"
_WHICH_OF = "SELECT key FROM entity WHERE organisation=? AND kind=? AND key IN"
_GET_SOME = "SELECT key, revision, body FROM entity WHERE organisation=? AND kind=? AND key IN"
ADD = "INSERT INTO entity VALUES (?,?,?,?,?)"
REPLACE = (
    "ON CONFLICT (organisation, kind, key) DO UPDATE"
    " SET revision = excluded.revision, body = excluded.body"
)
PUT = f"{ADD} {REPLACE}"
ADD_NEW = f"{ADD} ON CONFLICT DO NOTHING"
DELETE = "DELETE FROM entity WHERE organisation=? AND kind=? AND key=?"
_DELETE_SOME = "DELETE FROM entity WHERE organisation=? AND kind=? AND key IN"
INDEX = "INSERT INTO entity_index VALUES (?,?,?,?,?)"
UNINDEX = "DELETE FROM entity_index WHERE organisation=? AND kind=? AND key=?"
_UNINDEX_SOME = "DELETE FROM entity_index WHERE organisation=? AND kind=? AND key IN"
SCAN = f"{_SELECT} AND key >= ? AND key < ? ORDER BY key LIMIT ?"
KEYS = (
    "SELECT key FROM entity WHERE organisation=? AND kind=? AND key >= ? AND key < ?"
    " ORDER BY key LIMIT ?"
)
_WITH = (
    "SELECT o.key FROM entity o WHERE o.organisation = '' AND o.kind = 'organisation'"
    " AND EXISTS (SELECT 1 FROM entity e WHERE e.organisation = o.key AND e.kind = ?"
)
WITH_KIND = f"{_WITH}) ORDER BY o.key"
WITH_KEY = f"{_WITH} AND e.key = ?) ORDER BY o.key"
CHANGES = f"{_SELECT} AND revision > ? ORDER BY revision LIMIT ?"
COUNT = "SELECT count(*) FROM entity WHERE organisation=? AND kind=?"
FIND = f"{_JOIN} AND i.value >= ? AND i.value < ? ORDER BY i.value, i.key LIMIT ?"
FIND_EQUAL = f"{_JOIN} AND i.value = ? AND i.key > ? ORDER BY i.key LIMIT ?"
# From organisation to organisation: an index finds a kind in one, and none finds it in all.
_EVERYWHERE = (
    "WITH RECURSIVE home (organisation) AS (SELECT min(organisation) FROM entity UNION ALL"
    " SELECT (SELECT min(organisation) FROM entity WHERE organisation > home.organisation)"
    " FROM home WHERE home.organisation IS NOT NULL)"
    " SELECT {} FROM home JOIN entity"
    " ON entity.organisation = home.organisation AND entity.kind = ?"
)
KEYS_OF_KIND = _EVERYWHERE.format("entity.organisation, entity.key")
BODIES_OF_KIND = _EVERYWHERE.format("entity.key, entity.body")
BODIES_EVER = f"{BODIES_OF_KIND} UNION ALL SELECT key, body FROM baseline WHERE kind = ?"  # noqa: S608 (ours)
COUNT_INDEXED = (
    "SELECT count(*) FROM entity_index "
    "WHERE organisation=? AND kind=? AND name=? AND value >= ? AND value < ?"
)
NEXT = "SELECT next FROM counter WHERE organisation=? AND series=?"
RESERVE = (
    "INSERT INTO counter VALUES (?,?,?)"
    " ON CONFLICT (organisation, series) DO UPDATE SET next = excluded.next"
)
WIPE = (
    "DELETE FROM entity WHERE organisation=?",
    "DELETE FROM entity_index WHERE organisation=?",
    "DELETE FROM counter WHERE organisation=?",
)
WIPE_ALL = ("DELETE FROM entity", "DELETE FROM entity_index", "DELETE FROM counter")
RECORD = "INSERT INTO exchange VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
HEAD = "SELECT seq, link FROM journal_head"
SET_HEAD = "UPDATE journal_head SET seq = ?, link = ?"
OLDEST = "SELECT coalesce(min(seq), 0) FROM exchange"
PROBE = "INSERT INTO probe SELECT coalesce(max(number), 0) + 1, ? FROM probe"
PROBE_OLD = "DELETE FROM probe WHERE number < (SELECT max(number) FROM probe)"
"""The newest stays: bytes that were taken back would never have been written."""
PROBED = "SELECT coalesce(max(number), 0) FROM probe"
REVISION = "SELECT value FROM meta WHERE name = 'revision'"
SET_REVISION = "UPDATE meta SET value = ? WHERE name = 'revision'"


@cache
def get_many(count: int) -> str:
    """Return the statement that gets up to *count* entities of one kind by their keys."""
    marks = ",".join("?" * count)
    return f"{_GET_SOME} ({marks})"


@cache
def find_many(count: int) -> str:
    """Return the statement that finds what has one of *count* values of one index."""
    marks = ",".join("?" * count)
    return f"{_JOIN} AND i.value IN ({marks})"


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


def bounds(prefix: str, after: str, above: object) -> tuple[str, object]:
    """Return what texts with *prefix* and after *after* start from, and what they are below.

    *above* is what the database takes to be above all text.

    Two bounds and no more, as SQLite seeks by one lower bound only.
    """
    lowest = max(prefix, f"{after}\0")
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return lowest, above
    # No text has code points from D800 to DFFF.
    following = ord(stem[-1]) + 1 if stem[-1] != "\ud7ff" else 0xE000
    return lowest, stem[:-1] + chr(following)
