"""Exchanges as they are stored, and the journal as it is read."""

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from simulator.messages import Exchange
from simulator.store import schema

INSERT = "INSERT INTO exchange VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"
LAST = "SELECT ifnull(max(seq), 0) FROM exchange"
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
    "q": "(instr(lower(route), lower(:q)) > 0 OR instr(lower(target), lower(:q)) > 0)",
}
"""What exchanges can be narrowed by, each as the condition that does it."""
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Exchange)
MOST = 2**63 - 1
"""The largest number that SQLite knows."""


def row_of(exchange: Exchange) -> tuple[Any, ...]:
    r"""Return the columns of an exchange: what is searched by, and the whole of it.

    Half surrogate pairs, which UTF-8 cannot say and no transport lets through,
    are written out as ``\udc80``: an odd text is no reason to lose an exchange.
    """
    try:
        record = _ENCODER.encode(exchange)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(exchange, builtin_types=(bytes,))
        exchange = msgspec.convert(_written_out(plain), Exchange)
        record = _ENCODER.encode(exchange)
    # Next to the rules stand the other words that it can be found by.
    words = [finding.rule for finding in exchange.findings]
    words += [f"fault:{touch.fault}" for touch in exchange.faults]
    if exchange.session:
        words.append(f"session:{exchange.session}")
    rules = " ".join(words)
    return (
        exchange.seq,
        exchange.at_ms,
        exchange.organisation,
        exchange.client,
        exchange.service,
        exchange.operation,
        exchange.response.status,
        exchange.error,
        f" {rules} " if rules else "",
        exchange.route,
        f"{exchange.request.method} {exchange.request.target}",
        record,
    )


def _written_out(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _written_out(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written_out(item) for item in value]
    return value


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
        return cls(schema.open_readable(path))

    def read(
        self, after: int = 0, limit: int = 100, match: Mapping[str, str] | None = None
    ) -> Sequence[Exchange]:
        """Return up to *limit* exchanges with a number above *after*, oldest first.

        *match* narrows by the names in `MATCHES`; ValueError if it has another.
        """
        where = _condition(match)
        values = {"after": min(after, MOST), "limit": max(limit, 0)}
        rows = self._all(
            f"SELECT record FROM exchange WHERE seq > :after{where} ORDER BY seq LIMIT :limit",  # noqa: S608 (conditions of the table)
            {**(match or {}), **values},
        )
        return [_DECODER.decode(record) for (record,) in rows]

    def newest(
        self, before: int = MOST, limit: int = 100, match: Mapping[str, str] | None = None
    ) -> Sequence[Exchange]:
        """Return up to *limit* exchanges with a number below *before*, newest first."""
        where = _condition(match)
        values = {"before": min(before, MOST), "limit": max(limit, 0)}
        rows = self._all(
            f"SELECT record FROM exchange WHERE seq < :before{where} "  # noqa: S608 (as above)
            "ORDER BY seq DESC LIMIT :limit",
            {**(match or {}), **values},
        )
        return [_DECODER.decode(record) for (record,) in rows]

    def get(self, seq: int) -> Exchange | None:
        """Return one exchange, or None."""
        rows = self._all("SELECT record FROM exchange WHERE seq = ?", (min(seq, MOST),))
        return _DECODER.decode(rows[0][0]) if rows else None

    def last(self) -> int:
        """Return the number of the newest exchange, 0 if there is none."""
        number: int = self._all(LAST, ())[0][0]
        return number

    def count(self, match: Mapping[str, str] | None = None) -> int:
        """Return how many exchanges there are, or how many match as in `read`."""
        sql = f"SELECT count(*) FROM exchange WHERE 1{_condition(match)}"  # noqa: S608 (as above)
        number: int = self._all(sql, match or {})[0][0]
        return number

    def tally(self, after: int) -> tuple[int, Sequence[tuple[str, str, int, str, int]]]:
        """Count the exchanges after *after*; see `simulator.messages.Journal.tally`."""
        last = max(self.last(), after)
        rows: list[tuple[str, str, int, str, int]] = self._all(_TALLY, (after, last))
        return last, rows

    def close(self) -> None:
        """Close the connection, unless it is a store's."""
        if self._owned:
            with self._lock:
                self._connection.close()

    def _all(self, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()


def _condition(match: Mapping[str, str] | None) -> str:
    unknown = sorted(set(match or ()) - set(MATCHES))
    if unknown:
        raise ValueError(f"exchanges cannot be matched by {', '.join(unknown)}")
    return "".join(f" AND {MATCHES[name]}" for name in match or ())
