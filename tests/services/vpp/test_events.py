"""When an event completes, and who hears of it."""

from typing import Any

import pytest

from simulator.services.vpp.domain import notifications, portal
from tests.vpp import APP, HOOK, MDM, SCARCE, Vpp, wanted


def start(apple: Vpp, *serials: str) -> str:
    answer = apple.v2("POST", "/assets/associate", wanted([APP], (), serials or ["C1"]))
    found: str = answer.json["eventId"]
    return found


def status(apple: Vpp, event: str) -> Any:
    return apple.v2("GET", "/status", eventId=event).json


def test_an_event_completes_after_a_delay_by_the_clock() -> None:
    apple = Vpp(vpp_events="delay", vpp_event_delay_s=30)
    event = start(apple)

    pending = status(apple, event)
    apple.advance(29.999)
    still = status(apple, event)
    apple.advance(0.001)
    done = status(apple, event)

    assert pending["eventStatus"] == still["eventStatus"] == "PENDING"
    assert (pending["numRequested"], pending["numCompleted"]) == (1, 0)
    assert (done["eventStatus"], done["numCompleted"]) == ("COMPLETE", 1)


def test_whoever_looks_settles_what_is_due() -> None:
    apple = Vpp(vpp_events="delay", vpp_event_delay_s=30)
    start(apple)

    assert apple.counts()[0] == 0
    apple.advance(30)
    assert apple.counts()[0] == 1


def test_an_event_completes_at_the_nth_poll() -> None:
    apple = Vpp(vpp_events="polls", vpp_event_polls=3)
    event = start(apple)
    apple.advance(3600)

    assert [status(apple, event)["eventStatus"] for _ in range(4)] == [
        "PENDING",
        "PENDING",
        "COMPLETE",
        "COMPLETE",
    ]


def test_an_event_completes_by_hand_and_only_once() -> None:
    apple = Vpp(vpp_events="manual")
    event = start(apple)
    apple.advance(3600)
    assert status(apple, event)["eventStatus"] == "PENDING"

    for _ in range(2):
        apple.complete(event)

    assert status(apple, event)["eventStatus"] == "COMPLETE"
    assert apple.counts()[0] == 1


def test_pending_events_compete_for_the_last_licence() -> None:
    apple = Vpp(vpp_events="delay")
    body = wanted([SCARCE], (), ["C1", "C2"])
    events = [
        apple.v2("POST", "/assets/associate", body | {"serialNumbers": serials}).json["eventId"]
        for serials in (["C1", "C2"], ["C3"])
    ]
    apple.advance(5)

    assert [status(apple, event)["eventStatus"] for event in events] == ["COMPLETE", "FAILED"]
    assert apple.counts(SCARCE) == (2, 0, 0, 2)


def test_maintenance_fails_what_was_taken_on_before() -> None:
    apple = Vpp(vpp_events="manual")
    event = start(apple, "C1", "C2")
    apple.run(lambda state: portal.set_maintenance(state, on=True))
    apple.complete(event)
    apple.run(lambda state: portal.set_maintenance(state, on=False))

    found = status(apple, event)

    assert (found["eventStatus"], found["numRequested"], found["numCompleted"]) == ("FAILED", 2, 0)
    assert found["failures"] == [
        {"errorNumber": 9644, "errorMessage": "The service is in maintenance mode."}
    ]


@pytest.mark.parametrize("query", [{}, {"eventId": ""}, {"eventId": "x"}])
def test_an_unknown_event_is_refused(query: dict[str, Any]) -> None:
    answer = Vpp().v2("GET", "/status", **query)

    assert (answer.status, answer.json["errorNumber"]) == (400, 9708)


def test_an_event_belongs_to_its_location() -> None:
    apple = Vpp()
    event = start(apple)
    other = f"Bearer {apple.place('branch').stoken}"

    assert apple.v2("GET", "/status", token=other, eventId=event).json["errorNumber"] == 9708


