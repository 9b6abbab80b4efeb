import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.services.dep import cursors
from simulator.services.dep.cursors import DeviceCursor
from simulator.services.fleet import portal
from tests.apple import SECRET, Answer, Apple, hardware

WEEK_S = 7 * 24 * 3600


def serials_of(answer: Answer) -> list[str]:
    return [device["serial_number"] for device in answer.json["devices"]]


def fetch_all(apple: Apple, session: str, limit: int = 100) -> tuple[list[str], str]:
    found: list[str] = []
    cursor = None
    while True:
        body = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        answer = apple.call("POST", "/server/devices", body, session=session)
        assert answer.status == 200, answer.text
        found += serials_of(answer)
        cursor = answer.json["cursor"]
        if not answer.json["more_to_follow"]:
            return found, cursor


def sync(apple: Apple, session: str, cursor: str, **body: int) -> Answer:
    return apple.call("POST", "/devices/sync", {"cursor": cursor} | body, session=session)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
def test_fetch_pages_every_device_once_in_order_of_assignment(apple: Apple, limit: int) -> None:
    serials = [f"SN{number:010d}" for number in range(7)]
    apple.add(*reversed(serials))
    apple.add("OTHER0000001", server="b")

    found, _ = fetch_all(apple, apple.session(), limit)

    assert found == list(reversed(serials))


def test_a_fetch_tells_no_events(apple: Apple) -> None:
    apple.add("SN1")

    device = apple.call("POST", "/server/devices", {}, session=apple.session()).json["devices"][0]

    assert "op_type" not in device
    assert device["profile_status"] == "empty"
    assert "profile_uuid" not in device


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        pytest.param(None, 100, id="absent"),
        pytest.param(0, 100, id="zero"),
        pytest.param(-1, 100, id="negative"),
        pytest.param(5000, 150, id="above-the-maximum"),
    ],
)
def test_odd_limits_are_answered(apple: Apple, limit: int | None, expected: int) -> None:
    apple.add(*(f"SN{number}" for number in range(150)))

    answer = apple.call("POST", "/server/devices", {"limit": limit}, session=apple.session())

    assert len(answer.json["devices"]) == expected


def test_a_cursor_looks_like_a_live_one(apple: Apple) -> None:
    apple.add("SN1")
    _, cursor = fetch_all(apple, apple.session())

    plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4)).decode()

    assert len(cursor) <= 128
    assert plain.count(":") == 5
    assert plain.split(":")[4] == "true"


def test_a_finished_fetch_cursor_is_exhausted_for_fetch_and_good_for_sync(apple: Apple) -> None:
    apple.add("SN1")
    session = apple.session()
    _, cursor = fetch_all(apple, session)

    again = apple.call("POST", "/server/devices", {"cursor": cursor}, session=session)
    synced = sync(apple, session, cursor)

    assert (again.status, again.text) == (400, "EXHAUSTED_CURSOR")
    assert synced.json["devices"] == []
    assert synced.json["more_to_follow"] is False
    exhausted = {"cursor": synced.json["cursor"]}
    assert apple.call("POST", "/server/devices", exhausted, session=session).status == 400


@pytest.mark.parametrize("path", ["/server/devices", "/devices/sync"])
@pytest.mark.parametrize("cursor", ["garbage", "", "MDowOjE6MTp0cnVlOjE", "\u00e5"])
def test_a_cursor_that_was_not_issued_is_invalid(apple: Apple, path: str, cursor: str) -> None:
    answer = apple.call("POST", path, {"cursor": cursor}, session=apple.session())

    expected = {"/server/devices": "", "/devices/sync": "CURSOR_REQUIRED"}[path]
    assert answer.exchange.error == ("INVALID_CURSOR" if cursor else expected)


def test_a_cursor_of_another_server_is_invalid(apple: Apple) -> None:
    _, cursor = fetch_all(apple, apple.session("a"))

    answer = sync(apple, apple.session("b"), cursor)

    assert (answer.status, answer.text) == (400, "INVALID_CURSOR")


@pytest.mark.parametrize("body", [{}, {"cursor": None}, {"cursor": ""}, {"limit": 5}])
def test_a_sync_needs_a_cursor(apple: Apple, body: dict[str, object]) -> None:
    answer = apple.call("POST", "/devices/sync", body, session=apple.session())

    assert (answer.status, answer.text) == (400, "CURSOR_REQUIRED")


