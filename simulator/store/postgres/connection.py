"""Connections that raise StoreError, whatever PostgreSQL says: no other module knows its errors.

What it said stays the cause of the error; of its message only the line that quotes no value.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg import RawCursor, RawServerCursor
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8Dumper

from simulator.core.translation import Translated
from simulator.store.errors import Reason, StoreError
from simulator.store.postgres import text
from simulator.store.postgres.schema import DIALECT
from simulator.store.sql.connection import SqlRows, Values

# It tells of a failed statement a second time.
logging.getLogger("psycopg.pipeline").setLevel(logging.ERROR)
logging.getLogger("psycopg").setLevel(logging.ERROR)
CONNECT_S = 5
"""How long to wait for a server that does not answer."""
_SET = (
    "SET lock_timeout = '5s'; SET statement_timeout = 0; SET client_min_messages = warning;"
    # An answer leaves after the commit, so a commit has to be one.
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'"
)
_SET_WRITER = "SET idle_in_transaction_session_timeout = '60s'"
"""Whoever stands still in a transaction that may write keeps all replicas waiting."""
_BATCH = 1000
"""Rows of a stream that come at a time."""
_REASONS: tuple[tuple[str, Reason], ...] = (
    ("53100", "full"),
    ("53300", "crowded"),
    ("53", "busy"),  # too little memory
    ("54", "limit"),
    ("55P03", "busy"),
    ("57014", "busy"),
    ("25P03", "busy"),
    ("25006", "read-only"),
    ("42501", "read-only"),
    # Our statements fit our tables: a table is gone, or is another's.
    ("42", "damaged"),
    ("XX001", "damaged"),
    ("XX002", "damaged"),
    ("08", "unreachable"),
    ("57P", "unreachable"),
    ("28", "unreachable"),
    ("3D000", "unreachable"),
)
"""The first that the SQLSTATE begins with counts."""
_CROWDED = re.compile("too many (?:clients|connections)|remaining connection slots")
"""What only the text says of a connection that was refused."""
_MARK = re.compile(r"'[^']*'|::\w+|\?|:([a-z_]+)")


@lru_cache(maxsize=1024)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return *sql* with ``$1`` for ``?`` and ``:name``, and the names in that order."""
    names: list[str] = []
    marks = count(1)

    def number(found: re.Match[str]) -> str:
        if found[0] == "?":
            return f"${next(marks)}"
        if found[1] is None:
            return found[0]
        if found[1] not in names:
            names.append(found[1])
        return f"${names.index(found[1]) + 1}"

    return _MARK.sub(number, sql), tuple(names)


def translated() -> Translated[psycopg.Error]:
    """Turn what PostgreSQL raises in the block into StoreError."""
    return Translated(psycopg.Error, _translation)


def _translation(error: psycopg.Error) -> StoreError:
    return StoreError(said(error), _reason(error))


def _reason(error: psycopg.Error) -> Reason:
    lost = isinstance(error, psycopg.OperationalError) and not error.sqlstate
    if lost and _CROWDED.search(str(error)):
        return "crowded"
    if isinstance(error, psycopg.errors.PipelineAborted):  # what failed comes first
        return "failed"
    state = "08" if lost else error.sqlstate or ""
    return next((reason for start, reason in _REASONS if state.startswith(start)), "failed")


def said(error: psycopg.Error) -> str:
    """Return what PostgreSQL said, in one line and without a stored value or a password."""
    lines = (error.diag.message_primary or str(error)).split("\n")
    return " ".join(line.strip() for line in lines if line.strip())


class PostgresConnection:
    """A connection in autocommit mode, for one thread at a time."""

    dialect = DIALECT

    def __init__(self, url: str, *, writes: bool = False) -> None:
        """Connect, to write if it *writes*; StoreError if that cannot be."""
        with translated():
            self._raw: psycopg.Connection[Any] = psycopg.connect(
                url,
                autocommit=True,
                cursor_factory=RawCursor,
                connect_timeout=CONNECT_S,
                client_encoding="utf8",
                application_name="mdmsim",
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
            )
        self._raw.server_cursor_factory = RawServerCursor
        text.register(self._raw)
        self._raw.adapters.register_dumper(int, Int8Dumper)
        self._streams = count(1)
        try:
            self.execute(_SET)
            if writes:
                self.execute(_SET_WRITER)
        except BaseException:
            self.close()
            raise

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction runs that can be committed."""
        status = self._raw.info.transaction_status
        return status in {TransactionStatus.INTRANS, TransactionStatus.ACTIVE}

    @property
    def lost(self) -> bool:
        """Whether there is no connection any more."""
        return self._raw.closed

    def execute(self, sql: str, values: Values = ()) -> SqlRows:
        """Run one statement, or without *values* several, of which the last has the rows."""
        query, names = numbered(sql)
        given = [values[name] for name in names] if names else values  # type: ignore[call-overload]  # by name only where there are names
        cursor = RawCursor(self._raw)
        with translated():
            cursor.execute(query.encode(), given or None, binary=bool(given))
            while cursor.nextset():
                pass
        return cursor

    def write_many(self, sql: str, rows: Iterable[Any]) -> int:
        """Run one statement for each of *rows*, in few round trips; return the rows written."""
        cursor = RawCursor(self._raw)
        with translated():
            cursor.executemany(numbered(sql)[0].encode(), rows)
        return cursor.rowcount

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send the statements of the block without waiting for each."""
        with translated(), self._raw.pipeline():
            yield

    def stream(self, sql: str) -> Iterator[Any]:
        """Yield the rows of a query in a transaction, some at a time."""
        name = f"stream_{next(self._streams)}"
        with translated(), RawServerCursor(self._raw, name) as cursor:
            cursor.itersize = _BATCH
            cursor.execute(sql.encode(), binary=True)
            yield from cursor

    def listen(self, seconds: float) -> Iterator[str]:
        """Yield what others notify within so many *seconds*."""
        with translated():
            for found in self._raw.notifies(timeout=seconds):
                yield found.payload

    def close(self) -> None:
        """Let go of the database."""
        self._raw.close()
