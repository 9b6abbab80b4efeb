"""The state that a reset goes back to, made beside the present one where much has changed.

In place a reset costs by the change, in one transaction that everybody waits for. What has
changed by more than `MANY` entities is copied instead, which costs by the world: what is still as
it was, and what is kept of the rest, range by range, each in a transaction of its own. What is
changed meanwhile makes no difference: what it was is copied, from where it stands or from where
that is kept. At the end the copy takes the place of the present state (see `staging`).
"""

from collections.abc import Collection

from simulator.store.sql import snapshots, staging, statements
from simulator.store.sql.session import Name, SqlSession

MANY = 1500
"""Changed entities that are put back in place: some 15 ms."""
LOT = 400
"""Entities that one transaction looks at."""
_NAMES = "organisation, kind, key"
_UNCHANGED = (
    " AND NOT EXISTS (SELECT 1 FROM baseline b"
    " WHERE b.organisation = e.organisation AND b.kind = e.kind AND b.key = e.key)"
)
_ENTITIES = (
    # By its key twice: by the range alone, SQLite would look through a kind for each piece of it.
    # To SQLite, CROSS says which table comes first.
    "INSERT INTO staged_entity SELECT f.* FROM entity e CROSS JOIN entity f"  # noqa: S608 (ours)
    " WHERE f.organisation = e.organisation AND f.kind = e.kind AND f.key = e.key"
    f" AND {{e}}{_UNCHANGED}"
)
_KEPT_ENTITIES = (
    f"INSERT INTO staged_entity SELECT {_NAMES}, revision, body"  # noqa: S608 (ours)
    " FROM baseline AS e WHERE revision > 0 AND {e}"
)
_INDEX = (
    "INSERT INTO staged_entity_index SELECT i.* FROM entity e CROSS JOIN entity_index i"  # noqa: S608 (ours)
    " WHERE i.organisation = e.organisation AND i.kind = e.kind AND i.key = e.key"
    f" AND {{e}}{_UNCHANGED}"
)
_KEPT_INDEX = (
    "INSERT INTO staged_entity_index SELECT organisation, kind, name, value, key"
    " FROM ({pairs}) AS e WHERE {e} ON CONFLICT DO NOTHING"
)
_SETTLED = (
    "INSERT INTO staged_entity SELECT e.* FROM entity e WHERE organisation = ? AND kind = ?"  # noqa: S608 (ours)
    f" {statements.REPLACE}"
)
_COUNTERS = "INSERT INTO staged_counter SELECT * FROM baseline_counter"


def begin(session: SqlSession) -> int:
    """Begin the copy, and return its number; 0 if a reset is to be done in place.

    ValueError if there is no state to go back to.
    """
    db = snapshots.written(session)
    if not snapshots.has_baseline(session):
        raise ValueError(snapshots.NO_MARK)
    few = "SELECT count(*) FROM (SELECT 1 FROM baseline LIMIT ?) AS few"
    (changed,) = db.execute(few, (MANY + 1,)).fetchone()
    return staging.begin(session) if changed > MANY else 0


def copy_some(session: SqlSession, number: int, after: Name) -> Name | None:
    """Copy what comes after a name; return that of the last, None if nothing comes after it."""
    db = snapshots.written(session)
    staging.check(db, number)
    ends = [
        db.execute(
            f"SELECT {_NAMES} FROM {table} WHERE ({_NAMES}) > (?, ?, ?)"  # noqa: S608 (ours)
            f" ORDER BY {_NAMES} LIMIT 1 OFFSET {LOT - 1}",
            after,
        ).fetchone()
        for table in ("entity", "baseline")
    ]
    names: list[Name] = [(of, kind, key) for of, kind, key in filter(None, ends)]
    last = min(names, default=None)
    name = "(e.organisation, e.kind, e.key)"
    within = f"{name} > (?, ?, ?)" + (f" AND {name} <= (?, ?, ?)" if last else "")
    for copy in (_ENTITIES, _KEPT_ENTITIES, _INDEX, _KEPT_INDEX):
        text = copy.replace("{e}", within).replace("{pairs}", db.dialect.noted_pairs)
        db.execute(text, (*after, *(last or ())))
    if last is None:
        db.execute(_COUNTERS)
    return last


def take(session: SqlSession, number: int, settled: Collection[str]) -> Collection[str]:
    """Have the copy be the present state, and the one that a reset goes back to.

    Return whose entities have changed, as `snapshots.reset` does.
    """
    homes, found = snapshots.changed(session, settled)
    db = snapshots.written(session)
    staging.check(db, number)
    for kind in settled:
        rows = db.execute("SELECT DISTINCT organisation FROM baseline WHERE kind = ?", (kind,))
        stay = {of for (of,) in rows.fetchall()} - {*homes}
        db.write_many(_SETTLED, ((of, kind) for of in sorted(stay)))
    staging.take(session, number)
    snapshots.set_baseline(session)
    return found
