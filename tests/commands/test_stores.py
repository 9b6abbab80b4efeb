"""``mdmsim store copy``: to PostgreSQL and back, nothing is lost and nothing is new."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main
from simulator.core.data_directory import DATABASE, Directory
from simulator.store.opening import Place, open_store
from tests.postgres import PASSWORD, PostgresServer
from tests.store.conftest import exchange

ODD = ["\x01", "\U0010fffe", "\U0010ffff", "å"]
_TABLES = ("entity", "entity_index", "counter", "exchange", "journal_cut", "baseline_counter")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["store", "copy", *map(str, arguments)])


def fill(place: Place) -> None:
    """Use a database: a baseline, changes since, exchanges, and some that were deleted."""
    with closing(open_store(place)) as store:
        with store.transaction() as state:
            for key in ("a", "b", *ODD):
                state.of("acme").put("thing", key, {"n": 1, "key": key}, {"by": key, key: "x"})
            state.reserve("n", 7)
            state.set_baseline()
        with store.transaction() as state:
            for number in range(600):
                state.record(exchange(f"/{number}"))
        with store.transaction() as state:
            for key in ODD:
                state.of("acme").put("thing", key, {"n": 2}, {"by": "2"})
            state.of("acme").delete("thing", "b")
            state.forget({"through": 10}, at_ms=5, reason="prune")
            state.forget({"exchange": 20}, at_ms=6, reason="delete")


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()  # noqa: S608 (ours)
            for table in _TABLES
        }


def test_what_is_copied_to_postgresql_and_back_is_the_same(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    source, target, url = tmp_path / "source", tmp_path / "target", postgres.new()
    Directory(str(source)).release()
    fill(source / DATABASE)

    there = run(source, url)
    back = run(url, target)

    assert there.exit_code == 0, there.output
    assert back.exit_code == 0, back.output
    assert there.output.startswith("589 exchanges are in postgresql://owner@")
    assert ", head is exchange 600, " in there.output
    assert contents(source / DATABASE) == contents(target / DATABASE)
    found = [gone_on_with(place) for place in (source / DATABASE, url, target / DATABASE)]
    assert found[0] == found[1] == found[2]
    now, before = found[0]
    assert sum(b'{"n":2}' in line for line in now) == 4
    assert sum(b'"n":1' in line for line in before) == 6


def gone_on_with(place: Place) -> tuple[list[bytes], list[bytes]]:
    """Return the state as it is, and after a reset; use the database a little."""
    with closing(open_store(place)) as store, store.transaction() as state:
        now = list(state.export_snapshot({}))
        state.reset()
        before = list(state.export_snapshot({}))
        assert state.put("thing", "later", {}) == 11
        assert state.reserve("n") == 8
        assert state.forget({"exchange": 30}, at_ms=7, reason="delete") == 1
        assert state.record(exchange()) == 601
    return now, before


def test_what_was_used_is_not_written_over(tmp_path: Path, postgres: PostgresServer) -> None:
    source, url = tmp_path / "source", postgres.new()
    Directory(str(source)).release()
    for place in (source / DATABASE, url):
        with closing(open_store(place)) as store, store.transaction() as state:
            state.record(exchange())

    for arguments in ((source, url), (url, source)):
        result = run(*arguments)
        assert result.exit_code == 2
        assert result.output.endswith("has been used before: give one that is empty or not there\n")


def test_a_row_that_cannot_be_copied_leaves_nothing(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    source, url = tmp_path / "source", postgres.new()
    Directory(str(source)).release()
    with closing(open_store(source / DATABASE)) as store, store.transaction() as state:
        state.put("thing", "a", {})
        # More than PostgreSQL takes into an index.
        state.put(random.Random(1).randbytes(5000).hex(), "a", {})  # noqa: S311 (no secret)

    result = run(source, url)

    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert "index row requires 10024 bytes" in result.output
    assert "send less at once" in result.output
    with closing(open_store(url)) as store, store.transaction() as state:
        assert state.count("thing") == 0
        assert state.put("thing", "b", {}) == 1


def test_evidence_that_was_missing_is_missing_in_the_copy(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    source = tmp_path / "source"
    Directory(str(source)).release()
    with closing(open_store(source / DATABASE)) as store, store.transaction() as state:
        for _ in range(3):
            state.record(exchange())
    with closing(sqlite3.connect(source / DATABASE)) as connection, connection:
        connection.execute("DELETE FROM exchange WHERE seq = 2")

    result = run(source, postgres.new())

    assert result.exit_code == 3
    assert "evidence was missing before" in result.output


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        pytest.param(("a", "a"), "FROM and TO are the same", id="same"),
        pytest.param(("none", "a"), "none is no data directory with a journal", id="no-journal"),
    ],
)
def test_what_cannot_be_copied_is_told(arguments: tuple[str, str], about: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert about in result.output


def test_a_data_directory_in_use_is_left_alone(tmp_path: Path, postgres: PostgresServer) -> None:
    fill(tmp_path / DATABASE)
    held = Directory(str(tmp_path))
    try:
        result = run(tmp_path, postgres.new())
    finally:
        held.release()

    assert result.exit_code == 2
    assert "is in use by process" in result.output


def test_a_password_is_not_printed(tmp_path: Path, postgres: PostgresServer) -> None:
    postgres.run("CREATE DATABASE copied")
    fill(tmp_path / DATABASE)

    result = run(tmp_path, postgres.tcp_url(database="copied"))

    assert result.exit_code == 0
    assert PASSWORD not in result.output
