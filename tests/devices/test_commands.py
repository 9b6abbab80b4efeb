"""What a device answers to commands, and that what they did is seen afterwards."""

import plistlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.devices.commands.rows import Availability
from tests.devices.conftest import Bench
from tests.devices.mdm import certificate, profile


def identifiers(result: dict[str, Any]) -> list[str]:
    return [one["PayloadIdentifier"] for one in result["ProfileList"]]


async def test_an_installed_profile_is_listed_replaced_and_removed(bench: Bench) -> None:
    device = await bench.device()
    udid, serial = device["udid"], device["serial_number"]
    root = certificate("Example Root", rsa.generate_private_key(65537, 2048))
    payload = {
        "PayloadType": "com.apple.security.root",
        "PayloadIdentifier": "root",
        "PayloadUUID": "root-uuid",
        "PayloadVersion": 1,
        "PayloadContent": root.public_bytes(Encoding.DER),
    }

    for name in ("First", "Second"):
        content = profile("com.example.wifi", payload, PayloadDisplayName=name)
        installed = await bench.run(udid, serial, "InstallProfile", Payload=content)
        assert installed["Status"] == "Acknowledged"
    listed = await bench.run(udid, serial, "ProfileList")
    certificates = await bench.run(udid, serial, "CertificateList")
    removed = await bench.run(udid, serial, "RemoveProfile", Identifier="com.example.wifi")
    after = await bench.run(udid, serial, "ProfileList")

    assert identifiers(listed) == ["com.example.enrolment", "com.example.wifi"]
    assert listed["ProfileList"][1]["PayloadDisplayName"] == "Second"
    assert [(one["CommonName"], one["IsIdentity"]) for one in certificates["CertificateList"]] == [
        ("device identity", True),
        ("Example Root", False),
    ]
    assert removed["Status"] == "Acknowledged"
    assert identifiers(after) == ["com.example.enrolment"]


@pytest.mark.parametrize(
    ("family", "request_type", "values", "codes"),
    [
        pytest.param("iPhone", "Paint", {}, [("MCMDMErrorDomain", 12021)], id="unknown"),
        pytest.param("Mac", "ClearPasscode", {}, [("MCMDMErrorDomain", 12021)], id="not-mac"),
        pytest.param(
            "iPhone", "SetRecoveryLock", {}, [("MCMDMErrorDomain", 12021)], id="not-iphone"
        ),
        pytest.param(
            "iPhone",
            "RemoveProfile",
            {"Identifier": "none"},
            [("MDMErrorDomain", 12075)],
            id="not-installed",
        ),
        pytest.param(
            "Mac", "RemoveProfile", {"Identifier": "none"}, [("MDMClientError", 89)], id="on-mac"
        ),
        pytest.param(
            "iPhone",
            "InstallProfile",
            {"Payload": b"junk"},
            [
                ("MCInstallationErrorDomain", 4001),
                ("MCProfileErrorDomain", 1000),
                ("MCPayloadErrorDomain", 2000),
            ],
            id="junk",
        ),
        pytest.param(
            "iPhone",
            "InstallApplication",
            {"iTunesStoreID": 999},
            [("MCMDMErrorDomain", 12026)],
            id="no-such-app",
        ),
    ],
)
async def test_errors_are_told_as_devices_tell_them(
    bench: Bench,
    family: str,
    request_type: str,
    values: dict[str, Any],
    codes: list[tuple[str, int]],
) -> None:
    device = await bench.device(family)

    result = await bench.run(device["udid"], device["serial_number"], request_type, **values)

    assert result["Status"] == "Error"
    assert [(one["ErrorDomain"], one["ErrorCode"]) for one in result["ErrorChain"]] == codes
    assert ("USEnglishDescription" in result["ErrorChain"][0]) == (family == "iPhone")


