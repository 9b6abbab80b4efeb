"""Devices that arrive over time."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.state import State
from simulator.core.timestamps import rfc3339
from simulator.hardware.devices import BLOCK, BLOCKS, generate
from simulator.services.fleet import arrivals, orders
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.arrivals import MOST_AT_ONCE, MOST_EVER
from simulator.services.fleet.orders import NEVER, Arrivals
from tests.apple import Apple

HOUR_MS = 3_600_000


def order(apple: Apple, server: str = "a", **more: Any) -> Arrivals:
    facts: dict[str, Any] = {"count": 3, "every_s": 3600, "seed": 1, "by": "buyer@acme.example"}
    facts |= {"starts_ms": apple.now_ms + HOUR_MS, "now_ms": apple.now_ms}
    return apple.home(lambda home: arrivals.order(home, server, **(facts | more)))


def cursor_now(apple: Apple, server: str = "a") -> str:
    session = apple.session(server)
    cursor: str = apple.call("POST", "/server/devices", {}, session=session).json["cursor"]
    return cursor


def sync(apple: Apple, cursor: str, server: str = "a", **body: Any) -> Any:
    session = apple.session(server)
    return apple.call("POST", "/devices/sync", {"cursor": cursor} | body, session=session).json


def test_devices_come_when_their_time_has_come(apple: Apple) -> None:
    began = apple.now_ms
    order(apple)
    cursor = cursor_now(apple)

    apple.advance(3599)
    before = sync(apple, cursor)
    apple.advance(1)
    first = sync(apple, before["cursor"])
    apple.advance(2 * 3600)
    later = sync(apple, first["cursor"])

    assert before["devices"] == []
    assert [one["op_type"] for one in first["devices"]] == ["added"] * 3
    assert {one["op_date"] for one in first["devices"]} == {rfc3339(began + HOUR_MS)}
    assert {one["device_assigned_by"] for one in first["devices"]} == {"buyer@acme.example"}
    assert [one["op_date"] for one in later["devices"]] == [
        rfc3339(began + hour * HOUR_MS) for hour in (2, 2, 2, 3, 3, 3)
    ]
    assert [one["device_assigned_date"] for one in later["devices"]] == [
        one["op_date"] for one in later["devices"]
    ]


def test_what_comes_follows_from_the_seed_and_not_from_when_somebody_asks(apple: Apple) -> None:
    other = Apple()
    for one in (apple, other):
        order(one, starts_ms=one.now_ms + HOUR_MS)
    cursor, cursor_of_other = cursor_now(apple), cursor_now(other)

    found = []
    for _ in range(5):
        apple.advance(3600)
        page = sync(apple, cursor)
        cursor = page["cursor"]
        found += page["devices"]
    other.advance(5 * 3600)

    assert len(found) == 15
    assert sync(other, cursor_of_other)["devices"] == found
    serials = [one["serial_number"] for one in generate(15, 1, start=made_start(1))]
    assert [one["serial_number"] for one in found] == serials


def made_start(number: int) -> int:
    return (BLOCKS - 1 - number) * BLOCK


def test_a_fetch_has_what_has_arrived(apple: Apple) -> None:
    order(apple, starts_ms=apple.now_ms)

    answer = apple.call("POST", "/server/devices", {}, session=apple.session())

    assert len(answer.json["devices"]) == 3


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param({"times": 2}, 6, id="times"),
        pytest.param({"ends": 2}, 3, id="ends"),
        pytest.param({"ends": 3, "times": 9}, 6, id="ends-before-times"),
        pytest.param({"ends": 9, "times": 1}, 3, id="times-before-ends"),
        pytest.param({"ends": 1}, 0, id="ends-at-the-start"),
    ],
)
def test_they_stop(apple: Apple, limits: dict[str, int], expected: int) -> None:
    began = apple.now_ms
    more: dict[str, Any] = {"times": limits.get("times", 0)}
    more |= {"ends_ms": began + limits["ends"] * HOUR_MS} if "ends" in limits else {}
    order(apple, **more)
    cursor = cursor_now(apple)

    apple.advance(30 * 3600)

    assert len(sync(apple, cursor)["devices"]) == expected
    (left,) = apple.home(orders.ordered)
    assert (left.arrived, left.shown()["next"]) == (expected, None)


def test_orders_mix_in_order_of_time_and_keep_to_their_servers(apple: Apple) -> None:
    order(apple, count=1, every_s=7200)
    order(apple, count=1, every_s=3600, families=["Mac"])
    order(apple, server="b", count=2, every_s=3600)
    cursor, cursor_of_b = cursor_now(apple), cursor_now(apple, "b")

    apple.advance(3 * 3600)

    found = sync(apple, cursor)["devices"]
    dates = [one["op_date"] for one in found]
    assert len(dates) == 5
    assert dates == sorted(dates)
    assert sum(one["device_family"] == "Mac" for one in found) >= 3
    assert len(sync(apple, cursor_of_b, "b")["devices"]) == 6


def test_pages_go_on_to_the_end_however_many_are_due(apple: Apple) -> None:
    order(apple, count=600, every_s=3600)
    cursor = cursor_now(apple)
    apple.advance(2 * 3600)

    found, pages = [], 0
    while True:
        page = sync(apple, cursor, limit=1000)
        cursor = page["cursor"]
        found += page["devices"]
        pages += 1
        if not page["more_to_follow"]:
            break

    assert len({one["serial_number"] for one in found}) == len(found) == 1200
    assert pages == 2
    count = apple.home(lambda home: home.count(fleet.DEVICE))
    assert count == len(found)


def test_a_serial_number_that_somebody_listed_comes_no_second_time(apple: Apple) -> None:
    serial = next(generate(1, 1, start=made_start(1)))["serial_number"]
    apple.add(serial)
    order(apple)
    cursor = cursor_now(apple)

    apple.advance(3600)

    found = [one["serial_number"] for one in sync(apple, cursor)["devices"]]
    assert len(found) == 2
    assert serial not in found


def test_nothing_more_comes_of_what_was_cancelled(apple: Apple) -> None:
    made = order(apple)
    cursor = cursor_now(apple)

    apple.home(lambda home: arrivals.cancel(home, made.id))
    apple.advance(36_000)

    assert sync(apple, cursor)["devices"] == []
    with pytest.raises(LookupError, match="no order of arrivals has the id 1"):
        apple.home(lambda home: arrivals.cancel(home, made.id))


def test_too_many_at_once_are_refused(apple: Apple) -> None:
    with pytest.raises(ValueError, match="more than 1000000 devices at once: start later"):
        order(apple, count=1000, every_s=1, starts_ms=apple.now_ms - MOST_AT_ONCE)

    assert apple.home(orders.ordered) == []


def test_orders_are_limited(apple: Apple) -> None:
    for _ in range(MOST_EVER):
        order(apple)
    with pytest.raises(ValueError, match="100 orders of arrivals are open"):
        order(apple)
    apple.home(lambda home: arrivals.cancel(home, "7"))

    with pytest.raises(ValueError, match="there were 100 orders"):
        order(apple)


def test_an_organisation_without_orders_costs_a_look_only(apple: Apple) -> None:
    def revision(state: State) -> int:
        return state.put("probe", "x", {})

    before = apple.run(revision)
    apple.home(lambda home: arrivals.materialise_due(home, apple.now_ms))

    assert apple.run(revision) == before + 1


@given(
    count=st.integers(1, 7),
    every_s=st.integers(1, 5),
    times=st.integers(0, 6),
    ends_s=st.none() | st.integers(0, 40),
    steps=st.lists(st.integers(0, 9), max_size=6),
    most=st.integers(1, 9),
)
@settings(max_examples=60, deadline=None)
def test_however_it_is_asked_as_many_have_arrived_as_were_due(
    count: int, every_s: int, times: int, ends_s: int | None, steps: list[int], most: int
) -> None:
    apple = Apple()
    start = apple.now_ms
    ends_ms = NEVER if ends_s is None else start + ends_s * 1000
    order(apple, count=count, every_s=every_s, times=times, starts_ms=start, ends_ms=ends_ms)

    for step in steps:
        apple.advance(step)
        while not apple.home(lambda home: arrivals.materialise_due(home, apple.now_ms, most)):
            pass

        due = [
            number
            for number in range(0, 60, every_s)
            if number * 1000 <= apple.now_ms - start and start + number * 1000 < ends_ms
        ]
        wanted = len(due[:times] if times else due) * count
        assert apple.home(lambda home: home.count(fleet.DEVICE)) == wanted
        assert apple.home(lambda home: home.count(fleet.EVENT)) == wanted
