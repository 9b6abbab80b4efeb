"""Subscriptions: seats, who has one, who administers them, and the end of a period."""

from typing import Any

import pytest

from simulator.services.vpp.domain import portal
from simulator.services.vpp.domain.seats import put_seat
from simulator.services.vpp.domain.subscriptions import Subscription
from tests.vpp import MDM, Vpp

ONE, TWO, PAUSED, PARENT = 2_000_000_001, 2_000_000_002, 2_000_000_003, 1_000_000_001
DAY_MS = 86_400_000


def furnished(**settings: Any) -> Vpp:
    """Return a simulator whose location has subscriptions and the associated users u-1 to u-3."""
    apple = Vpp(**settings)
    apple.v2("POST", "/subscriptions/enable")
    for client in ("u-1", "u-2", "u-3"):
        apple.create(client, managedAppleId=f"{client}@acme.example")
    apple.create("u-registered")
    apple.listen()
    for adam_id, status, renewing, expiring in (
        (ONE, "ACTIVE", 2, 1),
        (TWO, "ACTIVE", 0, 0),
        (PAUSED, "PAUSED", 1, 0),
    ):
        end_ms = apple.now_ms + 10 * DAY_MS
        parent = PARENT if adam_id == ONE else None
        add(apple, Subscription(adam_id, parent, status, end_ms, renewing, expiring))
    return apple


def add(apple: Vpp, one: Subscription) -> None:
    apple.home(lambda home: portal.add_subscription(home, "hq", one, now_ms=apple.now_ms))


def write(apple: Vpp, verb: str, adam_ids: Any, clients: Any, **more: Any) -> Any:
    body = {"adamIds": adam_ids, "clientUserIds": clients} | more
    return apple.v2("POST", f"/subscriptions/{verb}", body)


def counts(apple: Vpp, adam_id: int = ONE) -> dict[str, tuple[int, int]]:
    (row,) = apple.v2("GET", "/subscriptions", adamId=adam_id).json["subscriptions"]
    found = {name: (split["renewing"], split["expiring"]) for name, split in row["counts"].items()}
    assert sum(found["assigned"]) + sum(found["available"]) == sum(found["total"])
    return found


def seats(apple: Vpp, **query: Any) -> list[tuple[int, str, bool]]:
    rows = apple.v2("GET", "/subscriptions/assignments", **query).json["assignments"]
    return [(one["adamId"], one["clientUserId"], one["renewing"]) for one in rows]


def test_enabling_says_so_and_shows_null_until_the_location_is_claimed() -> None:
    apple = Vpp()

    enabled = apple.v2("POST", "/subscriptions/enable").json
    disabled = apple.v2("POST", "/subscriptions/disable").json
    apple.v2("POST", "/client/config", {"mdmInfo": MDM})
    claimed = apple.v2("POST", "/subscriptions/enable").json

    assert (enabled["subscriptionManagement"], enabled["mdmInfo"]) == (True, None)
    assert disabled["subscriptionManagement"] is False
    assert claimed["mdmInfo"] == MDM


def test_nothing_can_be_bought_before_and_disabled_after() -> None:
    apple = Vpp()
    one = Subscription(ONE, None, "ACTIVE", apple.now_ms, 1, 0)
    with pytest.raises(ValueError, match="enable them first"):
        add(apple, one)

    answer = furnished().v2("POST", "/subscriptions/disable")

    assert (answer.status, answer.json["errorNumber"]) == (400, 9818)


def test_subscriptions_are_listed_with_all_their_seats() -> None:
    body = furnished().v2("GET", "/subscriptions").json

    first, empty, _ = body["subscriptions"]
    assert first == {
        "parentAdamId": PARENT,
        "adamId": ONE,
        "status": "ACTIVE",
        "periodEndDate": "2026-03-11",
        "counts": {
            "assigned": {"renewing": 0, "expiring": 0},
            "available": {"renewing": 2, "expiring": 1},
            "total": {"renewing": 2, "expiring": 1},
        },
    }
    assert empty["adamId"] == TWO
    assert body["versionId"]
    assert "nextCursor" not in body


