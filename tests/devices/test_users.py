"""The user channel of Macs: who logs in is managed too, if the server wants it."""

from typing import Any

import pytest

from tests.devices.conftest import Bench
from tests.devices.mdm import profile
from tests.devices.test_life import push

PER_USER = ["com.apple.mdm.per-user-connections"]


@pytest.fixture
async def mac(bench: Bench) -> Any:
    bench.mdm.mdm["ServerCapabilities"] = PER_USER
    return await bench.device("Mac")


def by_user(bench: Bench) -> list[Any]:
    return [one for one in bench.mdm.results if "UserID" in one]


async def test_a_user_who_logs_in_gets_a_channel_of_its_own(bench: Bench, mac: Any) -> None:
    shown = await bench.act(mac["serial_number"], "log-in", user="anna")

    device, user = (one for one in bench.mdm.check_ins if one["MessageType"] == "TokenUpdate")
    assert shown["users"] == ["anna"]
    assert (user["UDID"], user["UserShortName"], user["NotOnConsole"]) == (
        mac["udid"],
        "anna",
        False,
    )
    assert user["Token"] != device["Token"]
    assert user["PushMagic"] != device["PushMagic"]
    assert by_user(bench)[-1]["Status"] == "Idle"


async def test_a_push_to_the_user_makes_its_channel_ask(bench: Bench, mac: Any) -> None:
    await bench.act(mac["serial_number"], "log-in", user="anna")
    user = bench.mdm.check_ins[-1]
    before = len(by_user(bench))

    status = await push(bench, user["Token"].hex(), user["PushMagic"])
    await bench.until(lambda: len(by_user(bench)) > before)

    assert status == 200


async def test_the_profiles_of_a_user_are_its_own(bench: Bench, mac: Any) -> None:
    serial, udid = mac["serial_number"], mac["udid"]
    await bench.act(serial, "log-in", user="anna")
    users = bench.mdm.queue[f"{udid}/anna"]

    async def run(request_type: str, **values: Any) -> Any:
        uuid = bench.mdm.queue_command(f"{udid}/anna", request_type, **values)
        await bench.act(serial, "poll")
        return bench.mdm.result(uuid)

    installed = await run("InstallProfile", Payload=profile("com.example.dock"))
    listed = await run("ProfileList")
    shown = await bench.run(udid, serial, "ProfileList")
    lock = await run("DeviceLock")
    removed = await run("RemoveProfile", Identifier="com.example.dock")
    findings = await bench.call("GET", "/exchanges?finding=device-platform")

    assert installed["Status"] == removed["Status"] == "Acknowledged"
    names = [one["PayloadIdentifier"] for one in listed["ProfileList"]]
    assert names == ["com.example.dock"]
    assert "com.example.dock" not in [one["PayloadIdentifier"] for one in shown["ProfileList"]]
    assert lock["Status"] == "Error"
    assert len(findings["exchanges"]) == 1
    assert not users


async def test_a_server_that_does_not_manage_users_keeps_its_device(bench: Bench, mac: Any) -> None:
    bench.mdm.status["TokenUpdate"].append(410)

    shown = await bench.act(mac["serial_number"], "log-in", user="anna")

    assert (shown["state"], shown["users"]) == ("enrolled", ["anna"])
    assert by_user(bench) == []
    assert "the MDM does not manage the user anna" in [one["about"] for one in shown["life"]]


async def test_without_the_capability_there_is_no_channel(bench: Bench) -> None:
    device = await bench.device("Mac")

    await bench.act(device["serial_number"], "log-in", user="anna")

    assert not any("UserID" in one for one in bench.mdm.check_ins)


async def test_only_a_mac_is_logged_in_to_and_by_somebody(bench: Bench) -> None:
    device = await bench.device("iPhone")
    path = f"/simulated-devices/{device['serial_number']}/log-in"

    status, problem = await bench.ask("POST", path, {"user": "anna"})
    nobody, _ = await bench.ask("POST", path, {})

    assert (status, nobody) == (409, 400)
    assert "is no Mac" in problem["detail"]


async def test_the_users_channel_ends_with_the_enrolment(bench: Bench, mac: Any) -> None:
    await bench.act(mac["serial_number"], "log-in", user="anna")

    shown = await bench.act(mac["serial_number"], "unenrol")

    assert (shown["state"], shown["users"]) == ("activated", [])
