"""Migration: a device moves to another MDM server without an erase, by its user or its deadline."""

import asyncio
from functools import partial
from typing import Any

import pytest

from simulator.testing.client import Mdmsim
from tests.devices.conftest import Bench
from tests.devices.mdm import Mdm, profile, serving

DEADLINE = "2026-03-10T12:00:00Z"


class Other:
    """The MDM server that devices move to; the profile of the one before stays assigned to it."""

    def __init__(self, bench: Bench, mdm: Mdm) -> None:
        self.bench, self.mdm = bench, mdm

    async def assign(self, serial: str) -> None:
        """Assign a profile of this server to a device."""
        handle = Mdmsim(self.bench.simulator.ready)
        await asyncio.to_thread(partial(handle.assign_profile, serial, f"{self.mdm.url}/enrol"))


@pytest.fixture
async def other(bench: Bench) -> Any:
    await bench.call("PUT", "/clock", {"mode": "frozen", "now": "2026-03-01T12:00:00Z"})
    async with serving(Mdm(bench.mdm.topic)) as mdm:
        yield Other(bench, mdm)


async def test_a_device_moves_when_its_deadline_is_over(bench: Bench, other: Other) -> None:
    device = await bench.device()
    serial, token = device["serial_number"], device["push_token"]
    udid = device["udid"]
    await bench.run(udid, serial, "InstallProfile", Payload=profile("com.example.old"))
    await other.assign(serial)
    await bench.call("POST", f"/devices/{serial}/migrate", {"deadline": DEADLINE})
    waiting = await bench.call("GET", f"/simulated-devices/{serial}")

    await bench.call("PUT", "/clock", {"mode": "frozen", "now": "2026-03-10T12:00:01Z"})
    async with asyncio.timeout(20):
        while len(other.mdm.results) == 0:
            other.mdm.arrived.clear()
            await other.mdm.arrived.wait()
    moved = await bench.act(serial, "poll")
    record = await bench.call("GET", f"/devices/{serial}")

    assert (waiting["state"], waiting["migrates"]) == ("enrolled", DEADLINE)
    assert bench.mdm.kinds[-1] == "CheckOut"
    assert other.mdm.kinds[:2] == ["Authenticate", "TokenUpdate"]
    assert (moved["state"], moved["trouble"], moved["migrates"]) == ("enrolled", None, None)
    assert moved["server_url"].startswith(other.mdm.url)
    assert moved["push_token"] != token
    assert moved["profiles"] == ["com.example.enrolment"]
    assert "mdm_migration_deadline" not in record
    assert record["state"]["migration"] == "SUCCESS"


async def test_its_user_can_move_it_before(bench: Bench, other: Other) -> None:
    device = await bench.device()
    serial = device["serial_number"]
    await other.assign(serial)
    await bench.call("POST", f"/devices/{serial}/migrate", {"deadline": DEADLINE})

    moved = await bench.act(serial, "migrate")
    await bench.call("PUT", "/clock", {"mode": "frozen", "now": "2026-03-10T12:00:01Z"})
    after = await bench.act(serial, "poll")

    assert moved["server_url"].startswith(other.mdm.url)
    assert after["server_url"] == moved["server_url"]
    assert other.mdm.kinds.count("Authenticate") == 1


async def test_a_migration_that_is_called_off_does_not_happen(bench: Bench, other: Other) -> None:
    device = await bench.device()
    serial = device["serial_number"]
    await other.assign(serial)
    await bench.call("POST", f"/devices/{serial}/migrate", {"deadline": DEADLINE})

    await bench.call("POST", f"/devices/{serial}/clear-migration", {})
    await bench.call("PUT", "/clock", {"mode": "frozen", "now": "2026-03-10T12:00:01Z"})
    after = await bench.act(serial, "poll")

    assert (after["migrates"], after["server_url"]) == (None, device["server_url"])
    assert other.mdm.kinds == []


async def test_a_server_that_gives_no_profile_leaves_the_device_where_it_is(
    bench: Bench, other: Other
) -> None:
    device = await bench.device()
    serial = device["serial_number"]
    await other.assign(serial)
    await bench.call("POST", f"/devices/{serial}/migrate", {"deadline": DEADLINE})
    url = other.mdm.url
    await bench.act(serial, "options", options={"origins": {url: "http://127.0.0.1:9"}})

    after = await bench.act(serial, "migrate")

    assert after["state"] == "enrolled"
    assert after["server_url"] == device["server_url"]
    assert "CheckOut" not in bench.mdm.kinds
    assert any("cannot be reached" in one["about"] for one in after["life"])


async def test_an_old_system_has_to_be_erased(bench: Bench, other: Other) -> None:
    device = await bench.device("iPod")
    serial = device["serial_number"]
    await other.assign(serial)

    after = await bench.act(serial, "migrate")

    assert any("cannot migrate: erase the device" in one["about"] for one in after["life"])
    assert after["server_url"] == device["server_url"]
