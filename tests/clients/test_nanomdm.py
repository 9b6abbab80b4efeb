"""nanomdm wakes a device: from its command queue through the proxy to the device's stream."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.clients.harness import WAIT_S, Simulator
from tests.clients.nanomdm import Device, Identity, Nanomdm, nanomdm

pytestmark = pytest.mark.clients
UDID = "00008030-0Z0000000000401E"
MAGIC = "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"


@pytest.fixture
def identity() -> Identity:
    """What the device signs its messages with."""
    return Identity(UDID)


@pytest.fixture
def server(simulator: Simulator, identity: Identity, tmp_path: Path) -> Iterator[Nanomdm]:
    """A nanomdm that trusts the device and nobody else."""
    home = tmp_path / "nanomdm"
    home.mkdir()
    with nanomdm(home, simulator, identity.pem) as running:
        yield running


@pytest.fixture
def device(simulator: Simulator, server: Nanomdm, identity: Identity) -> Device:
    """A device that enrolled in nanomdm, and whose check-in the simulator was shown as well."""
    topic = server.take_push_certificate(simulator)
    enrolled = Device(server.url, identity, UDID, topic, bytes(range(32)), MAGIC)
    simulator.control("POST", "/push-tokens/checkin", enrolled.enrol())
    return enrolled


def hears(simulator: Simulator, device: Device) -> dict[str, object]:
    """Return the first event of the device's stream of pushes."""
    parts = urlsplit(simulator.ready["control"])
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=WAIT_S)
    connection.request("GET", f"/api/v1/push-tokens/{device.token.hex()}/events")
    answer = connection.getresponse()
    while not (line := answer.readline()).startswith(b"data: "):
        assert line, "the stream ended"
    connection.close()
    heard: dict[str, object] = json.loads(line.removeprefix(b"data: "))
    return heard


def test_a_queued_command_wakes_the_device_which_fetches_it(
    simulator: Simulator, server: Nanomdm, device: Device
) -> None:
    told = server.enqueue(UDID, "ProfileList")

    assert told["status"][UDID]["push_result"]
    heard = hears(simulator, device)
    assert (heard["mdm"], heard["topic"], heard["matches"]) == (MAGIC, device.topic, True)
    assert device.poll()["Command"] == {"RequestType": "ProfileList"}


@pytest.mark.parametrize("flags", [("--manifest", "intune-to-apple")])
def test_the_push_disclosed_token_and_magic_as_the_first_claim_says(
    simulator: Simulator, server: Nanomdm, device: Device
) -> None:
    server.enqueue(UDID, "ProfileList")

    (push,) = simulator.exchanges(operation="apns.push")
    assert (push["status"], push["host"]) == (200, "api.push.apple.com")
    judged = simulator.judged("apns.push")
    assert judged["push.token"] == judged["push.magic"] == "S01"
    assert {concept for concept, claim in judged.items() if claim == "-"} >= {"push.topic"}


def test_nanomdm_tells_the_reason_of_a_dead_token(
    simulator: Simulator, server: Nanomdm, device: Device
) -> None:
    simulator.control("POST", f"/push-tokens/{device.token.hex()}/unregister", {})

    told = server.enqueue(UDID, "ProfileList")

    assert "Unregistered" in told["status"][UDID]["push_error"]
