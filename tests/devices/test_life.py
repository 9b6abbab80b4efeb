"""From the enrolment to the erase and back: pushes, restarts of everything, the end."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import httpx
import pytest

from simulator.app import Simulator
from simulator.core.settings import Settings
from tests.devices.conftest import Bench
from tests.devices.mdm import Mdm, serving


async def push(bench: Bench, token: str, magic: str) -> int:
    """Push to a token as the MDM server does, and return the status."""
    given = bench.simulator.ready["organisations"][0]["push_topics"][0]
    context = ssl.create_default_context(cafile=bench.simulator.ready["ca"])
    context.load_cert_chain(given["certificate"], given["key"])
    url = f"{bench.simulator.ready['tls'][0]}/3/device/{token}"
    headers = {"apns-push-type": "mdm", "apns-topic": given["topic"]}
    async with httpx.AsyncClient(http2=True, verify=context) as client:
        answer = await client.post(url, json={"mdm": magic}, headers=headers)
    return answer.status_code


async def test_a_push_makes_the_device_fetch_its_command(bench: Bench) -> None:
    device = await bench.device()
    magic = bench.mdm.check_ins[-1]["PushMagic"]
    uuid = bench.mdm.queue_command(device["udid"], "ProfileList")

    status = await push(bench, device["push_token"], magic)
    await bench.until(lambda: any(one.get("CommandUUID") == uuid for one in bench.mdm.results))

    assert status == 200
    assert bench.mdm.result(uuid)["Status"] == "Acknowledged"


async def test_a_push_with_another_magic_is_ignored(bench: Bench) -> None:
    device = await bench.device()
    magic, before = bench.mdm.check_ins[-1]["PushMagic"], len(bench.mdm.results)

    await push(bench, device["push_token"], "OLD")
    await push(bench, device["push_token"], magic)
    await bench.until(lambda: len(bench.mdm.results) > before)

    after = await bench.call("GET", f"/simulated-devices/{device['serial_number']}")
    told = [one["what"] for one in after["life"] if "push" in one["what"]]
    assert told == ["push ignored", "push"]


async def test_an_erased_device_comes_back_with_a_new_token(bench: Bench) -> None:
    device = await bench.device()
    udid, serial, token = device["udid"], device["serial_number"], device["push_token"]

    erased = await bench.run(udid, serial, "EraseDevice")
    gone = await bench.call("GET", f"/simulated-devices/{serial}")
    tokens = (await bench.call("GET", "/push-tokens"))["push_tokens"]
    back = await bench.act(serial, "power-on")

    assert erased["Status"] == "Acknowledged"
    assert (gone["state"], gone["profiles"], gone["push_token"]) == ("unactivated", [], None)
    assert next(one for one in tokens if one["token"] == token)["state"] == "unregistered"
    assert back["state"] == "enrolled"
    assert back["push_token"] not in (None, token)
    assert bench.mdm.kinds == ["Authenticate", "TokenUpdate"] * 2
    assert "erased" in [one["what"] for one in back["life"]]


async def test_an_erase_is_done_even_if_the_server_knows_the_device_no_more(bench: Bench) -> None:
    device = await bench.device()
    bench.mdm.status["Acknowledged"].append(401)

    await bench.run(device["udid"], device["serial_number"], "EraseDevice")

    after = await bench.call("GET", f"/simulated-devices/{device['serial_number']}")
    assert (after["state"], after["push_token"]) == ("unactivated", None)


async def test_return_to_service_brings_the_device_back_by_itself(bench: Bench) -> None:
    device = await bench.device()
    service = {"Enabled": True, "MDMProfileData": bench.mdm.profile()}

    await bench.run(device["udid"], device["serial_number"], "EraseDevice", ReturnToService=service)
    await bench.until(lambda: len(bench.mdm.check_ins) == 4)

    assert bench.mdm.kinds == ["Authenticate", "TokenUpdate"] * 2


async def test_a_locked_device_cannot_be_set_up_until_it_is_opened(bench: Bench) -> None:
    device = await bench.device()
    serial = device["serial_number"]
    await bench.call("PUT", f"/locks/{serial}", {"find_my": True})
    await bench.act(serial, "erase")

    locked = await bench.act(serial, "power-on")
    await bench.call("PUT", f"/locks/{serial}", {"find_my": False})
    opened = await bench.act(serial, "power-on")

    assert (locked["state"], locked["push_token"]) == ("unactivated", None)
    assert "Activation Lock is on" in locked["trouble"]
    assert (opened["state"], opened["trouble"]) == ("enrolled", None)


async def test_a_device_that_was_off_before_it_was_set_up_is_set_up_when_it_is_on(
    bench: Bench,
) -> None:
    serial = await bench.assigned()
    await bench.call("POST", "/simulated-devices", {"serial_numbers": [serial]})
    await bench.act(serial, "power-off")

    device = await bench.act(serial, "power-on")

    assert device["state"] == "enrolled"


async def test_the_removal_of_the_mdm_profile_ends_with_check_out(bench: Bench) -> None:
    device = await bench.device()
    udid, serial = device["udid"], device["serial_number"]

    await bench.run(udid, serial, "RemoveProfile", Identifier="com.example.enrolment")
    after = await bench.call("GET", f"/simulated-devices/{serial}")
    tokens = (await bench.call("GET", "/push-tokens"))["push_tokens"]

    assert bench.mdm.kinds[-1] == "CheckOut"
    assert (after["state"], after["profiles"]) == ("activated", [])
    known = next(one for one in tokens if one["token"] == device["push_token"])
    assert known["state"] == "unregistered"


async def test_a_server_that_does_not_know_the_device_ends_its_management(bench: Bench) -> None:
    device = await bench.device()
    bench.mdm.status["Idle"].append(401)

    device = await bench.act(device["serial_number"], "poll")

    assert device["state"] == "activated"
    assert "CheckOut" not in bench.mdm.kinds


async def test_a_server_that_is_gone_is_asked_again_by_the_clock(bench: Bench) -> None:
    device = await bench.device()
    bench.mdm.status["Idle"] += [503, 503]
    await bench.call("PUT", "/clock", {"mode": "frozen"})
    before = len(bench.mdm.results)

    polling = asyncio.ensure_future(bench.act(device["serial_number"], "poll"))
    async with asyncio.timeout(20):
        for tries in (1, 2):
            # The device begins to wait once the exchange is in the journal, not before.
            while len(bench.mdm.results) == before + tries - 1 or polling.done():
                assert not polling.done()
                await bench.call("PUT", "/clock", {"advance_s": tries})
        while not polling.done():
            await bench.call("PUT", "/clock", {"advance_s": 2})
        device = await polling

    assert (device["trouble"], len(bench.mdm.results)) == (None, before + 3)


async def test_a_simulator_ends_though_a_device_waits_for_its_server(bench: Bench) -> None:
    device = await bench.device()
    bench.mdm.status["Idle"].append(503)
    await bench.call("PUT", "/clock", {"mode": "frozen"})
    before = len(bench.mdm.results)

    polling = asyncio.ensure_future(bench.act(device["serial_number"], "poll"))
    await bench.until(lambda: len(bench.mdm.results) > before)
    async with asyncio.timeout(10):
        await bench.simulator.close()
        with pytest.raises((aiohttp.ClientError, AssertionError)):
            await polling


async def test_a_device_waits_in_setup_assistant_until_it_is_configured(bench: Bench) -> None:
    device = await bench.device("Mac", await_device_configured=True)
    udid, serial = device["udid"], device["serial_number"]
    account = {"shortName": "admin", "passwordHash": b"hash"}

    made = await bench.run(udid, serial, "AccountConfiguration", AutoSetupAdminAccounts=[account])
    done = await bench.run(udid, serial, "DeviceConfigured")
    again = await bench.run(udid, serial, "DeviceConfigured")
    after = await bench.call("GET", f"/simulated-devices/{serial}")

    assert (device["state"], after["state"]) == ("awaiting", "enrolled")
    assert bench.mdm.check_ins[1]["AwaitingConfiguration"] is True
    assert (made["Status"], done["Status"], again["Status"]) == (
        "Acknowledged",
        "Acknowledged",
        "Error",
    )


async def test_a_mac_escrows_its_bootstrap_token(bench: Bench) -> None:
    device = await bench.device("Mac")

    info = await bench.run(device["udid"], device["serial_number"], "SecurityInfo")

    assert bench.mdm.kinds[:3] == ["Authenticate", "TokenUpdate", "SetBootstrapToken"]
    assert len(bench.mdm.bootstrap_token) == 32
    update = {"ProductVersion": "26.2", "InstallAction": "InstallASAP"}
    await bench.run(device["udid"], device["serial_number"], "ScheduleOSUpdate", Updates=[update])
    assert bench.mdm.kinds[-1] == "GetBootstrapToken"
    allowed = info["SecurityInfo"]["BootstrapTokenAllowedForAuthentication"]
    assert allowed == "allowed"


async def test_the_identity_is_renewed_by_the_same_profile(bench: Bench) -> None:
    device = await bench.device()
    udid, serial = device["udid"], device["serial_number"]
    magic = bench.mdm.check_ins[-1]["PushMagic"]

    result = await bench.run(udid, serial, "InstallProfile", Payload=bench.mdm.profile())

    assert result["Status"] == "Acknowledged"
    assert bench.mdm.kinds == ["Authenticate", "TokenUpdate"] * 2
    assert bench.mdm.check_ins[-1]["Token"] == bench.mdm.check_ins[1]["Token"]
    assert bench.mdm.check_ins[-1]["PushMagic"] != magic


async def test_a_renewal_that_fails_leaves_the_device_as_it_was(bench: Bench) -> None:
    device = await bench.device()
    udid, serial = device["udid"], device["serial_number"]
    bench.mdm.status["Authenticate"].append(500)

    result = await bench.run(udid, serial, "InstallProfile", Payload=bench.mdm.profile())
    listed = await bench.run(udid, serial, "ProfileList")

    assert result["Status"] == "Error"
    assert listed["Status"] == "Acknowledged"


async def test_a_device_enrols_by_a_profile_of_a_person(bench: Bench) -> None:
    body = {"count": 1}
    (made,) = (await bench.call("POST", "/simulated-devices", body))["simulated_devices"]

    device = await bench.act(made["serial_number"], "enrol", profile_url=f"{bench.mdm.url}/enrol")

    assert device["state"] == "enrolled"
    assert "AwaitingConfiguration" not in bench.mdm.check_ins[1]


@pytest.mark.parametrize("action", ["power-off", "power-on"])
async def test_a_device_that_is_off_asks_for_nothing(bench: Bench, action: str) -> None:
    device = await bench.device()
    serial, before = device["serial_number"], len(bench.mdm.results)
    await bench.act(serial, "power-off")

    await bench.act(serial, action)

    assert len(bench.mdm.results) - before == (1 if action == "power-on" else 0)


async def test_devices_go_on_after_a_restart_and_leave_with_a_reset(tmp_path: Path) -> None:
    settings = Settings(
        data=str(tmp_path / "data"),
        tls_port=(None,),
        http_port=0,
        control_port=0,
        proxy_port=None,
    )
    mdm = Mdm("")
    async with serving(mdm), aiohttp.ClientSession() as session:
        async with Simulator(settings) as simulator:
            mdm.topic = simulator.ready["organisations"][0]["push_topics"][0]["topic"]
            bench = Bench(simulator, mdm, session)
            before = await bench.device()
        async with Simulator(settings) as simulator:
            bench = Bench(simulator, mdm, session)
            found = await bench.call("GET", "/simulated-devices")
            await bench.run(before["udid"], before["serial_number"], "ProfileList")
            await bench.call("POST", "/reset", {})
            left = await bench.call("GET", "/simulated-devices")

    assert [one["state"] for one in found["simulated_devices"]] == ["enrolled"]
    assert left["simulated_devices"] == []
