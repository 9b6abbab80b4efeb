"""``mdmsim devices`` against a running simulator, with an MDM beside it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner, Result

from simulator.app import Simulator
from simulator.cli import main
from simulator.commands import devices as devices_command
from simulator.commands import scenarios
from simulator.core.settings import ConfigurationError, Settings
from tests.devices.conftest import Bench
from tests.devices.mdm import Mdm, serving


class Shell:
    """The command, the simulator that it finds by its data directory, and an MDM."""

    def __init__(self, bench: Bench, data: Path) -> None:
        self.bench = bench
        self.data = data

    async def run(self, *args: str) -> Result:
        command = ["devices", *args, "--data", str(self.data)]
        return await asyncio.to_thread(CliRunner().invoke, main, command)

    async def json(self, *args: str, exit_code: int = 0) -> Any:
        result = await self.run(*args, "--json")
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout)


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    data = tmp_path / "data"
    settings = Settings(
        data=str(data), tls_port=(None,), http_port=0, control_port=0, proxy_port=None
    )
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        topic = simulator.ready["organisations"][0]["push_topics"][0]["topic"]
        async with serving(Mdm(topic)) as mdm:
            yield Shell(Bench(simulator, mdm, session), data)


async def test_devices_are_enrolled_listed_erased_and_turned_on(shell: Shell) -> None:
    serial = await shell.bench.assigned("Mac")

    enrolled = await shell.json("enrol", serial)
    erased = await shell.json("erase", serial)
    back = await shell.json("power-on", serial)
    listed = await shell.run("list")

    states = [one[0]["state"] for one in (enrolled, erased, back)]
    assert states == ["enrolled", "unactivated", "enrolled"]
    assert serial in listed.output
    assert shell.bench.mdm.kinds.count("TokenUpdate") == 2


async def test_bought_devices_enrol_by_a_profile_elsewhere(shell: Shell, tmp_path: Path) -> None:
    profile = tmp_path / "enrol.mobileconfig"
    mdm, port = "https://mdm.test", shell.bench.mdm.url.rpartition(":")[2]
    content = shell.bench.mdm.profile()
    profile.write_bytes(content.replace(shell.bench.mdm.url.encode(), mdm.encode()))
    origin = f"{mdm}=http://127.0.0.1:{port}"
    more = ("--profile", str(profile), "--origin", origin, "--rate", "1000/s", "--family", "iPhone")

    devices = await shell.json("enrol", "--count", "2", *more)

    assert [one["state"] for one in devices] == ["enrolled", "enrolled"]
    assert {one["family"] for one in devices} == {"iPhone"}


async def test_many_devices_enrol_in_batches_side_by_side(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices_command, "_BATCH", 2)
    profile = tmp_path / "enrol.mobileconfig"
    profile.write_bytes(shell.bench.mdm.profile())

    result = await shell.run("enrol", "--count", "12", "--profile", str(profile), "--json")

    devices = json.loads(result.stdout)
    assert {one["state"] for one in devices} == {"enrolled"}
    assert len({one["serial_number"] for one in devices}) == 12
    assert "12 of 12 enrolled in " in result.stderr


@pytest.mark.parametrize("rate", ["0", "-1/s", "nan", "fast", "200/min", "inf"])
async def test_a_rate_that_is_none_is_named(shell: Shell, rate: str) -> None:
    result = await shell.run("enrol", "--count", "1", "--rate", rate)

    assert result.exit_code == 2
    assert f"'{rate}' is no number above 0: write 200/s" in result.output
    assert (await shell.bench.call("GET", "/simulated-devices"))["simulated_devices"] == []


async def test_a_device_that_fails_to_enrol_ends_with_1(shell: Shell) -> None:
    serial = await shell.bench.assigned()
    shell.bench.mdm.status["Authenticate"].append(401)

    (device,) = await shell.json("enrol", serial, exit_code=1)

    assert "refused Authenticate" in device["trouble"]


async def test_a_scenario_erases_a_share_and_moves_the_clock(shell: Shell, tmp_path: Path) -> None:
    serials = [await shell.bench.assigned() for _ in range(4)]
    await shell.json("enrol", *serials)
    file = tmp_path / "scenario.toml"
    file.write_text(
        '[[steps]]\nat_s = 3600\naction = "erase"\nshare = 0.5\n'
        '[[steps]]\nat_s = 7200\naction = "power-on"\nshare = 0\n'
    )
    await shell.bench.call("PUT", "/clock", {"mode": "frozen", "now": "2026-06-01T10:00:00Z"})

    devices = await shell.json("run", str(file))

    assert sorted(one["state"] for one in devices) == ["enrolled"] * 2 + ["unactivated"] * 2
    assert (await shell.bench.call("GET", "/clock"))["now"].startswith("2026-06-01T12:00:00")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param(("enrol",), "--count 3", id="nobody"),
        pytest.param(("enrol", "X", "--count", "1"), "--count 3", id="both"),
        pytest.param(("enrol", "NOPE"), "no device has the serial number NOPE", id="unknown"),
        pytest.param(("enrol", "X", "--origin", "y"), "is not FROM=TO", id="origin"),
        pytest.param(("enrol", "--count", "1", "--profile", "none"), "cannot read none", id="file"),
        pytest.param(("erase", "NOPE"), "no simulated device", id="erase"),
    ],
)
async def test_what_is_wrong_is_said(shell: Shell, args: tuple[str, ...], said: str) -> None:
    result = await shell.run(*args)

    assert result.exit_code == 2
    assert said in result.output


async def test_nothing_is_bought_where_the_profile_cannot_be_read(
    shell: Shell, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.mobileconfig"
    empty.touch()
    before = await shell.bench.call("GET", "/devices?limit=1000")

    result = await shell.run("enrol", "--count", "1", "--profile", str(empty))
    missing = await shell.run("enrol", "--count", "1", "--profile", str(tmp_path / "none"))

    assert (result.exit_code, missing.exit_code) == (2, 2)
    assert "is empty: --profile takes a profile, or its URL" in result.output
    assert await shell.bench.call("GET", "/devices?limit=1000") == before


async def test_a_scenario_goes_on_where_a_device_refuses(shell: Shell, tmp_path: Path) -> None:
    mac, phone = [await shell.bench.assigned(family) for family in ("Mac", "iPhone")]
    await shell.json("enrol", mac, phone)
    file = tmp_path / "scenario.toml"
    file.write_text('[[steps]]\naction = "log-in"\nbody = {user = "anna"}\n')

    result = await shell.run("run", str(file), "--json")

    assert result.exit_code == 1
    assert f"{phone} is no Mac" in result.stderr
    users = {one["serial_number"]: one["users"] for one in json.loads(result.stdout)}
    assert users == {mac: ["anna"], phone: []}


async def test_devices_without_a_profile_are_said_to_have_none(shell: Shell) -> None:
    result = await shell.run("enrol", "--count", "2")

    assert result.exit_code == 0
    assert "; 2 have no profile: assign one, or name --profile" in result.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps = 1", "Expected `array`"),
        ("[[steps]]", "missing required field `action`"),
        ('[[steps]]\naction = "fly"', "Invalid enum value 'fly'.*; actions are power-on, "),
        (
            '[[steps]]\naction = "options"\nbody = {options = {buzy = 1}}',
            "step 1: options: .*unknown field `buzy`",
        ),
        ('[[steps]]\naction = "erase"\nshare = 2', "share is from 0 to 1"),
        ('[[steps]]\naction = "erase"\nwhen = 2', "unknown field `when`"),
        ('[[steps]]\naction = "log-in"', "step 1: log-in needs a body with user"),
        ('[[steps]]\naction = "enrol"', "needs a body with profile_url or profile or account"),
        ("[[", "cannot be read"),
    ],
)
def test_a_scenario_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text(text)

    with pytest.raises(ConfigurationError, match=said):
        scenarios.read(file)


def test_the_same_seed_chooses_the_same_devices() -> None:
    step = scenarios.Step("erase", share=0.3)
    serials = [f"0Z{number}" for number in range(10)]

    chosen = scenarios.share(step, serials, 1)

    assert len(chosen) == 3
    assert chosen == scenarios.share(step, serials, 1)
    assert chosen != scenarios.share(step, serials, 2)
