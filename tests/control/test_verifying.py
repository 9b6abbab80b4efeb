"""Waiting for exchanges and verifying them, on a running simulator."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from simulator.control import patterns
from simulator.control.parts import Parts
from tests.apple import Apple
from tests.control.conftest import Control


async def ask(control: Control, path: str, body: Any = None, **headers: str) -> None:
    method = "GET" if body is None else "POST"
    await control.ask(method, path, json=body, headers={"User-Agent": "Example/1", **headers})


# Waiting


async def test_waiting_ends_with_what_is_waited_for(control: Control) -> None:
    match = {"operation": "dep.account", "status": 401}
    waiting = asyncio.ensure_future(
        control.call("POST", "/exchanges/wait", {"match": match, "count": 2, "timeout_s": 20})
    )
    await ask(control, "/account")
    await ask(control, "/session")
    early = waiting.done()
    await ask(control, "/account")

    status, answer = await asyncio.wait_for(waiting, 10)

    assert not early
    assert (status, answer["count"]) == (200, 2)
    assert [one["seq"] for one in answer["exchanges"]] == [1, 3]


async def test_what_has_been_counts_unless_it_was_before(control: Control) -> None:
    await ask(control, "/account")

    been = await control.call("POST", "/exchanges/wait", {"timeout_s": 0})
    before, _ = await control.call("POST", "/exchanges/wait", {"after": 1, "timeout_s": 0})

    assert (been[0], before) == (200, 408)


async def test_a_hundred_can_wait_and_the_clock_can_move(control: Control) -> None:
    wanted = [{"match": {"session": f"s{number}"}, "timeout_s": 30} for number in range(100)]
    waiting = [
        asyncio.ensure_future(control.call("POST", "/exchanges/wait", body)) for body in wanted
    ]
    await control.call("PUT", "/clock", {"mode": "frozen", "advance_s": 10**6})
    for number in range(100):
        await ask(control, "/account", **{"X-Mdmsim-Session": f"s{number}"})

    answers = await asyncio.wait_for(asyncio.gather(*waiting), 30)

    assert {status for status, _ in answers} == {200}
    labels = [answer["exchanges"][0]["session"] for _, answer in answers]
    assert labels == [f"s{number}" for number in range(100)]


async def test_waiting_in_vain_says_what_came_near(control: Control) -> None:
    await ask(control, "/account")

    body = {"match": {"operation": "dep.account", "status": 200}, "timeout_s": 0.01}
    status, problem = await control.call("POST", "/exchanges/wait", body)

    assert status == 408
    assert problem["detail"] == (
        "waited 0.01 s for 1 exchange with operation 'dep.account', status '200'; 0 came; "
        "the nearest miss is exchange 1, GET /account: status is '401', wanted 200"
    )
    assert problem["nearest_miss"]["seq"] == 1


# Verifying


@pytest.mark.parametrize(
    ("match", "count", "verified"),
    [
        pytest.param({"operation": "dep.account"}, 2, True, id="exactly"),
        pytest.param({"operation": "dep.account"}, {"min": 1}, True, id="at-least"),
        pytest.param({"operation": "dep.account"}, {"max": 1}, False, id="at-most"),
        pytest.param({"operation": "dep.account"}, {"min": 2, "max": 3}, True, id="between"),
        pytest.param({"operation": "dep.sync"}, 0, True, id="never"),
        pytest.param({}, 2, True, id="anything"),
        pytest.param({"q": "accou"}, 2, True, id="text"),
        pytest.param({"header": {"X-Number": "1"}}, 1, True, id="header"),
        pytest.param({"header": {"X-Number": {"present": True}}}, 2, True, id="present"),
        pytest.param({"finding": "auth-refused", "error": "UNAUTHORIZED"}, 2, True, id="finding"),
    ],
)
async def test_how_often_something_was_asked(
    control: Control, match: Any, count: Any, verified: bool
) -> None:
    for number in (1, 2):
        await ask(control, "/account", **{"X-Number": str(number)})

    status, answer = await control.call(
        "POST", "/exchanges/verify", {"match": match, "count": count}
    )

    assert (status, answer["verified"]) == ((200, True) if verified else (409, False))


async def test_a_failure_explains_the_nearest_miss_field_by_field(control: Control) -> None:
    await ask(control, "/account")
    await ask(control, "/devices", {"devices": ["SN1", "SN2"]})

    body = {"match": {"operation": "dep.details", "body": {"devices": "SN9"}, "status": 401}}
    status, problem = await control.call("POST", "/exchanges/verify", body)

    assert status == 409
    assert problem["detail"] == (
        "wanted at least 1 exchanges with operation 'dep.details', status '401', "
        "body.devices 'SN9'; there are 0; the nearest miss is exchange 2, POST /devices: "
        "body.devices is 'SN1', 'SN2', wanted 'SN9'"
    )
    assert problem["nearest_miss"]["fields"] == [
        {"at": "operation", "wanted": "dep.details", "found": "dep.details", "holds": True},
        {"at": "status", "wanted": "401", "found": "401", "holds": True},
        {"at": "body.devices", "wanted": "'SN9'", "found": ["SN1", "SN2"], "holds": False},
    ]


async def test_too_many_are_named(control: Control) -> None:
    for _ in range(7):
        await ask(control, "/account")

    _, problem = await control.call("POST", "/exchanges/verify", {"match": {}, "count": 3})

    assert problem["detail"] == (
        "wanted 3 exchanges with anything; there are 7: 1, 2, 3, 4, 5 and more"
    )


async def test_the_order_of_what_was_asked(control: Control) -> None:
    for path in ("/session", "/account", "/session"):
        await ask(control, path)
    account, session = {"operation": "dep.account"}, {"operation": "dep.session"}

    good = await control.call("POST", "/exchanges/verify", {"sequence": [account, session]})
    bad = await control.call("POST", "/exchanges/verify", {"sequence": [account, account]})

    assert good == (200, {"verified": True, "exchanges": [2, 3]})
    assert bad[0] == 409
    assert bad[1]["detail"] == (
        "sequence[1] was not asked after exchange 2: operation 'dep.account'; the nearest miss is "
        "exchange 3, GET /session: operation is 'dep.session', wanted dep.account"
    )


async def test_nothing_at_all_has_no_nearest_miss(control: Control) -> None:
    _, problem = await control.call("POST", "/exchanges/verify", {"match": {"status": 200}})

    assert "nothing was asked that comes near" in problem["detail"]
    assert problem["nearest_miss"] is None


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        pytest.param("wait", {"match": {"opration": "x"}}, "match.opration", id="key"),
        pytest.param("wait", {"match": {"operation": "dep.snyc"}}, "dep.sync", id="operation"),
        pytest.param("wait", {"match": {"body": {"limt": 1}}}, "match.body.limt", id="field"),
        pytest.param("wait", {"match": {"status": True}}, "match.status", id="status"),
        pytest.param("wait", {"count": 0}, "count must be a whole number from 1", id="none"),
        pytest.param("wait", {"timeout_s": -1}, "timeout_s must be at least 0", id="timeout"),
        pytest.param("verify", {"count": -1}, "count must be a whole number", id="negative"),
        pytest.param("verify", {"count": {"mn": 1}}, "count must be", id="bounds"),
        pytest.param("verify", {"count": {"min": 2, "max": 1}}, "at most count.max", id="order"),
        pytest.param("verify", {"sequence": [5]}, "sequence[0] must be an object", id="sequence"),
        pytest.param("verify", {"sequence": [{"x": 1}]}, "sequence[0]: match.x", id="inside"),
        pytest.param("verify", {"sequence": [], "count": 1}, "either", id="both"),
    ],
)
async def test_what_cannot_be_is_named(control: Control, path: str, body: Any, says: str) -> None:
    status, problem = await control.call("POST", f"/exchanges/{path}", body)

    assert status == 400
    assert says in problem["detail"]


def test_a_look_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "WINDOW", 2)
    monkeypatch.setattr(patterns, "FEW", 3)
    apple = Apple()
    for number in range(5):
        apple.call("GET", f"/account?n={number}", session="x")
    parts = cast("Parts", SimpleNamespace(journal=apple.store.journal(), catalogue=apple.catalogue))
    never = patterns.pattern(apple.catalogue, {"header": {"user-agent": "nobody"}})

    assert patterns.matching(parts, never, 0, 1) == ([], 5)
    assert patterns.matching(parts, never, 0, 1, until=0) == ([], 2)
    assert patterns.matching(parts, never, 2, 1, until=0) == ([], 4)
    newest = patterns.nearest(parts, never, 0, until=0)
    assert newest is not None
    assert newest["seq"] == 5
    apple.store.close()
