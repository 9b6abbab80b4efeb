"""Commands that lock, unlock, erase, restart: what they do is seen in the device's state."""

from collections.abc import Mapping
from typing import Any

from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.errors import CommandFormatError, refused
from simulator.devices.flow import Flow, pause
from simulator.devices.life import leave, power_off

BOOT_S = 30
"""How long a device is away when it restarts."""
_PIN_DIGITS = 6


def _pin(execution: Execution) -> str:
    """Return the PIN, empty if there is none; six digits, as Macs want it."""
    pin = execution.optional("PIN", str) or ""
    if pin and not (len(pin) == _PIN_DIGITS and pin.isascii() and pin.isdigit()):
        raise CommandFormatError("PIN must be six digits")
    return pin


def device_lock(execution: Execution) -> Done:
    """Lock the device; a Mac whose PIN is set stays locked until it is entered."""
    pin, message = _pin(execution), execution.optional("Message", str)
    phone = execution.optional("PhoneNumber", str)
    device = execution.device
    device.happened(execution.world.now_ms(), "locked", message or "")
    if device.mac:
        device.pin = pin
        return Done()
    if not (message or phone):
        return Done()
    return Done({"MessageResult": "Success" if device.passcode else "NoPasscodeSet"})


def clear_passcode(execution: Execution) -> Done:
    """Clear the passcode, if the token is the one that the device gave."""
    if execution.needed("UnlockToken", bytes) != execution.device.unlock_token:
        raise refused("The passcode could not be cleared: the token is wrong.", 12009)
    execution.device.passcode = False
    return Done()


def erase_device(execution: Execution) -> Done:
    """Acknowledge, then erase; with Return to Service the device comes back by itself."""
    device, world = execution.device, execution.world
    _pin(execution)
    given = execution.optional("ReturnToService", dict) or {}
    profile = given.get("MDMProfileData", b"")
    if not isinstance(profile, bytes):
        raise CommandFormatError("MDMProfileData must be data")
    device.returning, device.return_profile = given.get("Enabled") is True, profile
    device.leaving = "erase"
    return Done(then=lambda: leave(device, world))


def restart_device(execution: Execution) -> Done:
    """Acknowledge, then be away for a while."""
    device, world = execution.device, execution.world

    def away() -> Flow[None]:
        device.happened(world.now_ms(), "restarting")
        yield from pause(BOOT_S)
        device.happened(world.now_ms(), "on")

    return Done(then=away)


def shut_down_device(execution: Execution) -> Done:
    """Acknowledge, then be off until somebody turns the device on."""

    def off() -> Flow[None]:
        yield from ()
        power_off(execution.device, execution.world)

    return Done(then=off)


def device_configured(execution: Execution) -> Done:
    """Let Setup Assistant go on; an error where it does not wait (inferred)."""
    if not execution.enrolment.awaiting:
        raise refused("The device is not awaiting configuration.", 12069)
    execution.enrolment.awaiting = execution.device.options.never_configured
    execution.device.happened(execution.world.now_ms(), "configured")
    return Done()


def account_configuration(execution: Execution) -> Done:
    """Take the accounts that Setup Assistant is to make; only while it waits."""
    accounts = execution.optional("AutoSetupAdminAccounts", list) or []
    if not all(isinstance(one, dict) and isinstance(one.get("shortName"), str) for one in accounts):
        raise CommandFormatError("AutoSetupAdminAccounts must hold accounts with a shortName")
    if not execution.enrolment.awaiting:
        raise refused("The device is not awaiting configuration.", 12069)
    made: list[Mapping[str, Any]] = [
        {"GUID": execution.world.uuid(), "shortName": one["shortName"]} for one in accounts
    ]
    execution.device.settings["AutoSetupAdminAccounts"] = made
    return Done()


def _change_password(execution: Execution, current: str) -> str:
    """Return the new password, if the current one was given."""
    new = execution.needed("NewPassword", str)
    if current and execution.optional("CurrentPassword", str) != current:
        raise refused("The current password is wrong.", 12070)
    return new


def set_firmware_password(execution: Execution) -> Done:
    """Set, change or clear the firmware password of a Mac."""
    device = execution.device
    device.firmware_password = _change_password(execution, device.firmware_password)
    return Done({"SetFirmwarePassword": {"PasswordChanged": True}})


def verify_firmware_password(execution: Execution) -> Done:
    """Tell whether a password is the firmware's."""
    same = execution.needed("Password", str) == execution.device.firmware_password
    return Done({"VerifyFirmwarePassword": {"PasswordVerified": same}})


def set_recovery_lock(execution: Execution) -> Done:
    """Set, change or clear the recovery lock.

    Macs acknowledge it in Setup Assistant too, and do not set it (GH fleetdm/fleet#43605).
    """
    device = execution.device
    new = _change_password(execution, device.recovery_lock)
    if not execution.enrolment.awaiting:
        device.recovery_lock = new
    return Done()


def verify_recovery_lock(execution: Execution) -> Done:
    """Tell whether a password is that of the recovery lock."""
    same = execution.needed("Password", str) == execution.device.recovery_lock
    return Done({"PasswordVerified": same})


COMMANDS: tuple[Command, ...] = (
    command("DeviceLock", device_lock, 4, ios="4", macos="10.7 !", visionos="2"),
    command("ClearPasscode", clear_passcode, 4, ios="4 !", visionos="1.1 !"),
    command(
        "EraseDevice",
        erase_device,
        8,
        ios="4 !",
        macos="10.7 !",
        tvos="10.2",
        visionos="1.1 !",
    ),
    command("RestartDevice", restart_device, 4, ios="10.3 s!", macos="10.13 !", tvos="10.2 s"),
    command("ShutDownDevice", shut_down_device, 4, ios="10.3 s!", macos="10.13 !"),
    command(
        "DeviceConfigured",
        device_configured,
        ios="9 sd!",
        macos="10.11 d!",
        tvos="10.2 s",
        visionos="2 sd!",
    ),
    command("AccountConfiguration", account_configuration, macos="10.11 d!"),
    command("SetFirmwarePassword", set_firmware_password, 4, macos="10.13 !"),
    command("VerifyFirmwarePassword", verify_firmware_password, macos="10.13 !"),
    command("SetRecoveryLock", set_recovery_lock, 4, macos="11.5 !"),
    command("VerifyRecoveryLock", verify_recovery_lock, 4, macos="11.5 !"),
)
