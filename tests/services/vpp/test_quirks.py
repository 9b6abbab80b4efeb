"""Oddities of the live service, each by its switch."""

from typing import Any

import pytest

from simulator.core.state import Body, State
from simulator.protocol import quirks
from simulator.services.vpp.domain import licences, supply
from simulator.services.vpp.domain import notifications as notices
from tests.vpp import APP, HOOK, MDM, Vpp


def switch(apple: Vpp, quirk: str, organisation: str = "*", *, is_on: bool = True) -> None:
    apple.run(lambda state: quirks.switch(state, quirk, organisation, is_on=is_on))


def queued(apple: Vpp) -> list[Body]:
    return apple.run(lambda state: [one.body for one in state.scan(notices.OUTBOX)])


def subscribed(quirk: str, organisation: str = "*") -> Vpp:
    """Return the services with the quirk on, and notifications wanted."""
    apple = Vpp()
    apple.v2("POST", "/client/config", {"mdmInfo": MDM, **HOOK})
    switch(apple, quirk, organisation)
    return apple


def buy(apple: Vpp, *quantities: int) -> None:
    def work(home: State) -> None:
        for quantity in quantities:
            supply.buy(home, "hq", APP, quantity, now_ms=apple.now_ms)

    apple.home(work)


def due(apple: Vpp) -> list[int]:
    found = apple.run(lambda state: notices.due(state, apple.now_ms))
    return [one.body["message"]["notification"]["countDelta"] for one in found]


def sent(apple: Vpp) -> int:
    """Let everything that is due be delivered once; return how much that was."""

    def work(state: State) -> int:
        found = notices.due(state, apple.now_ms)
        for one in found:
            notices.record_attempt(state, one.key, apple.now_ms, delivered=True, about="")
        return len(found)

    return apple.run(work)


def test_every_second_notification_is_lost() -> None:
    apple = subscribed("vpp.notifications-lost")

    buy(apple, 1, 2, 3, 4)

    assert len(due(apple)) == 2
    lost = [one for one in queued(apple) if one["state"] == "dropped"]
    assert {one["about"] for one in lost} == {"vpp.notifications-lost is on"}
    assert sorted(one["message"]["notification"]["countDelta"] for one in lost) + due(apple) in (
        [1, 3, 2, 4],
        [2, 4, 1, 3],
    )


def test_a_notification_comes_twice_with_one_id() -> None:
    apple = subscribed("vpp.notifications-twice")
    buy(apple, 5)

    assert [sent(apple), sent(apple), sent(apple)] == [1, 1, 0]
    (row,) = queued(apple)
    assert (row["state"], row["attempts"]) == ("delivered", 2)


def test_notifications_overtake_each_other() -> None:
    apple = subscribed("vpp.notifications-reordered")
    buy(apple, 1, 2, 3)
    first = due(apple)

    apple.advance(5)

    assert first in ([1, 3], [2])
    assert sorted(due(apple)) == [1, 2, 3]
    assert due(apple) != [1, 2, 3]


@pytest.mark.parametrize("quirk", ["lost", "twice", "reordered"])
def test_notifications_of_others_are_as_ever(quirk: str) -> None:
    apple = subscribed(f"vpp.notifications-{quirk}", "other")

    buy(apple, 1, 2, 3)

    assert due(apple) == [1, 2, 3]
    assert [sent(apple), sent(apple)] == [3, 0]


def test_the_version_is_another_on_each_page() -> None:
    apple = Vpp(vpp_page_size=2)

    def versions() -> list[str]:
        pages = [apple.v2("GET", "/assets", pageIndex=index).json for index in range(3)]
        return [page["versionId"] for page in pages]

    before = versions()
    switch(apple, "vpp.version-moves")

    assert len(set(before)) == 1
    assert len(set(versions())) == 3


def test_another_server_has_claimed_the_location() -> None:
    apple = Vpp()
    apple.v2("POST", "/client/config", {"mdmInfo": MDM})

    switch(apple, "vpp.other-owner")

    assert apple.v2("GET", "/assets").json["mdmInfo"]["id"] != MDM["id"]
    switch(apple, "vpp.other-owner", is_on=False)
    assert apple.v2("GET", "/assets").json["mdmInfo"] == MDM


@pytest.mark.parametrize(("is_on", "status"), [(False, 400), (True, 200)], ids=["off", "on"])
def test_a_nonsense_serial_gets_its_licence(*, is_on: bool, status: int) -> None:
    apple = Vpp(strictness="strict")
    switch(apple, "vpp.nonsense-serials", is_on=is_on)
    body = {"assets": [{"adamId": APP, "pricingParam": "STDQ"}], "serialNumbers": ["no serial"]}

    answer = apple.v2("POST", "/assets/associate", body)

    assert answer.status == status
    assert "serial-shape" in answer.rules
    if is_on:
        event = apple.v2("GET", "/status", eventId=answer.json["eventId"]).json
        assert event["eventStatus"] == "COMPLETE"


def test_an_event_is_complete_before_the_device_has_its_licence() -> None:
    apple = Vpp()
    switch(apple, "vpp.late-licences")

    event = apple.associate(APP, serials=["C1"])
    asked = [apple.home(lambda home: licences.seen_by_device(home, "acme", "C1")) for _ in range(3)]

    assert (event["eventStatus"], event["numCompleted"]) == ("COMPLETE", 1)
    assert asked == [[], [APP], [APP]]


def test_without_the_quirk_the_device_has_its_licence_at_once() -> None:
    apple = Vpp()
    apple.associate(APP, serials=["C1"])

    assert apple.home(lambda home: licences.seen_by_device(home, "acme", "C1")) == [APP]


def test_a_licence_of_v1_comes_at_the_second_try() -> None:
    apple = Vpp()
    switch(apple, "vpp.v1-late-licences")

    def manage() -> Any:
        body = {"adamIdStr": APP, "associateSerialNumbers": ["C0FAKE000001"]}
        return apple.v1("manageVPPLicensesByAdamIdSrv", body).json

    first, second = manage(), manage()

    assert first["associations"][0]["errorNumber"] == 9610
    assert "licenseIdStr" in second["associations"][0]