def test_successes_and_each_error_are_told_apart() -> None:
    apple = Vpp()
    apple.v2("POST", "/client/config", {"mdmInfo": MDM})
    apple.create("u-1")
    apple.listen()

    answer = apple.v2("POST", "/assets/associate", wanted([APP], ["u-1", "u-unknown"], ()))

    event, uid = answer.json["eventId"], answer.json["uId"]
    good, bad = apple.messages()
    assert good == {
        "notification": {
            "assignments": [{"adamId": APP, "pricingParam": "STDQ", "clientUserId": "u-1"}],
            "eventId": event,
            "type": "ASSOCIATE",
            "result": "SUCCESS",
        },
        "notificationId": good["notificationId"],
        "notificationType": "ASSET_MANAGEMENT",
        "uId": uid,
    }
    assert bad["notification"]["result"] == "FAILURE"
    assert bad["notification"]["eventId"] == event
    assert bad["notification"]["error"] == {
        "errorNumber": 9609,
        "errorMessage": "Unable to find the registered user.",
    }
    assert good["notificationId"] != bad["notificationId"]


def test_large_events_are_told_in_parts_of_one_hundred() -> None:
    apple = Vpp()
    apple.buy(APP, 100)
    clients = [f"u-{number}" for number in range(150)]
    apple.create(*clients[:100])
    apple.create(*clients[100:])
    apple.listen()

    apple.associate(APP, users=clients)

    told = apple.messages()
    assert [len(one["notification"]["assignments"]) for one in told] == [100, 50]
    assert len({one["notification"]["eventId"] for one in told}) == 1
    assert len({one["notificationId"] for one in told}) == 2


def test_users_are_told_of_with_what_they_became() -> None:
    apple = Vpp()
    apple.listen()

    apple.create("u-1", managedAppleId="anna@acme.example")

    (told,) = apple.messages()
    assert told["notificationType"] == "USER_MANAGEMENT"
    assert told["notification"]["type"] == "CREATE"
    assert told["notification"]["users"][0]["status"] == "Associated"


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({}, id="nowhere"),
        pytest.param(HOOK | {"notificationTypes": ["ASSET_COUNT"]}, id="other-kind"),
    ],
)
def test_who_does_not_want_to_hear_is_not_told(config: dict[str, Any]) -> None:
    apple = Vpp()
    apple.v2("POST", "/client/config", config)

    apple.associate(APP, serials=["C1"])

    assert apple.messages() == []


def test_a_message_is_tried_three_times() -> None:
    apple = Vpp()
    apple.listen()
    apple.associate(APP, serials=["C1"])

    def due() -> list[str]:
        return apple.run(lambda state: [one.key for one in notifications.due(state, apple.now_ms)])

    (key,) = due()
    for pause in (60, 240):
        apple.run(
            lambda state: notifications.record_attempt(
                state, key, apple.now_ms, delivered=False, about="refused"
            )
        )
        assert due() == []
        apple.advance(pause)
        assert due() == [key]
    apple.run(
        lambda state: notifications.record_attempt(
            state, key, apple.now_ms, delivered=False, about="refused"
        )
    )
    apple.advance(86400)

    assert due() == []
    (row,) = apple.run(lambda state: state.scan(notifications.OUTBOX))
    assert (row.body["state"], row.body["attempts"]) == ("dropped", 3)


def test_old_messages_are_forgotten_once_they_are_sent() -> None:
    apple = Vpp()
    apple.listen()
    apple.associate(APP, serials=["C1"])
    apple.run(
        lambda state: notifications.record_attempt(
            state, "000000000001", apple.now_ms, delivered=True, about=""
        )
    )

    place = apple.place()
    apple.home(
        lambda home: [
            notifications.enqueue_notification(home, place, "ASSET_COUNT", {}, apple.now_ms)
            for _ in range(notifications.KEPT)
        ]
    )
    assert apple.run(lambda state: state.get(notifications.OUTBOX, "000000000001")) is None
    assert apple.run(lambda state: state.count(notifications.OUTBOX)) == notifications.KEPT
