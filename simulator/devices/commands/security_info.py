"""SecurityInfo: how a device is secured (device.md 6.5)."""

import plistlib
from typing import Any

from simulator.devices.commands.filevault import sealed
from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.device import VirtualDevice
from simulator.devices.errors import CommandFormatError

_ESCROW = "com.apple.security.FDERecoveryKeyEscrow"
_REMOTE_DESKTOP = "RemoteDesktop"


def security_info(execution: Execution) -> Done:
    """Answer how the device is secured; what servers branch on follows from its state."""
    device, enrolment = execution.device, execution.enrolment
    info: dict[str, Any] = {"ManagementStatus": {"IsUserEnrollment": enrolment.user_enrolment}}
    if device.mac:
        info |= _mac_security(device) | _escrowed(device)
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
        "RemoteDesktopEnabled": bool(device.settings.get(_REMOTE_DESKTOP)),
        "AuthenticatedRootVolumeEnabled": True,
        "BootstrapTokenAllowedForAuthentication": allowed,
        "BootstrapTokenRequiredForSoftwareUpdate": bool(device.bootstrap_token),
        "BootstrapTokenRequiredForKernelExtensionApproval": bool(device.bootstrap_token),
        "IsRecoveryLockEnabled": bool(device.recovery_lock),
    }


def _escrowed(device: VirtualDevice) -> dict[str, Any]:
    """Return the recovery key, encrypted to the certificate of the escrow payload, if both are."""
    for profile in device.installed if device.recovery_key else ():
        content = plistlib.loads(profile.content).get("PayloadContent")
        payloads = [one for one in content or () if isinstance(one, dict)]
        by_uuid = {one.get("PayloadUUID"): one.get("PayloadContent") for one in payloads}
        for one in payloads:
            certificate = by_uuid.get(one.get("EncryptCertPayloadUUID"))
            if one.get("PayloadType") != _ESCROW or not isinstance(certificate, bytes):
                continue
            try:
                encrypted = sealed(device.recovery_key, certificate)
            except CommandFormatError:  # nothing that a key could be encrypted to
                continue
            return {
                "FDE_PersonalRecoveryKeyCMS": encrypted,
                "FDE_PersonalRecoveryKeyDeviceKey": str(one.get("DeviceKey", device.serial)),
            }
    return {}


def enable_remote_desktop(execution: Execution) -> Done:
    """Turn Remote Desktop on."""
    execution.device.settings[_REMOTE_DESKTOP] = True
    return Done()


def disable_remote_desktop(execution: Execution) -> Done:
    """Turn Remote Desktop off."""
    execution.device.settings[_REMOTE_DESKTOP] = False
    return Done()


COMMANDS: tuple[Command, ...] = (
    command("SecurityInfo", security_info, 1024, ios="4", macos="10.7 u", tvos="9", visionos="1.1"),
    command("EnableRemoteDesktop", enable_remote_desktop, macos="10.14.4 s!"),
    command("DisableRemoteDesktop", disable_remote_desktop, macos="10.14.4 s!"),
)
