"""Another state in the place of the present one, beside what goes on being asked."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from simulator.core.clock import Clock
from simulator.core.state import State, StoreAdmin
from simulator.engine.engine import Engine
from simulator.engine.gateway import Gateway
from simulator.engine.replacing import Piece, replace_state
from simulator.store.errors import StoreError
from simulator.store.opening import open_store
from simulator.store.protocols import Store
from simulator.store.sqlite.connection import connect
from tests.apple import Apple

PATIENCE_S = 20


@asynccontextmanager
async def serving(store: Store, engine: Engine) -> AsyncIterator[Gateway]:
    running = Gateway(store, engine, Clock())
    running.start()
    yield running
    await running.close()


@pytest.fixture
def engine() -> Engine:
    return Apple().engine


@pytest.fixture
async def gateway(store: Store, engine: Engine) -> AsyncIterator[Gateway]:
    async with serving(store, engine) as running:
        yield running


def put(key: str) -> Piece:
    return lambda state: state.of("a").put("thing", key, {"of": key}, {"by": key})


def things(state: State) -> list[str]:
    return [one.key for one in state.of("a").scan("thing")]


async def test_others_see_the_state_as_it_was_until_all_of_it_is_replaced(
    gateway: Gateway,
) -> None:
    asked = threading.Event()
    begun, loop = asyncio.Event(), asyncio.get_running_loop()
    seen: list[list[str]] = []

    def pieces() -> Iterator[Piece]:
        yield put("new 1")
        yield lambda state: seen.append(things(state))
        loop.call_soon_threadsafe(begun.set)
        # Longer than this nobody may wait for what is being loaded.
        assert asked.wait(PATIENCE_S)
        yield put("new 2")

    async def ask() -> list[str]:
        async with asyncio.timeout(PATIENCE_S):
            await begun.wait()
        await gateway.run(put("old 2"))
        found = await gateway.run(things)
        asked.set()
        return found

    await gateway.run(put("old 1"))
    _, meanwhile = await asyncio.gather(replace_state(gateway, pieces()), ask())
    after = await gateway.run(things)

    assert seen == [["new 1"]]
    assert meanwhile == ["old 1", "old 2"]
    assert after == ["new 1", "new 2"]


async def test_a_piece_that_fails_leaves_the_state_as_it_was(gateway: Gateway) -> None:
    def fail(state: StoreAdmin) -> None:
        raise ValueError(things(state))

    await gateway.run(put("old"))
    with pytest.raises(ValueError, match="new"):
        await replace_state(gateway, [put("new"), fail])

    assert await gateway.run(things) == ["old"]


async def test_it_can_be_replaced_again_and_again(gateway: Gateway) -> None:
    for number in "12":
        await replace_state(gateway, [put(f"{number}/{place:03d}") for place in range(150)])

    found = await gateway.run(things)
    by_index = await gateway.run(lambda state: state.of("a").find("thing", "by", equals="2/007"))
    assert (len(found), found[0]) == (100, "2/000")
    assert [one.body for one in by_index] == [{"of": "2/007"}]


def begin(store: Store) -> int:
    with store.transaction() as state:
        put("old")(state)
        state.set_baseline()
    with store.transaction() as state:
        number = state.begin_staging()
        with state.staged(number) as made:
            put("new")(made)
    return number


def test_of_two_that_are_begun_the_last_goes_on(store: Store) -> None:
    first = begin(store)
    with store.transaction() as state:
        second = state.begin_staging()
    with pytest.raises(StoreError, match="begun"), store.transaction() as state:
        state.take_staged(first)
    with (
        pytest.raises(StoreError, match="begun"),
        store.transaction() as state,
        state.staged(first) as made,
    ):
        put("mixed up")(made)
    with store.transaction() as state:
        assert state.tidy_staging(first)
    with store.transaction() as state:
        with state.staged(second) as made:
            put("newest")(made)
        state.take_staged(second)

    with store.transaction() as state:
        assert things(state) == ["newest"]


def test_what_was_begun_is_gone_when_the_store_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "mdmsim.db"
    for taken, found in ((False, ["old"]), (True, ["new"])):
        with closing(open_store(path)) as store:
            number = begin(store)
            if taken:
                with store.transaction() as state:
                    state.take_staged(number)
        with closing(open_store(path)) as store, store.transaction() as state:
            assert things(state) == found
            assert state.has_baseline() is not taken
    with closing(connect(path)) as db:
        tables = [
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
    assert not [one for one in tables if one.startswith(("staged", "replaced"))]


def test_revisions_go_on_growing_and_the_baseline_is_gone(store: Store) -> None:
    number = begin(store)
    with store.transaction() as state:
        before = put("old")(state)
        state.take_staged(number)
        assert things(state) == ["new"]
        assert not state.has_baseline()
        after = put("newer")(state)
        state.set_baseline()
    with store.transaction() as state:
        put("newest")(state)
        state.reset()
        assert things(state) == ["new", "newer"]
    assert after > before
