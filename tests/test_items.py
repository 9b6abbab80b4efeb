"""Items of a list that are made later: the same bytes as at once, without the state."""

import gc
import weakref
from contextlib import suppress
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import services
from simulator.core.messages import Request, Response
from simulator.core.state import State
from simulator.engine.jobs import Answering, RequestJob
from simulator.engine.late_records import LateRecord, Look, PendingPage
from simulator.protocol.items import PIECE, Items, filled, held_back
from simulator.protocol.projection import projector
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.servers import SESSION
from simulator.services.vpp.domain import users
from tests.apple import AGENT, Apple, request
from tests.axm import Axm
from tests.vpp import APP, Vpp

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
MOST = 2 * PIECE + 1


@settings(max_examples=30)
@given(st.dictionaries(st.text(), JSON, max_size=3), st.lists(JSON, max_size=3), st.data())
def test_what_is_filled_in_later_gives_the_same_bytes(
    others: dict[str, Any], some: list[Any], data: st.DataObject
) -> None:
    found = (some * MOST)[: data.draw(st.integers(0, MOST))]
    name = data.draw(st.sampled_from(["items", *others]))
    whole = msgspec.json.encode(others | {name: found})

    message, items = held_back(others | {name: Items(found)})

    assert items is not None
    assert filled(msgspec.json.encode(message), [*items.pieces()]) == whole


ROWS = services.load().operations["axm.devices.list"].response


@pytest.mark.parametrize("version", [10, 13, 15, 23, 26])
def test_items_are_cut_to_a_version_as_lists_are(version: int) -> None:
    project = projector(ROWS, 26)
    related: dict[str, Any] = {
        "activationLockStatus": {"links": {}},
        "assignedServer": {"links": {}},
    }
    attributes = {"color": "RED", "ethernetMacAddress": [], "isMdmMigrationCapable": True}
    device = {"id": "A", "links": {}, "attributes": attributes, "relationships": related}

    message, items = held_back(project({"data": Items([device] * 3)}, version))

    assert items is not None
    body = filled(msgspec.json.encode(message), [*items.pieces()])
    assert body == msgspec.json.encode(project({"data": [device] * 3}, version))


class Gateway:
    """What a job needs of a gateway."""

    look: Look | None = None

    def __init__(self, apple: Apple) -> None:
        self.process = apple.engine.process

    def finish(self, one: RequestJob) -> Response:
        return cast("Response", one.response)


def job(apple: Apple, asked: Request) -> RequestJob:
    gateway = cast("Answering", Gateway(apple))
    made = RequestJob(gateway, asked, lambda _: None, {}, apple.now_ms)
    made.is_page = apple.engine.is_page(asked)
    return made


def turn(apple: Apple, one: RequestJob) -> None:
    """Give *one* a turn, in a transaction."""
    with apple.store.transaction() as state:
        one.run(state)


def recorded(apple: Apple) -> list[str]:
    return [one.request.target for one in apple.store.journal().read(limit=1000)]


def bearer(host: str, token: str) -> list[tuple[str, str]]:
    return [("Host", host), ("User-Agent", AGENT), ("Authorization", f"Bearer {token}")]


def devices() -> tuple[Axm, Request]:
    axm = Axm()
    axm.add(*(f"SN{number:05d}" for number in range(MOST)))
    return axm, request("GET", "/v1/orgDevices?limit=1000", bearer(axm.host, axm.access_token()))


def fetched() -> tuple[Apple, Request]:
    apple = Apple()
    apple.add(*(f"SN{number:05d}" for number in range(MOST)))
    headers = [("User-Agent", AGENT), ("X-ADM-Auth-Session", apple.session())]
    return apple, request("POST", "/server/devices", headers, b'{"limit": 1000}')


def people() -> tuple[Apple, Request]:
    vpp = Vpp(vpp_page_size=PIECE + 1)
    rows = [(f"u-{number:03d}", "", "") for number in range(MOST + PIECE)]
    vpp.at(lambda state, place: users.add_many(state, place, rows))
    asked = "/mdm/v2/users?pageIndex=1"
    return vpp, request("GET", asked, bearer("vpp.itunes.apple.com", vpp.stoken))


def licences() -> tuple[Apple, Request]:
    vpp = Vpp()
    vpp.associate(APP, serials=[f"C{number}" for number in range(MOST - PIECE)])
    headers = [("Host", "vpp.itunes.apple.com"), ("User-Agent", AGENT)]
    body = msgspec.json.encode({"sToken": vpp.stoken})
    return vpp, request("POST", "/mdm/getVPPLicensesSrv", headers, body)


