"""DeviceInformation: what a device tells of itself (device.md 6.5)."""

import base64
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from simulator.devices.commands.attestation import attestation
from simulator.devices.commands.query import (
    APPS,
    EVERYWHERE,
    INFORMATION,
    MAC,
    MOBILE,
    NETWORK,
    Query,
    number,
    provisioning_udid,
)
from simulator.devices.commands.query_groups import CELLULAR, SHARED_IPAD, subscriptions
from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.flow import Flow
from simulator.devices.models import IOS, MACOS, TVOS, VISIONOS, model_name

_GIGABYTE_STEPS = (64.0, 128.0, 256.0, 512.0)


def _hardware(name: str) -> Callable[[Execution], Any]:
    return lambda execution: _first(execution.device.hardware.get(name))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value or None


def _address(name: str) -> Query:
    def value(execution: Execution) -> str | None:
        found = execution.device.hardware.get(name)
        return found.lower() if isinstance(found, str) else None

    return Query(value, NETWORK, EVERYWHERE, not_in_user_enrolment=True)


def _capacity(execution: Execution) -> float:
    return _GIGABYTE_STEPS[int(number(execution.device, "capacity", 1), 16) % 4]


def _model_number(execution: Execution) -> str:
    return f"M{number(execution.device, 'model', 4)}LL/A"


def _signed_in(execution: Execution) -> bool:
    """Tell whether its person has signed in to an account, which the store knows then too."""
    account = execution.device.account
    return account is not None and not account.problem


def _account_hash(execution: Execution) -> str | None:
    """Return a hash of the account; Apple's own hash is not documented."""
    account = execution.device.account
    if account is None or account.problem:
        return None
    return base64.b64encode(blake2b(account.account.encode(), digest_size=20).digest()).decode()


def _settings(name: str) -> Callable[[Execution], Any]:
    return lambda execution: execution.device.settings.get(name, {})


def _switch(name: str) -> Callable[[Execution], bool]:
    """Return what an item of Settings, which is only on or off, was set to."""
    return lambda execution: execution.device.settings.get(name, {}).get("Enabled") is True


def _nothing(_: Execution) -> None:
    """Return nothing: no device is backed up, and attestations are made elsewhere."""


def _true(_: Execution) -> bool:
    return True


def _false(_: Execution) -> bool:
    return False


