"""What commands do to a device's state, without any network."""

import json
import plistlib
from typing import Any

import pytest

from simulator.devices.commands.queries import QUERIES
from simulator.devices.commands.query_groups import SHARED_IPAD
from simulator.devices.commands.rows import Execution
from simulator.devices.commands.table import execute
from simulator.devices.device import VirtualDevice
from simulator.devices.flow import Apple, FlowResponse, Send
from simulator.devices.records import App
from tests.devices.test_flows import drive, enrolled, unreachable, world

PRODUCTS = {
    "products": [
        {"adam_id": "1", "bundle_id": "com.example.one", "name": "One", "version": "2"},
        {"adam_id": "2", "bundle_id": None, "name": "Two"},
    ],
    "next": None,
}
MANIFEST = plistlib.dumps(
    {"items": [{"metadata": {"bundle-identifier": "com.example.pkg", "title": "Package"}}]}
)


def store(step: Send | Apple) -> FlowResponse:
    """Answer as a store whose app 1 the device has a licence for, and as a server of manifests."""
    if isinstance(step, Send):
        return FlowResponse(200, {}, MANIFEST if step.url.endswith("good") else b"junk")
    body: Any = {"adam_ids": ["1"]} if step.path.endswith("/licences") else PRODUCTS
    return FlowResponse(200, {}, json.dumps(body).encode())


def run(device: VirtualDevice, name: str, **values: Any) -> tuple[str, dict[str, Any]]:
    """Have the device execute a command; return status and result."""
    assert device.enrolment is not None
    execution = Execution(device, device.enrolment, world(), {"RequestType": name, **values})
    status, done = drive(execute(execution), store)
    if done.then is not None:
        drive(done.then(), unreachable)
    return status, done.keys


@pytest.mark.parametrize("family", ["iPhone", "iPad", "Mac", "AppleTV", "Vision"])
def test_every_query_is_answered_where_it_is_known(family: str) -> None:
    device = enrolled(family)
    device.hardware |= {
        "meid": ["00"],
        "eid": "89",
        "wifi_mac_address": "AE:00",
        "imei": ["1", "2"],
    }

    _, keys = run(device, "DeviceInformation", Queries=list(QUERIES))

    answers = keys["QueryResponses"]
    known = {name for name, one in QUERIES.items() if device.platform in one.platforms}
    without = {"BluetoothMAC", "EthernetMAC", "PushToken"}  # none of it is there
    without |= {"LastCloudBackupDate", "iTunesStoreAccountHash"}
    without |= SHARED_IPAD.keys() - {"IsMultiUser"}
    assert answers.keys() == known - without
    assert answers["WiFiMAC"] == "ae:00"
    assert isinstance(answers["DeviceCapacity"], float)
    assert answers["IsSupervised"] is True


def test_a_user_enrolment_tells_nothing_of_the_device() -> None:
    device = enrolled("iPhone")
    assert device.enrolment is not None
    device.enrolment.user_enrolment = True

    _, keys = run(device, "DeviceInformation", Queries=["UDID", "SerialNumber", "OSVersion"])

    assert keys["QueryResponses"] == {"OSVersion": device.version}
    assert run(device, "EraseDevice")[0] == "Error"


def test_two_subscriptions_of_a_phone_with_two_imeis() -> None:
    device = enrolled("iPhone")
    device.hardware |= {"imei": ["1", "2"], "eid": "89"}

    _, keys = run(device, "DeviceInformation", Queries=["ServiceSubscriptions"])

    slots = keys["QueryResponses"]["ServiceSubscriptions"]
    assert [(one["IMEI"], one["IsDataPreferred"]) for one in slots] == [("1", True), ("2", False)]


