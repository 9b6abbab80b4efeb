"""What a client asks for at once, and is done piece by piece: by how many rows, and for whom."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from simulator.core.state import State, StoreAdmin
from simulator.protocol import lookups
from simulator.services import organisations
from simulator.services.vpp.domain import events, locations, portal, supply
from simulator.services.vpp.domain.due import DUE
from simulator.services.vpp.domain.products import StoreProduct, put_product
from simulator.services.vpp.domain.subscriptions import Subscription
from simulator.services.vpp.domain.users import add_many
from simulator.services.vpp.limits import LIMITS
from simulator.store.opening import open_store
from tests.apple import ORG, Answer
from tests.vpp import APP, FREE, Vpp, wanted

MOST_ROWS = 700
"""Rows of the database that a transaction writes; one that did a tenth of a list wrote more."""
MOST_STEPS = 500
"""Hundreds of steps of the database's machine in a transaction: a thousand look-ups have 400."""
APPS = [str(1_500_000_000 + number) for number in range(LIMITS["maxAssets"])]
CLIENTS = [f"u-{number:04d}" for number in range(40)]
SERIALS = [f"0ZPIECE{number:04d}" for number in range(40)]
SEATS = [2_000_000_001 + number for number in range(LIMITS["maxSubscriptions"])]


def furnish(apple: Vpp, home: State) -> None:
    place = locations.location(home, "hq")
    for number in APPS:
        put_product(home, StoreProduct(number, number, "App", f"example.a{number}"))
        supply.buy(home, "hq", number, 1000, now_ms=apple.now_ms)
    people = [(one, f"{one}@acme.example", f"{one}@acme.example") for one in CLIENTS]
    add_many(home, place, people)
    locations.change(home, "hq", subscriptions=True)
    ends_ms = apple.now_ms + 1000
    for adam_id in SEATS:
        one = Subscription(adam_id, None, "ACTIVE", ends_ms, 0, len(CLIENTS))
        portal.add_subscription(home, "hq", one, now_ms=apple.now_ms)


@pytest.fixture
def apple() -> Vpp:
    apple = Vpp()
    apple.home(lambda home: furnish(apple, home))
    apple.listen()
    return apple


SEATED = {"adamIds": SEATS, "clientUserIds": CLIENTS}
TARGETS = {"clientUserIds": CLIENTS, "serialNumbers": SERIALS}
NEW = [
    {"clientUserId": f"n-{number}", "managedAppleId": f"n-{number}@acme.example"}
    for number in range(LIMITS["maxUsers"])
]
ORDERS: list[tuple[str, Any]] = [
    ("/assets/associate", wanted(APPS, CLIENTS, SERIALS)),
    ("/assets/disassociate", wanted(APPS, CLIENTS, SERIALS)),
    ("/assets/associate", wanted(APPS, CLIENTS, SERIALS)),
    ("/assets/revoke", {"serialNumbers": SERIALS}),
    ("/users/retire", {"users": [{"clientUserId": one} for one in CLIENTS]}),
    ("/users/create", {"users": [{"clientUserId": one} for one in CLIENTS]}),
    ("/users/create", {"users": NEW}),
    ("/users/update", {"users": [one | {"email": "a@acme.example"} for one in NEW]}),
]
SEAT_ORDERS: list[tuple[str, Any]] = [
    ("/subscriptions/admins/add", SEATED),
    ("/subscriptions/admins/remove", SEATED),
    ("/subscriptions/associate", SEATED | {"renewing": False}),
    ("/subscriptions/disassociate", SEATED | {"deferred": True}),
]


@pytest.mark.parametrize("orders", [ORDERS, SEAT_ORDERS], ids=["licences", "seats"])
def test_no_transaction_writes_more_than_a_piece(apple: Vpp, orders: list[tuple[str, Any]]) -> None:
    written: dict[str, list[int]] = {}

    for number, (path, body) in enumerate(orders):
        with apple.counting() as rows:
            answer = apple.v2("POST", path, body)
            assert answer.status == 200, answer.text
            if "eventId" in answer.json:
                found = apple.done(answer)
                assert found["eventStatus"] == "COMPLETE", found
                assert found["numCompleted"] == found["numRequested"] > 0
        written[f"{number} {path}"] = rows
    apple.advance(2)
    with apple.counting() as rows:
        apple.v2("GET", "/assets")
    written["end of the period"] = rows

    assert {name: max(rows) for name, rows in written.items() if max(rows) > MOST_ROWS} == {}
    assert apple.run(lambda state: state.scan(DUE, prefix="0" * 15)) == []


