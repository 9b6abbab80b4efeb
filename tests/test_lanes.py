"""The two lanes of the gateway: what is brief waits for one page at most, and pages get on."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.clock import Clock
from simulator.core.messages import Response
from simulator.engine.gateway import Gateway
from simulator.engine.jobs import Job, Load, RequestJob, Work
from simulator.engine.lanes import MAX_BATCH, Lanes
from tests.apple import AGENT, Apple, request

HEADERS = [("User-Agent", AGENT), ("X-Server-Protocol-Version", "10")]


def job(*, page: bool) -> RequestJob:
    made = RequestJob(None, request("GET", "/a", []), lambda _: None, {}, 0)  # type: ignore[arg-type]  # it is not run
    made.is_page = page
    return made


def drained(lanes: Lanes, most: int = MAX_BATCH) -> list[list[Job]]:
    """Return what is taken if *most* jobs of each transaction are done in time."""
    lanes.end()
    found = []
    while batch := lanes.next():
        lanes.put_back(batch[most:])
        found.append(list(batch[:most]))
    return found


def test_what_is_brief_goes_before_pages_and_then_they_take_turns() -> None:
    lanes = Lanes()
    pages, brief = [job(page=True) for _ in range(3)], [job(page=False) for _ in range(3)]
    for one in (*pages, *brief):
        lanes.put(one)

    assert drained(lanes, most=1) == [
        [brief[0]], [pages[0]], [brief[1]], [pages[1]], [brief[2]], [pages[2]],
    ]  # fmt: skip


def test_what_comes_while_a_page_is_made_is_next() -> None:
    lanes, pages, brief = Lanes(), [job(page=True) for _ in range(3)], job(page=False)
    for one in pages:
        lanes.put(one)

    batch = lanes.next()
    lanes.put(brief)
    lanes.put_back(batch[1:])

    assert list(batch) == pages
    assert drained(lanes) == [[brief], pages[1:]]


def test_a_load_is_alone_in_its_transaction() -> None:
    lanes, load = Lanes(), Load(lambda _: None, None)  # type: ignore[arg-type]  # it is not run
    before, after = job(page=False), Work(lambda _: None, None)  # type: ignore[arg-type]  # nor is it
    for one in (before, load, after):
        lanes.put(one)

    assert drained(lanes) == [[before], [load], [after]]


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 3))
def test_each_lane_keeps_its_order_and_nothing_is_lost(kinds: list[bool], most: int) -> None:
    lanes, jobs = Lanes(), [job(page=page) for page in kinds]
    for one in jobs:
        lanes.put(one)

    taken = [one for batch in drained(lanes, most) for one in batch]

    for page in (False, True):
        assert [one for one in taken if one.is_page is page] == [
            one for one in jobs if one.is_page is page
        ]


@pytest.mark.parametrize(
    ("method", "target", "is_page"),
    [
        ("POST", "/server/devices", True),
        ("POST", "/s/a-test/devices/sync", True),
        ("GET", "/v1/orgDevices?limit=1000", True),
        ("GET", "/mdm/v2/assets", True),
        ("PUT", "/profile/devices", True),
        ("POST", "/deviceservicesworkers/escrowKeyUnlock", True),
        ("GET", "/account", False),
        ("GET", "/profile", False),
        ("POST", "/3/device/ab", False),
        ("GET", "/nothing", False),
    ],
)
def test_a_page_is_what_answers_a_list_or_computes_for_long(
    method: str, target: str, *, is_page: bool
) -> None:
    with Apple() as apple:
        host = "api-business.apple.com" if "orgDevices" in target else "localhost"
        asked = request(method, target, [("Host", host)])

        assert apple.engine.is_page(asked) is is_page


@pytest.fixture
def fleet() -> Apple:
    apple = Apple()
    apple.now_ms = Clock().now_ms()
    apple.add(*(f"C02X{number:08d}" for number in range(1000)))
    return apple


@pytest.fixture
def session(fleet: Apple) -> list[tuple[str, str]]:
    return [*HEADERS, ("X-ADM-Auth-Session", fleet.session())]


async def test_an_account_waits_for_one_page_and_not_for_all(
    fleet: Apple, session: list[tuple[str, str]]
) -> None:
    answered: list[str] = []

    def note(name: str) -> Callable[[Response], None]:
        return lambda _: answered.append(name)

    page = request("POST", "/server/devices", session, json.dumps({"limit": 1000}).encode())
    names = [f"page {number}" for number in range(8)]
    gateway = Gateway(fleet.store, fleet.engine, Clock())
    gateway.start()
    for name in names:
        gateway.submit(page, note(name))
    account = await gateway.answer(request("GET", "/account", session))
    before = len(answered)
    await gateway.close()

    assert account.status == 200
    assert before <= 4
    assert answered == names


async def test_others_have_their_turn_between_the_pieces_of_a_look(
    fleet: Apple, session: list[tuple[str, str]]
) -> None:
    loop, answered = asyncio.get_running_loop(), threading.Event()
    between: list[bool] = []

    def look(_: bytes) -> Iterator[None]:
        asked = request("GET", "/account", session)
        loop.call_soon_threadsafe(gateway.submit, asked, lambda _: answered.set())
        for _piece in range(1000):  # for ten seconds at most
            if not answered.wait(0.01):
                yield
        between.append(answered.is_set())

    page = request("POST", "/server/devices", session, json.dumps({"limit": 1000}).encode())
    gateway = Gateway(fleet.store, fleet.engine, Clock(), look=look)
    gateway.start()
    response = await gateway.answer(page)
    await gateway.close()

    assert response.status == 200
    assert between == [True]
    recorded = await asyncio.to_thread(fleet.store.journal().read, limit=1000)
    assert recorded[-1].request.target == "/server/devices"
