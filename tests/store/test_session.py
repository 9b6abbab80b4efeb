"""What waits for the end of a transaction is seen, counted and undone as if it were written."""

import gc
import sys

import pytest

from simulator.core.state import StoreAdmin
from simulator.store.protocols import Store
from simulator.store.sql.session import MAX_PENDING_WRITES
from tests.store.conftest import exchange


def wiped(state: StoreAdmin) -> None:
    state.wipe()
    raise LookupError


def looked_for_and_changed(state: StoreAdmin) -> None:
    state.put("thing", "a", {"n": 2})
    assert [one.body for one in state.scan("thing")] == [{"n": 2}]
    state.put("thing", "a", {"n": 3})
    raise LookupError


def test_numbers_taken_before_all_is_wiped_count_for_who_is_left(store: Store) -> None:
    with store.transaction() as state:
        state.of("other").reserve("n", 5)
        state.reserve("n", 3)
        with pytest.raises(LookupError), state.savepoint():
            wiped(state)
        state.wipe("")

    with store.transaction() as state:
        assert (state.of("other").reserve("n", 0), state.reserve("n", 0)) == (6, 1)


def test_what_a_failed_block_wrote_out_is_taken_back_to_what_waited(store: Store) -> None:
    with store.transaction() as state:
        state.put("thing", "a", {"n": 1})
        with pytest.raises(LookupError), state.savepoint():
            looked_for_and_changed(state)

    with store.transaction() as state:
        assert [(one.body, one.revision) for one in state.scan("thing")] == [({"n": 1}, 1)]


def test_more_than_can_wait_is_written_and_undone(store: Store) -> None:
    def fill(state: StoreAdmin) -> None:
        for number in range(MAX_PENDING_WRITES + 2):
            state.put("thing", f"{number}", {})
        raise LookupError

    with store.transaction() as state:
        state.put("thing", "a", {"n": 1})
        with pytest.raises(LookupError), state.savepoint():
            fill(state)
        assert state.count("thing") == 1


def test_what_was_recorded_is_let_go_of_with_the_transaction(store: Store) -> None:
    recorded = exchange()
    before = sys.getrefcount(recorded)
    gc.disable()  # it would find what refers to itself
    try:
        with store.transaction() as state:
            state.of("a").of("").record(recorded)
            assert sys.getrefcount(recorded) > before
        del state

        assert sys.getrefcount(recorded) == before
    finally:
        gc.enable()


def test_a_state_made_beside_the_present_one_is_let_go_of_with_the_transaction(
    store: Store,
) -> None:
    organisation = str(1000)  # nobody else refers to this very object
    before = sys.getrefcount(organisation)
    gc.disable()
    try:
        with store.transaction() as state:
            number = state.begin_staging()
            with state.staged(number) as made:
                made.of(organisation).put("thing", "a", {})
                assert sys.getrefcount(organisation) > before
            del state, made

        assert sys.getrefcount(organisation) == before
    finally:
        gc.enable()
