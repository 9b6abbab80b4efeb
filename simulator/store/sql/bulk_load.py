"""Many new entities at once, as a world is loaded.

A million rows in no order would move every page of a table many times over. So
rows come in the order of the table that they go to, first the entities by key,
then their index values by value; the one index that would still be written in
no order is made anew at the end.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import islice

import msgspec

from simulator.core.state import Body
from simulator.store.sql import statements, tables
from simulator.store.sql.long_texts import shortened, stored
from simulator.store.sql.session import Name, SqlSession

_ENCODE = msgspec.json.Encoder().encode
_CHUNK = 1000
"""Rows that are in memory at a time."""


def add(
    session: SqlSession, organisation: str, kind: str, rows: Iterable[tuple[str, Body]]
) -> None:
    """Write new entities, (key, body); ValueError names one that is there already."""
    session.flush()
    remaining = iter(rows)
    while chunk := list(islice(remaining, _CHUNK)):
        before = session.revision
        numbered = enumerate((stored(*row) for row in chunk), before + 1)
        encoded = [
            (organisation, kind, key, number, _ENCODE(body)) for number, (key, body) in numbered
        ]
        session.revision += len(chunk)
        session.show(kind, chunk)
        session.forget_some((organisation, kind, row[2]) for row in encoded)
        added = session.writable.write_many(statements.ADD_NEW, encoded)
        if added != len(chunk):
            raise ValueError(_taken(session, (organisation, kind), chunk, before))
        if not all(key for key, _ in chunk):
            raise ValueError(f"a {kind} needs a key")


def _taken(
    session: SqlSession, name: tuple[str, str], rows: list[tuple[str, Body]], before: int
) -> str:
    """Say which of *rows* comes twice, or was there already: it has a revision up to *before*."""
    count = Counter(key for key, _ in rows)
    twice = [key for key, times in count.items() if times > 1]
    found = (
        (key, session.db.execute(statements.GET, (*name, shortened(key))).fetchone())
        for key in count
    )
    taken = twice[0] if twice else next(key for key, row in found if row and row[0] <= before)
    return f"there is a {name[1]} {taken} already"


def index(session: SqlSession, name: Name, rows: Iterable[tuple[str, str]]) -> None:
    """Add index values, (value, key); *name* is organisation, kind and name of the value."""
    session.flush()
    stored_rows = ((*name, shortened(value), shortened(key)) for value, key in rows)
    session.writable.write_many(statements.INDEX, stored_rows)


def begin(session: SqlSession) -> None:
    """Do without the index of index values by key until `end`."""
    session.flush()
    session.writable.execute(statements.NO_INDEX_KEY)


def end(session: SqlSession) -> None:
    """Make the index anew."""
    session.flush()
    session.writable.execute(tables.INDEX_KEY)