def test_who_has_which_subscription_is_looked_up_a_piece_at_a_time() -> None:
    apple, clients = Vpp(), [f"{number:04d}" for number in range(700)]
    some = SEATS[:5]

    def furnish(home: State) -> None:
        add_many(home, locations.location(home, "hq"), [(one, one, one) for one in clients])
        locations.change(home, "hq", subscriptions=True)
        for adam_id in some:
            one = Subscription(adam_id, None, "ACTIVE", apple.now_ms + 1000, 0, len(clients))
            portal.add_subscription(home, "hq", one, now_ms=apple.now_ms)

    apple.home(furnish)
    body = {"adamIds": some, "clientUserIds": clients}
    apple.v2("POST", "/subscriptions/admins/add", body)
    apple.done(apple.v2("POST", "/subscriptions/associate", body | {"renewing": False}))

    with apple.counting(reads=True) as steps:
        answers = [
            apple.v2("POST", f"/subscriptions/{path}", body)
            for path in ("admins/remove", "admins/remove", "disassociate", "disassociate")
        ]

    refused = {"errorNumber": 9815, "errorMessage": "The user doesn't have the adamId."}
    assert [one.status for one in answers] == [200, 400, 200, 400]
    assert [answers[at].json | refused for at in (1, 3)] == [answers[at].json for at in (1, 3)]
    assert max(steps) <= MOST_STEPS


