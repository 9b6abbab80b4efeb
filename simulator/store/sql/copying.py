"""A whole database as another one: row by row, so that revisions, numbers and links stay."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from simulator.store.sql.connection import SqlConnection

_TABLES = {
    "entity": (5, "1, 2, 3"),
    "entity_index": (5, "1, 2, 3, 4, 5"),
    "counter": (3, "1, 2"),
    "exchange": (13, "1"),
    "journal_cut": (6, "1"),
    "baseline": (6, "1, 2, 3"),
    "baseline_counter": (3, "1, 2"),
}
"""Their columns, and what they are read by the order of."""
_NUMBERS = "SELECT name, value FROM meta WHERE name IN ('revision', 'baseline')"
_SET_NUMBER = (
    "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_HEAD = "SELECT seq, link, chained_from FROM journal_head"
_SET_HEAD = "UPDATE journal_head SET seq = ?, link = ?, chained_from = ?"
_CHUNK = 500
"""Rows that are in memory at a time."""


def is_unused(db: SqlConnection) -> bool:
    """Tell whether a database holds nothing and never did."""
    (seq,) = db.execute("SELECT seq FROM journal_head").fetchone()
    (numbers,) = db.execute("SELECT max(value) FROM meta WHERE name = 'revision'").fetchone()
    return not (seq or numbers)


def size(db: SqlConnection) -> int:
    """Return how many rows there are to copy."""
    counts = (db.execute(f"SELECT count(*) FROM {table}") for table in _TABLES)  # noqa: S608 (ours)
    return sum(rows.fetchone()[0] for rows in counts)


def copy(source: SqlConnection, target: SqlConnection, advance: Callable[[int], None]) -> None:
    """Write all of *source* to *target*, which is unused; both are in a transaction.

    *advance* is told how many rows are done further.
    """
    for table, (columns, order) in _TABLES.items():
        marks = ",".join("?" * columns)
        rows: Iterator[Any] = source.stream(f"SELECT * FROM {table} ORDER BY {order}")  # noqa: S608 (ours)
        if table == "baseline":
            rows = (_noted(row, source, target) for row in rows)
        while chunk := list(islice(rows, _CHUNK)):
            target.write_many(f"INSERT INTO {table} VALUES ({marks})", chunk)  # noqa: S608 (ours)
            advance(len(chunk))
    numbers = dict(source.execute(_NUMBERS).fetchall())
    target.write_many(_SET_NUMBER, numbers.items())
    target.execute(_SET_HEAD, source.execute(_HEAD).fetchone())
    if "baseline" in numbers:
        for statement in target.dialect.note_changes:
            target.execute(statement.replace("{mark}", str(numbers["baseline"])))
    for statement in target.dialect.after_copy:
        target.execute(statement)


def _noted(row: Any, source: SqlConnection, target: SqlConnection) -> tuple[Any, ...]:
    """Return a row of the baseline as *target* writes it."""
    *columns, indexed = row
    return (*columns, target.dialect.write_pairs(source.dialect.read_pairs(indexed)))
