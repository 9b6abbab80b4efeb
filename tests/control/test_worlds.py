"""Reset, snapshots and worlds, on a running simulator."""

import gzip
import json
from typing import Any

import aiohttp
import pytest

from simulator.app import Simulator
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
    return gzip.decompress(content).splitlines()


async def test_a_reset_brings_back_the_world_and_its_credentials(control: Control) -> None:
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