def test_they_can_be_chosen() -> None:
    apple = furnished()

    def ask(**query: Any) -> list[int]:
        rows = apple.v2("GET", "/subscriptions", **query).json["subscriptions"]
        return [one["adamId"] for one in rows]

    assert ask(parentAdamId=PARENT) == [ONE]
    assert ask(adamId=TWO) == [TWO]
    assert ask(adamId="x") == []


def test_cursors_lead_through_the_list() -> None:
    apple = furnished(vpp_page_size=2)
    first = apple.v2("GET", "/subscriptions").json
    rest = apple.v2("GET", "/subscriptions", cursor=first["nextCursor"]).json

    found = first["subscriptions"] + rest["subscriptions"]
    assert [one["adamId"] for one in found] == [ONE, TWO, PAUSED]
    assert "nextCursor" not in rest


@pytest.mark.parametrize("cursor", ["x", "", "é", "abc.MQ==", "."])
def test_a_cursor_of_ones_own_is_refused(cursor: str) -> None:
    answer = furnished().v2("GET", "/subscriptions", cursor=cursor)

    assert (answer.status, answer.json["errorNumber"]) == (400, 9812)


def test_seats_split_by_assignment_and_by_seat() -> None:
    apple = furnished()

    status = apple.done(write(apple, "associate", [ONE], ["u-1", "u-2"], renewing=False))

    assert (status["eventType"], status["eventStatus"]) == ("ASSOCIATE", "COMPLETE")
    assert seats(apple) == [(ONE, "u-1", False), (ONE, "u-2", False)]
    assert counts(apple) == {"assigned": (0, 2), "available": (1, 0), "total": (2, 1)}


def test_a_seat_that_expires_moves_to_one_that_renews() -> None:
    apple = furnished()
    write(apple, "associate", [ONE], ["u-1"], renewing=False)

    write(apple, "associate", [ONE], ["u-1"])

    assert seats(apple) == [(ONE, "u-1", True)]
    assert counts(apple) == {"assigned": (1, 0), "available": (1, 1), "total": (2, 1)}


def test_no_more_seats_than_there_are() -> None:
    apple = furnished()

    status = apple.done(write(apple, "associate", [ONE], ["u-1", "u-2", "u-3"]))

    assert (status["eventStatus"], status["numCompleted"]) == ("FAILED", 2)
    assert status["failures"][0]["errorNumber"] == 9709
    assert counts(apple) == {"assigned": (2, 0), "available": (0, 1), "total": (2, 1)}


def test_seats_are_taken_back_now_or_at_the_end_of_the_period() -> None:
    apple = furnished()
    write(apple, "associate", [ONE], ["u-1", "u-2"])
    told = len(apple.messages())

    write(apple, "disassociate", [ONE], ["u-1"])
    late = write(apple, "disassociate", [ONE], ["u-2"], deferred=True).json["eventId"]

    assert seats(apple) == [(ONE, "u-2", False)]
    assert counts(apple) == {"assigned": (0, 1), "available": (1, 1), "total": (2, 1)}
    (now,) = apple.messages()[told:]
    assert now["notification"]["assignments"] == [
        {"adamId": ONE, "clientUserId": "u-1", "renewing": True}
    ]
    apple.advance(10 * 86400)
    assert seats(apple) == []
    assert counts(apple) == {"assigned": (0, 0), "available": (2, 0), "total": (2, 0)}
    ended, count = (one["notification"] for one in apple.messages()[told + 1 :])
    assert (ended["eventId"], ended["type"], ended["result"]) == (late, "DISASSOCIATE", "SUCCESS")
    assert count["counts"] == {
        "available": {"renewing": 2, "expiring": 0},
        "total": {"renewing": 2, "expiring": 0},
    }


def test_periods_follow_each_other() -> None:
    apple = furnished()
    apple.advance(75 * 86400)

    (row,) = apple.v2("GET", "/subscriptions", adamId=ONE).json["subscriptions"]

    assert row["periodEndDate"] == "2026-06-09"


