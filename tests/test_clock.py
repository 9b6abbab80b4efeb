import pytest

from simulator.core.clock import Clock
from simulator.core.timestamps import milliseconds, rfc3339


def test_time_can_be_moved_and_runs_on() -> None:
    clock = Clock()
    start = clock.now_ms()

    clock.advance(86_400_000)

    assert clock.mode == "offset"
    assert 0 <= clock.now_ms() - start - 86_400_000 < 10_000


def test_frozen_time_stands_still_and_can_be_moved() -> None:
    clock = Clock()

    clock.freeze()
    frozen = clock.now_ms()
    clock.advance(1000)

    assert clock.mode == "frozen"
    assert clock.now_ms() == frozen + 1000


def test_time_can_be_set_and_let_go() -> None:
    clock = Clock()
    real = clock.now_ms()

    clock.set(5_000_000)
    moved = clock.now_ms()
    clock.run()

    assert 0 <= moved - 5_000_000 < 10_000
    assert abs(clock.now_ms() - real) < 10_000


def test_time_stamps_are_read_and_written_as_apple_does() -> None:
    assert rfc3339(milliseconds("2026-01-05T11:00:00.5+01:00")) == "2026-01-05T10:00:00Z"


@pytest.mark.parametrize("text", ["yesterday", "2026-01-05T10:00:00", ""])
def test_what_is_no_time_stamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (two kinds of text, one kind of error)
        milliseconds(text)
