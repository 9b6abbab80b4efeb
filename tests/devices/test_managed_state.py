"""What an MDM has set on a device, it can ask for: restrictions, apps' settings, Remote Desktop."""

import plistlib
from typing import Any

import pytest

from simulator.devices.connect import session
from simulator.devices.device import VirtualDevice
from simulator.devices.flow import Apple, FlowResponse, Send
from simulator.devices.records import App, InstalledProfile
from tests.devices.mdm import profile
from tests.devices.test_command_state import run
from tests.devices.test_flows import drive, enrolled, world


def restrict(device: VirtualDevice, identifier: str, **restrictions: Any) -> None:
    payload = {"PayloadType": "com.apple.applicationaccess", "PayloadIdentifier": "r"}
    content = profile(
        identifier, {"PayloadUUID": "r", "PayloadVersion": 1} | payload | restrictions
    )
    device.profiles[identifier] = InstalledProfile(content, identifier)


def test_of_two_profiles_the_stricter_one_counts() -> None:
    device = enrolled("iPhone")
    restrict(
        device, "a", allowCamera=True, forceEncryptedBackup=True, ratingApps=600, ids=["x", "y"]
    )
    restrict(device, "b", allowCamera=False, forceEncryptedBackup=False, ratingApps=300, ids=["y"])
    restrict(device, "c")

    status, keys = run(device, "Restrictions")
    _, each = run(device, "Restrictions", ProfileRestrictions=True)

    assert (status, keys) == (
        "Acknowledged",
        {
            "GlobalRestrictions": {
                "restrictedBool": {
                    "allowCamera": {"value": False},
                    "forceEncryptedBackup": {"value": True},
                },
                "restrictedValue": {"ratingApps": {"value": 300}},
                "intersection": {"ids": {"values": ["y"]}},
            }
        },
    )
    assert each["ProfileRestrictions"].keys() == {"a", "b"}
    assert each["ProfileRestrictions"]["a"]["restrictedBool"]["allowCamera"] == {"value": True}


def test_a_device_without_restrictions_has_none() -> None:
    assert run(enrolled("iPhone"), "Restrictions") == ("Acknowledged", {"GlobalRestrictions": {}})
    assert run(enrolled("Mac"), "Restrictions")[0] == "Error"


@pytest.mark.parametrize(
    ("name", "key", "answer"),
    [
        ("ManagedApplicationConfiguration", "Configuration", "ApplicationConfigurations"),
        ("ManagedApplicationAttributes", "Attributes", "ApplicationAttributes"),
    ],
)
def test_what_settings_gave_an_app_is_told(name: str, key: str, answer: str) -> None:
    device = enrolled("iPhone")
    for identifier in ("com.example.one", "com.example.two"):
        device.apps[identifier] = App(identifier, "App", managed=True)
    device.apps["com.example.own"] = App("com.example.own", "App")
    given = {"VPNUUID": "v"}
    item = {"Item": f"Application{key}", "Identifier": "com.example.one", key: given}

    run(device, "Settings", Settings=[item])
    _, keys = run(device, name, Identifiers=[*device.apps])
    status, _ = run(device, name)

    assert keys[answer] == [
        {"Identifier": "com.example.one", key: given},
        {"Identifier": "com.example.two"},
    ]
    assert status == "CommandFormatError"


def test_remote_desktop_is_on_until_it_is_turned_off() -> None:
    device = enrolled("Mac")

    def is_on() -> bool:
        return bool(run(device, "SecurityInfo")[1]["SecurityInfo"]["RemoteDesktopEnabled"])

    seen = [is_on()]
    for name in ("EnableRemoteDesktop", "DisableRemoteDesktop"):
        assert run(device, name) == ("Acknowledged", {})
        seen.append(is_on())

    assert seen == [False, True, False]


def test_no_provisioning_profile_is_installed() -> None:
    status, keys = run(enrolled("iPad"), "ProvisioningProfileList")

    assert (status, keys["ProvisioningProfileList"]) == ("Acknowledged", [])


@pytest.mark.parametrize(("name", "told"), [("RequestMirroring", True), ("Frobnicate", False)])
def test_the_life_says_what_is_documented_but_not_simulated(name: str, told: bool) -> None:
    device = enrolled("iPhone")
    command = {"CommandUUID": "1", "Command": {"RequestType": name}}
    commands = [plistlib.dumps(command), b""]

    def respond(_: Send | Apple) -> FlowResponse:
        return FlowResponse(200, {}, commands.pop(0))

    drive(session(device, world()), respond)

    (event,) = (one for one in device.life if one.what == "command")
    assert "not a valid request type" in event.about
    assert ("simulated devices do not have it" in event.about) == told