@pytest.mark.parametrize(
    ("values", "identifier"),
    [
        ({"iTunesStoreID": 1, "Options": {"PurchaseMethod": 1}}, "com.example.one"),
        ({"Identifier": "com.example.one"}, "com.example.one"),
        ({"iTunesStoreID": 2}, "app.2"),
        ({"ManifestURL": "https://x/good"}, "com.example.pkg"),
    ],
)
def test_an_app_is_installed(values: dict[str, Any], identifier: str) -> None:
    device = enrolled("iPhone")

    status, keys = run(device, "InstallApplication", **values, Configuration={"a": 1})
    _, listed = run(device, "InstalledApplicationList", Identifiers=[identifier])
    _, managed = run(device, "ManagedApplicationList")

    assert (status, keys["Identifier"]) == ("Acknowledged", identifier)
    assert [one["Identifier"] for one in listed["InstalledApplicationList"]] == [identifier]
    assert listed["InstalledApplicationList"][0]["DeviceBasedVPP"] == ("Options" in values)
    assert managed["ManagedApplicationList"][identifier]["HasConfiguration"] is True


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({}, "CommandFormatError"),
        ({"iTunesStoreID": "1"}, "CommandFormatError"),
        ({"ManifestURL": "https://x/bad"}, "Error"),
        ({"iTunesStoreID": 2, "Options": {"PurchaseMethod": 1}}, "Error"),
    ],
)
def test_an_app_that_cannot_be_installed(values: dict[str, Any], status: str) -> None:
    device = enrolled("iPhone")

    assert run(device, "InstallApplication", **values)[0] == status
    assert device.apps == {}


def test_a_package_is_installed_on_a_mac() -> None:
    device = enrolled("Mac")

    inline = run(device, "InstallEnterpriseApplication", Manifest=plistlib.loads(MANIFEST))
    fetched = run(device, "InstallEnterpriseApplication", ManifestURL="https://x/good")
    neither = run(device, "InstallEnterpriseApplication")

    assert [one[0] for one in (inline, fetched, neither)] == [
        "Acknowledged",
        "Acknowledged",
        "CommandFormatError",
    ]
    assert list(device.apps) == ["com.example.pkg"]


def test_a_passcode_is_cleared_by_the_right_token_only() -> None:
    device = enrolled("iPhone")
    device.passcode, device.unlock_token = True, b"right"

    wrong = run(device, "ClearPasscode", UnlockToken=b"wrong")[0], device.passcode
    right = run(device, "ClearPasscode", UnlockToken=b"right")[0], device.passcode

    assert (wrong, right) == (("Error", True), ("Acknowledged", False))


def test_lost_mode_begins_and_ends() -> None:
    device = enrolled("iPhone")

    nothing = run(device, "EnableLostMode")[0]
    begun = run(device, "EnableLostMode", Message="Call")[0], device.state
    ended = run(device, "DisableLostMode")[0], device.state
    again = run(device, "DisableLostMode")[0]

    assert nothing == "CommandFormatError"
    assert begun == ("Acknowledged", "lost")
    assert ended == ("Acknowledged", "enrolled")
    assert again == "Error"


@pytest.mark.parametrize(
    ("kind", "verified"),
    [("FirmwarePassword", "VerifyFirmwarePassword"), ("RecoveryLock", "")],
)
def test_a_password_is_set_changed_and_verified(kind: str, verified: str) -> None:
    device = enrolled("Mac")

    run(device, f"Set{kind}", NewPassword="one")
    refused = run(device, f"Set{kind}", NewPassword="two", CurrentPassword="no")[0]
    run(device, f"Set{kind}", NewPassword="two", CurrentPassword="one")
    _, right = run(device, f"Verify{kind}", Password="two")
    _, wrong = run(device, f"Verify{kind}", Password="one")

    inner = [one[verified] if verified else one for one in (right, wrong)]
    assert refused == "Error"
    assert [one["PasswordVerified"] for one in inner] == [True, False]


def test_a_recovery_lock_is_not_set_in_setup_assistant() -> None:
    device = enrolled("Mac")
    assert device.enrolment is not None
    device.enrolment.awaiting = True

    assert run(device, "SetRecoveryLock", NewPassword="one")[0] == "Acknowledged"
    assert device.recovery_lock == ""


def test_a_device_that_is_shut_down_is_off_and_one_that_restarts_is_not() -> None:
    device = enrolled("Mac")

    run(device, "RestartDevice")
    restarted = device.condition
    run(device, "ShutDownDevice")

    assert (restarted, device.condition) == ("enrolled", "off")


