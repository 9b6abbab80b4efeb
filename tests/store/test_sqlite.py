"""What only a database in a file can do, or can suffer."""

import os
import resource
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from simulator.core.settings import ConfigurationError
from simulator.core.state import State, StoreAdmin
from simulator.store.errors import DamagedError, StoreError
from simulator.store.opening import open_journal, open_store
from simulator.store.sql import filters
from simulator.store.sqlite import schema
from simulator.store.sqlite.store import SqliteStore
from tests.store.conftest import exchange

NOBODY = 65534


def test_a_file_keeps_everything(path: Path) -> None:
    store = open_store(path, fsync=True)
    with store.transaction() as state:
        state.put("thing", "a", {"n": 1})
        newest = state.put("thing", "gone", {})
        state.delete("thing", "gone")
        state.reserve("n", 7)
    store.close()

    again = open_store(path)
    with again.transaction() as state:
        assert state.get("thing", "a") is not None
        assert state.put("thing", "b", {}) > newest
        assert state.reserve("n") == 8
    again.close()


def test_a_new_database_is_private_to_its_user(path: Path) -> None:
    open_store(path).close()

    assert path.stat().st_mode & 0o777 == 0o600


def test_two_processes_may_write_in_turn(path: Path) -> None:
    one, other = open_store(path), open_store(path)
    for store in (one, other, one):
        with store.transaction() as state:
            found = state.get("thing", "a")
            number = found.body["n"] if found else 0
            state.put("thing", "a", {"n": number + 1})
            state.record(exchange())

    with other.transaction() as state:
        found = state.get("thing", "a")
        assert found is not None
        assert (found.body, found.revision) == ({"n": 3}, 3)
    with closing(one.journal()) as journal:
        assert [found.seq for found in journal.read()] == [1, 2, 3]
    one.close()
    other.close()


def test_only_so_many_entities_are_kept_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.store.sql.store.CACHED", 2)
    store = SqliteStore.open(None)
    with store.transaction() as state:
        for key in "abcde":
            state.put("thing", key, {"key": key})
            assert state.get("thing", key) == state.get("thing", key)

    assert len(store._cache) <= 2
    store.close()


def put_thousand(state: State) -> None:
    state.put_many("thing", ((f"{n}", {"n": "x" * 1000}, None) for n in range(1000)))


def index_thousand(state: State) -> None:
    state.index_many("thing", "place", ((f"{n}{'x' * 990}", f"{n}") for n in range(1000)))


@pytest.mark.parametrize("write", [put_thousand, index_thousand])
def test_the_write_ahead_log_is_emptied_beside_the_writer(
    path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[State], None]
) -> None:
    monkeypatch.setattr("simulator.store.sqlite.checkpointing.AFTER_ROWS", 100)
    store = SqliteStore.open(path)
    before = path.stat().st_size
    with store.transaction() as state:
        write(state)

    assert store._checkpointer is not None
    store._checkpointer.close()  # it ends what it has begun

    assert path.stat().st_size > before + 1_000_000
    store.close()


def no_database(path: Path) -> None:
    path.write_bytes(b"this is no database at all, whatever its name says" * 100)


def damaged_database(path: Path) -> None:
    open_store(path).close()
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * 4000 + content[4100:])


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()


def empty_other_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA application_id = 7")
    connection.close()


