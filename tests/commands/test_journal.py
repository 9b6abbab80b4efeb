"""``mdmsim journal``."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main
from tests.commands.test_diff import client


def run(data: Path, *args: str) -> Result:
    return CliRunner().invoke(main, [args[0], *args[1:], "--data", str(data)])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a directory with three exchanges of 1 March 2026."""
    client(tmp_path / "data", 10)
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("args", "deleted"),
    [
        pytest.param(("prune", "--before", "2026-03-02"), 3, id="day"),
        pytest.param(("prune", "--before", "2026-03-01T11:00:00Z"), 0, id="time"),
        pytest.param(("prune", "--before", "100000d"), 0, id="age"),
        pytest.param(("prune", "--keep", "1"), 2, id="keep"),
        pytest.param(("prune", "--max-mb", "1"), 0, id="fits"),
        pytest.param(("prune", "--max-mb", "0"), 3, id="fits-not"),
        pytest.param(("delete", "--exchange", "1", "--exchange", "3"), 2, id="exchanges"),
        pytest.param(("delete", "--organisation", "acme"), 3, id="organisation"),
        pytest.param(("delete", "--all"), 3, id="all"),
    ],
)
def test_exchanges_are_deleted_on_record(data: Path, args: tuple[str, ...], deleted: int) -> None:
    result = run(data, "journal", *args)
    proof = run(data, "report", "--verify")

    assert result.output == (
        f"deleted {deleted} exchanges, which is on record; {3 - deleted} are left\n"
    )
    assert (proof.exit_code, proof.output[:17]) == (0, "evidence complete")
    assert ("deleted on record" in proof.output) == (deleted > 0)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param(("prune",), "name one of --before, --keep and --max-mb", id="nothing"),
        pytest.param(("prune", "--keep", "1", "--before", "1d"), "name one of", id="two"),
        pytest.param(("prune", "--before", "yesterday"), "is no time", id="time"),
        pytest.param(("delete",), "name one of --exchange", id="delete-nothing"),
        pytest.param(("delete", "--all", "--exchange", "1"), "name one of", id="delete-two"),
    ],
)
def test_what_to_delete_must_be_said(data: Path, args: tuple[str, ...], said: str) -> None:
    result = run(data, "journal", *args)

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_journal_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    result = run(tmp_path, "journal", "delete", "--all")

    assert result.exit_code == 2
    assert "there is no journal" in result.stderr
    assert not list(tmp_path.iterdir())
