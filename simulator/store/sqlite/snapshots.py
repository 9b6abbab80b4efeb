"""Going back to where a world began, and the whole state as one file.

`set_baseline` notes where the state is. From then on the database itself keeps what an
entity was before its first change, so going back costs only what has changed.
"""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from simulator.core.state import Body
from simulator.store import snapshot_lines
from simulator.store.sqlite.connection import SqliteConnection

TABLES = (
    """CREATE TABLE IF NOT EXISTS baseline (
      organisation TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
      revision INTEGER NOT NULL, body BLOB NOT NULL, indexed TEXT NOT NULL,
      PRIMARY KEY (organisation, kind, key)
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS baseline_counter (
      organisation TEXT NOT NULL, series TEXT NOT NULL, next INTEGER NOT NULL,
      PRIMARY KEY (organisation, series)
    ) WITHOUT ROWID""",
)
"""Entities as they were at the mark, those that have changed since; and the counters."""
_TRIGGER = """CREATE TRIGGER baseline_{verb} BEFORE {verb} ON entity WHEN old.revision <= {mark}
BEGIN
  INSERT OR IGNORE INTO baseline SELECT old.organisation, old.kind, old.key, old.revision,
    old.body, (SELECT json_group_array(json_array(name, value)) FROM entity_index
      WHERE organisation = old.organisation AND kind = old.kind AND key = old.key);
END"""
_VERBS = ("UPDATE", "DELETE")
_MARK = "SELECT value FROM meta WHERE name = 'baseline'"
_UNMARK = (
    "DELETE FROM baseline",
    "DELETE FROM baseline_counter",
    "DELETE FROM meta WHERE name = 'baseline'",
)
_SET_MARK = "INSERT OR REPLACE INTO meta VALUES ('baseline', ?)"
_OWN = (
    "(:all OR organisation = :of OR (organisation = '' AND ((kind = 'organisation' AND key = :of)"
    " OR json_extract(CAST(body AS TEXT), '$.organisation') = :of)))"
)
"""Which entities are those of one organisation, be it that they stand among those of none."""
_CHANGED = (
    f"SELECT organisation, kind, key FROM entity WHERE revision > :mark AND {_OWN}"  # noqa: S608 (ours)
    # What was this organisation's, and is another's now, comes back as well.
    f" UNION SELECT organisation, kind, key FROM baseline WHERE {_OWN}"
)
_REMOVE = f"DELETE FROM entity WHERE revision > :mark AND {_OWN}"  # noqa: S608 (ours)
_UNINDEX = "DELETE FROM entity_index WHERE organisation = ? AND kind = ? AND key = ?"
_COPY = "INSERT OR REPLACE INTO entity SELECT organisation, kind, key, revision, body FROM baseline"
_RESTORE = f"{_COPY} WHERE {_OWN}"
_PAIRS = """INSERT OR REPLACE INTO entity_index
  SELECT b.organisation, b.kind, json_extract(e.value, '$[0]'), json_extract(e.value, '$[1]'), b.key
  FROM baseline b, json_each(b.indexed) e"""
_OF_BASELINE = _OWN.replace("key", "b.key").replace("body", "b.body")
_REINDEX = f"{_PAIRS} WHERE {_OF_BASELINE}"
_FORGET = f"DELETE FROM baseline WHERE {_OWN}"  # noqa: S608 (ours)
_COUNTERS = (
    "DELETE FROM counter WHERE :all OR organisation = :of",
    "INSERT INTO counter SELECT * FROM baseline_counter WHERE :all OR organisation = :of",
)
_DUMP = """SELECT e.organisation, e.kind, e.key, e.body,
  (SELECT json_group_object(name, value) FROM entity_index i
    WHERE i.organisation = e.organisation AND i.kind = e.kind AND i.key = e.key)
  FROM entity e ORDER BY e.organisation, e.kind, e.key"""
_DUMP_COUNTERS = "SELECT organisation, series, next FROM counter ORDER BY 1, 2"
_ENCODE = msgspec.json.Encoder().encode


class SnapshotSession(Protocol):
    """One transaction of the store."""

    revision: int

    def flush(self) -> SqliteConnection:
        """Write the entities that wait."""
        ...

    def count(self) -> None:
        """Write the numbers that wait."""
        ...

    def forget(self) -> None:
        """Keep nothing of what the tables may no longer hold."""
        ...

    @property
    def writable(self) -> SqliteConnection:
        """The connection, with the open savepoints set."""
        ...


def written(session: SnapshotSession) -> SqliteConnection:
    """Return the connection once the tables are true."""
    session.flush()
    session.count()
    return session.writable


def set_baseline(session: SnapshotSession) -> None:
    """Note that this is the state to go back to."""
    db = written(session)
    for verb in _VERBS:
        db.execute(f"DROP TRIGGER IF EXISTS baseline_{verb}")
        db.execute(_TRIGGER.format(verb=verb, mark=session.revision))
    db.execute("DELETE FROM baseline")
    db.execute("DELETE FROM baseline_counter")
    db.execute("INSERT INTO baseline_counter SELECT * FROM counter")
    db.execute(_SET_MARK, (session.revision,))


def clear_baseline(session: SnapshotSession) -> None:
    """Forget the state to go back to, as everything is going to be removed."""
    db = written(session)
    for verb in _VERBS:
        db.execute(f"DROP TRIGGER IF EXISTS baseline_{verb}")
    for statement in _UNMARK:
        db.execute(statement)


def has_baseline(session: SnapshotSession) -> bool:
    """Tell whether there is a state to go back to."""
    return session.writable.execute(_MARK).fetchone() is not None


def reset(session: SnapshotSession, organisation: str | None) -> None:
    """Go back to the mark with one organisation, or with all; ValueError if there is none."""
    db = written(session)
    row = db.execute(_MARK).fetchone()
    if row is None:
        raise ValueError("there is no state to go back to")
    scope = {"mark": row[0], "all": organisation is None, "of": organisation or ""}
    changed = db.execute(_CHANGED, scope).fetchall()
    db.executemany(_UNINDEX, changed)
    db.execute(_REMOVE, scope)
    for statement in (_RESTORE, _REINDEX, _FORGET, *_COUNTERS):
        db.execute(statement, scope)
    session.forget()


def export_lines(db: SqliteConnection, header: Body) -> Iterator[bytes]:
    """Yield the lines of a snapshot: *header* with the format, entities, counters, the end."""
    yield _ENCODE({snapshot_lines.NAME: snapshot_lines.FORMAT, **header}) + b"\n"
    count = 1
    for organisation, kind, key, body, index in db.execute(_DUMP):
        names = msgspec.Raw(index.encode())
        yield _ENCODE([organisation, kind, key, msgspec.Raw(body), names]) + b"\n"
        count += 1
    for row in db.execute(_DUMP_COUNTERS):
        yield _ENCODE(list(row)) + b"\n"
        count += 1
    yield _ENCODE({"lines": count}) + b"\n"