def newer_database(path: Path) -> None:
    open_store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(no_database, "is no SQLite database: move", id="rubbish"),
        pytest.param(damaged_database, "is damaged: restore", id="damaged"),
        pytest.param(other_database, "of another program: move", id="theirs"),
        pytest.param(empty_other_database, "of another program: move", id="theirs-empty"),
        pytest.param(newer_database, "a newer mdmsim .* upgrade", id="newer"),
        pytest.param(Path.mkdir, "cannot be opened, .* directory: give", id="directory"),
    ],
)
def test_a_file_that_is_not_ours_is_left_alone(
    path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else b""

    with pytest.raises(ConfigurationError, match=message) as caught:
        open_store(path)

    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert (path.read_bytes() if path.is_file() else b"") == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE meta SET value = 'x'", "holds no number where revision is counted"),
        ("INSERT INTO counter VALUES ('a', 'serial', 'x')", "no number where serial is counted"),
        ("DROP TABLE journal_cut", "has lost its table journal_cut"),
        ("DROP TABLE meta", "has lost its table meta"),
        ("CREATE VIEW theirs AS SELECT 1", "has a view of somebody else's, theirs"),
        (
            "CREATE TRIGGER theirs AFTER INSERT ON exchange BEGIN DELETE FROM exchange; END",
            "has a trigger of somebody else's, theirs",
        ),
        ("CREATE VIRTUAL TABLE theirs USING fts5(a)", "has a table of somebody else's, theirs"),
    ],
)
def test_a_database_that_others_have_altered_is_not_opened_to_be_written(
    path: Path, statement: str, message: str
) -> None:
    open_store(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)

    with pytest.raises(DamagedError, match=rf"{message}: restore it from a copy, or"):
        open_store(path)


