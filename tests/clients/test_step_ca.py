"""Identities by ACME: a device shows step-ca an attestation, and enrols in nanomdm with it."""

import base64
import os
import plistlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.enrolment import IDENTIFIER, enrolment_profile
from tests.clients.harness import BINARIES, Simulator
from tests.clients.nanomdm import nanomdm
from tests.clients.step_ca import StepCa, step_ca

pytestmark = pytest.mark.clients


@dataclass
class Attesting:
    """A simulator and the CA that its devices show themselves to."""

    simulator: Simulator
    ca: StepCa

    def enrol(self, server: str, topic: str, **options: Any) -> dict[str, Any]:
        """Buy a device and enrol it by a profile with an ACME payload; return it."""
        profile = plistlib.loads(
            enrolment_profile(server=server, topic=topic, scep="", challenge="")
        )
        identity = {
            "PayloadType": "com.apple.security.acme",
            "PayloadIdentifier": f"{IDENTIFIER}.acme",
            "PayloadUUID": profile["PayloadContent"][0]["PayloadUUID"],
            "PayloadVersion": 1,
            "DirectoryURL": self.ca.directory,
            "ClientIdentifier": "%SerialNumber%",
            "KeyType": "ECSECPrimeRandom",
            "KeySize": 384,
            "HardwareBound": True,
            "Attest": True,
            "Subject": [[["CN", "%SerialNumber%"]]],
        }
        profile["PayloadContent"][0] = identity
        body = {
            "serial_numbers": self.simulator.add(1),
            "profile": base64.b64encode(plistlib.dumps(profile)).decode(),
            "options": {"trust": self.ca.root, **options},
        }
        answer = self.simulator.control("POST", "/simulated-devices", body)
        return dict(answer["simulated_devices"][0])


@pytest.fixture
def attesting(simulator: Simulator, tmp_path: Path) -> Iterator[Attesting]:
    """A simulator beside step-ca, which trusts the simulator's device CA."""
    if not Path(os.environ.get(BINARIES, ""), "step-ca").is_file():
        pytest.skip("not run: `make step-ca` builds it first, which takes minutes")
    simulator.control("POST", "/simulated-devices", {"serial_numbers": simulator.add(1)})
    device_ca = (tmp_path / "data" / "device-ca.pem").read_bytes()
    home = tmp_path / "step-ca"
    home.mkdir()
    with step_ca(home, device_ca) as running:
        yield Attesting(simulator, running)


def test_an_attested_device_enrols_in_nanomdm(attesting: Attesting, tmp_path: Path) -> None:
    home, above = tmp_path / "nanomdm", tmp_path / "step-ca" / "intermediate.crt"
    home.mkdir()
    flags = ("-intermediate", str(above))
    with nanomdm(home, attesting.simulator, attesting.ca.root.encode(), *flags) as server:
        topic = server.take_push_certificate(attesting.simulator)

        device = attesting.enrol(f"{server.url}/mdm", topic)

    assert (device["state"], device["trouble"]) == ("enrolled", None)


@pytest.mark.parametrize(
    ("attestation", "says"),
    [
        ("other-key", "unauthorized"),
        ("stale", "challenge token does not match"),
        ("foreign-ca", "x5c is not valid"),
        ("none", "x5c not present"),
    ],
)
def test_what_step_ca_refuses_is_said(attesting: Attesting, attestation: str, says: str) -> None:
    topic = "com.apple.mgmt.External.00000000-0000-4000-8000-000000000000"

    device = attesting.enrol("http://127.0.0.1:9/mdm", topic, attestation=attestation)

    assert device["state"] == "activated"
    assert says in device["trouble"]