@pytest.mark.parametrize(
    ("family", "values", "result"),
    [
        ("iPhone", {"Message": "x"}, {"MessageResult": "NoPasscodeSet"}),
        ("iPhone", {}, {}),
        ("Mac", {"PIN": "123456"}, {}),
    ],
)
def test_a_lock_is_answered(family: str, values: dict[str, Any], result: dict[str, Any]) -> None:
    assert run(enrolled(family), "DeviceLock", **values) == ("Acknowledged", result)


def test_an_update_is_offered_scheduled_and_made() -> None:
    device = enrolled("iPhone")
    offered = run(device, "AvailableOSUpdates")[1]["AvailableOSUpdates"][0]
    update = {"ProductKey": offered["ProductKey"], "InstallAction": "InstallASAP"}
    later = {"ProductVersion": "99.9", "InstallAction": "DownloadOnly"}

    _, keys = run(device, "ScheduleOSUpdate", Updates=[update, later])
    _, status = run(device, "OSUpdateStatus")

    assert [one["Status"] for one in keys["UpdateResults"]] == ["Installing", "DownloadFailed"]
    assert device.version == offered["Version"] == "26.2"
    assert [one["Status"] for one in status["OSUpdateStatus"]] == ["Idle", "DownloadFailed"]
    assert run(device, "ScheduleOSUpdate", Updates=[{}])[0] == "CommandFormatError"


def test_a_device_without_an_update_says_so() -> None:
    device = enrolled("iPhone")
    device.settings["NoUpdate"] = True

    status, keys = run(device, "AvailableOSUpdates")

    assert (status, keys["ErrorChain"][0]["ErrorCode"]) == ("Error", 2213)


def test_settings_are_kept_and_shown() -> None:
    device = enrolled("iPhone")
    device.apps["a"] = App("a", "A", managed=True)
    items = [
        {"Item": "OrganizationInfo", "OrganizationInfo": {"OrganizationName": "School"}},
        {"Item": "TimeZone", "TimeZone": "Asia/Tokyo"},
        {"Item": "DeviceName", "DeviceName": ""},
        {"Item": "ApplicationConfiguration", "Identifier": "a", "Configuration": {"k": 1}},
        {"Item": "ApplicationAttributes", "Identifier": "a", "Attributes": {}},
        {"Item": "ApplicationAttributes", "Identifier": "b"},
    ]

    _, keys = run(device, "Settings", Settings=items)
    _, shown = run(device, "DeviceInformation", Queries=["OrganizationInfo", "TimeZone"])

    assert [one["Status"] for one in keys["Settings"]] == [
        "Acknowledged",
        "Acknowledged",
        "CommandFormatError",
        "Acknowledged",
        "Acknowledged",
        "Error",
    ]
    assert shown["QueryResponses"] == {
        "OrganizationInfo": {"OrganizationName": "School"},
        "TimeZone": "Asia/Tokyo",
    }
    assert device.apps["a"].configuration == {"k": 1}


def test_declarations_are_asked_for_after_the_command() -> None:
    device = enrolled("iPhone")
    asked = json.dumps({"SyncTokens": {"DeclarationsToken": "t"}}).encode()

    assert run(device, "DeclarativeManagement", Data=asked)[0] == "Acknowledged"
    assert run(device, "DeclarativeManagement", Data=b"junk")[0] == "Acknowledged"
    assert [one.what for one in device.life] == ["finding", "finding"]  # nothing answers here


def test_a_profile_for_users_is_refused_on_the_device_channel_of_a_mac() -> None:
    body = {
        "PayloadType": "Configuration",
        "PayloadIdentifier": "x",
        "PayloadUUID": "x",
        "PayloadScope": "User",
    }

    status, keys = run(enrolled("Mac"), "InstallProfile", Payload=plistlib.dumps(body))

    assert status == "Error"
    assert "must be a system profile" in keys["ErrorChain"][-1]["LocalizedDescription"]
