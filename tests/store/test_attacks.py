"""Whatever is done to the file behind the journal's back: code 3, a sentence, and an end."""

import random
import re
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main
from simulator.core.data_directory import DATABASE, Directory
from simulator.store.opening import open_journal, open_store
from tests.store.conftest import exchange

COUNT = 400
PAGE = 4096
LEAF = 0x0D
"""First byte of a page of SQLite that holds rows of a table."""
_COPY = (
    "INSERT INTO exchange SELECT {seq}, at_ms, organisation, client, service, operation, status,"
    " error, rules, route, target, record, link FROM exchange WHERE seq = 4"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data directory with a journal of `COUNT` exchanges, of which one is deleted."""
    directory = Directory(str(tmp_path / "data"))
    directory.keys("")
    assert directory.database is not None
    with closing(open_store(directory.database)) as store:
        with store.transaction() as state:
            for number in range(COUNT):
                state.record(exchange(f"/account?n={number}"))
        with store.transaction() as state:
            state.forget({"exchange": 2}, at_ms=5, reason="delete")
    directory.release()
    return directory.path


def run(data: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["report", "--data", str(data), *more])


STATEMENTS = {
    "number-0": [_COPY.format(seq=0)],
    "negative-number": [_COPY.format(seq=-7)],
    "no-head": ["DROP TABLE journal_head"],
    "empty-head": ["DELETE FROM journal_head"],
    "no-cuts": ["DROP TABLE journal_cut"],
    "no-exchanges": ["DROP TABLE exchange"],
    "text-for-record": ["UPDATE exchange SET record = 'text' WHERE seq = 4"],
    "text-for-link": ["UPDATE exchange SET link = 'text' WHERE seq = 4"],
    "number-for-link": ["UPDATE exchange SET link = 7 WHERE seq = 4"],
    "text-for-status": ["UPDATE exchange SET status = 'text' WHERE seq = 4"],
    "bytes-for-rules": ["UPDATE exchange SET rules = x'ff' WHERE seq = 4"],
    "text-that-is-none": ["UPDATE exchange SET route = CAST(x'ff' AS TEXT) WHERE seq = 4"],
    "text-for-head-number": ["UPDATE journal_head SET seq = 'text'"],
    "text-for-head-link": ["UPDATE journal_head SET link = 'text'"],
    "text-for-cut-number": ["UPDATE journal_cut SET last = 'text'"],
    "text-for-cut-link": ["UPDATE journal_cut SET link = 'text'"],
    "number-for-cut-reason": ["UPDATE journal_cut SET reason = x'07'"],
    "nothing-for-records": ["UPDATE exchange SET record = x''"],
}


@pytest.mark.parametrize("flag", ["--verify", "--rebuild"])
@pytest.mark.parametrize("statements", list(STATEMENTS.values()), ids=list(STATEMENTS))
def test_what_is_done_by_sql_ends_with_3_and_a_sentence(
    data: Path, statements: list[str], flag: str
) -> None:
    with closing(sqlite3.connect(data / DATABASE)) as connection, connection:
        for statement in statements:
            connection.execute(statement)

    result = run(data, flag)

    assert result.exit_code == 3, result.output
    assert re.search("INCOMPLETE|damaged|cannot be used", result.output)
    assert "evidence complete" not in result.output


def zeroed(content: bytearray, page: int) -> None:
    content[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)


def swapped(content: bytearray, page: int) -> None:
    """Put the rows of a leaf out of order, which SQLite's own check calls "rowid out of order"."""
    start = page * PAGE
    if content[start] != LEAF:
        return
    (count,) = struct.unpack_from(">H", content, start + 3)
    first, last = start + 8, start + 8 + 2 * (count - 1)
    content[first : first + 2], content[last : last + 2] = (
        content[last : last + 2],
        content[first : first + 2],
    )


def flipped(content: bytearray, page: int) -> None:
    chance = random.Random(page)  # noqa: S311 (the same damage in each run)
    for _ in range(3):
        content[page * PAGE + chance.randrange(PAGE)] ^= 1 << chance.randrange(8)


@pytest.mark.parametrize("damage", [zeroed, swapped, flipped])
def test_whatever_becomes_of_a_page_nothing_missing_is_called_complete(
    data: Path, damage: Callable[[bytearray, int], None]
) -> None:
    path = data / DATABASE
    whole = path.read_bytes()
    with closing(open_journal(path)) as journal:
        before = [(one.seq, one.request.target) for one in journal.read(limit=COUNT)]
    codes = []
    for page in range(len(whole) // PAGE):
        content = bytearray(whole)
        damage(content, page)
        path.write_bytes(content)

        result = run(data, "--verify")

        codes.append(result.exit_code)
        assert result.exit_code in {0, 2, 3}, (page, result.exception)
        if result.exit_code == 0:
            with closing(open_journal(path)) as journal:
                assert [
                    (one.seq, one.request.target) for one in journal.read(limit=COUNT)
                ] == before
        else:
            assert len(result.output.splitlines()) >= 1
    assert codes.count(3) > 20
    assert codes.count(2) <= 1  # the header says that it is another program's


def test_an_emptied_file_is_no_journal(data: Path) -> None:
    (data / DATABASE).write_bytes(b"")

    result = run(data, "--verify")

    assert result.exit_code == 3
    assert "is empty" in result.output
