"""The journal as it is read."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from simulator.core.messages import Exchange
from simulator.journal.chain import Chain, Cut, Evidence, Head
from simulator.store import search
from simulator.store.sqlite import connection as opening
from simulator.store.sqlite import schema
from simulator.store.sqlite.records import columns_of, decode

_NEWEST = "SELECT ifnull(max(seq), 0) FROM exchange"
_LAST = f"SELECT max(({_NEWEST}), ifnull((SELECT seq FROM journal_head), 0))"  # noqa: S608 (ours)
OLDEST = "SELECT ifnull(min(seq), 0) FROM exchange"
HEAD = "SELECT seq, link FROM journal_head"
SET_HEAD = "UPDATE journal_head SET seq = ?, link = ?"
_WHOLE_HEAD = f"SELECT seq, link, ({_NEWEST}), chained_from FROM journal_head"  # noqa: S608 (ours)
_LINKS = "SELECT seq, record, link FROM exchange WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
_LENGTHS = "SELECT seq, length(record) FROM exchange ORDER BY seq DESC"
_ENTITIES = "SELECT key, body FROM entity WHERE kind = ?"
_CUTS = "SELECT first, last, link, at_ms, reason FROM journal_cut ORDER BY number"
_ROWS = "SELECT * FROM exchange WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
_TALLY = """SELECT service, operation, status, rules, count(*) FROM exchange
  WHERE seq > ? AND seq <= ? GROUP BY 1, 2, 3, 4"""
MATCHES = {
    "service": "service = :service",
    "operation": "operation = :operation",
    "organisation": "organisation = :organisation",
    "client": "client = :client",
    "session": "instr(rules, ' session:' || :session || ' ') > 0",
    "fault": "instr(rules, ' fault:' || :fault || ' ') > 0",
    "error": "error = :error",
    "status": "CAST(status AS TEXT) = :status",
    "finding": "instr(rules, ' ' || :finding || ' ') > 0",
    "q": "(instr(lower(CAST(record AS TEXT)), :q) > 0"
    " OR instr(lower(route || ' ' || target || ' ' || status), :q) > 0"
    " OR instr(CAST(record AS TEXT), '\\') > 0 OR instr(target, '%') > 0 OR instr(target, '+') > 0"
    " OR instr(lower(CAST(record AS TEXT)), 'content-encoding') > 0)",
}
"""What exchanges can be narrowed by, each as the condition that does it.

That of a text leaves too many, such as all in which something is encoded:
`simulator.store.search` has the last word.
"""
_WINDOW = 5000
"""Exchanges that one look for a text goes through: others can read the journal in between."""
_SOME = 200
"""Exchanges that are in memory at a time as a text is looked for."""
_NEAR = 64
"""Exchanges that are decoded at a time as all are walked over.