@pytest.mark.parametrize(
    ("seconds", "status"), [pytest.param(WEEK_S, 200, id="7d"), pytest.param(WEEK_S + 1, 400)]
)
def test_a_cursor_is_good_for_a_week(apple: Apple, seconds: int, status: int) -> None:
    _, cursor = fetch_all(apple, apple.session())
    apple.advance(seconds)

    answer = sync(apple, apple.session(), cursor)

    assert answer.status == status
    assert status == 200 or answer.text == "EXPIRED_CURSOR"


def test_what_changes_while_a_fetch_is_paged_is_told_by_the_sync(apple: Apple) -> None:
    apple.add("SN1", "SN2", "SN3")
    session = apple.session()
    first = apple.call("POST", "/server/devices", {"limit": 2}, session=session)
    apple.home(lambda home: portal.unassign(home, "SN1", now_ms=apple.now_ms))
    rest = {"cursor": first.json["cursor"]}
    last = apple.call("POST", "/server/devices", rest, session=session)

    events = sync(apple, session, last.json["cursor"]).json["devices"]

    assert [(one["serial_number"], one["op_type"]) for one in events] == [("SN1", "deleted")]


def test_a_sync_may_start_from_the_middle_of_a_fetch(apple: Apple) -> None:
    apple.add("SN1", "SN2")
    session = apple.session()
    first = apple.call("POST", "/server/devices", {"limit": 1}, session=session)
    apple.add("SN3", events=True)

    assert serials_of(sync(apple, session, first.json["cursor"])) == ["SN3"]


def test_events_come_in_order_and_in_pages(apple: Apple) -> None:
    session = apple.session()
    _, cursor = fetch_all(apple, session)
    for number in range(5):
        apple.add(f"SN{number}", events=True)
        apple.advance(1)

    seen: list[str] = []
    more = True
    while more:
        page = sync(apple, session, cursor, limit=2)
        seen += serials_of(page)
        cursor, more = page.json["cursor"], page.json["more_to_follow"]

    assert seen == [f"SN{number}" for number in range(5)]
    assert serials_of(sync(apple, session, cursor)) == []


def test_an_added_device_was_assigned_when_it_was_added(apple: Apple) -> None:
    session = apple.session()
    _, cursor = fetch_all(apple, session)
    apple.advance(3600)
    apple.add("SN1", events=True)

    event = sync(apple, apple.session(), cursor).json["devices"][0]

    assert event["op_type"] == "added"
    assert event["op_date"] == event["device_assigned_date"] == "2026-03-01T13:00:00Z"


def test_details_name_what_is_not_accessible(apple: Apple) -> None:
    apple.add("SN1")
    apple.add("SN2", server="b")
    body = {"devices": ["SN1", "SN2", "NOPE", "SN1"]}

    devices = apple.call("POST", "/devices", body, session=apple.session()).json["devices"]

    assert devices["SN1"]["response_status"] == "SUCCESS"
    assert devices["SN1"]["serial_number"] == "SN1"
    assert devices["SN2"] == devices["NOPE"] == {"response_status": "NOT_ACCESSIBLE"}
    assert len(devices) == 3


@pytest.mark.parametrize("path", ["/devices", "/devices/disown"])
@pytest.mark.parametrize(
    ("empty_devices", "body", "status"),
    [
        pytest.param("accept", {}, 400, id="absent"),
        pytest.param("accept", {"devices": None}, 400, id="null"),
        pytest.param("accept", {"devices": []}, 200, id="empty"),
        pytest.param("refuse", {"devices": []}, 400, id="empty-refused"),
    ],
)
def test_a_request_without_serials(
    path: str, empty_devices: str, body: dict[str, object], status: int
) -> None:
    apple = Apple(empty_devices=empty_devices)

    answer = apple.call("POST", path, body, session=apple.session())

    assert answer.status == status
    assert answer.text == ("DEVICE_ID_REQUIRED" if status == 400 else '{"devices":{}}')


def test_a_disowned_device_is_gone_for_good(apple: Apple) -> None:
    apple.add("SN1", "SN2")
    apple.home(lambda home: portal.fail(home, "SN2", failing=True, now_ms=apple.now_ms))
    session = apple.session()
    _, cursor = fetch_all(apple, session)
    body = {"devices": ["SN1", "SN2", "NOPE"]}

    answer = apple.call("POST", "/devices/disown", body, session=session)

    assert answer.json["devices"] == {"SN1": "SUCCESS", "SN2": "FAILED", "NOPE": "NOT_ACCESSIBLE"}
    assert sync(apple, session, cursor).json["devices"] == []
    assert fetch_all(apple, session)[0] == ["SN2"]
    with pytest.raises(ValueError, match="was released: it can be added again from"):
        apple.home(lambda home: portal.assign(home, "SN1", "a", by="x@y.z", now_ms=apple.now_ms))