@pytest.mark.parametrize("furnish", [devices, fetched, people, licences])
def test_a_long_list_is_read_in_one_transaction_and_made_after_it(furnish: Any) -> None:
    apple, asked = furnish()
    whole = apple.send(asked).response
    before = recorded(apple)

    page = job(apple, asked)
    turn(apple, page)
    between = 0
    while page.look_on():
        between += 1
        apple.send(request("GET", f"/other/{between}", []))
    turn(apple, page)

    assert not page.goes_on
    assert page.response == whole
    assert between > 1
    others = [f"/other/{number + 1}" for number in range(between)]
    assert recorded(apple) == [*before, *others, asked.target]


def test_the_use_of_a_session_is_noted_once_a_second_as_its_page_is_recorded() -> None:
    apple, asked = fetched()
    uses: list[int] = []

    def noted() -> int:
        (session,) = apple.run(lambda state: state.scan(SESSION))
        return int(session.body["used_ms"])

    start_ms = noted()
    for later_ms in (5000, 5999, 2000, 6000, -90_000):
        page = job(apple, asked)
        page.now_ms = start_ms + later_ms
        turn(apple, page)
        before = noted()
        while page.look_on():
            pass
        turn(apple, page)
        assert before == (uses[-1] if uses else start_ms)
        uses.append(noted())

    # What has waited for seconds is no use later than the last; a clock may be set back by minutes.
    assert [at_ms - start_ms for at_ms in uses] == [5000, 5000, 5000, 6000, -90_000]


def test_a_page_is_gone_once_it_is_answered() -> None:
    apple, asked = devices()
    page = job(apple, asked)
    turn(apple, page)
    kept = weakref.ref(cast("PendingPage", page.late.page))
    gc.disable()
    try:
        while page.look_on():
            pass
        turn(apple, page)
        page.done()

        assert kept() is None
    finally:
        gc.enable()


def test_a_list_that_writes_is_made_and_recorded_at_once() -> None:
    apple, asked = devices()
    page = job(apple, asked)
    with apple.store.transaction() as state:
        page.late.wrote = True
        response = apple.engine.process(asked, state, apple.now_ms, late=page.late)

    assert page.late.page is None
    assert len(msgspec.json.decode(response.body)["data"]) == MOST
    assert recorded(apple)[-1] == asked.target


def spoil(apple: Apple) -> None:
    """Have the last device be one of which no item can be made."""
    apple.home(lambda home: home.put(fleet.DEVICE, f"SN{MOST - 1:05d}", {"record": None}))


@pytest.mark.parametrize("late", [True, False])
def test_an_item_that_cannot_be_made_is_an_error_on_record(
    *, late: bool, caplog: pytest.LogCaptureFixture
) -> None:
    apple, asked = devices()
    spoil(apple)
    if late:
        page = job(apple, asked)
        turn(apple, page)
        while page.look_on():
            pass
        turn(apple, page)
        response = cast("Response", page.response)
    else:
        response = apple.send(asked).response

    (exchange,) = apple.store.journal().newest(limit=1)
    assert "axm.devices.list failed" in caplog.text
    assert (response.status, exchange.response.status) == (500, 500)
    assert response.body == exchange.response.body
    assert exchange.error == "UNEXPECTED_ERROR"
    assert [one.rule for one in exchange.findings] == ["internal-error"]
    assert exchange.findings[0].docs
    assert exchange.request.target == asked.target


def test_what_a_failed_transaction_has_read_is_read_again() -> None:
    apple, asked = devices()
    page = job(apple, asked)
    with suppress(OSError), apple.store.transaction() as state:
        state.of("acme").delete(fleet.DEVICE, "SN00000")
        page.run(state)
        raise OSError
    turn(apple, page)
    while page.look_on():
        pass
    turn(apple, page)

    assert len(msgspec.json.decode(cast("Response", page.response).body)["data"]) == MOST


def test_a_state_is_of_no_use_once_a_page_is_kept() -> None:
    late = LateRecord()
    with Apple().store.transaction() as state:
        noting: State = late.noting(state)
        late.page = cast("Any", object())
        with pytest.raises(RuntimeError, match="the transaction has ended"):
            noting.get("thing", "a")
