"""The hashes of an unchanged database are not read again; whatever has changed it, they are."""

import json
from pathlib import Path

import pytest

from simulator.commands.checked_hashes import LONGEST_MS, CheckedHashes, CheckedPart
from simulator.core.data_directory import CHECKED, DATABASE
from simulator.store.file_state import COARSE_STEP_NS, STEP_NS, FileState
from simulator.store.opening import file_state
from tests.attacks.table import CHANGES
from tests.commands.test_journals import call, read

COUNT = 4
SECOND_NS = 1_000_000_000
PART = CheckedPart(COUNT, 1, COUNT, b"link")
KEY = b"key"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory whose journal counts as large, and as written long ago."""
    monkeypatch.setattr("simulator.commands.journal_source.LARGE", 3)
    for name in ("STEP_NS", "COARSE_STEP_NS"):
        monkeypatch.setattr(f"simulator.store.file_state.{name}", -SECOND_NS)
    call(tmp_path / "data", COUNT)
    return tmp_path / "data"


def evidence(data: Path, *args: str) -> tuple[int, dict[str, object]]:
    code, text = read(data, *args)
    return code, json.loads(text)["evidence"]


def test_the_next_report_says_when_the_hashes_were_checked(data: Path) -> None:
    _, first = evidence(data)
    _, again = evidence(data)
    _, text = read(data, "--format", "text")

    at = again["checked_earlier_at"]
    assert (first["checked"], first["checked_earlier"], first["checked_earlier_at"]) == (4, 0, "")
    assert again == first | {"checked_earlier": 4, "checked_earlier_at": at}
    assert f"4, 4 of them at {at}; nobody has written to the database since" in text
    assert (data / CHECKED).stat().st_mode & 0o777 == 0o600


def test_all_hashes_are_read_again_when_that_is_asked_for(data: Path) -> None:
    evidence(data)

    assert evidence(data, "--rebuild")[1]["checked_earlier"] == 0


def test_all_hashes_are_read_again_once_there_is_another_exchange(data: Path) -> None:
    evidence(data)
    call(data, 1)

    _, found = evidence(data)

    assert (found["checked"], found["checked_earlier"]) == (COUNT + 1, 0)


@pytest.mark.parametrize("change", CHANGES)
def test_a_database_that_was_changed_is_read_whole(data: Path, change: str) -> None:
    evidence(data)
    assert evidence(data)[1]["checked_earlier"] == COUNT

    CHANGES[change](data)
    code, found = evidence(data)

    assert (code, found["complete"], found["checked_earlier"]) == (3, False, 0)


def hashes(data: Path, now_ms: int, key: bytes = KEY) -> CheckedHashes:
    place = data / DATABASE
    return CheckedHashes(data / CHECKED, key, place, file_state(place), now_ms)


@pytest.mark.parametrize(
    ("later_ms", "key", "link", "known"),
    [
        (0, KEY, b"link", True),
        (LONGEST_MS, KEY, b"link", True),
        (LONGEST_MS + 1, KEY, b"link", False),
        (-1, KEY, b"link", False),  # the clock was set back
        (0, b"another", b"link", False),
        (0, KEY, b"another", False),
    ],
)
def test_a_note_counts_for_a_day_by_its_key_and_for_its_chain(
    data: Path, later_ms: int, key: bytes, link: bytes, known: bool
) -> None:
    now_ms = 4_000_000_000_000
    hashes(data, now_ms).write(PART)

    chain = hashes(data, now_ms + later_ms, key).chain(COUNT, link)

    assert (chain is not None) == known
    assert chain is None or (chain.seq, chain.link, chain.checked) == (COUNT, b"link", COUNT)


def test_nothing_is_noted_of_a_database_that_was_written_meanwhile(data: Path) -> None:
    begun = hashes(data, 4_000_000_000_000)
    with (data / DATABASE).open("ab") as file:
        file.write(b"x")

    begun.write(PART)

    assert not (data / CHECKED).exists()


def test_a_note_does_not_count_if_the_database_is_written_as_it_is_opened(data: Path) -> None:
    now_ms = 4_000_000_000_000
    hashes(data, now_ms).write(PART)
    before = hashes(data, now_ms)
    with (data / DATABASE).open("ab") as file:
        file.write(b"x")

    after = hashes(data, now_ms)

    assert [one.chain(COUNT, b"link") for one in (before, after)] == [None, None]


def test_a_database_that_cannot_be_looked_at_is_checked_each_time(tmp_path: Path) -> None:
    nowhere = hashes(tmp_path, 0)
    nowhere.write(PART)

    assert (nowhere.files, nowhere.chain(COUNT, b"link")) == (None, None)


@pytest.mark.parametrize(
    ("database_ns", "log_ns", "settled_ns"),
    [
        (5 * SECOND_NS + 1, None, 5 * SECOND_NS + 1 + STEP_NS),
        (5 * SECOND_NS + 1, 7 * SECOND_NS + 3, 7 * SECOND_NS + 3 + STEP_NS),
        (5 * SECOND_NS, None, 5 * SECOND_NS + COARSE_STEP_NS),
    ],
)
def test_a_file_is_settled_once_a_write_would_give_it_another_time(
    database_ns: int, log_ns: int | None, settled_ns: int
) -> None:
    log = None if log_ns is None else (1, 3, 9, log_ns, log_ns)
    state = FileState((1, 2, 9, database_ns, database_ns), log)

    assert [state.is_settled(now) for now in (settled_ns - 1, settled_ns)] == [False, True]


def test_a_log_that_is_empty_is_none(tmp_path: Path) -> None:
    path, log = tmp_path / DATABASE, tmp_path / f"{DATABASE}-wal"
    path.write_bytes(b"x")
    alone = file_state(path)
    log.write_bytes(b"")

    assert file_state(path) == alone
    log.write_bytes(b"x")
    assert file_state(path) != alone
    assert file_state("postgresql://a/b") is None
