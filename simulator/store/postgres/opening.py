"""How a database of PostgreSQL's is reached, made where it is empty, and checked.

Rule: a database is changed only once it is known to be ours, or empty.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from simulator.core.settings import ConfigurationError
from simulator.store.errors import StoreError
from simulator.store.postgres import schema
from simulator.store.postgres.connection import PostgresConnection

LOG = logging.getLogger("mdmsim")
_OLDEST = 130_000
"""Of PostgreSQL: the first whose transactions can be asked whether they have written."""
_SERVER = """SELECT current_setting('server_version_num')::bigint, pg_is_in_recovery(),
  current_setting('transaction_read_only') = 'on', current_setting('server_encoding'),
  current_schema() IS NOT NULL"""
_TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
_CLAIM = """INSERT INTO meta VALUES ('keys', ?)
  ON CONFLICT (name) DO UPDATE SET value = meta.value RETURNING value"""
_MARK_BYTES = 7
"""Of a mark are noted: they fit into a number of the database."""
SKEW_TOLD_S, SKEW_REFUSED_S = 2, 60
"""Seconds between two clocks."""
_CLOCK = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
START_S = 300
"""How long a replica waits for another one that starts, and may be loading a world."""
_META = "SELECT to_regclass('meta') IS NOT NULL AND to_regclass('journal_head') IS NOT NULL"
_NUMBER = "SELECT value FROM meta WHERE name = ?"
_SET_VERSION = "UPDATE meta SET value = ? WHERE name = 'schema'"
_FOREIGN = """SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace
  AND relkind = 'r' AND NOT pg_has_role(relowner, 'USAGE')"""
_DENIED = {"28P01", "28000"}
_PORTS = re.compile("[0-9,]*")
_FORM = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"


def name_of(url: str) -> str:
    """Return *url* without its password; ConfigurationError if it is none."""
    parts: dict[str, Any] | None = None
    with suppress(psycopg.ProgrammingError):
        parts = conninfo_to_dict(url)
    # What libpq says of it may quote the password, and so may what it takes for a port.
    if parts is None or not _PORTS.fullmatch(str(parts.get("port", ""))):
        raise ConfigurationError(
            f"--store is no URL of PostgreSQL's, such as {_FORM}: write what is special in the "
            "user or password as %40 and so on"
        )
    host, user = parts.get("host") or "localhost", parts.get("user")
    port, database = parts.get("port") or "5432", parts.get("dbname") or user or ""
    return f"postgresql://{f'{user}@' if user else ''}{host}:{port}/{database}"


def writable(url: str, mark: bytes) -> PostgresConnection:
    """Connect to write with the keys of *mark*, if it is one.

    Tables are made if there are none, and brought up to date if they are of an earlier version.
    """
    with explained(url) as name:
        connection = PostgresConnection(url, writes=True)
        try:
            # Whoever comes second finds the tables made.
            connection.execute(f"BEGIN; SELECT pg_advisory_xact_lock({schema.LOCK})")
            _check_server(connection, name)
            if not connection.execute(_TABLES).fetchone()[0]:
                connection.execute(";".join(schema.TABLES))
            version = _check_ours(connection, name)
            _check_owner(connection, name)
            for older in range(version, schema.VERSION):
                connection.execute(";".join(schema.UPGRADES[older]))
            if version < schema.VERSION:
                connection.execute(_SET_VERSION, (schema.VERSION,))
            if mark:
                _claim(connection, name, mark)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def starting_alone(url: str) -> Iterator[None]:
    """Wait until no other replica is starting, and let none start in the block."""
    with explained(url):
        connection = PostgresConnection(url)
        try:
            connection.execute(f"SET lock_timeout = '{START_S}s'")
            connection.execute(f"SELECT pg_advisory_lock({schema.STARTING})")
        except BaseException:
            connection.close()
            raise
    try:
        yield
    finally:
        connection.close()


def _claim(connection: PostgresConnection, name: str, mark: bytes) -> None:
    """Note whose keys the database goes with; ConfigurationError if with those of others."""
    number = int.from_bytes(mark[:_MARK_BYTES])
    (kept,) = connection.execute(_CLAIM, (number,)).fetchone()
    if kept != number:
        raise ConfigurationError(
            f"{name} goes with the keys and CA of another data directory: give the --data "
            "of the other replicas, or a copy of it"
        )


def check_clock(url: str, now_ms: Callable[[], int]) -> None:
    """Hold the clock *now_ms* of this machine against the server's: replicas go by their own.

    ConfigurationError if they are a minute apart; from two seconds on it is logged.
    """
    with explained(url) as name, closing(PostgresConnection(url)) as connection:
        before = now_ms()
        (theirs,) = connection.execute(_CLOCK).fetchone()
        after = now_ms()
    off_s = ((before + after) / 2 - theirs) / 1000
    # The answer may have been under way for most of the round trip.
    apart_s = abs(off_s) - (after - before) / 2000
    if apart_s < SKEW_TOLD_S:
        return
    about = (
        f"the clock of this machine is {abs(off_s):.1f} s {'ahead of' if off_s > 0 else 'behind'} "
        f"that of {name}: set both by NTP, as each replica goes by its own"
    )
    if apart_s >= SKEW_REFUSED_S:
        raise ConfigurationError(about)
    LOG.warning(about)


def readable(url: str) -> PostgresConnection:
    """Connect to read; ConfigurationError if the database is none of ours."""
    with explained(url) as name:
        connection = PostgresConnection(url)
        try:
            _check_ours(connection, name)
        except BaseException:
            connection.close()
            raise
        return connection


def _check_server(connection: PostgresConnection, name: str) -> None:
    number, standby, read_only, encoding, has_schema = connection.execute(_SERVER).fetchone()
    if number < _OLDEST:
        raise ConfigurationError(
            f"{name} is PostgreSQL {number // 10_000}: give one of version {_OLDEST // 10_000} "
            "or newer"
        )
    if standby:
        raise ConfigurationError(
            f"{name} is a standby, which cannot be written: give the URL of the primary"
        )
    if read_only:
        raise ConfigurationError(
            f"{name} is read-only (default_transaction_read_only): let this user write"
        )
    if encoding != "UTF8":
        raise ConfigurationError(
            f"{name} has the encoding {encoding}: make it with ENCODING 'UTF8' TEMPLATE template0"
        )
    if not has_schema:
        raise ConfigurationError(
            f"{name} has no schema of its search_path: make one, or let this user use it"
        )


def _check_owner(connection: PostgresConnection, name: str) -> None:
    if connection.execute(_FOREIGN).fetchone()[0]:
        raise ConfigurationError(
            f"{name} holds tables of another user, which this one may not change: "
            "connect as the user that made them"
        )


def _check_ours(connection: PostgresConnection, name: str) -> int:
    """Return the version of the tables, if they are ours; it may be an earlier one."""
    ours = connection.execute(_META).fetchone()[0]
    mark = connection.execute(_NUMBER, ("application",)).fetchone() if ours else None
    if mark != (schema.APPLICATION,):
        if not connection.execute(_TABLES).fetchone()[0]:
            raise ConfigurationError(
                f"there is no journal in {name}: run mdmsim serve --store first"
            )
        raise ConfigurationError(
            f"{name} is a database of another application: give mdmsim one of its own"
        )
    (version,) = connection.execute(_NUMBER, ("schema",)).fetchone()
    if version > schema.VERSION:
        raise ConfigurationError(
            f"{name} was made by a newer mdmsim (format {version}, this one knows "
            f"{schema.VERSION}): upgrade mdmsim, or give another --store"
        )
    return int(version)


@contextmanager
def explained(url: str) -> Iterator[str]:
    """Yield the database's name; turn what PostgreSQL says into one line that helps."""
    name = name_of(url)
    try:
        yield name
    except StoreError as error:
        state = getattr(error.__cause__, "sqlstate", None)
        about, advice = str(error), error.advice
        if "password authentication failed" in about or state in _DENIED:
            advice = "give the right user and password"
        elif error.reason == "read-only":
            advice = "let this user make tables in its schema, or give one of its own"
        elif error.reason == "unreachable" and ("does not exist" in about or state == "3D000"):
            advice = "make it with createdb, or give another"
        raise ConfigurationError(f"{name} cannot be used ({about}): {advice}") from error
