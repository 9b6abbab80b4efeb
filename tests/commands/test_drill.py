"""The drill of the push certificate: with a server that renews in time, and with others."""

import asyncio
import json
import plistlib
import shlex
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization

from simulator.app import Simulator
from simulator.cli import main
from simulator.core.settings import Settings
from tests.vendors import csr, key

PROGRAM = Path(__file__).parent / "programs" / "mdm_server.py"
TOKEN = bytes(range(32))
MAGIC = "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"


class Drill:
    """A simulator, an MDM server that is run once a day, and the command."""

    def __init__(self, simulator: Simulator, home: Path) -> None:
        self.simulator = simulator
        self.home = home
        self.data = home / "data"
        (self.pair,) = simulator.ready["organisations"][0]["push_topics"]

    async def run(self, *arguments: str, command: str = "ctl") -> Result:
        line = [command, *arguments, "--data", str(self.data)]
        return await asyncio.to_thread(CliRunner().invoke, main, line)

    async def prepare(self, renew_on: int) -> str:
        """Write what the server needs; return the command that runs it."""
        ready = self.simulator.ready
        async with aiohttp.ClientSession(f"{ready['control']}/api/v1/") as session:
            message = {
                "MessageType": "TokenUpdate",
                "Topic": self.pair["topic"],
                "UDID": "U-1",
                "Token": TOKEN,
                "PushMagic": MAGIC,
            }
            async with session.post("push-tokens/checkin", data=plistlib.dumps(message)) as told:
                assert told.status == 200
            async with session.get("push-certificates") as listed:
                (own,) = (await listed.json())["push_certificates"]
        request = self.home / "push.csr"
        request.write_bytes(csr().public_bytes(serialization.Encoding.PEM))
        signed = await self.run("sign", str(request), command="vendor")
        assert signed.exit_code == 0, signed.output
        new_key = key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        for name, source in (("push.pem", "certificate"), ("push.key", "key")):
            await asyncio.to_thread(shutil.copy, self.pair[source], self.home / name)
        setup: dict[str, Any] = {
            "tls": ready["tls"][0],
            "control": ready["control"],
            "ca": ready["ca"],
            "topic": self.pair["topic"],
            "token": TOKEN.hex(),
            "magic": MAGIC,
            "serial": own["serial"],
            "request": signed.output,
            "new_key": new_key.decode(),
            "renew_on": renew_on,
        }
        (self.home / "setup.json").write_text(json.dumps(setup))
        return shlex.join([sys.executable, str(PROGRAM), str(self.home)])


@pytest.fixture
async def drill(tmp_path: Path) -> AsyncIterator[Drill]:
    settings = Settings(
        data=str(tmp_path / "data"),
        tls_port=(0,),
        http_port=None,
        control_port=0,
        proxy_port=None,
    )
    async with Simulator(settings) as simulator:
        yield Drill(simulator, tmp_path)


async def test_a_server_that_renews_in_time_passes(drill: Drill) -> None:
    each_day = await drill.prepare(renew_on=2)

    result = await drill.run(
        "drill", "push-certificate", "--before", "3", "--each-day", each_day, "--json"
    )

    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert (told["passed"], told["topic"]) == (True, drill.pair["topic"])
    assert [(one["day"], one["accepted"], one["refused"]) for one in told["days"]] == [
        (-3, 1, 0),
        (-2, 1, 0),
        (-1, 1, 0),
        (0, 1, 0),
        (1, 1, 0),
    ]
    assert [one["renewed"] for one in told["days"]] == [False, True, True, True, True]
    clock = await drill.run("clock", "--json")
    assert json.loads(clock.output)["mode"] == "real"


async def test_a_server_that_is_not_renewed_fails_as_the_certificate_expires(drill: Drill) -> None:
    each_day = await drill.prepare(renew_on=0)

    result = await drill.run(
        "drill", "push-certificate", "--before", "1", "--each-day", each_day, "--json"
    )

    assert result.exit_code == 1, result.output
    told = json.loads(result.output)
    assert [(one["accepted"], one["refused"], one["errors"]) for one in told["days"]] == [
        (1, 0, []),
        (0, 1, ["BadCertificate"]),
        (0, 1, ["BadCertificate"]),
    ]
    assert told["verdict"] == "Not renewed in time: 2 pushes were refused."
    mails = [subject for one in told["days"] for subject in one["mails"]]
    assert mails[-1].startswith("Final notice-Tomorrow:")


async def test_a_renewal_that_comes_too_late_is_told(drill: Drill) -> None:
    each_day = await drill.prepare(renew_on=3)

    result = await drill.run("drill", "push-certificate", "--before", "1", "--each-day", each_day)

    assert result.exit_code == 1
    assert "Not renewed in time: 1 pushes were refused." in result.output


async def test_a_renewal_that_nobody_uses_is_told(drill: Drill) -> None:
    await drill.prepare(renew_on=0)
    setup = json.loads((drill.home / "setup.json").read_text())
    body = {"request": setup["request"], "renews": setup["serial"]}
    control = drill.simulator.ready["control"]
    # A certificate that was renewed today expires today too, so the clock is moved first.
    async with aiohttp.ClientSession(f"{control}/api/v1/") as session:
        await session.put("clock", json={"mode": "offset", "advance_s": 30 * 86_400})
        async with session.post("push-certificates", json=body) as made:
            assert made.status == 201

    result = await drill.run("drill", "push-certificate", "--before", "0", "--wait", "0.1")

    assert result.exit_code == 1
    assert "Not renewed in time" in result.output


async def test_what_the_drill_cannot_be_about_is_named(drill: Drill) -> None:
    unknown = await drill.run("drill", "push-certificate", "--topic", "none")
    never = await drill.run("drill", "push-certificate", "--after", "0")

    assert (unknown.exit_code, never.exit_code) == (2, 2)
    assert f"no good certificate has the topic none; there are {drill.pair['topic']}" in (
        unknown.output
    )
    assert "--after from 1" in never.output


async def test_a_drill_that_is_killed_leaves_the_clock_as_it_was(drill: Drill) -> None:
    moved, clock = asyncio.Event(), drill.simulator.clock
    modes: list[str] = []

    def note() -> None:
        modes.append(clock.mode)
        if clock.mode == "real":
            moved.set()

    kill = shlex.join([sys.executable, "-c", "import os; os.kill(os.getppid(), 9)"])
    line = ["ctl", "drill", "push-certificate", "--each-day", kill, "--data", str(drill.data)]
    with clock.watched(note):
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "simulator", *line)
        async with asyncio.timeout(60):
            assert await process.wait() == -signal.SIGKILL
            await moved.wait()

    assert modes == ["frozen", "real"]
