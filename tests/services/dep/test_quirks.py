"""Oddities of the live DEP service, each by its switch."""

from typing import Any

import pytest

from simulator.protocol import quirks
from simulator.services.fleet import portal
from tests.apple import Apple


def switch(apple: Apple, quirk: str, organisation: str = "*", *, is_on: bool = True) -> None:
    apple.run(lambda state: quirks.switch(state, quirk, organisation, is_on=is_on))


def fetch(apple: Apple, session: str, **body: Any) -> Any:
    return apple.call("POST", "/server/devices", body, session=session).json


def sync(apple: Apple, session: str, cursor: str) -> Any:
    return apple.call("POST", "/devices/sync", {"cursor": cursor}, session=session).json


def told(page: Any) -> list[tuple[str, str]]:
    return [(one["serial_number"], one["op_type"]) for one in page["devices"]]


@pytest.fixture
def apple() -> Apple:
    made = Apple()
    made.add("SN1", "SN2", "SN3")
    return made


def test_the_same_cursor_makes_a_client_go_round_for_ever(apple: Apple) -> None:
    session = apple.session()
    switch(apple, "dep.same-cursor")

    first = fetch(apple, session, limit=1)
    second = fetch(apple, session, limit=1, cursor=first["cursor"])
    third = fetch(apple, session, limit=1, cursor=second["cursor"])
    switch(apple, "dep.same-cursor", is_on=False)
    mended = fetch(apple, session, limit=1, cursor=third["cursor"])

    assert first["cursor"] == second["cursor"] == third["cursor"] != mended["cursor"]
    assert second["more_to_follow"] is third["more_to_follow"] is True
    assert second["devices"] == third["devices"] == mended["devices"]


@pytest.mark.parametrize(
    ("organisation", "same"),
    [pytest.param("acme", True, id="its-own"), pytest.param("other", False, id="another")],
)
def test_a_quirk_can_be_one_organisations(apple: Apple, organisation: str, same: bool) -> None:
    session = apple.session()
    switch(apple, "dep.same-cursor", organisation)

    first = fetch(apple, session, limit=1)
    second = fetch(apple, session, limit=1, cursor=first["cursor"])

    assert (first["cursor"] == second["cursor"]) is same


def test_the_last_event_comes_twice_and_no_more(apple: Apple) -> None:
    session = apple.session()
    start = fetch(apple, session)["cursor"]
    apple.add("SN4", "SN5", events=True)
    switch(apple, "dep.event-twice")

    pages = [sync(apple, session, start)]
    for _ in range(2):
        pages.append(sync(apple, session, pages[-1]["cursor"]))
    apple.add("SN6", events=True)
    pages.append(sync(apple, session, pages[-1]["cursor"]))
    pages.append(sync(apple, session, pages[-1]["cursor"]))

    assert [[serial for serial, _ in told(page)] for page in pages] == [
        ["SN4", "SN5"],
        ["SN5"],
        [],
        ["SN6"],
        ["SN6"],
    ]


def test_throttled_devices_vanish_until_a_new_fetch_after_it(apple: Apple) -> None:
    session = apple.session()
    cursor = fetch(apple, session)["cursor"]
    apple.add("SN4", "SN5", events=True)
    apple.home(lambda home: portal.throttle(home, "SN4", 100, now_ms=apple.now_ms))
    switch(apple, "dep.throttled-missing")

    page = sync(apple, session, cursor)
    fetched = fetch(apple, session)
    apple.advance(101)
    later = sync(apple, session, page["cursor"])
    afterwards = fetch(apple, session)

    assert told(page) == [("SN5", "added")]
    assert len(fetched["devices"]) == 4
    assert told(later) == []
    assert len(afterwards["devices"]) == 5


def test_an_added_device_is_modified_as_well(apple: Apple) -> None:
    session = apple.session()
    cursor = fetch(apple, session)["cursor"]
    apple.add("SN4", events=True)
    switch(apple, "dep.added-and-modified")

    page = sync(apple, session, cursor)

    assert told(page) == [("SN4", "added"), ("SN4", "modified")]
    assert page["devices"][0]["op_date"] == page["devices"][1]["op_date"]


def test_events_are_told_late(apple: Apple) -> None:
    session = apple.session()
    cursor = fetch(apple, session)["cursor"]
    switch(apple, "dep.late-events")
    apple.add("SN4", events=True)
    apple.advance(170)
    apple.add("SN5", events=True)

    none = sync(apple, session, cursor)
    apple.advance(130)
    session = apple.session()
    one = sync(apple, session, none["cursor"])
    apple.advance(170)
    both = sync(apple, session, one["cursor"])

    assert (told(none), told(one), told(both)) == ([], [("SN4", "added")], [("SN5", "added")])


def test_new_devices_are_in_a_fetch_only(apple: Apple) -> None:
    session = apple.session()
    cursor = fetch(apple, session)["cursor"]
    switch(apple, "dep.new-missing")
    apple.add("SN4", events=True)
    apple.home(lambda home: portal.unassign(home, "SN1", now_ms=apple.now_ms))

    page = sync(apple, session, cursor)
    again = fetch(apple, session)

    assert told(page) == [("SN1", "deleted")]
    assert [one["serial_number"] for one in again["devices"]] == ["SN2", "SN3", "SN4"]
