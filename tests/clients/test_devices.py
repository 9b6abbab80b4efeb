"""The whole sentence against real servers: nanodep assigns, scepserver certifies, nanomdm commands.

A device is bought, assigned, turned on; it enrols, gets pushes, executes
commands, is erased, and comes back.
"""

import base64
import plistlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from simulator import Mdmsim
from simulator.devices.commands.table import COMMANDS as TABLE
from tests.clients import enrolment
from tests.clients.harness import Simulator, until
from tests.clients.nanodep import Nanodep, Webhook
from tests.clients.nanomdm import Nanomdm, nanomdm
from tests.clients.scep import CHALLENGE, Scep, scepserver

pytestmark = pytest.mark.clients

WIFI = plistlib.dumps(
    {
        "PayloadType": "Configuration",
        "PayloadIdentifier": "example.school.wifi",
        "PayloadUUID": "6E6B0E3B-7C0A-4C43-9B5C-0E4E2D1C0B10",
        "PayloadVersion": 1,
        "PayloadContent": [],
    }
)


@pytest.fixture
def scep(tmp_path: Path) -> Iterator[Scep]:
    """A SCEP server with a CA of its own."""
    home = tmp_path / "scep"
    home.mkdir()
    with scepserver(home) as running:
        yield running


@dataclass
class School:
    """All servers of an organisation, and what its MDM heard from devices."""

    simulator: Simulator
    nanodep: Nanodep
    nanomdm: Nanomdm
    webhook: Webhook
    profile: bytes
    url: str
    """Where devices get the enrolment profile."""
    numbers: Iterator[int] = field(default_factory=count)

    def assigned(self, *serials: str) -> None:
        """Assign devices a profile that leads to the MDM."""
        self.nanodep.define(url=self.url, devices=list(serials))

    def power_on(self, *serials: str) -> list[dict[str, Any]]:
        """Take devices out of their boxes and turn them on."""
        body = {"serial_numbers": list(serials), "power_on": True}
        answer = self.simulator.control("POST", "/simulated-devices", body)
        return list(answer["simulated_devices"])

    def device(self, serial: str) -> dict[str, Any]:
        """Return a device as the control API shows it."""
        return dict(self.simulator.control("GET", f"/simulated-devices/{serial}"))

    def command(self, udid: str, request_type: str, **values: Any) -> dict[str, Any]:
        """Have a device pushed to, and return its result of the command."""
        uuid = f"c-{next(self.numbers)}"
        told = self.nanomdm.enqueue(udid, request_type, uuid, **values)
        assert told["status"][udid]["push_result"], told
        while True:
            (event,) = self.webhook.take(1)
            result = event.get("acknowledge_event") or {}
            if result.get("command_uuid") == uuid:
                return dict(plistlib.loads(base64.b64decode(result["raw_payload"])))

    def is_back(self, serial: str) -> bool:
        """Tell whether a device that restarts, which takes 30 seconds, is on; move the clock."""
        self.simulator.control("PUT", "/clock", {"advance_s": 60})
        seen = [one["what"] for one in self.device(serial)["life"]]
        return "restarting" in seen and "on" in seen[seen.index("restarting") :]

    def becomes(self, serial: str, state: str) -> dict[str, Any]:
        """Wait until a device is in *state*."""

        def probe() -> dict[str, Any] | None:
            device = self.device(serial)
            return device if device["state"] == state else None

        return until(probe, f"{serial} is {state}")


@pytest.fixture
def school(simulator: Simulator, nanodep: Nanodep, scep: Scep, tmp_path: Path) -> Iterator[School]:
    """An organisation with nanodep, nanomdm and scepserver."""
    home = tmp_path / "nanomdm"
    home.mkdir()
    with (
        Webhook() as webhook,
        nanomdm(home, simulator, scep.ca.read_bytes(), "-webhook-url", webhook.url) as server,
    ):
        topic = server.take_push_certificate(simulator)
        profile = enrolment.enrolment_profile(
            server=f"{server.url}/mdm", topic=topic, scep=scep.url, challenge=CHALLENGE
        )
        with enrolment.serving(profile) as url:
            yield School(simulator, nanodep, server, webhook, profile, url)


