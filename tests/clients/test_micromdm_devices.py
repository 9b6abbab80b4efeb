"""Simulated devices enrol in micromdm, a server of another family than nanomdm."""

from base64 import b64encode
from functools import partial
from pathlib import Path

import pytest

from simulator import Mdmsim
from simulator.testing.simulated_device import SimulatedDevice
from tests.clients.harness import Simulator, until
from tests.clients.micromdm import Micromdm, micromdm

pytestmark = pytest.mark.clients
URL = "https://mdm.example.com"
COMMANDS = ("ProfileList", "SecurityInfo", "CertificateList", "EraseDevice")


def take_push_certificate(server: Micromdm, simulator: Simulator) -> None:
    """Give micromdm the demo world's push certificate: before that its profiles have no Topic."""
    (given,) = simulator.ready["organisations"][0]["push_topics"]
    pair = {
        "cert": b64encode(Path(given["certificate"]).read_bytes()).decode(),
        "key": b64encode(Path(given["key"]).read_bytes()).decode(),
    }
    answer = server.api("PUT", "/v1/config/certificate", pair)
    assert answer.status == 200, answer.text


def answered(device: SimulatedDevice, name: str) -> bool | None:
    """Tell whether a device has executed a command; it asks, as micromdm may push too early.

    It pushes while it is still writing the command down, so that a quick device gets nothing.
    """
    life = device.facts["life"]
    if any(one["about"] == f"{name}: Acknowledged" for one in life):
        return True
    device.poll()
    return None


def test_a_device_enrols_gets_pushes_and_is_erased(simulator: Simulator, tmp_path: Path) -> None:
    proxy = {"HTTPS_PROXY": simulator.ready["proxy"]}
    with micromdm(tmp_path, simulator.ca, variables=proxy) as server:
        take_push_certificate(server, simulator)
        server.take_token(simulator)
        bought = {"count": 1, "server": simulator.server, "families": ["iPhone"]}
        (serial,) = simulator.control("POST", "/devices", bought)["serial_numbers"]
        device = Mdmsim(simulator.ready).device(
            serial,
            power_on=False,
            # Its check of Apple's device CA cannot be passed, and its own URL leads nowhere here.
            ade_method="get",
            origins={URL: server.url},
        )
        profile = {"profile_name": "Staff", "url": f"{URL}/mdm/enroll", "is_supervised": True}
        until(lambda: simulator.exchanges(operation="dep.sync") or None, "a sync")
        told = server.api("PUT", "/v1/dep/profiles", profile | {"devices": [device.serial]})
        assert told.json.get("devices") == {device.serial: "SUCCESS"}, told.text

        device.power_on()
        enrolled = device.facts
        for name in COMMANDS:
            command = {"udid": device.udid, "request_type": name}
            assert server.api("POST", "/v1/commands", command).status == 201
            until(partial(answered, device, name), name)
        erased = device.wait(state="unactivated")

    assert (enrolled["state"], enrolled["trouble"]) == ("enrolled", None)
    done = {one["about"] for one in erased["life"] if one["what"] == "command"}
    assert done == {f"{one}: Acknowledged" for one in COMMANDS}
    assert "push" in [one["what"] for one in erased["life"]]
    assert {one["status"] for one in simulator.exchanges(operation="apns.push")} == {200}
    # It sends the PIN of Macs to a phone too, empty.
    found = {one["about"] for one in erased["life"] if one["what"] == "finding"}
    assert found == {"/Command/PIN: PIN does not exist on iOS"}
