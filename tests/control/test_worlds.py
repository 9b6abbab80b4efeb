"""Reset, snapshots and worlds, on a running simulator."""

import gzip
import json
import secrets
from typing import Any

import aiohttp
import pytest

from simulator.app import Simulator
from simulator.auth import oauth1
from simulator.store.sql import going_back
from tests.apple import authorization
from tests.control.conftest import Control


async def raw(control: Control, method: str, path: str, data: Any = None) -> tuple[int, bytes]:
    url = f"{control.base}/api/v1{path}"
    async with control.http.request(method, url, data=data) as answer:
        return answer.status, await answer.read()


async def serials(control: Control) -> list[str]:
    _, page = await control.call("GET", "/devices?limit=1000")
    return [one["serial_number"] for one in page["devices"]]


async def snapshot(control: Control) -> list[bytes]:
    status, content = await raw(control, "GET", "/snapshot")
    assert status == 200
    lines = gzip.decompress(content).splitlines()
    # Which line of time it is differs by intent: see simulator.services.dep.timeline.
    return [line for line in lines if b'"dep.timeline"' not in line]


@pytest.mark.parametrize("many", [going_back.MANY, -1], ids=["in place", "by a copy"])
async def test_a_reset_brings_back_the_world_and_its_credentials(
    control: Control, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(going_back, "MANY", many)
    start, was = await snapshot(control), control.simulator.ready["organisations"]
    await control.call("POST", "/devices", {"count": 3})
    server = was[0]["dep_servers"][0]["id"]
    await control.call("DELETE", f"/dep-servers/{server}/token")
    await control.call("POST", "/faults", {"delivery": "delay"})
    await control.call("PUT", "/quirks/dep.same-cursor", {"on": True})
    await control.call("PUT", "/clock", {"advance_s": 3600})
    await control.ask("GET", "/account")

    status, answer = await control.call("POST", "/reset")
    _, faults = await control.call("GET", "/faults")
    _, quirks = await control.call("GET", "/quirks")
    _, exchanges = await control.call("GET", "/exchanges")

    assert status == 200
    assert answer["organisations"] == was == control.simulator.ready["organisations"]
    assert (await snapshot(control))[1:] == start[1:]
    assert faults["faults"] == []
    assert not any(one["on"] for one in quirks["quirks"])
    assert control.simulator.clock.mode == "real"
    assert len(exchanges["exchanges"]) == 1


async def test_a_brief_reset_lists_no_organisation(control: Control) -> None:
    await control.call("POST", "/devices", {"count": 3})

    status, answer = await control.call("POST", "/reset", {"brief": True})

    assert (status, answer) == (200, {"organisations": []})
    assert len(await serials(control)) == 25


async def log_in(control: Control) -> dict[str, str]:
    """Return the headers of a DEP session."""
    token = control.simulator.ready["organisations"][0]["dep_servers"][0]["token"]
    parameters = {
        "oauth_consumer_key": token["consumer_key"],
        "oauth_token": token["access_token"],
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(control.simulator.clock.now_ms() // 1000),
        "oauth_nonce": secrets.token_hex(8),
        "oauth_version": "1.0",
    }
    parameters["oauth_signature"] = oauth1.sign(
        "GET",
        f"{control.service}/session",
        parameters.items(),
        consumer_secret=token["consumer_secret"],
        token_secret=token["access_secret"],
    )
    given = {"Authorization": authorization(parameters), "User-Agent": "t/1"}
    _, text = await control.ask("GET", "/session", headers=given)
    return {"X-ADM-Auth-Session": json.loads(text)["auth_session_token"], "User-Agent": "t/1"}


async def asked(control: Control, path: str, body: Any) -> tuple[int, str]:
    return await control.ask("POST", path, json=body, headers=await log_in(control))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", "/reset", {}, id="reset"),
        pytest.param("POST", "/reset", {"organisation": "demo"}, id="reset-of-one"),
        pytest.param("POST", "/worlds/demo", {}, id="world"),
    ],
)
async def test_a_cursor_of_a_state_that_is_gone_is_invalid(
    control: Control, method: str, path: str, body: Any
) -> None:
    await control.call("POST", "/devices", {"count": 3})
    _, page = await asked(control, "/server/devices", {})

    await control.call(method, path, body)
    await control.call("POST", "/devices", {"count": 1})

    cursor = json.loads(page)["cursor"]
    assert await asked(control, "/devices/sync", {"cursor": cursor}) == (400, "INVALID_CURSOR")


