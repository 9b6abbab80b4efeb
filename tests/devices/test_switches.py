"""Devices that behave as real ones sometimes do, and as servers often forget."""

import base64
from typing import Any

import pytest

from simulator.pki import cms
from tests.devices.conftest import Bench
from tests.devices.mdm import IDENTITY


async def test_a_message_whose_answer_was_lost_comes_twice(bench: Bench) -> None:
    device = await bench.device(options={"lost_answer": "Authenticate"})

    assert bench.mdm.kinds == ["Authenticate", "Authenticate", "TokenUpdate"]
    assert device["state"] == "enrolled"


async def test_a_download_that_fails_is_tried_again_by_hand(bench: Bench) -> None:
    device = await bench.device(options={"failed_fetches": 1})
    again = await bench.act(device["serial_number"], "power-on")

    assert (device["state"], bench.mdm.requests[0][1]) == ("activated", "/enrol")
    assert "cannot be reached (option failed_fetches)" in device["trouble"]
    assert (again["state"], again["trouble"]) == ("enrolled", None)


async def test_a_foreign_identity_signs_with_the_factorys_certificate(bench: Bench) -> None:
    await bench.device(options={"foreign_identity": True})

    _, _, headers, body = bench.mdm.requests[-1]
    signer = cms.verify(cms.read_signed(base64.b64decode(headers["mdm-signature"])), body)
    assert signer != IDENTITY
    assert "Apple iPhone Device CA" in signer.issuer.rfc4514_string()


async def test_a_stale_token_is_not_registered_at_apple(bench: Bench) -> None:
    device = await bench.device(options={"stale_token": True})

    tokens = (await bench.call("GET", "/push-tokens"))["push_tokens"]
    known = next(one for one in tokens if one["token"] == device["push_token"])
    assert known["state"] == "unregistered"


async def test_a_device_that_is_never_configured_goes_on_waiting(bench: Bench) -> None:
    options = {"never_configured": True}
    device = await bench.device("Mac", options=options, await_device_configured=True)

    await bench.run(device["udid"], device["serial_number"], "DeviceConfigured")

    after = await bench.call("GET", f"/simulated-devices/{device['serial_number']}")
    assert after["state"] == "awaiting"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({}, "the body must be", id="empty"),
        pytest.param({"count": 1, "serial_numbers": ["X"]}, "the body must be", id="both"),
        pytest.param({"count": 0}, "count must be a whole number from 1", id="none"),
        pytest.param({"serial_numbers": ["X", "X"]}, "twice", id="twice"),
        pytest.param({"serial_numbers": ["X"] * 1001}, "1000 at most", id="many"),
        pytest.param({"count": 1, "server": "x"}, "no DEP server has the id x", id="server"),
        pytest.param({"count": 1, "families": ["Car"]}, "families are", id="family"),
        pytest.param({"count": 1, "options": {"fly": 1}}, "options.fly is not known", id="option"),
        pytest.param({"count": 1, "options": {"origins": {"a": 1}}}, "Expected `str`", id="origin"),
        pytest.param({"count": 1, "options": {"trust": "x"}}, "certificates, PEM", id="trust"),
    ],
)
async def test_a_body_that_is_wrong_makes_no_device(
    bench: Bench, body: dict[str, Any], said: str
) -> None:
    before = (await bench.call("GET", "/devices?limit=1000"))["devices"]

    status, problem = await bench.ask("POST", "/simulated-devices", body)

    assert status in (400, 404, 409)
    assert said in problem["detail"]
    assert (await bench.call("GET", "/simulated-devices"))["simulated_devices"] == []
    assert (await bench.call("GET", "/devices?limit=1000"))["devices"] == before


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("fly", {}, 404),
        ("enrol", {}, 400),
        ("enrol", {"profile": "###"}, 400),
        ("enrol", {"profile": "eA==", "profile_url": "http://x"}, 400),
        ("options", {"options": {"busy": -1}}, 400),
    ],
)
async def test_an_action_that_is_wrong_is_refused(
    bench: Bench, action: str, body: dict[str, Any], status: int
) -> None:
    (made,) = (await bench.call("POST", "/simulated-devices", {"count": 1}))["simulated_devices"]
    path = f"/simulated-devices/{made['serial_number']}"

    answered, _ = await bench.ask("POST", f"{path}/{action}", body)
    again, _ = await bench.ask("POST", "/simulated-devices", {"serial_numbers": [path[-10:]]})
    removed = await bench.call("DELETE", path)
    gone, _ = await bench.ask("DELETE", path)

    assert (answered, again, gone) == (status, 409, 404)
    assert removed == {"removed": made["serial_number"]}


async def test_what_is_counted_is_counted_for_each_device(bench: Bench) -> None:
    serials = [await bench.assigned() for _ in range(2)]
    body = {"serial_numbers": serials, "power_on": True, "options": {"failed_fetches": 1}}

    devices = (await bench.call("POST", "/simulated-devices", body))["simulated_devices"]

    assert ["failed_fetches" in one["trouble"] for one in devices] == [True, True]


async def test_bought_devices_enrol_by_a_profile_in_one_call(bench: Bench) -> None:
    profile = base64.b64encode(bench.mdm.profile()).decode()

    body = {"count": 2, "profile": profile}
    devices = (await bench.call("POST", "/simulated-devices", body))["simulated_devices"]
    before = len((await bench.call("GET", "/devices"))["devices"])
    wrong = await bench.ask("POST", "/simulated-devices", {"count": 1, "profile": "no"})
    both = body | {"profile_url": f"{bench.mdm.url}/enrol"}
    twice = await bench.ask("POST", "/simulated-devices", both)

    assert [one["state"] for one in devices] == ["enrolled", "enrolled"]
    assert (wrong[0], wrong[1]["detail"]) == (400, "profile must be base64")
    assert (twice[0], "name one of" in twice[1]["detail"]) == (400, True)
    assert len((await bench.call("GET", "/devices"))["devices"]) == before
