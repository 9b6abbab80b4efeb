"""A ledger that was kept gives the same report as one that is made anew."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from simulator import services
from simulator.cli import main
from simulator.core.data_directory import LEDGER
from simulator.disclosure.judge.manifest import load_manifest
from simulator.disclosure.report import checkpoint
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.rendering import to_json
from simulator.disclosure.report.report import Report
from tests.attacks.table import spoiled
from tests.commands.test_diff import _Kept
from tests.disclosure.formats.conftest import ran


def report(ledger: Ledger) -> str:
    catalogue = ran().catalogue
    manifest = load_manifest("intune-to-apple")
    return to_json(Report.build(ledger, manifest, catalogue, tool="t", redact="clear"))


@pytest.mark.parametrize("stop", range(0, 18, 3))
def test_a_ledger_goes_on_from_wherever_it_stopped(stop: int) -> None:
    apple = ran()
    whole, part = (Ledger(apple.observer, apple.catalogue) for _ in range(2))
    for exchange in apple.recorded:
        whole.add(exchange)
    for exchange in apple.recorded[:stop]:
        part.add(exchange)

    data = checkpoint.dump(part, "x", stop, b"link")
    again = checkpoint.load(data, "x", apple.observer, apple.catalogue)
    assert again is not None
    for exchange in apple.recorded[stop:]:
        again.ledger.add(exchange)

    assert (again.seq, again.link) == (stop, b"link")
    assert report(again.ledger) == report(whole)


def test_what_was_made_with_something_else_is_not_used() -> None:
    apple = ran()
    data = checkpoint.dump(Ledger(apple.observer, apple.catalogue), "x", 0, b"")

    assert checkpoint.load(data, "y", apple.observer, apple.catalogue) is None
    assert checkpoint.load(data[:-1], "x", apple.observer, apple.catalogue) is None
    assert checkpoint.load(b"", "x", apple.observer, services.load()) is None


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory whose journal counts as large, and was written just now."""
    monkeypatch.setattr("simulator.commands.journal_source.LARGE", 3)
    monkeypatch.setattr("simulator.store.file_state.STEP_NS", 1 << 62)
    call(tmp_path / "data", 4)
    return tmp_path / "data"


def call(data: Path, count: int) -> None:
    apple = _Kept(data)
    for number in range(count):
        apple.call("GET", f"/account?n={number}", session="x")
    apple.close()


def read(data: Path, *args: str) -> tuple[int, str]:
    given = ["--format", "json", "--fail-on", "never", *args]
    result = CliRunner().invoke(main, ["report", "--data", str(data), *given])
    return result.exit_code, result.stdout


def test_the_next_report_goes_on_and_is_the_same(data: Path) -> None:
    first = read(data)
    assert (data / LEDGER).stat().st_mode & 0o777 == 0o600

    assert read(data) == read(data, "--rebuild") == first


def test_the_next_report_still_checks_the_hashes_of_all(data: Path) -> None:
    read(data)
    with closing(sqlite3.connect(data / "mdmsim.db")) as connection, connection:
        connection.execute("UPDATE exchange SET record = x'00' WHERE seq = 2")

    code, text = read(data)

    assert code == 3
    (problem,) = json.loads(text)["evidence"]["problems"]
    assert (problem["kind"], problem["first"]) == ("altered", 2)


def test_a_checkpoint_is_no_use_once_exchanges_were_deleted(data: Path) -> None:
    read(data)
    CliRunner().invoke(main, ["journal", "delete", "--exchange", "1", "--data", str(data)])
    assert not (data / LEDGER).exists()

    code, text = read(data)

    assert (code, json.loads(text)["counts"]["exchanges"]) == (0, 3)


def test_a_kept_ledger_that_anybody_changed_is_not_used(data: Path, tmp_path: Path) -> None:
    first = read(data)
    kept = (data / LEDGER).read_bytes()
    call(tmp_path / "other", 4)
    read(tmp_path / "other")
    another = (tmp_path / "other" / LEDGER).read_bytes()

    for _, one in spoiled(kept, another):
        (data / LEDGER).write_bytes(one)
        assert read(data) == first
        assert (data / LEDGER).read_bytes() == kept