So few fit into the cache of a processor; of 500, each costs three times as much.
"""
MOST = 2**63 - 1
"""The largest number that SQLite knows."""


class SqliteJournal:
    """Read the journal, from any thread, also while it is being written."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        lock: AbstractContextManager[Any] | None = None,
    ) -> None:
        """Read through *connection*: its own, or with *lock* one that a store keeps."""
        self._connection = connection
        self._lock = lock or threading.Lock()
        self._owned = lock is None

    @classmethod
    def open(cls, path: Path) -> "SqliteJournal":
        """Open the journal of a database file for reading; ConfigurationError if there is none."""
        return cls(opening.readable(path))

    def read(
        self, after: int = 0, limit: int = 100, match: Mapping[str, str] | None = None
    ) -> Sequence[Exchange]:
        """Return up to *limit* exchanges with a number above *after*, oldest first.

        *match* narrows by the names in `MATCHES`; ValueError if it has another.
        """
        if match and "q" in match:
            return list(islice(self._with_text(match, after), max(limit, 0)))
        where, values = _condition(match)
        rows = self._all(
            f"SELECT record FROM exchange WHERE seq > :after{where} ORDER BY seq LIMIT :limit",  # noqa: S608 (conditions of the table)
            {**values, "after": min(after, MOST), "limit": max(limit, 0)},
        )
        return [decode(record) for (record,) in rows]

    def newest(
        self, before: int = MOST, limit: int = 100, match: Mapping[str, str] | None = None
    ) -> Sequence[Exchange]:
        """Return up to *limit* exchanges with a number below *before*, newest first."""
        if match and "q" in match:
            found = self._with_text(match, before, newest_first=True)
            return list(islice(found, max(limit, 0)))
        where, values = _condition(match)
        rows = self._all(
            f"SELECT record FROM exchange WHERE seq < :before{where} "  # noqa: S608 (conditions of the table)
            "ORDER BY seq DESC LIMIT :limit",
            {**values, "before": min(before, MOST), "limit": max(limit, 0)},
        )
        return [decode(record) for (record,) in rows]

    def _with_text(
        self, match: Mapping[str, str], start: int, *, newest_first: bool = False
    ) -> Iterator[Exchange]:
        """Yield the exchanges behind *start* that match, with the text ``q`` among the rest.

        Window by window, so that whoever else reads the journal waits for one of them only.
        """
        wanted = match["q"]
        where, values = _condition(match)
        first, last = self._all(OLDEST, ())[0][0], self.last()
        order = "DESC" if newest_first else "ASC"
        sql = (
            "SELECT seq, record FROM exchange WHERE seq BETWEEN :low AND :high"  # noqa: S608 (conditions of the table)
            f"{where} ORDER BY seq {order} LIMIT {_SOME}"
        )
        at = min(start - 1, last) if newest_first else max(start + 1, first)
        while first <= at <= last:
            low, high = (at - _WINDOW, at) if newest_first else (at, at + _WINDOW)
            rows = self._all(sql, {**values, "low": low, "high": high})
            for _, record in rows:
                exchange = decode(record)
                if search.holds(exchange, wanted):
                    yield exchange
            step = -1 if newest_first else 1
            whole = len(rows) < _SOME
            at = ((low if newest_first else high) if whole else rows[-1][0]) + step

    def get(self, seq: int) -> Exchange | None:
        """Return one exchange, or None."""
        rows = self._all("SELECT record FROM exchange WHERE seq = ?", (min(seq, MOST),))
        return decode(rows[0][0]) if rows else None

    def last(self) -> int:
        """Return the number of the newest exchange, deleted or not; 0 if there was none."""
        number: int = self._all(_LAST, ())[0][0]
        return number

    def count(self, match: Mapping[str, str] | None = None) -> int:
        """Return how many exchanges there are, or how many match as in `read`."""
        if match and "q" in match:
            return sum(1 for _ in self._with_text(match, 0))
        where, values = _condition(match)
        sql = f"SELECT count(*) FROM exchange WHERE 1{where}"  # noqa: S608 (conditions of the table)
        number: int = self._all(sql, values)[0][0]
        return number

    def tally(self, after: int) -> tuple[int, Sequence[tuple[str, str, int, str, int]]]:
        """Count the exchanges after *after*; see `simulator.core.state.Journal.tally`."""
        last = max(self.last(), after)
        rows: list[tuple[str, str, int, str, int]] = self._all(_TALLY, (after, last))
        return last, rows

    def head(self) -> Head | None:
        """Return where the hash chain has got to; None if somebody took that away."""
        rows = self._all(_WHOLE_HEAD, ())
        return Head(*rows[0]) if rows else None

    def cuts(self) -> list[Cut]:
        """Return what was deleted on purpose, oldest deletion first."""
        return [Cut(*row) for row in self._all(_CUTS, ())]

    def walk(self, chain: Chain, batch: int = _NEAR) -> Iterator[Sequence[Exchange]]:
        """Yield the exchanges after those that *chain* has looked at, and let it look.

        It ends where the journal does now. An exchange that cannot be read any
        more is left out, and so is all that follows a place where the file is
        damaged; the chain notes both.
        """
        end = self.last()
        while chain.seq < end:
            try:
                rows, cuts = self._all(_ROWS, (chain.seq, end, batch)), self.cuts()
            except sqlite3.DatabaseError as error:
                about = f"and what follows cannot be read: the file is damaged ({error})"
                chain.note("damaged", chain.seq + 1, end, about)
                return
            if not rows:
                return
            found = (_checked(row, chain, cuts) for row in rows)
            yield [one for one in found if one is not None]

    def check(self, chain: Chain, last: int, batch: int = 2000) -> None:
        """Let *chain* look at the hashes up to exchange *last*, and at nothing else."""
        while chain.seq < last:
            rows, cuts = self._all(_LINKS, (chain.seq, last, batch)), self.cuts()
            for seq, record, link in rows:
                chain.check(seq, record, link, cuts)
            if not rows:
                return

    def evidence(self, chain: Chain) -> Evidence:
        """Return what *chain* found, laid beside the head."""
        return chain.evidence(self.head(), self.cuts())

    def raw(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of each exchange as it is stored, with what it is found by."""
        seq = 0
        while rows := self._all(_ROWS, (seq, MOST, 500)):
            for row in rows:
                seq = row[0]
                texts = " ".join(str(one) for one in row[1:-2]).encode()
                yield seq, texts + b" " + row[-2]

    def fitting(self, size: int) -> int:
        """Return the number of the newest exchange that is to go so that *size* bytes are left."""
        for seq, length in self._all(_LENGTHS, ()):
            size -= length
            if size < 0:
                return int(seq)
        return 0

    def revision(self) -> int:
        """Return the number of the newest change of the state."""
        number: int = self._all(schema.REVISION, ())[0][0]
        return number

    def scan(self, kind: str, name: str = "") -> Iterator[str]:
        """Yield the keys of all entities of *kind*, or the texts under *name* in their bodies."""
        for key, body in self._all(_ENTITIES, (kind,)):
            value = msgspec.json.decode(body).get(name) if name else key
            if isinstance(value, str):
                yield value

    def close(self) -> None:
        """Close the connection, unless it is a store's."""
        if self._owned:
            with self._lock:
                self._connection.close()

    def _all(self, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()


def _checked(row: Sequence[Any], chain: Chain, cuts: Sequence[Cut]) -> Exchange | None:
    """Return the exchange of *row* after *chain* has looked at it; None if it cannot be read."""
    *columns, record, link = row
    seq = columns[0]
    fits = chain.check(seq, record, link, cuts)
    try:
        exchange = decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if fits:
            chain.note("damaged", seq, seq, "cannot be read by this mdmsim")
        return None
    if fits and columns_of(exchange) != tuple(columns):
        chain.note("altered", seq, seq, "is found by other values than were recorded")
    return exchange


def _condition(match: Mapping[str, str] | None) -> tuple[str, dict[str, Any]]:
    """Return the conditions for *match*, and the values that they name."""
    values: dict[str, Any] = dict(match or {})
    unknown = sorted(set(values) - set(MATCHES))
    if unknown:
        raise ValueError(f"exchanges cannot be matched by {', '.join(unknown)}")
    if "q" in values:
        values["q"] = search.needle(values["q"])
    return "".join(f" AND {MATCHES[name]}" for name in values), values
