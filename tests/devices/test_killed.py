"""A simulator that is killed while devices are at work: nothing is lost, and they go on."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from simulator.testing.client import Mdmsim
from tests.devices.mdm import Body, Mdm, profile, serving
from tests.durability.running import journal_of, simulator, verified

WAIT_S = 30
WIFI = profile("com.example.wifi")


class Killer:
    """Kills the simulator as soon as the result of a command arrives, and asks once more for it."""

    def __init__(self, mdm: Mdm) -> None:
        self.mdm = mdm
        self.process: subprocess.Popen[bytes] | None = None
        self.uuid = ""
        mdm.on_result = self.arrived

    def aim(self, process: subprocess.Popen[bytes], uuid: str) -> None:
        """Kill *process* at the result of *uuid*, which may be there: devices go on at once."""
        self.process, self.uuid = process, uuid
        for message in [*self.mdm.results]:
            self.arrived(message)

    def arrived(self, message: Body) -> None:
        if self.process is not None and message.get("CommandUUID") == self.uuid:
            self.process.send_signal(signal.SIGKILL)
            self.process = None


@asynccontextmanager
async def started(
    data: Path, begun: Callable[[subprocess.Popen[bytes]], object] | None = None
) -> AsyncIterator[tuple[dict[str, Any], subprocess.Popen[bytes]]]:
    """Run a simulator of *data*."""
    with ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, simulator(data, begun=begun))
        await asyncio.to_thread(stack.close)


async def call(control: str, method: str, path: str, body: Any = None) -> Any:
    async with aiohttp.request(method, f"{control}/api/v1{path}", json=body) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.json()


async def assigned(ready: dict[str, Any], mdm: Mdm) -> str:
    """Buy a phone, assign a profile that leads to the MDM, and return its serial number."""
    mdm.topic = ready["organisations"][0]["push_topics"][0]["topic"]
    server = ready["organisations"][0]["dep_servers"][0]["id"]
    bought = {"count": 1, "server": server, "families": ["iPhone"]}
    (serial,) = (await call(ready["control"], "POST", "/devices", bought))["serial_numbers"]
    await asyncio.to_thread(Mdmsim(ready).assign_profile, serial, f"{mdm.url}/enrol")
    return str(serial)


async def push(http: str, mdm: Mdm) -> None:
    """Push to the device that has checked in last."""
    update = [one for one in mdm.check_ins if one["MessageType"] == "TokenUpdate"][-1]
    async with httpx.AsyncClient(http1=False, http2=True) as client:
        answer = await client.post(
            f"{http}/3/device/{update['Token'].hex()}",
            json={"mdm": update["PushMagic"]},
            headers={"apns-push-type": "mdm", "apns-topic": update["Topic"]},
        )
    assert answer.status_code == 200, answer.text


async def until(mdm: Mdm, uuid: str, times: int) -> None:
    """Wait until the result of a command has come so often."""
    async with asyncio.timeout(WAIT_S):
        while [one.get("CommandUUID") for one in mdm.results].count(uuid) < times:
            mdm.arrived.clear()
            await mdm.arrived.wait()


async def becomes(control: str, serial: str, state: str) -> Any:
    """Wait until a device is in *state*."""
    async with asyncio.timeout(WAIT_S):
        while (device := await call(control, "GET", f"/simulated-devices/{serial}"))[
            "state"
        ] != state:
            await call(control, "GET", "/exchanges?limit=1")  # as good as a pause
    return device


async def retired(control: str) -> None:
    """Wait until the only token is retired, which an erased device has done last."""
    async with asyncio.timeout(WAIT_S):
        states = [""]
        while states != ["unregistered"]:
            tokens = (await call(control, "GET", "/push-tokens"))["push_tokens"]
            states = [one["state"] for one in tokens]


async def test_an_enrolment_that_was_interrupted_goes_on_by_itself(tmp_path: Path) -> None:
    data, mdm = tmp_path / "data", Mdm("")
    running: list[subprocess.Popen[bytes]] = []
    kills_at = ["Authenticate", "TokenUpdate"]

    def arrived(message: Body) -> None:
        if kills_at and message["MessageType"] == kills_at[0]:
            kills_at.pop(0)
            running[-1].send_signal(signal.SIGKILL)

    mdm.on_check_in = arrived
    async with serving(mdm):
        async with started(data, running.append) as (ready, process):
            serial = await assigned(ready, mdm)
            body = {"serial_numbers": [serial], "power_on": True}
            with pytest.raises(aiohttp.ClientError):  # nobody is left to answer
                await call(ready["control"], "POST", "/simulated-devices", body)
            assert await asyncio.to_thread(process.wait, WAIT_S) == -signal.SIGKILL
        async with started(data, running.append) as (_, process):  # nobody turns it on
            assert await asyncio.to_thread(process.wait, WAIT_S) == -signal.SIGKILL
        async with started(data) as (ready, _):
            device = await becomes(ready["control"], serial, "enrolled")
            tokens = (await call(ready["control"], "GET", "/push-tokens"))["push_tokens"]
            pushed_to = mdm.check_ins[-1]["Token"].hex()

    whole = ["Authenticate", "TokenUpdate"]
    assert mdm.kinds == ["Authenticate", *whole, *whole]
    assert {one["UDID"] for one in mdm.check_ins} == {device["udid"]}
    assert [(one["token"], one["state"]) for one in tokens] == [(pushed_to, "active")]
    assert mdm.check_ins[2]["Token"] == mdm.check_ins[4]["Token"]
    assert device["trouble"] is None


async def test_what_was_done_and_said_before_a_kill_holds_after_it(tmp_path: Path) -> None:
    data, mdm = tmp_path / "data", Mdm("")
    killer = Killer(mdm)
    async with serving(mdm):
        async with started(data) as (ready, process):
            serial = await assigned(ready, mdm)
            body = {"serial_numbers": [serial], "power_on": True}
            await call(ready["control"], "POST", "/simulated-devices", body)
            udid = mdm.check_ins[0]["UDID"]
            killer.process = process
            killer.uuid = install = mdm.queue_command(udid, "InstallProfile", Payload=WIFI)
            await push(ready["http"], mdm)
            await until(mdm, install, 1)
            assert await asyncio.to_thread(process.wait, WAIT_S) == -signal.SIGKILL
        before = await asyncio.to_thread(journal_of, data)

        erase = mdm.queue_command(udid, "EraseDevice")
        async with started(data) as (ready, process):
            killer.aim(process, erase)
            await until(mdm, erase, 1)  # nobody pushes: it was pushed to before
            installed = mdm.results[-1]
            assert await asyncio.to_thread(process.wait, WAIT_S) == -signal.SIGKILL
        async with started(data) as (ready, _):
            erased = await becomes(ready["control"], serial, "unactivated")
            await retired(ready["control"])
            listed = await call(ready["control"], "GET", "/exchanges?service=device&limit=100")

    assert [one.operation for one in before if one.service == "device"] == [
        "device.enrol",
        "device.authenticate",
        "device.token_update",
        "device.connect",  # the first session
        "device.connect",  # Idle, answered with InstallProfile
    ]
    assert b"InstallProfile" in before[-1].response.body
    assert installed["Status"] == "Acknowledged"
    life = [one["about"] for one in erased["life"] if one["what"] == "command"]
    assert life == ["InstallProfile: Acknowledged", "EraseDevice: Acknowledged"]
    assert erased["profiles"] == []
    assert {one["direction"] for one in listed["exchanges"]} == {"received"}
    assert (await asyncio.to_thread(verified, data)).exit_code == 0
