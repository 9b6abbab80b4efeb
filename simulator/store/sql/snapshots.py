"""Going back to where a world began, and the whole state as one file.

`set_baseline` notes where the state is. From then on the database itself keeps what an
entity was before its first change, so going back costs only what has changed.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import Any, Protocol

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
NO_MARK = "there is no state to go back to"
_INSIDE = "{one}.organisation = :of"
"""Which entities stand among those of one organisation, or among those of none."""
_OWN = (
    "({one}.organisation = :of OR ({one}.organisation = '' AND"
    " (({one}.kind = 'organisation' AND {one}.key = :of) OR {owner {one}} = :of)))"
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
_NOTED = f"SELECT {_NAMES} FROM baseline b WHERE {{own b}}"  # noqa: S608 (ours)
"""What `_CHANGED` finds where entities stand inside: there, they cannot be another's by now."""
_OWNERS = (
    "SELECT {owner b} FROM baseline b WHERE b.organisation = ''"  # noqa: S608 (ours)
    " UNION SELECT {owner e} FROM baseline b CROSS JOIN entity e"
    f" WHERE {_SAME} AND b.organisation = ''"
    " UNION SELECT b.key FROM baseline b WHERE b.organisation = '' AND b.kind = 'organisation'"
)
"""Whose the changed entities are that stand among those of no organisation."""
_OWNER_OF = re.compile(r"\{owner (\w)\}")
_RESTORE = (
    f"INSERT INTO entity SELECT {_NAMES}, b.revision, b.body FROM baseline b"  # noqa: S608 (ours)
    f" WHERE b.revision > 0 AND {{own b}} {statements.REPLACE}"
)
_REINDEX = (
    "INSERT INTO entity_index SELECT organisation, kind, name, value, key FROM ({pairs}) AS b"
    " WHERE {own b} ON CONFLICT DO NOTHING"
)
_FORGET = "DELETE FROM baseline AS b WHERE b.revision > 0 AND {own b}"
_FORGET_NOTED = "DELETE FROM baseline AS b WHERE {own b}"
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

    def forget_changed(self, names: Iterable[tuple[str, str, str]]) -> None:
        """Keep nothing of the entities of *names*, which are what they were, and no number."""
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


def reset(
    session: SnapshotSession, organisation: str | None, settled: Collection[str]
) -> Collection[str]:
    """Go back to the mark with one organisation, or with all; ValueError if there is none.

    Return whose entities have changed; where only those of the kinds *settled* have, they stay.
    """
    db = written(session)
    if db.execute(_MARK).fetchone() is None:
        raise ValueError(NO_MARK)
    if organisation is not None:
        found = {organisation}
        restored = _go_back(db, organisation, _OWN)
    else:
        homes, found = changed(session, settled)
        restored = [name for one in homes for name in _go_back(db, one, _INSIDE)]
    db.execute(_FORGET_NEW)
    scope = {"all": organisation is None, "of": organisation or ""}
    for statement in (_REMOVE_COUNTERS, _RESTORE_COUNTERS):
        db.execute(statement, scope)
    session.forget_changed(restored)
    return found


def changed(session: SnapshotSession, settled: Collection[str]) -> tuple[list[str], set[str]]:
    """Return where entities have changed, "" for those of none; and whose those are.

    An organisation where only those of the kinds *settled* have is left out.
    """
    db = written(session)
    kinds = db.execute("SELECT DISTINCT organisation, kind FROM baseline").fetchall()
    homes = sorted({of for of, kind in kinds if kind not in settled})
    owners = db.execute(_for_dialect(_OWNERS, db)).fetchall()
    return homes, {of for (of,) in owners if isinstance(of, str)} | {*homes} - {""}


def _go_back(db: SqlConnection, organisation: str, own: str) -> list[Any]:
    """Go back with the entities that *own* says are of *organisation*, and return their names."""
    scope = {"of": organisation}

    def run(statement: str) -> SqlRows:
        text = _OWN_OF.sub(lambda match: own.replace("{one}", match[1]), statement)
        return db.execute(_for_dialect(text, db), scope)

    inside = own is _INSIDE
    changed = run(_NOTED if inside else _CHANGED).fetchall()
    for each in (statements.UNINDEX, statements.DELETE):
        db.write_many(each, changed)
    for statement in (_RESTORE, _REINDEX, _FORGET_NOTED if inside else _FORGET):
        run(statement)
    return changed


def _for_dialect(statement: str, db: SqlConnection) -> str:
    def owner(match: re.Match[str]) -> str:
        return db.dialect.organisation_in_body.replace("body", f"{match[1]}.body")

    return _OWNER_OF.sub(owner, statement.replace("{pairs}", db.dialect.noted_pairs))


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
