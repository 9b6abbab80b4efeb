"""mdmb's devices enrol in nanomdm, and fetch their commands when a push reaches their stream.

mdmb has no connection to APNs of its own: whoever runs it listens, and has it connect.
"""

import json
import plistlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.clients.enrolment import enrolment_profile
from tests.clients.harness import WAIT_S, Simulator, binary, environment, run
from tests.clients.nanomdm import Nanomdm, nanomdm
from tests.clients.scep import CHALLENGE, scepserver

TOKEN = b"fakeToken".hex()
"""The push token of all its devices."""
MAGIC = "fakePushMagic"
pytestmark = [
    pytest.mark.clients,
    pytest.mark.parametrize("flags", [("--token-size", "any", "--shared-tokens", "share")]),
]


@dataclass(frozen=True, slots=True)
class Mdmb:
    """mdmb with two devices that have enrolled, and the server that they enrolled in."""

    home: Path
    server: Nanomdm
    udids: tuple[str, ...]

    def connect(self, udid: str) -> str:
        """Have a device ask for commands until there are none."""
        return mdmb(self.home, "-uuids", udid, "devices-connect")


def mdmb(home: Path, *arguments: str) -> str:
    """Run mdmb, whose devices are in a file of *home*, and return what it says."""
    done = run((binary("mdmb"), *arguments), env=environment(), cwd=home)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def devices(simulator: Simulator, tmp_path: Path) -> Iterator[Mdmb]:
    """Two devices; nanomdm passes on their check-ins, by which the simulator learns the token."""
    webhook = f"{simulator.ready['control']}/api/v1/push-tokens/checkin"
    # mdmb's check-ins have no content type to know them by, so they get a path of their own.
    flags = ("-checkin", "-webhook-url", webhook)
    with (
        scepserver(tmp_path) as scep,
        nanomdm(tmp_path, simulator, scep.ca.read_bytes(), *flags) as server,
    ):
        topic = server.take_push_certificate(simulator)
        profile = plistlib.loads(
            enrolment_profile(
                server=f"{server.url}/mdm", topic=topic, scep=scep.url, challenge=CHALLENGE
            )
        )
        profile["PayloadContent"][1]["CheckInURL"] = f"{server.url}/checkin"
        (tmp_path / "enrol.mobileconfig").write_bytes(plistlib.dumps(profile))
        mdmb(tmp_path, "devices-create", "-n", "2")
        udids = tuple(mdmb(tmp_path, "devices-list").split())
        mdmb(tmp_path, "-uuids", "all", "devices-profiles-install", "-f", "enrol.mobileconfig")
        yield Mdmb(tmp_path, server, udids)


def test_a_push_on_the_stream_leads_a_device_of_mdmb_to_its_command(
    simulator: Simulator, devices: Mdmb
) -> None:
    parts = urlsplit(simulator.ready["control"])
    with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=WAIT_S)) as connection:
        connection.request("GET", f"/api/v1/push-tokens/{TOKEN}/events")
        stream = connection.getresponse()
        for udid in devices.udids:
            told = devices.server.enqueue(udid, "DeviceInformation", uuid=udid, Queries=["UDID"])
            assert told["status"][udid]["push_result"]
            while not (line := stream.readline()).startswith(b"data: "):
                assert line, "the stream ended"
            assert json.loads(line.removeprefix(b"data: "))["mdm"] == MAGIC

            assert "Errors                            0" in devices.connect(udid)

    log = (devices.home / "nanomdm.log").read_text()
    for udid in devices.udids:
        assert f"status=Acknowledged command_uuid={udid}" in log
    assert [one["status"] for one in simulator.exchanges(operation="apns.push")] == [200, 200]