ATTESTATION = "DevicePropertiesAttestation"
QUERIES: Mapping[str, Query] = {
    "UDID": Query(lambda it: it.device.udid, 0, EVERYWHERE, not_in_user_enrolment=True),
    "ProvisioningUDID": Query(
        lambda it: provisioning_udid(it.device), 0, MAC, not_in_user_enrolment=True
    ),
    "OrganizationInfo": Query(_settings("OrganizationInfo"), 0),
    "MDMOptions": Query(_settings("MDMOptions"), 0),
    "AwaitingConfiguration": Query(lambda it: it.enrolment.awaiting, 0),
    "DeviceName": Query(lambda it: it.device.name),
    "PushToken": Query(
        lambda it: bytes.fromhex(it.user.push_token) if it.user is not None else None,
        platforms=frozenset({IOS, MACOS}),
    ),
    "OSVersion": Query(lambda it: it.device.version),
    "BuildVersion": Query(lambda it: it.device.build),
    "ProductName": Query(lambda it: it.device.product),
    "ModelName": Query(
        lambda it: model_name(str(it.device.hardware.get("model", "")), it.device.family)
    ),
    "Model": Query(lambda it: it.device.product if it.device.mac else _model_number(it)),
    "ModelNumber": Query(_model_number),
    "SerialNumber": Query(lambda it: it.device.serial, not_in_user_enrolment=True),
    "DeviceCapacity": Query(_capacity),
    "AvailableDeviceCapacity": Query(lambda it: round(_capacity(it) * 0.7, 2)),
    "IsSupervised": Query(lambda it: it.device.supervised),
    "TimeZone": Query(
        lambda it: it.device.settings.get("TimeZone", {}).get("TimeZone", "Europe/London"),
        platforms=frozenset({IOS, TVOS, VISIONOS}),
    ),
    "BatteryLevel": Query(lambda _: 0.87, platforms=frozenset({IOS, MACOS, VISIONOS})),
    "SoftwareUpdateDeviceID": Query(lambda it: it.device.product),
    "iTunesStoreAccountIsActive": Query(_signed_in, APPS, not_in_user_enrolment=True),
    "iTunesStoreAccountHash": Query(_account_hash, APPS, not_in_user_enrolment=True),
    "DeviceID": Query(lambda it: it.device.udid, platforms=frozenset({TVOS})),
    "EASDeviceIdentifier": Query(lambda it: number(it.device, "eas", 32), platforms=MOBILE),
    "IMEI": Query(_hardware("imei"), INFORMATION, MOBILE, not_in_user_enrolment=True),
    "MEID": Query(_hardware("meid"), INFORMATION, MOBILE, not_in_user_enrolment=True),
    "EID": Query(_hardware("eid"), INFORMATION, MOBILE, not_in_user_enrolment=True),
    "ServiceSubscriptions": Query(subscriptions, NETWORK, MOBILE, not_in_user_enrolment=True),
    **CELLULAR,
    **SHARED_IPAD,
    "IsMDMLostModeEnabled": Query(lambda it: it.device.lost is not None, platforms=MOBILE),
    "IsDeviceLocatorServiceEnabled": Query(_false, platforms=MOBILE),
    "IsCloudBackupEnabled": Query(_false, platforms=MOBILE, not_in_user_enrolment=True),
    "LastCloudBackupDate": Query(_nothing, platforms=MOBILE, not_in_user_enrolment=True),
    "IsDoNotDisturbInEffect": Query(_false, platforms=MOBILE, not_in_user_enrolment=True),
    "IsNetworkTethered": Query(_false, NETWORK, MOBILE),
    "IsActivationLockSupported": Query(_true, platforms=MAC, not_in_user_enrolment=True),
    "DiagnosticSubmissionEnabled": Query(_switch("DiagnosticSubmission"), platforms=MOBILE),
    "AppAnalyticsEnabled": Query(_switch("AppAnalytics"), platforms=MOBILE),
    ATTESTATION: Query(_nothing, platforms=frozenset({IOS, MACOS, TVOS})),
    "IsAppleSilicon": Query(_true, platforms=MAC),
    "HasBattery": Query(
        lambda it: "Book" in str(it.device.hardware.get("model", "")), platforms=MAC
    ),
    "SupportsiOSAppInstalls": Query(_true, platforms=MAC),
    "SystemIntegrityProtectionEnabled": Query(_true, platforms=MAC),
    "SupportsLOMDevice": Query(_false, platforms=MAC),
    "PINRequiredForEraseDevice": Query(_false, platforms=MAC),
    "PINRequiredForDeviceLock": Query(_false, platforms=MAC),
    "HostName": Query(lambda it: it.device.name, platforms=MAC),
    "LocalHostName": Query(lambda it: it.device.name.replace(" ", "-"), platforms=MAC),
    "ActiveManagedUsers": Query(
        lambda it: [one.id for one in it.device.users.values() if one.magic and not one.away],
        platforms=MAC,
    ),
    "EACSPreflight": Query(lambda _: "success", platforms=MAC),
    "OSUpdateSettings": Query(
        lambda _: {"AutoCheckEnabled": True, "AutomaticOSInstallationEnabled": False},
        platforms=MAC,
    ),
    "SoftwareUpdateSettings": Query(_settings("SoftwareUpdateSettings"), platforms=MOBILE),
    "AutoSetupAdminAccounts": Query(
        lambda it: it.device.settings.get("AutoSetupAdminAccounts", []), platforms=MAC
    ),
    "WiFiMAC": _address("wifi_mac_address"),
    "BluetoothMAC": _address("bluetooth_mac_address"),
    "EthernetMAC": _address("ethernet_mac_address"),
}
"""Names as in AD:deviceinformation; what is not here, the device leaves out of its answer."""


def device_information(execution: Execution) -> Flow[Done]:
    """Answer what is asked, supported and permitted; unknown names are left out."""
    execution.needed("Queries", list)
    answers: dict[str, Any] = {}
    for name in execution.texts("Queries") or ():
        query = QUERIES.get(name)
        if query is None or execution.device.platform not in query.platforms:
            continue
        if execution.enrolment.user_enrolment and query.not_in_user_enrolment:
            continue
        if query.right and not execution.has_right(query.right):
            continue
        value = query.value(execution)
        if name == ATTESTATION:
            value = yield from attestation(execution)
        if value is not None:
            answers[name] = value
    return Done({"QueryResponses": answers})


COMMANDS: tuple[Command, ...] = (
    command(
        "DeviceInformation",
        device_information,
        ios="4 u",
        macos="10.7 u",
        tvos="9",
        visionos="1.1",
    ),
)
