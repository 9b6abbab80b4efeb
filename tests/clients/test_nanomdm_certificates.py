"""nanomdm and what its push certificate is for beside pushing: renewing it, and unlocking."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization

from tests.clients.harness import Simulator, environment, run
from tests.clients.nanomdm import AUTHORIZATION, Device, Identity, Nanomdm, nanomdm
from tests.vendors import csr, key

pytestmark = pytest.mark.clients
UDID = "00008030-0Z0000000000401E"
MAGIC = "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"
PROGRAM = Path(__file__).parent / "programs" / "nanomdm_day.py"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(simulator: Simulator, tmp_path: Path) -> Iterator[tuple[Nanomdm, str]]:
    """A nanomdm with the push certificate of the world, and a device that enrolled in it."""
    home, identity = tmp_path / "nanomdm", Identity(UDID)
    home.mkdir()
    with nanomdm(home, simulator, identity.pem) as started:
        topic = started.take_push_certificate(simulator)
        device = Device(started.url, identity, UDID, topic, bytes(range(32)), MAGIC)
        simulator.control("POST", "/push-tokens/checkin", device.enrol())
        yield started, topic


def mdmsim(simulator: Simulator, tmp_path: Path, *arguments: str) -> Any:
    command = (sys.executable, "-m", "simulator", *arguments)
    env = environment(simulator.ca) | {"PYTHONPATH": str(ROOT)}
    return run(command, env=env, cwd=tmp_path)


def drill(
    simulator: Simulator, server: tuple[Nanomdm, str], tmp_path: Path, renew_on: int
) -> tuple[int, Any]:
    """Run the drill over the last two days before expiry and the one after."""
    (own,) = simulator.control("GET", "/push-certificates")["push_certificates"]
    request = tmp_path / "push.csr"
    request.write_bytes(csr().public_bytes(serialization.Encoding.PEM))
    data = str(tmp_path / "data")
    signed = mdmsim(simulator, tmp_path, "vendor", "sign", str(request), "--data", data)
    assert signed.returncode == 0, signed.stderr
    setup = {
        "control": simulator.ready["control"],
        "nanomdm": server[0].url,
        "authorization": AUTHORIZATION,
        "udid": UDID,
        "serial": own["serial"],
        "request": signed.stdout,
        "new_key": key()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        .decode(),
        "renew_on": renew_on,
    }
    (tmp_path / "setup.json").write_text(json.dumps(setup))
    each_day = f"{sys.executable} {PROGRAM} {tmp_path}"
    done = mdmsim(
        simulator, tmp_path, "ctl", "drill", "push-certificate", "--before", "2",
        "--each-day", each_day, "--data", data, "--json",
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def days(told: Any) -> list[tuple[int, int, int]]:
    return [(one["day"], one["accepted"], one["refused"]) for one in told["days"]]


def test_nanomdm_that_is_renewed_in_time_goes_on_pushing(
    simulator: Simulator, server: tuple[Nanomdm, str], tmp_path: Path
) -> None:
    code, told = drill(simulator, server, tmp_path, renew_on=2)

    assert (code, told["verdict"], told["topic"]) == (0, "", server[1])
    assert days(told) == [(-2, 1, 0), (-1, 1, 0), (0, 1, 0), (1, 1, 0)]


def test_nanomdm_that_is_not_renewed_reaches_nobody_from_the_day_of_expiry(
    simulator: Simulator, server: tuple[Nanomdm, str], tmp_path: Path
) -> None:
    code, told = drill(simulator, server, tmp_path, renew_on=0)

    assert code == 1
    assert [one[1] for one in days(told)] == [1, 1, 0, 0]
    assert told["verdict"].startswith("Not renewed in time: ")
    assert told["days"][-1]["errors"] == ["BadCertificate"]
    # nanomdm 0.9 does not expect the connection to end: its request ends in a panic.
    assert "panic serving" in (tmp_path / "nanomdm" / "nanomdm.log").read_text()


def unlock(server: Nanomdm, topic: str, serial: str, code: str) -> int:
    form = {
        "topic": topic,
        "serial": serial,
        "productType": "iPad14,1",
        "escrowKey": code,
        "orgName": "Example School",
        "guid": "admin@school.example",
    }
    return server.api(
        "POST",
        "/escrowkeyunlock",
        urlencode(form).encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    ).status


def test_nanomdm_opens_a_locked_device_with_the_code_of_the_device(
    simulator: Simulator, server: tuple[Nanomdm, str]
) -> None:
    serial = simulator.serials()[0]
    locked = simulator.control("PUT", f"/locks/{serial}", {"find_my": True})

    wrong = unlock(*server, serial, "000H4-0R40M-30F2-0918-5HR3-8F17")
    right = unlock(*server, serial, locked["bypass_code"])
    again = unlock(*server, serial, locked["bypass_code"])

    assert (wrong, right, again) == (404, 200, 404)
    assert simulator.control("GET", f"/locks/{serial}")["source"] is None
    calls = simulator.exchanges(operation="lock.unlock")
    assert [one["error"] for one in calls] == ["ESCROW_KEY_MISMATCH", None, "NOT_LOCKED"]
    assert {one["host"] for one in calls} == {"deviceservices-external.apple.com"}
    assert calls[1]["client"] == f"lock:{server[1]}"
    told = simulator.control("GET", f"/exchanges/{calls[1]['seq']}/disclosures")["disclosures"]
    found = {(one["at"], one["concept"], one["subject"]) for one in told}
    assert ("/guid", "admin.actor", "administrator") in found
    assert ("/escrowKey", "lock.bypass_code", "device") in found
