"""Faults by the control API, on real sockets."""

import asyncio
from typing import Any

import pytest

from tests.control.conftest import Control


async def test_the_menu_lists_outcomes_and_deliveries(control: Control) -> None:
    status, menu = await control.call("GET", "/outcomes")

    assert status == 200
    named = {one["name"]: one for one in menu["outcomes"]}
    assert named["dep.T_C_NOT_SIGNED"]["status"] == 403
    assert named["dep.THROTTLED"]["kind"] == "item"
    assert named["dep.THROTTLED"]["operations"] == ["dep.assign"]
    takes = [one["name"] for one in named["apns.Unregistered"]["parameters"]]
    assert takes == ["retry_after_s", "timestamp"]
    also = {name for one in menu["deliveries"] for name in one["also"]}
    assert {"CONNECTION_RESET_BY_PEER", "EMPTY_RESPONSE", "latency", "reset_peer"} <= also


async def test_a_fault_is_armed_seen_and_disarmed(control: Control) -> None:
    body = {
        "match": {"operation": "dep.account", "organisation": "demo"},
        "outcome": {"name": "dep.TOO_MANY_REQUESTS", "retry_after_s": 5},
        "count": 3,
        "after": 1,
        "probability": 0.5,
        "until": "2099-01-01T00:00:00Z",
    }
    status, armed = await control.call("POST", "/faults", body)
    _, listed = await control.call("GET", "/faults")
    gone, _ = await control.call("DELETE", f"/faults/{armed['id']}")
    again, problem = await control.call("DELETE", f"/faults/{armed['id']}")

    assert status == 201
    assert armed == {
        "id": "1",
        **body,
        "reverts": None,
        "matched": 0,
        "touched": 0,
        "spent": False,
    }
    assert listed == {"faults": [armed]}
    assert (gone, again) == (200, 404)
    assert "no fault has the id 1" in problem["detail"]


async def test_the_journal_names_the_fault(control: Control) -> None:
    body = {"outcome": "dep.SERVICE_UNAVAILABLE", "match": {"session": "mine"}}
    _, armed = await control.call("POST", "/faults", body)

    mine, _ = await control.ask("GET", "/account", headers={"X-Mdmsim-Session": "mine"})
    other, _ = await control.ask("GET", "/account", headers={"X-Mdmsim-Session": "other"})
    _, by_fault = await control.call("GET", f"/exchanges?fault={armed['id']}")
    _, by_session = await control.call("GET", "/exchanges?session=other")

    assert (mine, other) == (503, 401)
    assert [one["seq"] for one in by_fault["exchanges"]] == [1]
    assert by_fault["exchanges"][0]["faults"] == [{"id": "1", "does": "dep.SERVICE_UNAVAILABLE"}]
    assert [(one["seq"], one["session"]) for one in by_session["exchanges"]] == [(2, "other")]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"outcome": "dep.NOPE"}, "GET /outcomes", id="outcome"),
        pytest.param(
            {"delivery": "reset", "count": -1}, "count must be a whole number from 1", id="count"
        ),
        pytest.param(
            {"delivery": "reset", "count": 1.5}, "count must be a whole number", id="half"
        ),
        pytest.param({"delivery": "reset", "probability": 2}, "at most 1", id="probability"),
        pytest.param({"delivery": "reset", "until": "soon"}, "until must be a time", id="until"),
        pytest.param({"delivery": "reset", "often": 1}, "often is not known", id="key"),
        pytest.param(
            {"delivery": "reset", "match": {"organisation": "nobody"}}, "demo", id="organisation"
        ),
        pytest.param({"delivery": "reset", "match": {"x": 1}}, "match.x is not known", id="match"),
    ],
)
async def test_what_cannot_be_is_a_problem_and_changes_nothing(
    control: Control, body: Any, says: str
) -> None:
    status, problem = await control.call("POST", "/faults", body)
    _, listed = await control.call("GET", "/faults")

    assert status == 400
    assert problem["status"] == 400
    assert says in problem["detail"]
    assert listed == {"faults": []}


