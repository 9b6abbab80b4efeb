"""All commands and queries of the protocol reference are there, and do what it says of them."""

import plistlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from simulator.core.state import Body
from simulator.devices.commands.queries import QUERIES
from simulator.devices.commands.rows import Execution
from simulator.devices.commands.table import COMMANDS, execute
from simulator.devices.device import VirtualDevice
from simulator.devices.flow import Apple, FlowResponse, Send
from simulator.devices.records import DeviceUser, InstalledProfile
from simulator.pki import cms
from tests.devices.conftest import Bench
from tests.devices.mdm import certificate
from tests.devices.test_command_state import run
from tests.devices.test_flows import authority, drive, enrolled, unreachable, world

# Written down from device.md, section 6.
NAMED = """
DeviceInformation SecurityInfo ProfileList CertificateList InstallProfile RemoveProfile
InstalledApplicationList InstallApplication InstallEnterpriseApplication ManagedApplicationList
RemoveApplication DeviceLock ClearPasscode EraseDevice RestartDevice ShutDownDevice DeviceConfigured
AccountConfiguration SetAutoAdminPassword Settings AvailableOSUpdates ScheduleOSUpdate
OSUpdateStatus
RotateFileVaultKey SetFirmwarePassword VerifyFirmwarePassword SetRecoveryLock VerifyRecoveryLock
DeclarativeManagement DeleteUser UserList ActivationLockBypassCode ClearActivationLockBypassCode
UnlockUserAccount EnableLostMode DisableLostMode DeviceLocation PlayLostModeSound LogOutUser
UserConfigured Restrictions ProvisioningProfileList
"""
ASKED = """
UDID ProvisioningUDID DeviceName OSVersion BuildVersion SerialNumber ProductName ModelName Model
ModelNumber IsAppleSilicon HasBattery SupportsiOSAppInstalls SystemIntegrityProtectionEnabled
SupportsLOMDevice PINRequiredForEraseDevice PINRequiredForDeviceLock DeviceCapacity
AvailableDeviceCapacity BatteryLevel IMEI MEID ICCID PhoneNumber CurrentMCC CurrentMNC
CurrentCarrierNetwork SubscriberCarrierNetwork ServiceSubscriptions WiFiMAC BluetoothMAC EthernetMAC
IsSupervised AwaitingConfiguration IsMultiUser IsMDMLostModeEnabled IsDeviceLocatorServiceEnabled
IsCloudBackupEnabled IsDoNotDisturbInEffect LastCloudBackupDate OSUpdateSettings LocalHostName
HostName ActiveManagedUsers AutoSetupAdminAccounts EACSPreflight SoftwareUpdateDeviceID
SoftwareUpdateSettings TimeZone MDMOptions OrganizationInfo PushToken iTunesStoreAccountIsActive
iTunesStoreAccountHash DevicePropertiesAttestation
"""
OID = "1.2.840.113635.100.8."
DAY_MS = 24 * 3600 * 1000


def test_every_command_and_query_of_the_reference_is_there() -> None:
    assert set(NAMED.split()) - COMMANDS.keys() == set()
    assert set(ASKED.split()) - QUERIES.keys() == set()


def attested(device: VirtualDevice, nonce: bytes) -> x509.Certificate:
    """Return what the device attests, whose issuer is checked."""
    query = ["DevicePropertiesAttestation"]
    status, keys = run(device, "DeviceInformation", Queries=query, DeviceAttestationNonce=nonce)
    assert status == "Acknowledged"
    (encoded,) = keys["QueryResponses"][query[0]]
    found = x509.load_der_x509_certificate(encoded)
    root = authority().certificate.public_key()
    assert isinstance(root, rsa.RSAPublicKey)
    assert found.signature_hash_algorithm is not None
    root.verify(
        found.signature,
        found.tbs_certificate_bytes,
        padding.PKCS1v15(),
        found.signature_hash_algorithm,
    )
    return found


def properties(found: x509.Certificate) -> dict[str, bytes]:
    return {
        one.oid.dotted_string.removeprefix(OID): one.value.value
        for one in found.extensions
        if isinstance(one.value, x509.UnrecognizedExtension)
        and one.oid.dotted_string.startswith(OID)
    }


def test_a_device_attests_what_it_is() -> None:
    phone, mac = enrolled("iPhone"), enrolled("Mac")

    of_phone, of_mac = (properties(attested(one, b"n" * 32)) for one in (phone, mac))

    assert of_phone["9.1"] == b"0ZTEST"
    assert of_phone["9.2"] == phone.udid.encode()
    assert of_phone["11.1"] == b"n" * 32
    assert of_phone["10.1"] == phone.version.encode()
    assert of_mac["9.2"] != mac.udid.encode()
    assert of_mac.keys() - of_phone.keys() == {"13.1", "13.2", "13.3"}


