"""A deletion of more exchanges than one transaction takes."""

import asyncio
from contextlib import closing
from pathlib import Path

from simulator.app import Simulator
from simulator.control.api import deletions
from simulator.core.settings import Settings
from simulator.core.state import State
from simulator.store.opening import open_store
from tests.control.conftest import Control
from tests.store.conftest import exchange

COUNT = 2 * deletions.LOT + 100


def record(state: State) -> None:
    for number in range(COUNT):
        state.record(exchange(organisation="ab"[number % 2]))


async def test_it_deletes_what_there_was_when_it_was_asked_for(control: Control) -> None:
    await control.simulator.gateway.load(record)

    some = await control.call("DELETE", "/exchanges?organisation=a")
    all_others, same = await asyncio.gather(
        control.call("DELETE", "/exchanges"), control.call("DELETE", "/exchanges")
    )

    assert some == (200, {"deleted": COUNT // 2})
    assert all_others[1]["deleted"] + same[1]["deleted"] == COUNT // 2
    _, left = await control.call("GET", "/exchanges")
    assert left["exchanges"] == []


async def test_what_a_kill_left_of_it_is_done_at_the_next_start(tmp_path: Path) -> None:
    settings = Settings(
        data=str(tmp_path / "data"), tls_port=(None,), http_port=0, control_port=0, proxy_port=None
    )
    order = {"match": {"after": 0, "through": COUNT}, "at_ms": 5, "deleted": 0}

    async with Simulator(settings) as killed:
        await killed.gateway.load(record)
        number = await killed.gateway.run(lambda state: deletions._order_deletion(state, order))
        await killed.gateway.run(lambda state: deletions._delete_some(state, number))
    between = await asyncio.to_thread(kept, tmp_path / "data/mdmsim.db")
    async with Simulator(settings):
        pass
    after = await asyncio.to_thread(kept, tmp_path / "data/mdmsim.db")

    assert between == (COUNT - deletions.LOT, [(1, deletions.LOT, 5)])
    assert after == (0, [(1, COUNT, 5)])


def kept(path: Path) -> tuple[int, list[tuple[int, int, int]]]:
    with closing(open_store(path)) as store, closing(store.journal()) as journal:
        return journal.count(), [(one.first, one.last, one.at_ms) for one in journal.cuts()]