def test_whoever_looks_sees_all_of_it(apple: Vpp) -> None:
    before = len(apple.messages())
    event = apple.v2("POST", "/assets/associate", wanted(APPS, CLIENTS, SERIALS)).json["eventId"]
    tasks = len(APPS) * (len(CLIENTS) + len(SERIALS))

    assets = apple.v2("GET", "/assets").json["assets"]

    counted = {one["adamId"]: one["assignedCount"] for one in assets}
    assert [counted[number] for number in APPS] == [80] * len(APPS)
    status = apple.v2("GET", "/status", eventId=event).json
    assert (status["eventStatus"], status["numRequested"]) == ("COMPLETE", tasks)
    parts = [one["notification"] for one in apple.messages()[before:]]
    told = [one for part in parts for one in part["assignments"]]
    assert [len(part["assignments"]) for part in parts] == [100] * (tasks // 100)
    assert [one["adamId"] for one in told] == [one for one in APPS for _ in range(80)]
    who = [one.get("clientUserId") or one["serialNumber"] for one in told]
    assert who == [*CLIENTS, *SERIALS] * len(APPS)


def test_failures_of_all_pieces_are_told_by_number(apple: Vpp) -> None:
    apple.buy(APP, 50)
    unknown = [f"x-{number}" for number in range(120)]
    serials = [f"0ZNONE{number:05d}" for number in range(240)]

    found = apple.associate(FREE, APP, users=unknown, serials=serials)

    short, absent = sorted(found["failures"], key=lambda one: -one["errorNumber"])
    assert (short["errorNumber"], absent["errorNumber"]) == (9709, 9609)
    assert short["errorInfo"]["serialNumbers"] == serials[150:]
    assert short["errorInfo"]["assets"] == [{"adamId": APP, "pricingParam": "STDQ"}]
    assert absent["errorInfo"] == {"clientUserIds": unknown}
    assert (found["numRequested"], found["numCompleted"]) == (720, 390)


@pytest.mark.parametrize("mode", ["polls", "manual", "delay"])
def test_however_it_completes_it_is_done_whole(mode: str) -> None:
    apple = Vpp(vpp_events=mode, vpp_event_polls=2)
    serials = [f"0ZMODE{number:05d}" for number in range(250)]
    event = apple.v2("POST", "/assets/associate", wanted([FREE], (), serials)).json["eventId"]

    pending = apple.v2("GET", "/status", eventId=event).json
    if mode == "manual":
        apple.complete(event)
    apple.advance(5 if mode == "delay" else 0)
    done = apple.v2("GET", "/status", eventId=event).json

    assert (pending["eventStatus"], pending["numCompleted"]) == ("PENDING", 0)
    assert (done["eventStatus"], done["numCompleted"]) == ("COMPLETE", 250)


def test_the_licences_of_one_user_pass_on_piece_by_piece(apple: Vpp) -> None:
    more = [str(1_600_000_000 + number) for number in range(250)]

    def furnish(home: State) -> None:
        for number in more:
            put_product(home, StoreProduct(number, number, "App", f"example.b{number}"))
            supply.buy(home, "hq", number, 1, now_ms=apple.now_ms)

    apple.home(furnish)
    for at in range(0, len(more), 25):
        apple.associate(*more[at : at + 25], users=["u-0000"])
    with apple.counting() as rows:
        answer = apple.v1("retireVPPUserSrv", {"clientUserIdStr": "u-0000"}).json
        free = apple.v1("getVPPAssetsSrv", {"includeLicenseCounts": True}).json["assets"]

    assert answer["user"]["status"] == "Retired"
    counts = {one["adamIdStr"]: one["availableCount"] for one in free}
    assert [counts[number] for number in more] == [1] * len(more)
    assert max(rows) <= MOST_ROWS


def test_another_organisation_does_not_wait_for_it(apple: Vpp) -> None:
    def rival(state: State) -> None:
        organisations.add_organisation(state, ORG | {"id": "rival", "name": "Rival"})
        home = state.of("rival")
        portal.add_location(home, "rival", "theirs", "Theirs", random_hex=apple.random_hex)
        portal.issue_token(home, "theirs", now_ms=apple.now_ms, random_hex=apple.random_hex)

    apple.run(rival)
    token = f"Bearer {apple.run(lambda state: portal.describe(state, 'rival'))[0]['stoken']}"
    event = apple.v2("POST", "/assets/associate", wanted(APPS, CLIENTS, ())).json["eventId"]

    answer = apple.v2("GET", "/assets", token=token)

    stored = apple.at(lambda state, place: events.find(state, place, event))
    assert (answer.status, stored and stored["status"]) == (200, "PENDING")


def test_what_a_kill_left_of_it_is_done_later(tmp_path: Path) -> None:
    path = tmp_path / "mdmsim.db"
    with Vpp(store=open_store(path)) as killed:
        serials = [f"0ZKILL{number:05d}" for number in range(450)]
        body = wanted([FREE], (), serials)
        event = killed.v2("POST", "/assets/associate", body).json["eventId"]
        now_ms = killed.now_ms
        assert not killed.run(lambda state: events.complete_due(state, now_ms))
    with Vpp(store=open_store(path), furnish=False) as again, closing(again.store):
        between = again.at(lambda state, place: events.find(state, place, event))
        after = again.v2("GET", "/status", eventId=event).json

        assert between is not None
        assert (between["status"], between["done"]) == ("PENDING", 100)
        assert (after["eventStatus"], after["numCompleted"]) == ("COMPLETE", 450)
        assert again.counts(FREE)[0] == 450


def test_licences_that_are_given_back_are_not_counted_out() -> None:
    apple = Vpp()
    apple.buy(APP, 9_000_000)
    apple.associate(APP, serials=["0ZBACK0001", "0ZBACK0002", "0ZBACK0003"])
    apple.disassociate(APP, serials=["0ZBACK0001", "0ZBACK0002"])

    apple.buy(APP, -9_000_098)

    asset = apple.asset(APP)
    assert apple.counts(APP) == (1, 1, 0, 2)
    assert (asset.blocks, asset.taken, asset.released) == (((1, 3),), 3, [2])


LISTS: list[Callable[[Vpp], Answer]] = [
    lambda apple: apple.v2("GET", "/users", activeOnly="true", pageIndex=1),
    lambda apple: apple.v2("GET", "/assignments", adamId=APPS[1], excludeInactiveUsers="true"),
    lambda apple: apple.v2("GET", "/assets", productType="App", pageIndex=1),
    lambda apple: apple.v2("GET", "/subscriptions/assignments", adamId=f"{SEATS[1]}"),
    lambda apple: apple.v1("getVPPUsersSrv", {"includeRetired": 1}),
    lambda apple: apple.v1("getVPPLicensesSrv", {"adamId": APPS[1]}),
    lambda apple: apple.v1("getAssignments", {"serialNumber": SERIALS[1]}),
]


def test_lists_are_read_in_pieces_and_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    apple = Vpp(vpp_page_size=15, vpp_batch_size=1000)
    apple.home(lambda home: furnish(apple, home))
    start = apple.v2("GET", "/assignments").json["versionId"]
    apple.done(apple.v2("POST", "/assets/associate", wanted(APPS[:3], CLIENTS, SERIALS)))
    seats = SEATED | {"adamIds": SEATS[:2], "renewing": False}
    apple.done(apple.v2("POST", "/subscriptions/associate", seats))

    def changed(one: Vpp) -> Answer:
        return one.v2("GET", "/assignments", sinceVersionId=start)

    lists = [*LISTS, changed]
    at_once = [asked(apple).json for asked in lists]
    monkeypatch.setattr(lookups, "READ", 7)

    for asked, expected in zip(lists, at_once, strict=True):
        with apple.counting() as transactions:
            found = asked(apple).json
        assert len(transactions) > 3
        for varying in ("batchToken", "sinceModifiedToken", "requestId"):
            found.pop(varying, None)
            expected.pop(varying, None)
        assert found == expected


def test_what_changes_while_a_list_is_read_comes_with_the_next_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    apple = Vpp()
    apple.create(*CLIENTS)
    monkeypatch.setattr(lookups, "READ", 7)
    run, token = apple.run, f"Bearer {apple.stoken}"

    def run_a_piece(piece: Callable[[StoreAdmin], Any]) -> Any:
        monkeypatch.setattr(apple, "run", run)
        apple.create("meanwhile")
        return run(piece)

    monkeypatch.setattr(apple, "run", run_a_piece)
    read = apple.v2("GET", "/users", token=token, activeOnly="true").json
    since = apple.v2("GET", "/users", sinceVersionId=read["versionId"]).json

    assert [one["clientUserId"] for one in read["users"]][: len(CLIENTS)] == CLIENTS
    assert [one["clientUserId"] for one in since["users"]] == ["meanwhile"]