@pytest.mark.parametrize(
    ("version", "os", "deadline", "wifi"),
    [
        pytest.param(1, None, False, False, id="1"),
        pytest.param(2, "iOS", False, False, id="2"),
        pytest.param(6, "iOS", False, False, id="6"),
        pytest.param(7, "iPadOS", False, False, id="7"),
        pytest.param(8, "iPadOS", True, False, id="8"),
        pytest.param(10, "iPadOS", True, True, id="10"),
        pytest.param(99, "iPadOS", True, True, id="clamped"),
    ],
)
def test_each_protocol_version_gets_its_own_fields(
    apple: Apple, version: int, os: str | None, deadline: bool, wifi: bool
) -> None:
    apple.add("SN1")
    apple.home(lambda home: portal.migrate(home, "SN1", apple.now_ms, now_ms=apple.now_ms))

    answer = apple.call("POST", "/server/devices", {}, session=apple.session(), version=version)
    device = answer.json["devices"][0]

    assert device.get("os") == os
    assert ("device_family" in device) == (os is not None)
    assert ("mdm_migration_deadline" in device) == deadline
    assert ("wifi_mac_address" in device) == wifi


def test_more_serials_than_advised_are_answered_and_noted(apple: Apple) -> None:
    body = {"devices": [f"SN{number}" for number in range(1001)]}

    answer = apple.call("POST", "/devices", body, session=apple.session())

    assert len(answer.json["devices"]) == 1001
    assert answer.rules == ["devices-many"]


@pytest.mark.parametrize("limit", ["5", 5.0, True, [5], {"a": 1}])
def test_a_limit_of_a_wrong_type_is_malformed(apple: Apple, limit: object) -> None:
    answer = apple.call("POST", "/server/devices", {"limit": limit}, session=apple.session())

    assert (answer.status, answer.text) == (400, "MALFORMED_REQUEST_BODY")
    assert answer.rules == ["field-type"]


cursor_values = st.builds(
    DeviceCursor,
    st.sampled_from(["fetching", "fetched", "syncing"]),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(0, 4 * 10**12),
    st.integers(0, 4 * 10**12),
)


@given(cursor_values, st.integers(0, 10**9))
def test_every_cursor_survives_the_wire(cursor: DeviceCursor, line: int) -> None:
    text = cursors.encode(cursor, SECRET, "a", line)

    assert cursors.decode(text, SECRET, "a", line) == cursor
    assert cursors.decode(text, SECRET, "a", line + 1) is None
    assert cursors.decode(text, SECRET, "b", line) is None
    assert cursors.decode(text, b"other", "a", line) is None
    assert len(text) <= 128


@given(st.text(max_size=200))
def test_no_other_text_is_a_cursor(text: str) -> None:
    assert cursors.decode(text, SECRET, "a", 0) is None


@given(st.integers(0, 2**80), st.integers(0, 10**9))
def test_a_text_in_the_form_of_a_cursor_that_we_never_gave_is_none(packed: int, n: int) -> None:
    """The number that is packed names four phases, of which three exist."""
    for phase in range(4):
        text = f"{n}:{(packed << 2 | phase) << 48}:{n}:{n}:true:{n}"
        forged = base64.b64encode(text.encode()).decode().rstrip("=")

        assert cursors.decode(forged, SECRET, "a", 0) is None


def test_the_same_serial_cannot_be_added_twice(apple: Apple) -> None:
    apple.add("SN1")

    with pytest.raises(ValueError, match="1 of the serial numbers exist"):
        apple.add("SN1", server="b")


def test_a_replaced_device_goes_and_its_successor_comes(apple: Apple) -> None:
    apple.add("SN1")
    session = apple.session()
    _, cursor = fetch_all(apple, session)

    apple.home(
        lambda home: portal.replace_device(
            home, "SN1", hardware("SN2"), by="x@y.z", now_ms=apple.now_ms
        )
    )

    gone, new = sync(apple, session, cursor).json["devices"]
    assert (gone["op_type"], gone["released_by_replacement"]) == ("deleted", True)
    assert (new["op_type"], new["is_replacement_device"]) == ("added", True)
    details = apple.call("GET", "/device/replacementDetails?device=SN2", session=session)
    assert details.json == {
        "serial_number": "SN2",
        "original_device_serial_number": "SN1",
        "replacement_date": "2026-03-01",
    }
