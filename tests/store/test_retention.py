"""What is deleted on purpose is gone, is on record, and leaves a chain that can be checked."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.journal.chain import Chain, Cut, Evidence
from simulator.store.opening import open_journal, open_store
from tests.store.conftest import exchange
from tests.store.test_evidence import COUNT, evidence_of, filled, problems, tamper


def forget(path: Path, reason: str = "prune", /, **match: object) -> int:
    with closing(open_store(path)) as store, store.transaction() as state:
        return state.forget(match, at_ms=7, reason=reason)


def spans(evidence: Evidence) -> list[tuple[int, int, str]]:
    return [(cut.first, cut.last, cut.reason) for cut in evidence.cuts]


def test_a_pruned_start_keeps_its_last_hash(path: Path) -> None:
    filled(path)

    count = forget(path, through=4)

    found, evidence = evidence_of(path)
    assert (count, found) == (4, list(range(5, COUNT + 1)))
    assert (evidence.complete, evidence.missing) == (True, 0)
    assert spans(evidence) == [(1, 4, "prune")]
    assert evidence.cuts[0].at_ms == 7


def test_a_journal_that_was_emptied_goes_on_where_it_was(path: Path) -> None:
    filled(path)
    forget(path, "delete")

    with closing(open_store(path)) as store, store.transaction() as state:
        number = state.record(exchange())

    found, evidence = evidence_of(path)
    assert (number, found) == (COUNT + 1, [COUNT + 1])
    assert evidence.complete
    assert spans(evidence) == [(1, COUNT, "delete")]


def test_an_emptied_journal_is_whole_and_numbers_on(path: Path) -> None:
    filled(path)
    forget(path)

    with closing(open_store(path)) as store, closing(store.journal()) as journal:
        assert (journal.count(), journal.last()) == (0, COUNT)
    assert evidence_of(path)[1].complete


def test_exchanges_of_this_transaction_stay(path: Path) -> None:
    filled(path)

    with closing(open_store(path)) as store, store.transaction() as state:
        state.record(exchange())
        count = state.forget({}, at_ms=0, reason="delete")

    assert (count, evidence_of(path)[0]) == (COUNT, [COUNT + 1])
    assert evidence_of(path)[1].complete


@pytest.mark.parametrize(
    ("match", "left"),
    [
        pytest.param({"exchange": 3}, [1, 2, 4, 5], id="one"),
        pytest.param({"exchange": 5}, [1, 2, 3, 4], id="newest"),
        pytest.param({"organisation": "b"}, [1, 3, 5], id="organisation"),
        pytest.param({"before_ms": 30}, [3, 4, 5], id="time"),
        pytest.param({"after": 1, "through": 3}, [1, 4, 5], id="span"),
        pytest.param({"before_ms": 30, "organisation": "b"}, [1, 3, 4, 5], id="both"),
        pytest.param({"exchange": 99}, [1, 2, 3, 4, 5], id="nothing"),
    ],
)
def test_exchanges_are_chosen_by_what_they_are(
    path: Path, match: dict[str, object], left: list[int]
) -> None:
    with closing(open_store(path)) as store, store.transaction() as state:
        for number, name in enumerate("ababa", 1):
            state.record(exchange(organisation=name, at_ms=number * 10))

    forget(path, **match)

    found, evidence = evidence_of(path)
    assert (found, evidence.complete) == (left, True)


@pytest.mark.parametrize(
    ("times", "cuts"), [((8, 8), [(1, 4)]), ((8, 9), [(1, 2), (3, 4)])], ids=["one", "another"]
)
def test_pieces_of_one_deletion_leave_one_cut(
    path: Path, times: tuple[int, int], cuts: list[tuple[int, int]]
) -> None:
    filled(path)

    for after, at_ms in zip((0, 2), times, strict=True):
        with closing(open_store(path)) as store, store.transaction() as state:
            state.forget({"after": after, "through": after + 2}, at_ms=at_ms, reason="delete")

    found, evidence = evidence_of(path)
    assert found == list(range(5, COUNT + 1))
    assert [(first, last) for first, last, _ in spans(evidence)] == cuts
    assert evidence.complete


def test_beyond_the_limit_a_transaction_deletes_some_only(path: Path) -> None:
    with closing(open_store(path)) as store, store.transaction() as state:
        for _ in range(2100):
            state.record(exchange())
    left = []
    with closing(open_store(path, keep=10)) as store, closing(store.journal()) as journal:
        for _ in range(3):
            with store.transaction() as state:
                state.record(exchange())
            left.append(journal.count())

    assert left == [1101, 102, 10]


def test_what_exchanges_cannot_be_chosen_by_is_refused(path: Path) -> None:
    filled(path)

    with pytest.raises(ValueError, match="cannot be deleted by colour"):
        forget(path, colour="blue")
    assert evidence_of(path)[1].complete


@given(
    st.lists(
        st.builds(lambda n: {"exchange": n}, st.integers(1, 12))
        | st.builds(lambda n: {"through": n}, st.integers(0, 12)),
        max_size=6,
    )
)
def test_whatever_is_deleted_in_whatever_order_the_rest_can_be_checked(
    matches: list[dict[str, object]],
) -> None:
    with closing(open_store(None)) as store:
        journal = store.journal()
        with store.transaction() as state:
            for _ in range(9):
                state.record(exchange())
        left = set(range(1, 10))
        for match in matches:
            with store.transaction() as state:
                state.forget(match, at_ms=0, reason="delete")
                state.record(exchange())
            left -= {match.get("exchange")} | set(range(1, int(str(match.get("through", 0))) + 1))
            left.add(journal.last())

            chain = Chain()
            found = [one.seq for batch in journal.walk(chain, 4) for one in batch]

            assert found == sorted(left)
            assert journal.evidence(chain).complete


def test_more_than_was_deleted_on_record_is_a_gap(path: Path) -> None:
    filled(path)
    forget(path, through=4)
    tamper(path, "DELETE FROM exchange WHERE seq = 5")

    assert problems(path) == [("gap", 5, 5)]


def test_an_altered_row_behind_a_cut_is_found(path: Path) -> None:
    filled(path)
    forget(path, through=4)
    tamper(path, "UPDATE exchange SET link = x'00' WHERE seq = 5")

    assert problems(path) == [("altered", 5, 5)]


def test_a_deletion_that_is_taken_off_the_record_is_a_gap(path: Path) -> None:
    filled(path)
    forget(path, through=4)
    tamper(path, "DELETE FROM journal_cut")

    assert problems(path) == [("gap", 1, 4)]


def test_deleted_bytes_are_overwritten(path: Path) -> None:
    with closing(open_store(path)) as store, store.transaction() as state:
        for number in range(50):
            state.record(exchange(f"/secret-place-{number}"))
    assert b"/secret-place-7" in path.read_bytes()

    forget(path)

    assert b"/secret-place-" not in path.read_bytes()


def test_the_oldest_go_once_there_are_too_many(path: Path) -> None:
    with closing(open_store(path, keep=20)) as store:
        for _ in range(100):
            with store.transaction() as state:
                state.record(exchange())
            with closing(store.journal()) as journal:
                assert journal.count() <= 22

    found, evidence = evidence_of(path)
    assert found[-1] == 100
    assert 20 <= len(found) <= 22
    assert evidence.complete
    assert spans(evidence) == [(1, found[0] - 1, "limit")]


def test_the_limit_waits_for_who_goes_over_the_journal_up_to_a_point(path: Path) -> None:
    def record(count: int) -> list[int]:
        for _ in range(count):
            with store.transaction() as state:
                state.record(exchange())
        return [one.seq for one in journal.read()]

    with closing(open_store(path, keep=10)) as store, closing(store.journal()) as journal:
        with journal.limit_put_off():
            assert record(19) == list(range(1, 20))
            with journal.limit_put_off():
                pass
            assert record(2) == list(range(12, 22))
            assert record(5) == list(range(12, 27))
        assert record(1) == list(range(18, 28))
    assert evidence_of(path)[1].complete


class ChainThatCounts(Chain):
    """Counts the deletions that it is shown."""

    shown = 0

    def check(self, seq: int, record: object, link: object, cuts: Iterable[Cut]) -> bool:
        """Look at one row."""
        shown = tuple(cuts)
        self.shown += len(shown)
        return super().check(seq, record, link, shown)


def test_each_exchange_is_compared_with_the_deletions_beside_it_only(path: Path) -> None:
    rows = 500
    with closing(open_store(path)) as store:
        with store.transaction() as state:
            for _ in range(2 * rows):
                state.record(exchange())
        for seq in range(1, 2 * rows, 2):
            with store.transaction() as state:
                state.forget({"exchange": seq}, at_ms=0, reason="delete")
    chain = ChainThatCounts()
    with closing(open_journal(path)) as journal:
        for _ in journal.walk(chain, 10):
            pass
        assert journal.evidence(chain).complete

    assert (chain.checked, len(spans(evidence_of(path)[1]))) == (rows, rows)
    assert chain.shown <= 10 * rows