async def test_a_cursor_of_a_snapshot_is_good_where_it_is_loaded(control: Control) -> None:
    _, page = await asked(control, "/server/devices", {})
    cursor = json.loads(page)["cursor"]
    _, kept = await raw(control, "GET", "/snapshot")
    await control.call("POST", "/devices", {"count": 3})
    _, page = await asked(control, "/devices/sync", {"cursor": cursor})

    await raw(control, "PUT", "/snapshot", kept)
    _, added = await control.call("POST", "/devices", {"count": 1})

    status, found = await asked(control, "/devices/sync", {"cursor": cursor})
    serials = [one["serial_number"] for one in json.loads(found)["devices"]]
    assert (status, serials) == (200, added["serial_numbers"])
    later = {"cursor": json.loads(page)["cursor"]}
    assert await asked(control, "/devices/sync", later) == (400, "INVALID_CURSOR")


async def test_one_organisation_goes_back_alone(control: Control) -> None:
    before = await serials(control)
    await control.call("POST", "/devices", {"count": 1})
    for match in ({"organisation": "demo"}, {}):
        await control.call("POST", "/faults", {"delivery": "delay", "match": match})
    for name in ("demo", None):
        body = {"on": True} | ({"organisation": name} if name else {})
        await control.call("PUT", "/quirks/dep.event-twice", body)

    status, _ = await control.call("POST", "/reset", {"organisation": "demo"})
    unknown, problem = await control.call("POST", "/reset", {"organisation": "x"})
    _, faults = await control.call("GET", "/faults")

    assert (status, unknown) == (200, 404)
    assert "has the id x" in problem["detail"]
    assert await serials(control) == before
    assert len(faults["faults"]) == 1


async def test_a_snapshot_moves_to_another_simulator(control: Control) -> None:
    await control.call("POST", "/devices", {"count": 2})
    await control.call("PUT", "/clock", {"mode": "frozen", "now": "2026-03-01T12:00:00Z"})
    was = await serials(control)
    _, content = await raw(control, "GET", "/snapshot")

    async with Simulator(control.simulator.settings) as second, aiohttp.ClientSession() as http:
        other = Control(second, http)
        status, answer = await raw(other, "PUT", "/snapshot", content)
        moved = await serials(other)
        clock = second.clock.mode, second.clock.now_ms()
        token = second.ready["organisations"][0]["dep_servers"][0]["token"]
        await other.call("POST", "/devices", {"count": 1})
        await other.call("POST", "/reset")
        again = await serials(other)

    assert status == 200, answer
    assert moved == was == again
    assert clock == ("frozen", 1_772_366_400_000)
    mine = control.simulator.ready["organisations"][0]["dep_servers"][0]["token"]
    assert token == mine


def packed(*lines: Any) -> bytes:
    return gzip.compress(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "no snapshot", id="empty"),
        pytest.param(b"no gzip", "no whole gzip file", id="plain"),
        pytest.param(packed({"mdmsim_snapshot": 1})[:-9], "no whole gzip file", id="cut"),
        pytest.param(packed({"mdmsim_snapshot": 2}), "of format 2", id="version"),
        pytest.param(packed({"mdmsim_snapshot": 1}, ["x"]), "line 2", id="line"),
        pytest.param(
            packed({"mdmsim_snapshot": 1}, {"lines": 1}), "has no organisation", id="nobody"
        ),
    ],
)
async def test_what_is_no_snapshot_changes_nothing(
    control: Control, content: bytes, says: str
) -> None:
    before = await snapshot(control)

    status, answer = await raw(control, "PUT", "/snapshot", content)

    assert status == 400
    assert says in json.loads(answer)["detail"]
    assert (await snapshot(control))[1:] == before[1:]


async def test_another_world_takes_the_place_of_everything(control: Control) -> None:
    was = control.simulator.ready["organisations"][0]["dep_servers"][0]["token"]
    await control.call("POST", "/devices", {"count": 1})

    status, answer = await control.call("POST", "/worlds/demo", {"devices": 7, "seed": 5})
    unknown, problem = await control.call("POST", "/worlds/nowhere")

    assert (status, answer["world"]) == (200, "demo")
    assert len(await serials(control)) == 7
    assert answer["organisations"][0]["dep_servers"][0]["token"] != was
    assert unknown == 404
    assert "demo" in problem["detail"]
