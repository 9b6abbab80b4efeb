"""Devices that arrive over time, by the control API."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.app import Simulator
from simulator.core.settings import Settings
from tests.control.conftest import Control

ORDER = {"count": 2, "every_s": 3600}


async def number(control: Control) -> int:
    _, found = await control.call("GET", "/devices?limit=1000")
    return len(found["devices"])


async def test_they_come_as_time_is_moved(control: Control) -> None:
    before = await number(control)
    await control.call("PUT", "/clock", {"mode": "frozen"})

    status, made = await control.call("POST", "/arrivals", ORDER | {"families": ["Mac"]})
    at_once = await number(control)
    await control.call("PUT", "/clock", {"advance_s": 3 * 3600})
    later = await number(control)

    assert (status, made["arrived"], made["server"]) == (201, 0, "main")
    assert (at_once, later) == (before, before + 6)
    _, found = await control.call("GET", "/arrivals?organisation=demo")
    assert found["arrivals"] == [
        made | {"arrived": 6, "next": found["arrivals"][0]["next"]},
    ]
    assert found["arrivals"][0]["next"] > made["next"]


async def test_one_is_found_by_its_serial_number_and_can_be_acted_on(control: Control) -> None:
    await control.call("PUT", "/clock", {"mode": "frozen"})
    await control.call("POST", "/arrivals", ORDER | {"starts": "2026-01-01T00:00:00Z", "times": 1})
    _, found = await control.call("GET", "/devices?limit=1000")
    serial = max(found["devices"], key=lambda one: one["device_assigned_date"])["serial_number"]

    status, one = await control.call("GET", f"/devices/{serial}")
    acted, _ = await control.call("POST", f"/devices/{serial}/throttle", {})

    assert (status, acted, one["serial_number"]) == (200, 200, serial)


async def test_they_end_with_their_order(control: Control) -> None:
    await control.call("PUT", "/clock", {"mode": "frozen"})
    _, made = await control.call("POST", "/arrivals", ORDER)
    before = await number(control)

    await control.call("PUT", "/clock", {"advance_s": 3600})
    status, gone = await control.call("DELETE", f"/arrivals/{made['id']}")
    await control.call("PUT", "/clock", {"advance_s": 36_000})

    assert (status, gone["arrived"]) == (200, 2)
    assert await number(control) == before + 2
    status, problem = await control.call("DELETE", f"/arrivals/{made['id']}")
    assert (status, problem["detail"]) == (404, "no order of arrivals has the id 1")


async def test_a_reset_forgets_the_order_and_what_it_brought(control: Control) -> None:
    before = await number(control)
    await control.call("PUT", "/clock", {"mode": "frozen"})
    await control.call("POST", "/arrivals", ORDER)
    await control.call("PUT", "/clock", {"advance_s": 36_000})
    assert await number(control) > before

    await control.call("POST", "/reset", {})
    await control.call("PUT", "/clock", {"advance_s": 36_000})

    assert await number(control) == before


async def test_a_snapshot_holds_the_order(control: Control) -> None:
    await control.call("PUT", "/clock", {"mode": "frozen"})
    await control.call("POST", "/arrivals", ORDER)
    before = await number(control)
    url = f"{control.base}/api/v1/snapshot"
    async with control.http.get(url) as answer:
        snapshot = await answer.read()

    await control.call("PUT", "/clock", {"advance_s": 3600})
    await number(control)
    async with control.http.put(url, data=snapshot) as answer:
        assert answer.status == 200
    back = await number(control)
    await control.call("PUT", "/clock", {"advance_s": 7200})

    assert (back, await number(control)) == (before, before + 4)


async def test_they_go_on_after_a_restart(tmp_path: Path) -> None:
    made = Settings(
        data=str(tmp_path / "data"),
        tls_port=(None,),
        http_port=0,
        control_port=0,
        proxy_port=None,
    )
    async with Simulator(made) as simulator, aiohttp.ClientSession() as session:
        control = Control(simulator, session)
        before = await number(control)
        await control.call("PUT", "/clock", {"mode": "frozen"})
        await control.call("POST", "/arrivals", ORDER)
        await control.call("PUT", "/clock", {"advance_s": 3600})

    async with Simulator(made) as simulator, aiohttp.ClientSession() as session:
        control = Control(simulator, session)
        assert await number(control) == before + 2
        await control.call("PUT", "/clock", {"advance_s": 3600})
        assert await number(control) == before + 4


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        pytest.param({"every_s": 1}, 400, "must name count", id="no-count"),
        pytest.param(ORDER | {"count": 0}, 400, "count must be a whole number from 1", id="none"),
        pytest.param(ORDER | {"every_s": 0}, 400, "every_s must be a whole number", id="always"),
        pytest.param(ORDER | {"count": -3}, 400, "count must be a whole number", id="negative"),
        pytest.param(ORDER | {"times": 0}, 400, "times must be a whole number from 1", id="never"),
        pytest.param(ORDER | {"starts": "soon"}, 400, "starts must be a time such", id="starts"),
        pytest.param(
            ORDER | {"starts": "2026-02-01T00:00:00Z", "ends": "2026-01-01T00:00:00Z"},
            400,
            "ends must be after starts",
            id="ends",
        ),
        pytest.param(ORDER | {"families": ["Car"]}, 400, "families must be one of", id="families"),
        pytest.param(ORDER | {"server": "x"}, 404, "no DEP server has the id x", id="server"),
        pytest.param(ORDER | {"often": 1}, 400, "often is not known", id="unknown"),
        pytest.param(
            {"count": 100_000, "every_s": 1, "starts": "2026-01-01T00:00:00Z"},
            409,
            "that is more than 1000000 devices at once: start later",
            id="flood",
        ),
    ],
)
async def test_what_cannot_be_is_refused_and_orders_nothing(
    control: Control, body: Any, status: int, detail: str
) -> None:
    before = await number(control)

    answered, problem = await control.call("POST", "/arrivals", body)

    assert answered == status
    assert detail in problem["detail"]
    assert (await control.call("GET", "/arrivals"))[1] == {"arrivals": []}
    assert await number(control) == before


async def test_devices_that_are_added_are_new_in_every_organisation(control: Control) -> None:
    _, first = await control.call("POST", "/devices", {"count": 3})
    serial = first["serial_numbers"][0]
    status, new = await control.call("POST", f"/devices/{serial}/replace", {})
    _, more = await control.call("POST", "/devices", {"count": 2})

    assert status == 200
    found = [*first["serial_numbers"], new["serial_number"], *more["serial_numbers"]]
    assert len(set(found)) == 6
