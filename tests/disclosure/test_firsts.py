"""Very many values in runs are those that a dictionary would hold."""

import gc
import sys
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.memory_spool import MemorySpool
from simulator.core.settings import ConfigurationError
from simulator.core.spool import FileSpool
from simulator.disclosure.report import firsts
from simulator.disclosure.report.firsts import Firsts, Spool, together

VALUES = st.integers(0, 7).map(lambda n: n * 0x2492492492492492 + n % 3)
"""A few numbers over all of 64 bits."""
PIECES = st.lists(st.lists(VALUES, max_size=9), max_size=7)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have runs of two values, and look at one or two at a time."""
    monkeypatch.setattr(firsts, "_LATEST", 2)
    monkeypatch.setattr(firsts, "_RUNS", 2)
    monkeypatch.setattr(firsts, "_SLOTS", 16)
    monkeypatch.setattr(firsts, "_AT_A_TIME", 1)


def of(values: list[int], start: int = 0) -> Firsts:
    made = Firsts()
    for number, value in enumerate(values, start):
        made.add(value, number)
    return made


@given(values=st.lists(VALUES, max_size=40))
def test_each_value_keeps_the_number_that_came_first(values: list[int]) -> None:
    made, expected = Firsts(), dict[int, int]()

    for number, value in enumerate(values):
        assert made.add(value, number) == (value not in expected)
        expected.setdefault(value, number)

    assert {value: made.get(value) for value in expected} == expected
    assert all(value in made for value in expected)
    assert 5 not in made
    assert len(made) == len(expected)
    assert made.smallest(3) == sorted(expected)[:3]
    assert made.between(0, 1 << 64) == expected
    arrays = made.arrays()
    assert [one.tolist() for one in arrays or ()] == (
        [sorted(expected), [expected[value] for value in sorted(expected)]] if expected else []
    )


@given(first=st.lists(VALUES, max_size=9), pieces=PIECES, stop=st.integers(0, 7))
def test_what_is_put_together_is_told_once_and_as_it_came_first(
    first: list[int], pieces: list[list[int]], stop: int
) -> None:
    made, expected = of(first), dict[int, int]()
    for number, value in enumerate(first):
        expected.setdefault(value, number)
    told: list[tuple[int, int]] = []
    new: dict[int, int] = {}

    def fold(low: int, high: int, found: dict[int, int]) -> None:
        assert all(low <= value < high for value in found)
        told.extend(found.items())

    for at, piece in enumerate(pieces, 1):
        made.extend(of(piece, 100 * at))
        for number, value in enumerate(piece, 100 * at):
            if value not in expected:
                new.setdefault(value, number)
        if at == stop:
            made.settle(fold)
    made.settle(fold)

    assert sorted(told) == sorted(new.items())
    assert made.between(0, 1 << 64) == expected | new
    assert len(made) == len(expected | new)


@given(pieces=PIECES)
def test_the_values_of_several_are_counted_once(pieces: list[list[int]]) -> None:
    assert together([of(piece) for piece in pieces]) == len(set().union(*pieces))


@pytest.mark.parametrize("spool", [MemorySpool, FileSpool])
def test_arrays_are_read_as_they_were_written_wherever_they_are_kept(
    spool: Callable[[], Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firsts, "_LATEST", 40_000)
    made = Firsts(spool)
    for number in range(90_000):
        made.add(number << 47, number)

    assert len(made) == 90_000
    assert [made.get(number << 47) for number in (0, 39_999, 40_000, 89_999, 90_000)] == [
        0, 39_999, 40_000, 89_999, None,
    ]  # fmt: skip
    assert made.smallest(2) == [0, 1 << 47]
    arrays = made.arrays()
    assert arrays is not None
    assert arrays[1].tolist() == list(range(90_000))


@pytest.mark.parametrize("spool", [MemorySpool, FileSpool])
def test_it_may_go_together_with_what_it_is_kept_in(
    spool: Callable[[], Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", failures.append)
    made = Firsts(spool)
    for number in range(9):
        made.add(number, number)
    assert made.arrays() is not None
    circle: list[object] = [made]
    circle.append(circle)

    del made, circle
    gc.collect()

    assert failures == []


def test_without_room_for_temporary_files_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    spool = FileSpool()
    spool.write(array("Q", range(9)))

    with pytest.raises(ConfigurationError, match="set TMPDIR"):
        spool.write(array("Q", range(40_000)))

    assert spool.getbuffer().cast("Q").tolist() == list(range(9))