def test_from_the_purchase_to_the_wipe_and_back(school: School) -> None:
    (serial,) = school.simulator.add(1)
    school.assigned(serial)
    (device,) = school.power_on(serial)
    udid = device["udid"]

    installed = school.command(udid, "InstallProfile", Payload=WIFI)
    listed = school.command(udid, "ProfileList")
    erased = school.command(udid, "EraseDevice")
    gone = school.becomes(serial, "unactivated")
    back = school.simulator.control("POST", f"/simulated-devices/{serial}/power-on", {})
    again = school.command(udid, "ProfileList")

    assert (device["state"], device["trouble"]) == ("enrolled", None)
    assert installed["Status"] == erased["Status"] == "Acknowledged"
    assert [one["PayloadIdentifier"] for one in listed["ProfileList"]] == [
        enrolment.IDENTIFIER,
        "example.school.wifi",
    ]
    assert gone["profiles"] == []
    assert (back["state"], back["trouble"]) == ("enrolled", None)
    assert [one["PayloadIdentifier"] for one in again["ProfileList"]] == [enrolment.IDENTIFIER]
    pushes = school.simulator.exchanges(operation="apns.push")
    assert {one["status"] for one in pushes} == {200}


@pytest.mark.parametrize("flags", [("--manifest", "intune-to-apple")])
def test_token_and_magic_are_known_from_the_devices_own_check_in(school: School) -> None:
    (serial,) = school.simulator.add(1)
    school.assigned(serial)
    (device,) = school.power_on(serial)

    school.command(device["udid"], "ProfileList")

    judged = school.simulator.judged("apns.push")
    assert judged["push.token"] == judged["push.magic"] == "S01"


def test_the_identity_is_renewed_by_scep(school: School) -> None:
    (serial,) = school.simulator.add(1)
    school.assigned(serial)
    (device,) = school.power_on(serial)
    udid = device["udid"]

    before = school.command(udid, "CertificateList")["CertificateList"]
    renewed = school.command(udid, "InstallProfile", Payload=school.profile)
    after = school.command(udid, "CertificateList")["CertificateList"]

    assert renewed["Status"] == "Acknowledged"
    assert [one["CommonName"] for one in after] == [serial]
    assert before[0]["Data"] != after[0]["Data"]


def test_a_refused_challenge_is_said(school: School) -> None:
    (serial,) = school.simulator.add(1)
    wrong = school.profile.replace(CHALLENGE.encode(), b"guess")
    with enrolment.serving(wrong) as url:
        school.nanodep.define(url=url, devices=[serial])
        (device,) = school.power_on(serial)

    assert device["state"] == "activated"
    assert "refused the request: badRequest" in device["trouble"]


def test_a_hundred_devices_enrol_side_by_side(school: School) -> None:
    serials = school.simulator.add(100)
    school.assigned(*serials)
    body = {"serial_numbers": serials, "power_on": True, "options": {"shared_keys": True}}

    devices = school.simulator.control("POST", "/simulated-devices", body)["simulated_devices"]

    assert [one["trouble"] for one in devices] == [None] * 100
    assert {one["state"] for one in devices} == {"enrolled"}
    result = school.command(devices[7]["udid"], "DeviceInformation", Queries=["SerialNumber"])
    assert result["QueryResponses"] == {"SerialNumber": devices[7]["serial_number"]}


