"""Retention: exchanges are deleted on purpose only, and that they were is on record.

What is deleted leaves a cut in the hash chain: the span, and the link that it
ended with. So the rest can still be checked, and nothing can be taken away
without a trace.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from simulator.journal.chain import UNSEEN, Cut
from simulator.store.errors import StoreError
from simulator.store.sql import counting, statements
from simulator.store.sql.connection import SqlConnection

CONDITIONS = {
    "after": "seq > :after",
    "before_ms": "at_ms < :before_ms",
    "organisation": "organisation = :organisation",
    "through": "seq <= :through",
    "exchange": "seq = :exchange",
}
"""What exchanges can be chosen by, each as the condition that does it."""
LIMIT = "limit"
"""Reason of a cut that the size limit made; the next one becomes one with it."""
LOT = 1000
"""Exchanges that are deleted in one transaction, so that others need not wait for more."""
_ROOM = 16_384
"""Bytes that a probe writes."""
_CUT = "INSERT INTO journal_cut (first, last, link, at_ms, reason) VALUES (?,?,?,?,?)"
_NEWEST_CUT = (
    "SELECT number, first, last, reason, at_ms FROM journal_cut ORDER BY number DESC LIMIT 1"
)
_WIDER = "UPDATE journal_cut SET last = ?, link = ?, at_ms = ? WHERE number = ?"


class SizeLimit:
    """How many exchanges are kept, and who needs more for a while."""

    def __init__(self, keep: int) -> None:
        """Keep the newest *keep*; 0: all."""
        self.keep = keep
        self._lock = threading.Lock()
        self._put_off = 0

    @property
    def surplus(self) -> int:
        """How many more there may be before the oldest are deleted."""
        return self.keep if self._put_off else self.keep // 10

    @contextmanager
    def put_off(self) -> Iterator[None]:
        """Allow twice as many in the block."""
        with self._lock:
            self._put_off += 1
        try:
            yield
        finally:
            with self._lock:
                self._put_off -= 1


def delete(
    db: SqlConnection,
    committed: int,
    match: Mapping[str, object],
    *,
    at_ms: int,
    reason: str,
) -> list[Cut]:
    """Delete the exchanges up to number *committed* that *match*, and leave cuts; return those.

    Where the database can, the bytes are overwritten, not only forgotten. ValueError if *match*
    has a name that is none of `CONDITIONS`.
    """
    if unknown := sorted(match.keys() - CONDITIONS.keys()):
        raise ValueError(f"exchanges cannot be deleted by {unknown[0]}")
    where = " AND ".join(["seq <= :committed", *(CONDITIONS[name] for name in match)])
    values = {**match, "committed": committed}
    query = f"SELECT seq, link FROM exchange WHERE {where} ORDER BY seq"  # noqa: S608 (of the table)
    spans = list(_spans(db.execute(query, values)))
    if not spans:
        return []
    counting.keep(db, committed)
    for statement in db.dialect.erase_deleted:
        db.execute(statement)
    db.execute(f"DELETE FROM exchange WHERE {where}", values)  # noqa: S608 (of the table)
    cuts = [Cut(first, last, link, at_ms, reason) for first, last, link in spans]
    newest = db.execute(_NEWEST_CUT).fetchone()
    # The size limit goes on where it was, and so does a deletion of several pieces.
    goes_on = newest and newest[3] == reason and (reason == LIMIT or newest[4] == at_ms)
    if goes_on and newest[2] + 1 == cuts[0].first:
        first = cuts.pop(0)
        db.execute(_WIDER, (first.last, first.link, at_ms, newest[0]))
        cuts_made = [Cut(newest[1], first.last, first.link, at_ms, reason), *cuts]
    else:
        cuts_made = cuts
    rows = [(one.first, one.last, one.link, one.at_ms, one.reason) for one in cuts]
    db.write_many(_CUT, rows)
    return cuts_made


def skip(db: SqlConnection, seq: int, count: int, link: bytes, at_ms: int) -> None:
    """Note that *count* exchanges after number *seq*, whose link is *link*, were not recorded."""
    db.execute(_CUT, (seq + 1, seq + count, link, at_ms, UNSEEN))


def probe(db: SqlConnection) -> int:
    """Write what a few exchanges take in place of the last time's; return its number."""
    db.execute(statements.PROBE, (bytes(_ROOM),))
    db.execute(statements.PROBE_OLD)
    (number,) = db.execute(statements.PROBED).fetchone()
    return int(number)


def _spans(rows: Iterable[Sequence[object]]) -> Iterator[tuple[int, int, bytes]]:
    """Yield first number, last number and last link of each run of consecutive rows."""
    first = last = 0
    end = b""
    for seq, link in rows:
        if not isinstance(seq, int) or not isinstance(link, bytes):
            raise StoreError("an exchange has no number or no link", "damaged")
        if last and seq != last + 1:
            yield first, last, end
            first = seq
        first = first or seq
        last, end = seq, link
    if last:
        yield first, last, end
