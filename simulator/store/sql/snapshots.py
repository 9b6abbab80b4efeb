"""Going back to where a world began, and the whole state as one file.

`set_baseline` notes where the state is. From then on the database itself keeps what an
entity was before its first change, so going back costs only what has changed.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Protocol

import msgspec

from simulator.core.state import Body
from simulator.store import snapshot_lines
from simulator.store.sql import statements
from simulator.store.sql.connection import SqlConnection, SqlRows

_MARK = "SELECT value FROM meta WHERE name = 'baseline'"
_UNMARK = (
    "DELETE FROM baseline",
    "DELETE FROM baseline_counter",
    "DELETE FROM meta WHERE name = 'baseline'",
)
_SET_MARK = (
    "INSERT INTO meta VALUES ('baseline', ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_OWN = (
    "(:all OR {one}.organisation = :of OR ({one}.organisation = '' AND"
    " (({one}.kind = 'organisation' AND {one}.key = :of) OR {body} = :of)))"
)
"""Which entities are those of one organisation, be it that they stand among those of none."""
_OWN_OF = re.compile(r"\{own (\w)\}")
_NAMES = "b.organisation, b.kind, b.key"
_SAME = "e.organisation = b.organisation AND e.kind = b.kind AND e.key = b.key"
_CHANGED = (
    # What was this organisation's, and is another's now, comes back as well.
    f"SELECT {_NAMES} FROM baseline b WHERE b.revision > 0 AND {{own b}}"  # noqa: S608 (ours)
    # To SQLite, CROSS says which table comes first.
    f" UNION SELECT {_NAMES} FROM baseline b CROSS JOIN entity e WHERE {_SAME} AND {{own e}}"
)
_RESTORE = (
    f"INSERT INTO entity SELECT {_NAMES}, b.revision, b.body FROM baseline b"  # noqa: S608 (ours)
    f" WHERE b.revision > 0 AND {{own b}} {statements.REPLACE}"
)
_REINDEX = (
    "INSERT INTO entity_index SELECT organisation, kind, name, value, key FROM ({pairs}) AS b"
    " WHERE {own b} ON CONFLICT DO NOTHING"
)
_FORGET = "DELETE FROM baseline AS b WHERE b.revision > 0 AND {own b}"
_FORGET_NEW = (
    "DELETE FROM baseline AS b WHERE b.revision = 0"  # noqa: S608 (ours)
    f" AND NOT EXISTS (SELECT 1 FROM entity e WHERE {_SAME})"
)
_SERIES = "b.organisation = counter.organisation AND b.series = counter.series"
_REMOVE_COUNTERS = (
    "DELETE FROM counter WHERE (:all OR organisation = :of)"  # noqa: S608 (ours)
    f" AND NOT EXISTS (SELECT 1 FROM baseline_counter b WHERE {_SERIES})"
)
_RESTORE_COUNTERS = (
    "UPDATE counter SET next = b.next FROM baseline_counter b"  # noqa: S608 (ours)
    f" WHERE (:all OR b.organisation = :of) AND {_SERIES} AND b.next <> counter.next"
)
"""Most have not changed: those are left alone. One that there was at the mark there still is."""
_DUMP = "SELECT organisation, kind, key, body FROM entity ORDER BY 1, 2, 3"
_DUMP_INDEX = "SELECT organisation, kind, key, name, value FROM entity_index ORDER BY 1, 2, 3, 4"
_DUMP_COUNTERS = "SELECT organisation, series, next FROM counter ORDER BY 1, 2"
_ENCODE = msgspec.json.Encoder().encode


class SnapshotSession(Protocol):
    """One transaction of the store."""

    revision: int

    def flush(self) -> SqlConnection:
        """Write the entities that wait."""
        ...

    def count(self) -> None:
        """Write the numbers that wait."""
        ...

    def forget(self) -> None:
        """Keep nothing of what the tables may no longer hold."""
        ...

    @property
    def writable(self) -> SqlConnection:
        """The connection, with the open savepoints set."""
        ...


def written(session: SnapshotSession) -> SqlConnection:
    """Return the connection once the tables are true."""
    session.flush()
    session.count()
    return session.writable


def set_baseline(session: SnapshotSession) -> None:
    """Note that this is the state to go back to."""
    db = written(session)
    for statement in (*db.dialect.note_no_changes, *db.dialect.note_changes):
        db.execute(statement.replace("{mark}", str(session.revision)))
    db.execute("DELETE FROM baseline")
    db.execute("DELETE FROM baseline_counter")
    db.execute("INSERT INTO baseline_counter SELECT * FROM counter")
    db.execute(_SET_MARK, (session.revision,))


def clear_baseline(session: SnapshotSession) -> None:
    """Forget the state to go back to, as everything is going to be removed."""
    db = written(session)
    for statement in (*db.dialect.note_no_changes, *_UNMARK):
        db.execute(statement)


def has_baseline(session: SnapshotSession) -> bool:
    """Tell whether there is a state to go back to."""
    return session.writable.execute(_MARK).fetchone() is not None


def reset(session: SnapshotSession, organisation: str | None) -> None:
    """Go back to the mark with one organisation, or with all; ValueError if there is none."""
    db = written(session)
    if db.execute(_MARK).fetchone() is None:
        raise ValueError("there is no state to go back to")
    scope = {"all": organisation is None, "of": organisation or ""}

    def own(match: re.Match[str]) -> str:
        body = db.dialect.organisation_in_body.replace("body", f"{match[1]}.body")
        return _OWN.replace("{body}", body).replace("{one}", match[1])

    def run(statement: str) -> SqlRows:
        statement = statement.replace("{pairs}", db.dialect.noted_pairs)
        return db.execute(_OWN_OF.sub(own, statement), scope)

    changed = run(_CHANGED).fetchall()
    for each in (statements.UNINDEX, statements.DELETE):
        db.executemany(each, changed)
    db.execute(_FORGET_NEW)
    for statement in (_RESTORE, _REINDEX, _FORGET, _REMOVE_COUNTERS, _RESTORE_COUNTERS):
        run(statement)
    session.forget()


def export_lines(db: SqlConnection, header: Body) -> Iterator[bytes]:
    """Yield the lines of a snapshot: *header* with the format, entities, counters, the end."""
    yield _ENCODE({snapshot_lines.NAME: snapshot_lines.FORMAT, **header}) + b"\n"
    count = 1
    indexed = _indexed(db)
    entry = next(indexed, None)
    for *name, body in db.stream(_DUMP):
        while entry is not None and entry[0] < name:  # of no entity
            entry = next(indexed, None)
        found = entry[1] if entry is not None and entry[0] == name else {}
        yield _ENCODE([*name, msgspec.Raw(body), found]) + b"\n"
        count += 1
    for row in db.stream(_DUMP_COUNTERS):
        yield _ENCODE(list(row)) + b"\n"
        count += 1
    yield _ENCODE({"lines": count}) + b"\n"


def _indexed(db: SqlConnection) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Yield organisation, kind and key of what has index values, in that order, with those."""
    for name, rows in groupby(db.stream(_DUMP_INDEX), key=lambda row: list(row[:3])):
        yield name, {row[3]: row[4] for row in rows}