@pytest.mark.parametrize(
    ("request_type", "values"),
    [
        ("InstallProfile", {}),
        ("InstallProfile", {"Payload": "text"}),
        ("RemoveProfile", {"Identifier": 1}),
        ("DeviceInformation", {"Queries": "UDID"}),
        ("DeviceInformation", {"Queries": [1]}),
        ("Settings", {"Settings": [{}]}),
        ("EraseDevice", {"PIN": "12"}),
    ],
)
async def test_a_command_of_the_wrong_form(
    bench: Bench, request_type: str, values: dict[str, Any]
) -> None:
    device = await bench.device("Mac")

    result = await bench.run(device["udid"], device["serial_number"], request_type, **values)

    assert result["Status"] == "CommandFormatError"


async def test_device_information_answers_what_is_known_and_permitted(bench: Bench) -> None:
    bench.mdm.mdm["AccessRights"] = 16
    device = await bench.device("iPhone")
    asked = ["UDID", "DeviceName", "WiFiMAC", "BatteryLevel", "IsAppleSilicon", "Nonsense"]

    result = await bench.run(
        device["udid"], device["serial_number"], "DeviceInformation", Queries=asked
    )

    # Wi-Fi needs the right 32, Apple silicon a Mac.
    assert result["QueryResponses"] == {
        "UDID": device["udid"],
        "DeviceName": "iPhone",
        "BatteryLevel": 0.87,
    }


async def test_a_missing_access_right_is_an_error(bench: Bench) -> None:
    bench.mdm.mdm["AccessRights"] = 16
    device = await bench.device()

    result = await bench.run(device["udid"], device["serial_number"], "ProfileList")

    assert (result["Status"], result["ErrorChain"][0]["ErrorCode"]) == ("Error", 12021)


async def test_each_setting_is_judged_alone(bench: Bench) -> None:
    device = await bench.device()
    udid, serial = device["udid"], device["serial_number"]
    items = [
        {"Item": "DeviceName", "DeviceName": "Anna's"},
        {"Item": "HostName", "HostName": "mac"},
        {"Item": "OrganizationInfo"},
        {"Item": "ApplicationConfiguration", "Identifier": "com.example.app"},
    ]

    result = await bench.run(udid, serial, "Settings", Settings=items)
    named = await bench.run(udid, serial, "DeviceInformation", Queries=["DeviceName"])

    assert [one["Status"] for one in result["Settings"]] == [
        "Acknowledged",
        "Error",
        "CommandFormatError",
        "Error",
    ]
    assert result["Status"] == "Acknowledged"
    assert named["QueryResponses"] == {"DeviceName": "Anna's"}


async def test_an_app_needs_a_licence_if_it_is_bought_with_one(bench: Bench) -> None:
    device = await bench.device()
    udid, serial = device["udid"], device["serial_number"]
    product = (await bench.call("GET", "/products"))["products"][0]
    app = {"iTunesStoreID": int(product["adam_id"])}

    refused = await bench.run(
        udid, serial, "InstallApplication", **app, Options={"PurchaseMethod": 1}
    )
    taken = await bench.run(udid, serial, "InstallApplication", **app, ManagementFlags=1)
    listed = await bench.run(udid, serial, "ManagedApplicationList")
    removed = await bench.run(udid, serial, "RemoveApplication", Identifier=taken["Identifier"])
    left = await bench.run(udid, serial, "InstalledApplicationList")

    assert [one["ErrorCode"] for one in refused["ErrorChain"]] == [12064, 9610]
    assert taken["Identifier"] == product["bundle_id"]
    assert listed["ManagedApplicationList"][product["bundle_id"]]["Status"] == "Managed"
    assert (removed["Status"], left["InstalledApplicationList"]) == ("Acknowledged", [])


