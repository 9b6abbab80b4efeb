"""Kept counts: what has been recorded is counted once for all, a stretch of the journal at a time.

Nobody counts a million exchanges, and no exchange is counted as it is recorded, which would cost
each of them: whoever records the last of a stretch counts it, and a reader counts what is left.
What is deleted stays counted.
"""

from collections import Counter

from simulator.store.errors import StoreError
from simulator.store.sql.connection import SqlConnection

STRETCH = 1024
"""Exchanges that are counted in one go."""
FAULT = "fault:"
_SESSION = "session:"
Kind = tuple[str, str, int, str]
"""Service, operation, status, and the words that such exchanges are found by, but their labels."""
_COUNTED = "SELECT value FROM meta WHERE name = 'counted'"
_SET_COUNTED = (
    "INSERT INTO meta VALUES ('counted', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_NEW = """SELECT service, operation, status, rules, count(*) FROM exchange
  WHERE seq > ? AND seq <= ? GROUP BY 1, 2, 3, 4"""
_KEPT = "SELECT service, operation, status, words, exchanges FROM journal_count"
_ADD = (
    "INSERT INTO journal_count VALUES (?,?,?,?,?)"
    " ON CONFLICT (service, operation, status, words)"
    " DO UPDATE SET exchanges = journal_count.exchanges + excluded.exchanges"
)


def is_due(before: int, last: int) -> bool:
    """Tell whether a stretch has ended after exchange *before* and up to exchange *last*."""
    return before // STRETCH < last // STRETCH


def keep(db: SqlConnection, last: int) -> None:
    """Keep the counts up to exchange *last*, unless they are kept already."""
    try:
        if counted(db) >= last:
            return
        rows = [(*kind, count) for kind, count in _new(db, last).items()]
    except StoreError:
        return  # That an exchange is damaged is no reason to record no more of them.
    db.write_many(_ADD, rows)
    db.execute(_SET_COUNTED, (last,))


def counts(db: SqlConnection, last: int) -> Counter[Kind]:
    """Return how many exchanges of each kind were recorded up to number *last*."""
    found = _new(db, last)
    for *kind, count in db.execute(_KEPT).fetchall():
        service, operation, status, words = kind
        found[service, operation, status, words] += count
    return found


def counted(db: SqlConnection) -> int:
    """Return the number of the last exchange whose count is kept."""
    row = db.execute(_COUNTED).fetchone()
    return int(row[0]) if row else 0


def _new(db: SqlConnection, last: int) -> Counter[Kind]:
    """Count what is not kept yet."""
    found: Counter[Kind] = Counter()
    for *kind, rules, count in db.execute(_NEW, (counted(db), last)).fetchall():
        service, operation, status = kind
        found[service, operation, status, _words(rules)] += count
    return found


def _words(rules: str) -> str:
    """Return the words of *rules* without what somebody else chose: labels, and ids of faults."""
    words = [word for word in rules.split() if not word.startswith(_SESSION)]
    return " ".join(FAULT if word.startswith(FAULT) else word for word in words)