COMMANDS: dict[str, dict[str, Any]] = {
    "DeviceInformation": {"Queries": ["UDID", "DeviceName", "OSVersion"]},
    "SecurityInfo": {},
    "ProfileList": {},
    "CertificateList": {},
    "InstalledApplicationList": {},
    "ManagedApplicationList": {},
    "ManagedApplicationAttributes": {"Identifiers": ["none"]},
    "ManagedApplicationConfiguration": {"Identifiers": ["none"]},
    "ProvisioningProfileList": {},
    "Restrictions": {},
    "EnableRemoteDesktop": {},
    "DisableRemoteDesktop": {},
    "InstallApplication": {"iTunesStoreID": 1},
    "InstallEnterpriseApplication": {"Manifest": {"items": []}},
    "RemoveApplication": {"Identifier": "none"},
    "RemoveProfile": {"Identifier": "none"},
    "DeviceLock": {"PIN": "123456"},
    "ClearPasscode": {"UnlockToken": b"wrong"},
    "DeviceConfigured": {},
    "AccountConfiguration": {},
    "Settings": {"Settings": [{"Item": "DeviceName", "DeviceName": "Lab"}]},
    "AvailableOSUpdates": {},
    "ScheduleOSUpdate": {"Updates": [{"ProductVersion": "26.2", "InstallAction": "InstallASAP"}]},
    "OSUpdateStatus": {},
    "EnableLostMode": {"Message": "Lost"},
    "DeviceLocation": {},
    "PlayLostModeSound": {},
    "DisableLostMode": {},
    "ActivationLockBypassCode": {},
    "ClearActivationLockBypassCode": {},
    "UserList": {},
    "UserConfigured": {},
    "LogOutUser": {},
    "DeleteUser": {"UserName": "nobody"},
    "UnlockUserAccount": {"UserName": "nobody"},
    "SetAutoAdminPassword": {"GUID": "none", "passwordHash": b"hash"},
    "SetFirmwarePassword": {"NewPassword": "p"},
    "VerifyFirmwarePassword": {"Password": "p"},
    "SetRecoveryLock": {"NewPassword": "p"},
    "VerifyRecoveryLock": {"Password": "p"},
    "RotateFileVaultKey": {"KeyType": "personal", "FileVaultUnlock": {"Password": "x"}},
    "DeclarativeManagement": {},
    "RestartDevice": {},
    "ShutDownDevice": {},
}
ERRORS = {
    "Mac": {"RemoveApplication", "RemoveProfile", "InstallApplication", "ClearPasscode"}
    | {"DeviceConfigured", "AccountConfiguration", "EnableLostMode", "DisableLostMode"}
    | {"RotateFileVaultKey", "DeviceLocation", "PlayLostModeSound", "UserConfigured", "LogOutUser"}
    | {"DeleteUser", "UnlockUserAccount", "SetAutoAdminPassword"}
    | {"Restrictions", "ManagedApplicationAttributes"},
    "iPhone": {"RemoveApplication", "RemoveProfile", "InstallApplication", "ClearPasscode"}
    | {"DeviceConfigured", "AccountConfiguration", "InstallEnterpriseApplication"}
    | {"SetFirmwarePassword", "VerifyFirmwarePassword", "SetRecoveryLock", "VerifyRecoveryLock"}
    | {"RotateFileVaultKey", "UserList", "UserConfigured", "LogOutUser"}
    | {"EnableRemoteDesktop", "DisableRemoteDesktop"}
    | {"DeleteUser", "UnlockUserAccount", "SetAutoAdminPassword"},
}
"""What each family answers with Error, as it has not what the command is about."""


@pytest.mark.parametrize("family", ["Mac", "iPhone"])
def test_each_command_is_answered(school: School, family: str) -> None:
    body = {"count": 1, "server": school.simulator.server, "families": [family]}
    (serial,) = school.simulator.control("POST", "/devices", body)["serial_numbers"]
    school.assigned(serial)
    (device,) = school.power_on(serial)

    answered = {}
    for name, values in COMMANDS.items():
        answered[name] = school.command(device["udid"], name, **values)["Status"]
        if name == "RestartDevice":
            until(lambda: school.is_back(serial) or None, f"{serial} has restarted")

    assert TABLE.keys() - answered.keys() == {"InstallProfile", "EraseDevice"}  # above
    assert set(answered.values()) <= {"Acknowledged", "Error"}
    assert {name for name, status in answered.items() if status == "Error"} == ERRORS[family]


def test_a_suite_of_ten_lines(school: School) -> None:
    handle = Mdmsim(school.simulator.ready)

    device = handle.device(power_on=False)
    school.assigned(device.serial)
    device.power_on()
    device.wait(state="enrolled")
    school.nanomdm.enqueue(device.udid, "InstallProfile", Payload=WIFI)
    device.wait(profiles=[enrolment.IDENTIFIER, "example.school.wifi"])
    device.erase()

    assert device.state == "unactivated"