def test_an_attestation_is_shown_again_for_seven_days() -> None:
    device = enrolled("iPhone")

    first = attested(device, b"one")
    again = attested(device, b"two")
    assert device.attestation is not None
    device.attestation = type(device.attestation)(
        device.attestation.at_ms - 7 * DAY_MS, device.attestation.certificate
    )
    later = attested(device, b"two")

    assert again == first
    assert properties(later)["11.1"] == b"two"


def test_an_attestation_of_a_user_enrolment_names_no_device() -> None:
    device = enrolled("iPhone")
    assert device.enrolment is not None
    device.enrolment.user_enrolment = True

    assert properties(attested(device, b"")).keys().isdisjoint({"9.1", "9.2"})


def test_a_nonce_that_is_too_long_is_no_command() -> None:
    query = ["DevicePropertiesAttestation"]

    status, _ = run(
        enrolled("iPhone"), "DeviceInformation", Queries=query, DeviceAttestationNonce=b"n" * 33
    )

    assert status == "CommandFormatError"


def test_a_lost_device_says_where_it_is_and_makes_a_sound() -> None:
    device = enrolled("iPhone")

    before = run(device, "DeviceLocation"), run(device, "PlayLostModeSound")
    run(device, "EnableLostMode", Message="Call")
    status, where = run(device, "DeviceLocation")
    heard = run(device, "PlayLostModeSound")[0]

    assert [keys["ErrorChain"][0]["ErrorCode"] for _, keys in before] == [12067, 12067]
    assert (status, heard) == ("Acknowledged", "Acknowledged")
    assert where.keys() == {
        *("Latitude", "Longitude", "HorizontalAccuracy", "VerticalAccuracy", "Altitude"),
        *("Speed", "Course", "Timestamp"),
    }
    assert -90 <= where["Latitude"] <= 90
    assert where["Timestamp"].endswith("Z")
    assert device.life[-1].what == "sound"


async def test_the_bypass_code_opens_the_lock_until_it_is_cleared(bench: Bench) -> None:
    device = await bench.device()
    serial, udid = device["serial_number"], device["udid"]

    told = await bench.run(udid, serial, "ActivationLockBypassCode")
    again = await bench.run(udid, serial, "ActivationLockBypassCode")
    known = await bench.call("GET", f"/locks/{serial}")
    cleared = await bench.run(udid, serial, "ClearActivationLockBypassCode")
    none = await bench.run(udid, serial, "ActivationLockBypassCode")

    assert told["ActivationLockBypassCode"] == known["bypass_code"]
    assert again["ActivationLockBypassCode"] == told["ActivationLockBypassCode"]
    assert (cleared["Status"], none["Status"]) == ("Acknowledged", "Error")


async def test_the_bypass_code_is_told_for_fifteen_days_only(bench: Bench) -> None:
    device = await bench.device()
    await bench.call("PUT", "/clock", {"advance_s": 15 * 24 * 3600 + 60})

    told = await bench.run(device["udid"], device["serial_number"], "ActivationLockBypassCode")

    assert told["Status"] == "Error"


def test_a_local_account_is_unlocked_and_no_other() -> None:
    mac = enrolled("Mac")
    mac.users["anna"] = DeviceUser("1", "anna", "00")

    statuses = [run(mac, "UnlockUserAccount", UserName=one)[0] for one in ("anna", "berta")]

    assert statuses == ["Acknowledged", "Error"]
    assert run(mac, "UnlockUserAccount")[0] == "CommandFormatError"


def of_user(device: VirtualDevice, user: DeviceUser | None) -> str:
    """Return the status of UserConfigured on a channel."""
    assert device.enrolment is not None
    values = {"RequestType": "UserConfigured"}
    execution = Execution(device, device.enrolment, world(), values, user)
    return drive(execute(execution), unreachable)[0]


def test_a_log_in_to_a_shared_ipad_waits_to_be_configured() -> None:
    device = enrolled("iPad")
    device.assigned = {"is_multi_user": True}
    user = device.users["anna"] = DeviceUser("1", "anna", "00", awaiting=True)

    assert of_user(device, None) == "Error"
    assert of_user(device, user) == "Acknowledged"
    assert user.awaiting is False
    assert of_user(device, user) == "Error"