async def test_a_busy_device_says_not_now_and_asks_again_later(bench: Bench) -> None:
    device = await bench.device(options={"busy": 1})
    udid, serial = device["udid"], device["serial_number"]
    await bench.call("PUT", "/clock", {"mode": "frozen"})

    uuid = bench.mdm.queue_command(udid, "ProfileList")
    await bench.act(serial, "poll")
    put_off = bench.mdm.result(uuid)["Status"]
    again = bench.mdm.queue_command(udid, "ProfileList")
    await bench.call("PUT", "/clock", {"advance_s": 60})
    await bench.until(lambda: any(one.get("CommandUUID") == again for one in bench.mdm.results))

    assert put_off == "NotNow"
    assert bench.mdm.result(again)["Status"] == "Acknowledged"


async def test_a_locked_phone_answers_what_needs_no_unlocking(bench: Bench) -> None:
    device = await bench.device(options={"locked": True})
    udid, serial = device["udid"], device["serial_number"]

    waits = await bench.run(udid, serial, "CertificateList")
    works = await bench.run(udid, serial, "ProfileList")

    assert (waits["Status"], works["Status"]) == ("NotNow", "Acknowledged")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"hello", "no property list", id="no-plist"),
        pytest.param(plistlib.dumps(["x"]), "must be a dictionary", id="array"),
    ],
)
async def test_what_is_no_command_ends_the_session(bench: Bench, body: bytes, said: str) -> None:
    device = await bench.device()
    bench.mdm.queue[device["udid"]].append(body)

    device = await bench.act(device["serial_number"], "poll")

    assert said in device["trouble"]


async def test_a_command_without_a_uuid_is_answered_without_one(bench: Bench) -> None:
    device = await bench.device()
    command = plistlib.dumps({"Command": {"RequestType": "ProfileList"}})
    bench.mdm.queue[device["udid"]].append(command)

    device = await bench.act(device["serial_number"], "poll")

    assert "CommandUUID" not in bench.mdm.results[-1]
    assert bench.mdm.results[-1]["Status"] == "Acknowledged"
    assert "/CommandUUID: a command needs CommandUUID, a string" in [
        one["about"] for one in device["life"]
    ]


async def test_a_server_that_never_ends_is_left(bench: Bench) -> None:
    device = await bench.device()
    for _ in range(150):
        bench.mdm.queue_command(device["udid"], "ProfileList")

    device = await bench.act(device["serial_number"], "poll")

    assert "over 100 commands" in device["life"][-1]["about"]
    assert len(bench.mdm.queue[device["udid"]]) == 50


async def test_a_command_of_ten_megabytes_is_executed(bench: Bench) -> None:
    device = await bench.device()
    content = profile("com.example.large", Large=b"x" * 10_000_000)

    result = await bench.run(
        device["udid"], device["serial_number"], "InstallProfile", Payload=content
    )

    assert result["Status"] == "Acknowledged"


def test_availability_is_read_as_documentation_abridges_it() -> None:
    assert Availability.of("10.3 s!") == Availability((10, 3), True, False, False, True)
    assert Availability.of("4") == Availability((4,))
    assert Availability.of("10.7 u").user_channel


async def test_a_recovery_key_is_rotated_for_who_has_the_certificate(bench: Bench) -> None:
    device = await bench.device("Mac")
    udid, serial = device["udid"], device["serial_number"]
    key = rsa.generate_private_key(65537, 2048)
    reply = certificate("Escrow", key)
    payload = {"PayloadType": "com.apple.MCX.FileVault2", "PayloadUUID": "f", "Enable": "On"}
    content = profile("com.example.filevault", payload)

    before = await bench.run(udid, serial, "SecurityInfo")
    await bench.run(udid, serial, "InstallProfile", Payload=content)
    after = await bench.run(udid, serial, "SecurityInfo")
    refused = await bench.run(
        udid,
        serial,
        "RotateFileVaultKey",
        KeyType="personal",
        FileVaultUnlock={"Password": "wrong"},
        ReplyEncryptionCertificate=reply.public_bytes(Encoding.DER),
    )

    enabled = [one["SecurityInfo"]["FDE_Enabled"] for one in (before, after)]
    assert enabled == [False, True]
    assert refused["Status"] == "Error"