def test_fewer_seats_than_are_assigned_cannot_be() -> None:
    apple = furnished()
    write(apple, "associate", [ONE], ["u-1", "u-2"])
    less = Subscription(ONE, PARENT, "ACTIVE", apple.now_ms + DAY_MS, 1, 1)

    with pytest.raises(ValueError, match="more seats are assigned"):
        add(apple, less)


def group_seat(apple: Vpp) -> None:
    seat = {
        "adam": ONE,
        "client": "u-3",
        "renewing": True,
        "renews": True,
        "deferred": "",
        "group": True,
    }
    apple.at(lambda state, place: put_seat(state, place, seat))


@pytest.mark.parametrize(
    ("verb", "adam_ids", "clients", "code"),
    [
        pytest.param("associate", None, ["u-1"], 9602, id="no-ids"),
        pytest.param("associate", [], ["u-1"], 9602, id="empty"),
        pytest.param("associate", [str(ONE)], ["u-1"], 9602, id="text"),
        pytest.param("associate", [ONE], [], 9602, id="no-users"),
        pytest.param("associate", [*range(26)], ["u-1"], 9816, id="many"),
        pytest.param("associate", [ONE], [f"u-{n}" for n in range(1001)], 9816, id="many-users"),
        pytest.param("associate", [1], ["u-1"], 9813, id="unknown"),
        pytest.param("associate", [PAUSED], ["u-1"], 9811, id="paused"),
        pytest.param("associate", [ONE], ["u-registered"], 9814, id="registered"),
        pytest.param("associate", [ONE], ["nobody"], 9814, id="nobody"),
        pytest.param("associate", [ONE], ["u-3"], 9817, id="by-group"),
        pytest.param("disassociate", [ONE], ["u-1"], 9815, id="without"),
        pytest.param("disassociate", [1], ["u-1"], 9813, id="take-unknown"),
        pytest.param("admins/add", [ONE], ["nobody"], 9814, id="admin-nobody"),
        pytest.param("admins/add", [1], ["u-1"], 9813, id="admin-unknown"),
        pytest.param("admins/remove", [ONE], ["u-1"], 9815, id="no-admin"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    verb: str, adam_ids: Any, clients: Any, code: int
) -> None:
    apple = furnished()
    group_seat(apple)
    before = counts(apple)

    answer = write(apple, verb, adam_ids, clients)

    assert (answer.status, answer.json["errorNumber"]) == (400, code)
    assert counts(apple) == before


def test_administrators_are_added_and_removed_at_once() -> None:
    apple = furnished()

    added = write(apple, "admins/add", [ONE, TWO], ["u-1"]).json
    listed = apple.v2("GET", "/subscriptions/admins", includeUserState="true").json
    write(apple, "admins/remove", [ONE], ["u-1"])

    assert added["versionId"] == listed["versionId"]
    assert [one["adamId"] for one in listed["admins"]] == [ONE, TWO]
    assert listed["admins"][0]["userStatus"] == "Associated"
    assert len(listed["admins"][0]["idHash"]) == 28
    left = apple.v2("GET", "/subscriptions/admins").json["admins"]
    assert left == [{"adamId": TWO, "clientUserId": "u-1"}]


def test_several_subscriptions_are_named_by_repeating_the_key() -> None:
    apple = furnished()
    write(apple, "admins/add", [ONE, TWO], ["u-1"])

    answer = apple.v2("GET", f"/subscriptions/admins?adamId={ONE}&adamId={TWO}")

    assert len(answer.json["admins"]) == 2


def test_seats_can_be_chosen() -> None:
    apple = furnished()
    write(apple, "associate", [ONE], ["u-1", "u-2"])

    assert seats(apple, clientUserId="u-2") == [(ONE, "u-2", True)]
    assert len(seats(apple, parentAdamId=PARENT)) == 2
    assert seats(apple, parentAdamId=1) == []
    assert seats(apple, adamId=TWO) == []
