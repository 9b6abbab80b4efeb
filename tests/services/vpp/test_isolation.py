"""No token of one location reads or changes what belongs to another, of whatever organisation."""

from typing import Any, cast

import pytest

from simulator import services
from simulator.core.state import State
from simulator.protocol.operations import Operation
from simulator.services import organisations
from simulator.services.vpp.domain import portal, supply
from simulator.store.sqlite.store import SqliteStore
from tests.apple import ORG
from tests.vpp import APP, Vpp, wanted

MARK = "rival"
OPERATIONS = [
    pytest.param(one, id=one.name)
    for one in services.load().operations.values()
    if one.name.startswith(("vpp1.", "vpp2.")) and one.auth
]


@pytest.fixture
def apple() -> Vpp:
    """Two organisations; the other one's location has users, licences, events and a seat."""
    apple = Vpp(vpp_events="manual")
    apple.run(lambda state: rival(apple, state))
    token = f"Bearer {apple.run(lambda state: portal.describe(state, 'rival'))[0]['stoken']}"
    for path, body in (
        ("/users/create", {"users": [{"clientUserId": f"{MARK}-user"}]}),
        ("/assets/associate", wanted([APP], (), ["RIVAL000001"])),
    ):
        assert apple.v2("POST", path, body, token=token).status == 200
    return apple


def rival(apple: Vpp, state: State) -> None:
    organisations.add_organisation(state, ORG | {"id": "rival", "name": MARK})
    home = state.of("rival")
    portal.add_location(home, "rival", "theirs", f"{MARK} place", random_hex=apple.random_hex)
    portal.issue_token(home, "theirs", now_ms=apple.now_ms, random_hex=apple.random_hex)
    supply.buy(home, "theirs", APP, 10, now_ms=apple.now_ms)


def belongings(apple: Vpp) -> list[Any]:
    query = "SELECT kind, key, body FROM entity WHERE organisation = 'rival' ORDER BY kind, key"
    found: list[Any] = cast("SqliteStore", apple.store)._connection.execute(query).fetchall()
    return found


def naming_theirs(apple: Vpp) -> dict[str, Any]:
    rows = apple.run(lambda state: state.of("rival").scan("vpp.event/theirs"))
    return {
        "eventId": rows[0].key,
        "clientUserId": f"{MARK}-user",
        "clientUserIdStr": f"{MARK}-user",
        "clientUserIds": [f"{MARK}-user"],
        "users": [{"clientUserId": f"{MARK}-user"}],
        "serialNumber": "RIVAL000001",
        "serialNumbers": ["RIVAL000001"],
        "userId": 100_000,
    }


@pytest.mark.parametrize("one", OPERATIONS)
def test_an_operation_neither_tells_nor_changes_what_is_theirs(apple: Vpp, one: Operation) -> None:
    before, theirs = belongings(apple), naming_theirs(apple)
    rows = {row.name: theirs.get(row.name, row.example) for row in one.request}
    sent = {name: value for name, value in rows.items() if value is not None}
    path = one.path.removeprefix("/mdm/v2").removeprefix("/mdm/")

    if one.name.startswith("vpp1."):
        answer = apple.v1(path, sent)
    else:
        query = {
            row.name: sent[row.name]
            for row in one.request
            if row.place == "query" and row.name in sent
        }
        body = {
            row.name: sent[row.name]
            for row in one.request
            if row.place == "body" and row.name in sent
        }
        answer = apple.v2(one.methods[0], path, body or None, **query)

    assert belongings(apple) == before
    assert f"{MARK} place" not in answer.text
    assert answer.json.get("uId") in (None, apple.place().uid)
    listed = [answer.json.get(name) for name in ("users", "assignments", "licenses", "eventStatus")]
    assert not any(listed)
