"""DeviceInformation and SecurityInfo: what a device tells of itself (device.md 6.5)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.device import VirtualDevice
from simulator.devices.models import IOS, MACOS, TVOS, VISIONOS, model_name

_ALL = frozenset({IOS, MACOS, TVOS, VISIONOS})
_MOBILE = frozenset({IOS})
_MAC = frozenset({MACOS})
INFORMATION, NETWORK, APPS = 16, 32, 4096
"""Access rights that queries need."""
_GIGABYTE_STEPS = (64.0, 128.0, 256.0, 512.0)


@dataclass(frozen=True, slots=True)
class Query:
    """One name that DeviceInformation can be asked for."""

    value: Callable[[Execution], Any]
    """Returns the value; None: the device leaves it out."""
    right: int = INFORMATION
    platforms: frozenset[str] = _ALL
    not_in_user_enrolment: bool = False


def _number(device: VirtualDevice, what: str, digits: int) -> str:
    """Return hexadecimal digits that follow from the serial number."""
    return blake2b(f"{what}|{device.serial}".encode(), digest_size=32).hexdigest()[:digits].upper()


def _hardware(name: str) -> Callable[[Execution], Any]:
    return lambda execution: _first(execution.device.hardware.get(name))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value or None


def _address(name: str) -> Query:
    def value(execution: Execution) -> str | None:
        found = execution.device.hardware.get(name)
        return found.lower() if isinstance(found, str) else None

    return Query(value, NETWORK, _ALL, not_in_user_enrolment=True)


def _subscriptions(execution: Execution) -> list[dict[str, Any]] | None:
    hardware = execution.device.hardware
    slots = ("CTSubscriptionSlotOne", "CTSubscriptionSlotTwo")
    found = [
        {
            "Slot": slot,
            "IMEI": imei,
            "EID": hardware.get("eid", ""),
            "IsDataPreferred": slot == slots[0],
            "IsVoicePreferred": slot == slots[0],
            "IsRoaming": False,
        }
        for slot, imei in zip(slots, hardware.get("imei", ()), strict=False)
    ]
    return found or None


def _capacity(execution: Execution) -> float:
    return _GIGABYTE_STEPS[int(_number(execution.device, "capacity", 1), 16) % 4]


def _provisioning(execution: Execution) -> str:
    return f"0000{_number(execution.device, 'chip', 4)}-{_number(execution.device, 'ecid', 16)}"


def _model_number(execution: Execution) -> str:
    return f"M{_number(execution.device, 'model', 4)}LL/A"


def _settings(name: str) -> Callable[[Execution], Any]:
    return lambda execution: execution.device.settings.get(name, {})


def _true(_: Execution) -> bool:
    return True


def _false(_: Execution) -> bool:
    return False


QUERIES: Mapping[str, Query] = {
    "UDID": Query(lambda it: it.device.udid, 0, _ALL, not_in_user_enrolment=True),
    "ProvisioningUDID": Query(_provisioning, 0, _MAC, not_in_user_enrolment=True),
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
    "iTunesStoreAccountIsActive": Query(_false, APPS),
    "IMEI": Query(_hardware("imei"), INFORMATION, _MOBILE, not_in_user_enrolment=True),
    "MEID": Query(_hardware("meid"), INFORMATION, _MOBILE, not_in_user_enrolment=True),
    "EID": Query(_hardware("eid"), INFORMATION, _MOBILE, not_in_user_enrolment=True),
    "ServiceSubscriptions": Query(_subscriptions, NETWORK, _MOBILE, not_in_user_enrolment=True),
    "IsMultiUser": Query(lambda it: it.device.shared, platforms=_MOBILE),
    "IsMDMLostModeEnabled": Query(lambda it: it.device.lost is not None, platforms=_MOBILE),
    "IsDeviceLocatorServiceEnabled": Query(_false, platforms=_MOBILE),
    "IsCloudBackupEnabled": Query(_false, platforms=_MOBILE),
    "IsDoNotDisturbInEffect": Query(_false, platforms=_MOBILE),
    "IsNetworkTethered": Query(_false, platforms=_MOBILE),
    "IsAppleSilicon": Query(_true, platforms=_MAC),
    "HasBattery": Query(
        lambda it: "Book" in str(it.device.hardware.get("model", "")), platforms=_MAC
    ),
    "SupportsiOSAppInstalls": Query(_true, platforms=_MAC),
    "SystemIntegrityProtectionEnabled": Query(_true, platforms=_MAC),
    "SupportsLOMDevice": Query(_false, platforms=_MAC),
    "PINRequiredForEraseDevice": Query(_false, platforms=_MAC),
    "PINRequiredForDeviceLock": Query(_false, platforms=_MAC),
    "HostName": Query(lambda it: it.device.name, platforms=_MAC),
    "LocalHostName": Query(lambda it: it.device.name.replace(" ", "-"), platforms=_MAC),
    "ActiveManagedUsers": Query(
        lambda it: [one.id for one in it.device.users.values() if one.magic and not one.away],
        platforms=_MAC,
    ),
    "EACSPreflight": Query(lambda _: "success", platforms=_MAC),
    "OSUpdateSettings": Query(
        lambda _: {"AutoCheckEnabled": True, "AutomaticOSInstallationEnabled": False},
        platforms=_MAC,
    ),
    "SoftwareUpdateSettings": Query(_settings("SoftwareUpdateSettings"), platforms=_MOBILE),
    "AutoSetupAdminAccounts": Query(
        lambda it: it.device.settings.get("AutoSetupAdminAccounts", []), platforms=_MAC
    ),
    "WiFiMAC": _address("wifi_mac_address"),
    "BluetoothMAC": _address("bluetooth_mac_address"),
    "EthernetMAC": _address("ethernet_mac_address"),
}
"""Names as in AD:deviceinformation; what is not here, the device leaves out of its answer."""


def device_information(execution: Execution) -> Done:
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
        if (value := query.value(execution)) is not None:
            answers[name] = value
    return Done({"QueryResponses": answers})


def security_info(execution: Execution) -> Done:
    """Answer how the device is secured; what servers branch on follows from its state."""
    device, enrolment = execution.device, execution.enrolment
    info: dict[str, Any] = {"ManagementStatus": {"IsUserEnrollment": enrolment.user_enrolment}}
    if device.mac:
        info |= _mac_security(device)
        info["ManagementStatus"] |= {
            "EnrolledViaDEP": enrolment.automated,
            "UserApprovedEnrollment": True,
            "IsActivationLockManageable": device.supervised,
        }
        return Done({"SecurityInfo": info})
    info |= {
        "HardwareEncryptionCaps": 3,
        "PasscodePresent": device.passcode,
        "PasscodeCompliant": True,
        "PasscodeCompliantWithProfiles": True,
        "PasscodeLockGracePeriod": 0,
        "PasscodeLockGracePeriodEnforced": 0,
        "AutoLockTime": 300,
    }
    return Done({"SecurityInfo": info})


def _mac_security(device: VirtualDevice) -> dict[str, Any]:
    allowed = "allowed" if device.bootstrap_token else "not supported"
    return {
        "FDE_Enabled": bool(device.recovery_key),
        "FDE_HasPersonalRecoveryKey": bool(device.recovery_key),
        "FDE_HasInstitutionalRecoveryKey": False,
        "SystemIntegrityProtectionEnabled": True,
        "FirewallSettings": {
            "FirewallEnabled": False,
            "BlockAllIncoming": False,
            "StealthMode": False,
            "Applications": [],
        },
        "SecureBoot": {"SecureBootLevel": "full", "ExternalBootLevel": "disallowed"},
        "RemoteDesktopEnabled": False,
        "AuthenticatedRootVolumeEnabled": True,
        "BootstrapTokenAllowedForAuthentication": allowed,
        "BootstrapTokenRequiredForSoftwareUpdate": bool(device.bootstrap_token),
        "BootstrapTokenRequiredForKernelExtensionApproval": bool(device.bootstrap_token),
        "IsRecoveryLockEnabled": bool(device.recovery_lock),
    }


COMMANDS: tuple[Command, ...] = (
    command(
        "DeviceInformation",
        device_information,
        ios="4 u",
        macos="10.7 u",
        tvos="9",
        visionos="1.1",
    ),
    command("SecurityInfo", security_info, 1024, ios="4", macos="10.7 u", tvos="9", visionos="1.1"),
)
