"""A report by several processes is that of one."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from simulator import services
from simulator.commands.journal_ranges import add_ranges
from simulator.commands.journal_source import books
from simulator.commands.progress import bar
from simulator.core.data_directory import DATABASE, KEYS, read_keys
from simulator.core.settings import Settings
from simulator.disclosure.judge.manifest import load_manifest
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.rendering import to_json
from simulator.journal.chain import Chain, Evidence
from simulator.store.opening import copy_store, open_journal, open_store
from tests.commands.test_diff import SERIAL, _Kept

EXCHANGES = 9


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data directory with a few exchanges, of which the first issues what others send."""
    made = tmp_path / "data"
    apple = _Kept(made)
    apple.add(SERIAL)
    session = apple.session()
    for number in range(EXCHANGES - 3):
        apple.call("GET", f"/account?n={number}", session=session)
    apple.call("POST", "/server/devices", {"limit": 100}, session=session)
    profile = {"profile_name": "x", "url": "https://m.example/e", "devices": [SERIAL, "C8TJ"]}
    apple.call("POST", "/profile", profile, session=session)
    apple.close()
    return made


def told(settings: Settings, processes: int, *, fresh: bool = True) -> tuple[str, Evidence]:
    """Return the report and the evidence, as so many processes find them."""
    with books(settings, fresh=fresh, processes=processes, many=2) as found:
        report = found.report(load_manifest("intune-to-apple"), "clear", strict=False)
        return to_json(report), found.evidence


def same(settings: Settings) -> Evidence:
    alone, evidence = told(settings, 1)

    assert told(settings, 2) == (alone, evidence)
    return evidence


def test_two_processes_report_what_one_does(data: Path) -> None:
    evidence = same(Settings(data=str(data)))

    assert (evidence.checked, evidence.complete) == (EXCHANGES, True)


def test_two_processes_report_what_one_does_from_postgresql(
    data: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres").new()
    copy_store(data / DATABASE, url, lambda total: bar("", total, shown=False))

    evidence = same(Settings(data=str(data), store=url))

    assert (evidence.checked, evidence.complete) == (EXCHANGES, True)


@pytest.mark.parametrize("seq", [3, EXCHANGES // 2, EXCHANGES])
def test_what_was_altered_is_found_by_two_processes_as_well(data: Path, seq: int) -> None:
    with closing(sqlite3.connect(data / DATABASE)) as connection, connection:
        connection.execute("UPDATE exchange SET record = x'00' WHERE seq = ?", (seq,))

    evidence = same(Settings(data=str(data)))

    assert [(one.kind, one.first) for one in evidence.problems] == [("altered", seq)]


@pytest.mark.parametrize("match", [{"through": 5}, {"exchange": 4}, {"exchange": EXCHANGES}])
def test_deletions_are_passed_over_by_two_processes_as_well(
    data: Path, match: dict[str, object]
) -> None:
    with closing(open_store(data / DATABASE)) as store, store.transaction() as state:
        state.forget(match, at_ms=1, reason="test")

    assert same(Settings(data=str(data))).complete


def test_two_processes_go_on_from_a_ledger_that_was_kept(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.commands.journal_source.LARGE", 3)
    settings = Settings(data=str(data))
    told(settings, 1)
    apple = _Kept(data)
    for number in range(4):
        apple.call("GET", f"/account?n={number}", session="x")
    apple.close()

    assert told(settings, 2, fresh=False) == told(settings, 1)


@pytest.mark.parametrize(
    ("altered", "deleted", "ranges"),
    [(None, None, [4, 5]), (8, None, [4]), (None, 4, [3, 6])],
)
def test_each_range_is_read_by_a_process_of_its_own(
    data: Path, altered: int | None, deleted: int | None, ranges: list[int]
) -> None:
    keys = read_keys(data / KEYS, "")
    catalogue = services.load()
    observer = Observer(catalogue, Fingerprinter(keys.fingerprint))
    ledger, chain = Ledger(observer, catalogue), Chain()
    done: list[int] = []
    with closing(sqlite3.connect(data / DATABASE)) as connection, connection:
        connection.execute("UPDATE exchange SET record = x'00' WHERE seq = ?", (altered,))
    if deleted is not None:
        with closing(open_store(data / DATABASE)) as store, store.transaction() as state:
            state.forget({"exchange": deleted}, at_ms=1, reason="test")

    with closing(open_journal(data / DATABASE)) as journal:
        whole = add_ranges(
            journal, data / DATABASE, keys.fingerprint, ledger, observer, chain, 2, 9, done.append
        )

    assert (whole, done) == (altered is None, ranges)
    missing = deleted is not None
    assert (chain.seq, ledger.exchanges) == (sum(ranges), sum(ranges) - missing)


@pytest.mark.parametrize("altered", [2, EXCHANGES])
def test_two_processes_find_what_was_altered_since_a_ledger_was_kept(
    data: Path, monkeypatch: pytest.MonkeyPatch, altered: int
) -> None:
    monkeypatch.setattr("simulator.commands.journal_source.LARGE", 3)
    settings = Settings(data=str(data))
    told(settings, 1)
    with closing(sqlite3.connect(data / DATABASE)) as connection, connection:
        connection.execute("UPDATE exchange SET record = x'00' WHERE seq = ?", (altered,))

    _, evidence = told(settings, 2, fresh=False)

    assert [(one.kind, one.first) for one in evidence.problems] == [("altered", altered)]
