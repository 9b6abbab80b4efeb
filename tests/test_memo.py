"""What is kept of answers is bounded, true, and of use also where more is asked for."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.core.memo import Memo, RepeatMemo

ASKED = st.lists(st.integers(0, 40))


@given(ASKED, st.integers(0, 20))
def test_a_memo_holds_no_more_than_it_may_and_answers_as_its_function(
    asked: list[int], most: int
) -> None:
    known: Memo[int, str] = Memo(most)
    for one in asked:
        found = known.get(one)
        if found is None:
            found = known.keep(one, str(one))
        assert found == str(one)
        assert len(known) <= most


def test_what_is_known_is_replaced_however_full_it_is() -> None:
    known: Memo[int, str] = Memo(2)
    for one in (1, 2, 3):
        known.keep(one, "first")
    known.keep(1, "second")

    assert known == {1: "second", 2: "first"}


def test_twice_as_many_in_turn_as_there_is_room_for_are_found_in_part() -> None:
    known: Memo[int, int] = Memo(100)
    found = 0
    for _ in range(20):
        for one in range(200):
            found += one in known
            known.keep(one, one)

    assert found > 20 * 100 * 3 // 4


def test_what_nobody_asks_for_any_more_goes() -> None:
    known: Memo[int, int] = Memo(100)
    for one in range(100 * 9 + 100):
        known.keep(one, one)

    assert min(known) >= 100


def test_beyond_a_part_of_the_room_what_is_asked_once_takes_none() -> None:
    known: RepeatMemo[int, str] = RepeatMemo(400)
    for one in (*range(5000), *range(1000, 1100)):
        known.keep(one, str(one))

    assert known == {one: str(one) for one in (*range(100), *range(1000, 1100))}
