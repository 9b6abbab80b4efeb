"""Devices that are added all at once, and written piece by piece."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.clock import Clock
from simulator.core.messages import Response
from simulator.core.state import State
from simulator.engine.gateway import Gateway
from simulator.hardware.devices import ADDED, generate
from simulator.services import audit
from simulator.services.fleet import arrivals, at_once, orders
from simulator.services.fleet import devices as fleet
from tests.apple import AGENT, Apple, hardware, request
from tests.test_faults import arm

PATIENCE_S = 20


def add(apple: Apple, count: int, *, listed: bool = False, start: int = 0) -> list[str]:
    """Add devices to the server ``a``, and return their serial numbers; none is written yet."""
    rows = [hardware(f"0ZL{start + number:07d}") for number in range(count)]
    if not listed:
        rows = list(generate(count, 5, start=ADDED + start))
    runs = [(ADDED + start, count // 2, None), (ADDED + start + count // 2, -(-count // 2), None)]
    given = at_once.Addition(rows) if listed else at_once.Addition(runs=runs)
    facts: dict[str, Any] = {"now_ms": apple.now_ms, "by": "buyer@acme.example", "seed": 5}
    apple.home(lambda home: at_once.add(home, "a", given, **facts))
    return [one["serial_number"] for one in rows]


def told(apple: Apple, path: str, **body: Any) -> list[str]:
    answer = apple.call("POST", path, {"limit": 1000} | body, session=apple.session())
    return [one["serial_number"] for one in answer.json["devices"]]


@given(ordered=st.lists(st.tuples(st.integers(1, 230), st.booleans()), min_size=1, max_size=3))
@settings(max_examples=10, deadline=None)
def test_whoever_looks_sees_all_of_them_in_order(ordered: list[tuple[int, bool]]) -> None:
    with Apple() as apple:
        session = apple.session()
        cursor = apple.call("POST", "/server/devices", {}, session=session).json["cursor"]
        added: list[str] = []
        for count, listed in ordered:
            added += add(apple, count, listed=listed, start=len(added))

        fetched, synced = (
            told(apple, "/server/devices"),
            told(apple, "/devices/sync", cursor=cursor),
        )
        trail = apple.home(lambda home: audit.read(home, "", 1000))
        left = apple.home(lambda home: (orders.ordered(home), home.count(at_once.PART)))

    assert fetched == synced == added
    assert [one.body["subject"][0] for one in trail] == added
    assert len({one.body["group"] for one in trail}) == len(ordered)
    assert left == ([], 0)


def test_what_began_and_had_to_wait_counts_once(apple: Apple) -> None:
    arm(apple, outcome="dep.INVALID_CURSOR", match={"operation": "dep.fetch"}, count=1)
    serials = add(apple, 150)

    first = apple.call("POST", "/server/devices", {}, session=apple.session())
    second = apple.call("POST", "/server/devices", {}, session=apple.session())

    assert (first.text, second.status) == ("INVALID_CURSOR", 200)
    assert second.json["devices"][0]["serial_number"] == serials[0]


async def fetched(
    apple: Apple, order: Callable[[], Any], beside: Callable[[State, Clock], None]
) -> Response:
    """Return what a fetch is answered after *order*, while *beside* is run again and again."""

    def begin() -> str:
        order()
        return apple.session()

    fields = [
        ("X-ADM-Auth-Session", await asyncio.to_thread(begin)),
        ("X-Server-Protocol-Version", "10"),
        ("User-Agent", AGENT),
        ("Content-Type", "application/json;charset=UTF8"),
    ]
    fetch = request("POST", "/server/devices", fields, b'{"limit": 1000}')
    clock = Clock()
    clock.resume("frozen", apple.now_ms)
    gateway = Gateway(apple.store, apple.engine, clock)

    async def look(answering: asyncio.Task[Response]) -> None:
        while not answering.done():
            await gateway.run(lambda state: beside(state, clock))

    gateway.start()
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(gateway.answer(fetch))
        tasks.create_task(look(answering))
    await gateway.close()
    return answering.result()


async def test_others_have_their_turn_between_two_pieces(apple: Apple) -> None:
    seen: list[int] = []

    def count(state: State, _: Clock) -> None:
        seen.append(state.of("acme").count(fleet.DEVICE))

    answer = await fetched(apple, lambda: add(apple, 1000), count)

    assert answer.status == 200, answer.body
    assert answer.body.count(b'"serial_number"') == 1000
    assert {100, 500, 900} <= set(seen)


async def test_what_goes_on_arriving_keeps_no_request_waiting(apple: Apple) -> None:
    def order() -> None:
        facts: dict[str, Any] = {"now_ms": apple.now_ms, "starts_ms": apple.now_ms, "seed": 1}
        apple.home(lambda home: arrivals.order(home, "a", by="x", count=200, every_s=1, **facts))

    def move(_: State, clock: Clock) -> None:
        clock.resume("frozen", clock.now_ms() + 1000)

    answer = await fetched(apple, order, move)

    assert answer.status == 200, answer.body
    assert answer.body.count(b'"serial_number"') == 200


@pytest.mark.parametrize("listed", [False, True])
def test_a_reset_forgets_what_was_not_written_yet(apple: Apple, listed: bool) -> None:
    apple.run(lambda state: state.set_baseline())
    add(apple, 150, listed=listed)
    apple.home(lambda home: arrivals.materialise_due(home, apple.now_ms))
    apple.run(lambda state: state.reset())

    assert told(apple, "/server/devices") == []
    assert apple.home(lambda home: home.count(at_once.PART)) == 0