def test_a_missing_directory_is_named(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no directory .*/no: make it"):
        open_store(path.parent / "no" / "mdmsim.db")


def test_a_database_that_another_program_writes_is_said_to_be_locked(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("simulator.store.sqlite.connection.BUSY_S", 0.05)

    with pytest.raises(ConfigurationError, match="is locked by another program: stop it"):
        open_store(path)
    other.close()


@contextmanager
def shelf() -> Iterator[Path]:
    """Yield a directory for what anybody may read."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory / "mdmsim.db"


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Let nobody write *path* and beside it; root, who always may, becomes somebody else."""
    root = os.geteuid() == 0
    for one in path.parent.iterdir():
        one.chmod(0o444)
    path.parent.chmod(0o555)
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        path.parent.chmod(0o755)


def test_what_cannot_be_written_is_not_opened_to_be_written() -> None:
    with shelf() as path:
        with read_only(path), pytest.raises(ConfigurationError, match="directory writable, or"):
            open_store(path)
        assert not path.exists()
        open_store(path).close()
        before = path.read_bytes()

        with read_only(path), pytest.raises(ConfigurationError, match="make it and its directory"):
            open_store(path)

        assert path.read_bytes() == before


def test_a_closed_journal_can_be_read_where_nothing_can_be_written() -> None:
    with shelf() as path:
        store = open_store(path)
        with store.transaction() as state:
            state.record(exchange())
        store.close()

        with read_only(path):
            journal = open_journal(path)
            assert journal.get(1) == exchange(seq=1)
            journal.close()


def test_a_journal_that_was_not_closed_needs_a_place_to_write() -> None:
    with shelf() as path:
        store = open_store(path)
        with store.transaction() as state:
            state.record(exchange())
        log = path.with_name(f"{path.name}-wal").read_bytes()
        store.close()
        path.with_name(f"{path.name}-wal").write_bytes(log)

        with read_only(path), pytest.raises(ConfigurationError, match="make it and its directory"):
            open_journal(path)


@contextmanager
def full_disk(store: SqliteStore) -> Iterator[None]:
    """Let the database grow no more."""
    (most,) = store._connection.execute("PRAGMA max_page_count").fetchone()
    store._connection.execute("PRAGMA max_page_count = 1")
    try:
        yield
    finally:
        store._connection.execute(f"PRAGMA max_page_count = {most}")


def grow(state: State) -> None:
    for number in range(10):
        state.put("thing", f"large{number}", {"n": "x" * 100_000})


def grow_and_go_on(state: State) -> None:
    state.record(exchange())
    with pytest.raises(StoreError, match="disk is full"), state.savepoint():
        grow(state)
    state.record(exchange())


@pytest.mark.parametrize("work", [grow, grow_and_go_on])
def test_a_full_disk_leaves_nothing_behind_and_is_survived(
    path: Path, work: Callable[[State], None]
) -> None:
    store = SqliteStore.open(path)
    with store.transaction() as state:
        state.put("thing", "a", {"n": 1})

    with (
        full_disk(store),
        pytest.raises(StoreError),
        store.transaction() as state,
    ):
        work(state)

    with store.transaction() as state:
        assert [one.key for one in state.scan("thing")] == ["a"]
        assert state.put("thing", "b", {}) == 2
        assert state.record(exchange()) == 1
    store.close()


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond *size* bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_commit_that_cannot_be_written_leaves_nothing_behind(path: Path) -> None:
    store = open_store(path)
    with store.transaction() as state:
        state.put("thing", "a", {"n": 1})
    log = path.with_name(f"{path.name}-wal").stat().st_size

    with (
        file_limit(log + 5000),
        pytest.raises(StoreError),
        store.transaction() as state,
    ):
        grow(state)

    with store.transaction() as state:
        assert state.count("thing") == 1
        assert state.record(exchange()) == 1
    store.close()
    journal = open_journal(path)
    assert journal.last() == 1
    journal.close()


@pytest.mark.parametrize(
    ("match", "index"),
    [
        pytest.param({"status": "500"}, "exchange_status", id="status"),
        pytest.param({"error": "X"}, "exchange_error", id="error"),
        pytest.param({"session": "run"}, "exchange_words", id="session"),
        pytest.param({"finding": "field-unknown"}, "exchange_words", id="finding"),
        pytest.param({"fault": "1"}, "exchange_words", id="fault"),
        pytest.param({"organisation": "acme"}, "exchange_organisation", id="organisation"),
        pytest.param({"client": "dep:a"}, "exchange_client", id="client"),
        pytest.param({"service": "dep"}, "exchange_service", id="service"),
        pytest.param({"operation": "dep.account"}, "exchange_operation", id="operation"),
        pytest.param(
            {"operation": "dep.account", "organisation": "acme", "status": "500"},
            "exchange_status",
            id="the-rare-one",
        ),
        pytest.param({"service": "dep", "session": "run"}, "exchange_words", id="few-words"),
    ],
)
def test_few_are_found_without_a_look_at_all(path: Path, match: dict[str, str], index: str) -> None:
    where, values = filters.condition(match, schema.DIALECT)
    store = SqliteStore.open(path)
    rows = store._connection.execute(
        f"EXPLAIN QUERY PLAN SELECT record FROM exchange WHERE seq > 0{where} ORDER BY seq LIMIT 9",  # noqa: S608 (conditions of the table)
        values,
    )

    plan = [row[3] for row in rows]
    assert len(plan) == 1, plan  # nothing is sorted
    assert index in plan[0]
    store.close()


def steps(store: SqliteStore, work: Callable[[StoreAdmin], object]) -> int:
    """Return how many hundred instructions SQLite runs for *work*."""
    counted = []
    with store.transaction() as state:
        store._connection.set_progress_handler(lambda: counted.append(1), 100)
        work(state)
        store._connection.set_progress_handler(None, 0)
    return len(counted)


@pytest.mark.parametrize("organisation", [None, "a"])
def test_a_reset_takes_as_long_as_what_has_changed(path: Path, organisation: str | None) -> None:
    found = {}
    for devices in (100, 20_000):
        with closing(SqliteStore.open(path.with_name(f"{devices}.db"))) as store:
            with store.transaction() as state:
                rows = [(f"{number:06d}", {"n": number}) for number in range(devices)]
                state.of("a").add_many("device", rows)
                state.set_baseline()
            with store.transaction() as state:
                state.of("a").put("device", "000001", {"n": -1})
                state.of("a").put("device", "new", {})
            found[devices] = steps(store, lambda state: state.reset(organisation))
            with store.transaction() as state:
                assert not state.of("a").has("device", "new")

    assert found[20_000] <= found[100] + 2


def test_what_is_new_since_a_mark_of_an_earlier_version_goes_too(path: Path) -> None:
    with closing(SqliteStore.open(path)) as store:
        with store.transaction() as state:
            state.of("a").put("device", "old", {"n": 1})
            state.set_baseline()
        with store.transaction() as state:
            state.of("a").put("device", "old", {"n": 2})
            state.of("a").put("device", "new", {})
        # As it was left by a version that looked through all entities instead.
        store._connection.execute("DROP TRIGGER baseline_INSERT")
        store._connection.execute("DELETE FROM baseline WHERE revision = 0")
    with closing(SqliteStore.open(path)) as store:
        with store.transaction() as state:
            state.of("a").put("device", "later", {})
        with store.transaction() as state:
            state.reset()
            left = [(one.key, one.body) for one in state.of("a").scan("device")]

    assert left == [("old", {"n": 1})]


def layout(path: Path) -> list[tuple[str, ...]]:
    """Return what stands in the schema of a database: type, name, table and statement."""
    with closing(sqlite3.connect(path)) as db:
        names = "SELECT type, name, tbl_name, replace(sql, '\"', '') FROM sqlite_schema"
        return sorted(db.execute(f"{names} WHERE sql IS NOT NULL").fetchall())


def test_entities_of_an_earlier_version_are_kept_in_the_order_of_their_keys_no_more(
    path: Path,
) -> None:
    with closing(SqliteStore.open(path)) as store:
        with store.transaction() as state:
            for key in ("b", "a"):
                state.of("a").put("device", key, {"n": 1}, {"group": key})
            state.set_baseline()
        with store.transaction() as state:
            revision = state.of("a").put("device", "a", {"n": 2})
    new = layout(path)
    with closing(sqlite3.connect(path)) as db:
        made = dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'entity'"))
        db.execute("ALTER TABLE entity RENAME TO other")
        db.execute(f"{made['entity']} WITHOUT ROWID")
        db.execute("INSERT INTO entity SELECT * FROM other")
        db.execute("DROP TABLE other")
        for name in ("entity_revision", "baseline_UPDATE", "baseline_DELETE", "baseline_INSERT"):
            db.execute(made[name])
        db.commit()
    assert layout(path) != new
    with closing(SqliteStore.open(path)) as store:
        with store.transaction() as state:
            changed = state.of("a").changes("device", revision - 1, 10)
            found = state.of("a").scan("device")
            state.of("a").put("device", "c", {})
        with store.transaction() as state:
            state.reset()
            left = [(one.key, one.body) for one in state.of("a").find("device", "group")]

    assert layout(path) == new
    assert [(one.key, one.revision, one.body) for one in changed] == [("a", revision, {"n": 2})]
    assert [one.key for one in found] == ["a", "b"]
    assert left == [("a", {"n": 1}), ("b", {"n": 1})]


def test_counts_are_read_in_the_same_time_however_long_the_journal_is(path: Path) -> None:
    found = {}
    with closing(SqliteStore.open(None)) as store, closing(store.journal()) as journal:
        for size in (1034, 6 * 1024 + 10):
            while journal.last() < size:
                with store.transaction() as state:
                    for _ in range(min(500, size - journal.last())):
                        state.record(exchange())
            counted: list[int] = []
            store._connection.set_progress_handler(partial(counted.append, 1), 100)
            counts = journal.counts()
            store._connection.set_progress_handler(None, 0)
            found[size] = len(counted)
            assert counts == {("dep", "", 200, ""): size}

    short, long = found.values()
    assert long <= short + 2


def test_a_journal_of_an_earlier_version_is_counted_once_it_is_opened(path: Path) -> None:
    with closing(SqliteStore.open(path)) as store:
        with store.transaction() as state:
            for _ in range(3):
                state.record(exchange())
        store._connection.execute("DROP TABLE journal_count")
    with closing(SqliteStore.open(path)) as store, closing(store.journal()) as journal:
        kept = store._connection.execute("SELECT exchanges FROM journal_count").fetchall()

        assert kept == [(3,)]
        assert journal.counts() == {("dep", "", 200, ""): 3}
