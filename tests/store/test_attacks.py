"""Whatever is done to the file behind the journal's back: code 3, a sentence, and an end."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main
from simulator.core.data_directory import DATABASE
from simulator.store.opening import open_journal
from tests.attacks.table import PAGE, PAGES, STATEMENTS, delete, execute, journal

COUNT = 400


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data directory with a journal of `COUNT` exchanges, of which one is deleted."""
    directory = journal(tmp_path / "data", COUNT)
    delete(directory, 2)
    return directory


def run(data: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["report", "--data", str(data), *more])


@pytest.mark.parametrize("flag", ["--verify", "--rebuild"])
@pytest.mark.parametrize("statements", list(STATEMENTS.values()), ids=list(STATEMENTS))
def test_what_is_done_by_sql_ends_with_3_and_a_sentence(
    data: Path, statements: list[str], flag: str
) -> None:
    execute(data, *statements)

    result = run(data, flag)

    assert result.exit_code == 3, result.output
    assert re.search("INCOMPLETE|damaged|cannot be used|somebody else", result.output)
    assert "evidence complete" not in result.output


@pytest.mark.parametrize("damage", PAGES)
def test_whatever_becomes_of_a_page_nothing_missing_is_called_complete(
    data: Path, damage: Callable[[bytearray, int], None]
) -> None:
    path = data / DATABASE
    whole = path.read_bytes()
    with closing(open_journal(path)) as opened:
        before = [(one.seq, one.request.target) for one in opened.read(limit=COUNT)]
    codes = []
    for page in range(len(whole) // PAGE):
        content = bytearray(whole)
        damage(content, page)
        path.write_bytes(content)

        result = run(data, "--verify")

        codes.append(result.exit_code)
        assert result.exit_code in {0, 2, 3}, (page, result.exception)
        if result.exit_code == 0:
            with closing(open_journal(path)) as opened:
                assert [(one.seq, one.request.target) for one in opened.read(limit=COUNT)] == before
        else:
            assert len(result.output.splitlines()) >= 1
    assert codes.count(3) > 20
    assert codes.count(2) <= 1  # the header says that it is another program's


def test_an_emptied_file_is_no_journal(data: Path) -> None:
    (data / DATABASE).write_bytes(b"")

    result = run(data, "--verify")

    assert result.exit_code == 3
    assert "is empty" in result.output