async def test_a_shared_ipad_tells_that_its_user_waits(bench: Bench) -> None:
    bench.mdm.mdm["ServerCapabilities"] = ["com.apple.mdm.per-user-connections"]
    device = await bench.device("iPad", is_multi_user=True)
    serial, udid = device["serial_number"], device["udid"]
    item = {"Item": "SharedDeviceConfiguration", "AwaitUserConfiguration": {"Enabled": True}}
    await bench.run(udid, serial, "Settings", Settings=[item])
    uuid = bench.mdm.queue_command(f"{udid}/anna", "UserConfigured")

    await bench.act(serial, "log-in", user="anna")

    assert bench.mdm.check_ins[-1]["AwaitingConfiguration"] is True
    assert bench.mdm.result(uuid)["Status"] == "Acknowledged"


async def test_a_device_asks_its_mdm_how_it_returns_to_service(bench: Bench) -> None:
    device = await bench.device(is_return_to_service=True)
    serial = device["serial_number"]
    refused = await bench.act(serial, "return-to-service")
    answer: Body = {"Enabled": True, "MDMProfileData": bench.mdm.profile()}
    bench.mdm.answers["ReturnToService"].append({"ReturnToService": answer})

    await bench.act(serial, "return-to-service")
    await bench.until(lambda: bench.mdm.kinds.count("TokenUpdate") == 2)

    assert refused["life"][-1]["what"] == "failed"
    assert refused["state"] == "enrolled"
    assert bench.mdm.kinds[2:] == ["ReturnToService"] * 2 + ["Authenticate", "TokenUpdate"]
    assert len({one["Token"] for one in bench.mdm.check_ins if "Token" in one}) == 2


@pytest.mark.parametrize(
    ("family", "profile", "why"),
    [("iPhone", {}, "is_return_to_service"), ("Mac", {"is_return_to_service": True}, "iOS")],
)
async def test_a_device_that_offers_no_return_to_service(
    bench: Bench, family: str, profile: Body, why: str
) -> None:
    device = await bench.device(family, **profile)

    status, answer = await bench.ask(
        "POST", f"/simulated-devices/{device['serial_number']}/return-to-service", {}
    )

    assert status == 409
    assert why in answer["detail"]


def test_the_recovery_key_is_escrowed_to_the_certificate_of_the_payload() -> None:
    key = rsa.generate_private_key(65537, 2048)
    made = certificate("escrow", key)
    payloads: list[Body] = [
        {"PayloadUUID": "c", "PayloadContent": made.public_bytes(Encoding.DER)},
        {
            "PayloadType": "com.apple.security.FDERecoveryKeyEscrow",
            "EncryptCertPayloadUUID": "c",
            "DeviceKey": "7",
        },
    ]
    content = plistlib.dumps({"PayloadContent": payloads})
    mac = enrolled("Mac")
    mac.recovery_key = "AAAA-BBBB"
    bare = run(mac, "SecurityInfo")[1]["SecurityInfo"]
    mac.profiles["escrow"] = InstalledProfile(content, "escrow")

    told = run(mac, "SecurityInfo")[1]["SecurityInfo"]

    opened = cms.open_envelope(told["FDE_PersonalRecoveryKeyCMS"], key)
    assert opened.content == b"AAAA-BBBB"
    assert told["FDE_PersonalRecoveryKeyDeviceKey"] == "7"
    assert "FDE_PersonalRecoveryKeyCMS" not in bare


def test_a_phone_with_an_account_and_without_a_network() -> None:
    device = enrolled("iPad")
    device.hardware.pop("imei")
    asked = ["ICCID", "PhoneNumber", "iTunesStoreAccountIsActive", "iTunesStoreAccountHash"]

    _, keys = run(device, "DeviceInformation", Queries=asked)

    assert keys["QueryResponses"] == {"iTunesStoreAccountIsActive": False}


def test_a_shared_ipad_says_how_it_is_shared() -> None:
    device = enrolled("iPad")
    device.assigned = {"is_multi_user": True}
    item = {"Item": "SharedDeviceConfiguration", "QuotaSize": 512, "UserSessionTimeout": 60}
    run(device, "Settings", Settings=[item])
    asked = ["QuotaSize", "UserSessionTimeout", "ResidentUsers", "MaximumResidentUsers"]

    _, keys = run(device, "DeviceInformation", Queries=asked)

    assert keys["QueryResponses"] == {
        "QuotaSize": 512,
        "UserSessionTimeout": 60,
        "ResidentUsers": 0,
        "MaximumResidentUsers": 32,
    }


def nobody(_: Send | Apple) -> FlowResponse:
    return FlowResponse(500)


def test_a_bypass_code_that_apple_does_not_have_is_an_error() -> None:
    device = enrolled("iPhone")
    device.bypass_until_ms = 2**60
    assert device.enrolment is not None
    values: dict[str, Any] = {"RequestType": "ActivationLockBypassCode"}
    execution = Execution(device, device.enrolment, world(), values)

    assert drive(execute(execution), nobody)[0] == "Error"