async def test_all_are_disarmed_or_those_of_one_organisation(control: Control) -> None:
    for match in ({}, {"organisation": "demo"}):
        await control.call("POST", "/faults", {"delivery": "reset", "match": match})

    _, one = await control.call("DELETE", "/faults?organisation=demo")
    _, rest = await control.call("DELETE", "/faults")

    assert (one, rest) == ({"removed": 1}, {"removed": 1})


async def test_a_delayed_answer_comes_when_the_clock_is_moved(control: Control) -> None:
    await control.call("PUT", "/clock", {"mode": "frozen"})
    body = {"delivery": {"name": "delay", "ms": 700_000}, "match": {"operation": "dep.account"}}
    await control.call("POST", "/faults", body)

    asked = asyncio.ensure_future(control.ask("GET", "/account"))
    exchanges: list[Any] = []
    while not exchanges:
        _, page = await control.call("GET", "/exchanges")
        exchanges = page["exchanges"]
    pending = not asked.done()
    await control.call("PUT", "/clock", {"advance_s": 700})
    status, _ = await asyncio.wait_for(asked, 5)

    assert pending
    assert status == 401
    assert exchanges[0]["faults"] == [{"id": "1", "does": "delay"}]


async def test_an_answer_of_ones_own_comes_from_any_service(control: Control) -> None:
    outcome = {
        "name": "http.response",
        "status": 503,
        "headers": {"Retry-After": "7", "X-Proxy": "edge-1"},
        "content_type": "text/html",
        "body": "<html>busy</html>",
    }
    await control.call("POST", "/faults", {"outcome": outcome})

    for path in ("/account", "/mdm/v2/client/config"):
        async with control.http.get(f"{control.service}{path}") as answer:
            assert (answer.status, answer.content_type) == (503, "text/html")
            assert (answer.headers["Retry-After"], answer.headers["X-Proxy"]) == ("7", "edge-1")
            assert await answer.text() == "<html>busy</html>"
    _, listed = await control.call("GET", "/exchanges")
    assert [one["error"] for one in listed["exchanges"]] == ["response", "response"]


@pytest.mark.parametrize(
    ("given", "status", "kind", "body"),
    [
        ({}, 503, "application/octet-stream", ""),
        ({"status": 204}, 204, "application/octet-stream", ""),
        ({"status": 301}, 301, "application/octet-stream", ""),
        ({"status": 200, "body": "OK"}, 200, "text/plain", "OK"),
    ],
)
async def test_its_parts_may_be_left_out(
    control: Control, given: dict[str, Any], status: int, kind: str, body: str
) -> None:
    await control.call("POST", "/faults", {"outcome": {"name": "http.response", **given}})

    url = f"{control.service}/session"
    async with control.http.get(url, allow_redirects=False) as answer:
        assert (answer.status, answer.content_type) == (status, kind)
        assert await answer.text() == body


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"status": 99}, "status"),
        ({"headers": {"Content-Length": "5"}}, "must not hold Content-Length"),
        ({"headers": {"X": "a\r\nY: b"}}, "which is no header field"),
        ({"status": 204, "body": "x"}, "must be empty, as status 204 has no body"),
        ({"colour": "red"}, "does not know colour: it takes"),
    ],
)
async def test_what_is_no_answer_is_refused(
    control: Control, given: dict[str, Any], says: str
) -> None:
    body = {"outcome": {"name": "http.response", **given}}
    status, problem = await control.call("POST", "/faults", body)
    _, listed = await control.call("GET", "/faults")

    assert status == 400
    assert says in problem["detail"]
    assert listed == {"faults": []}


async def test_the_real_clock_disarms_a_fault(control: Control) -> None:
    await control.call("PUT", "/clock", {"mode": "frozen"})
    body = {"outcome": "dep.SERVICE_UNAVAILABLE", "for_s": 0.05}
    _, armed = await control.call("POST", "/faults", body)
    async with asyncio.timeout(10):
        while (await control.call("GET", "/faults"))[1]["faults"]:  # noqa: ASYNC110 (real time)
            await asyncio.sleep(0)

    assert armed["reverts"]
    assert (await control.ask("GET", "/session"))[0] == 400
