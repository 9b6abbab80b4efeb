"""The command Settings: each item is judged alone, the command itself succeeds."""

from collections.abc import Callable, Mapping
from typing import Any

from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.device import VirtualDevice
from simulator.devices.errors import CommandFormatError, DeviceError, refused
from simulator.devices.models import IOS, MACOS, TVOS, VISIONOS

_ALL = frozenset({IOS, MACOS, TVOS, VISIONOS})
_MOBILE = frozenset({IOS})
Apply = Callable[[VirtualDevice, Mapping[str, Any]], None]


def _keep(device: VirtualDevice, item: Mapping[str, Any]) -> None:
    """Keep what an item says, to be shown by a query or nothing at all."""
    device.settings[item["Item"]] = {key: value for key, value in item.items() if key != "Item"}


def _keep_inner(device: VirtualDevice, item: Mapping[str, Any]) -> None:
    """Keep the dictionary that an item has under its own name."""
    inner = item.get(item["Item"])
    if not isinstance(inner, dict):
        raise CommandFormatError(f"{item['Item']} is missing")
    device.settings[item["Item"]] = inner


def _name(device: VirtualDevice, item: Mapping[str, Any]) -> None:
    value = item.get(item["Item"])
    if not isinstance(value, str) or not value:
        raise CommandFormatError(f"{item['Item']} is missing")
    device.name = value


def _app_configuration(device: VirtualDevice, item: Mapping[str, Any]) -> None:
    app = device.apps.get(str(item.get("Identifier")))
    if app is None or not app.managed:
        raise refused(f"The app “{item.get('Identifier')}” is not managed.", 12024)
    app.configuration = item.get("Configuration")


def _app_attributes(device: VirtualDevice, item: Mapping[str, Any]) -> None:
    app = device.apps.get(str(item.get("Identifier")))
    if app is None or not app.managed:
        raise refused(f"The app “{item.get('Identifier')}” is not managed.", 12024)


ITEMS: Mapping[str, tuple[frozenset[str], Apply]] = {
    "DeviceName": (_ALL, _name),
    "HostName": (frozenset({MACOS}), _keep),
    "OrganizationInfo": (_ALL, _keep_inner),
    "MDMOptions": (_ALL, _keep_inner),
    "TimeZone": (frozenset({IOS, TVOS, VISIONOS}), _keep),
    "ApplicationConfiguration": (_MOBILE, _app_configuration),
    "ApplicationAttributes": (_MOBILE, _app_attributes),
    "AccessibilitySettings": (_MOBILE, _keep),
    "AppAnalytics": (_MOBILE, _keep),
    "Bluetooth": (frozenset({IOS, MACOS}), _keep),
    "DataRoaming": (_MOBILE, _keep),
    "DefaultApplications": (_MOBILE, _keep),
    "DiagnosticSubmission": (_MOBILE, _keep),
    "MaximumResidentUsers": (_MOBILE, _keep),
    "PasscodeLockGracePeriod": (_MOBILE, _keep),
    "PersonalHotspot": (_MOBILE, _keep),
    "SharedDeviceConfiguration": (_MOBILE, _keep),
    "SoftwareUpdateSettings": (frozenset({IOS, MACOS}), _keep),
    "VoiceRoaming": (_MOBILE, _keep),
    "Wallpaper": (_MOBILE, _keep),
}
"""Items as in AD:settingscommand, with their platforms."""


def settings(execution: Execution) -> Done:
    """Apply the items in their order, and say of each what became of it."""
    items = execution.needed("Settings", list)
    if not all(isinstance(one, dict) and isinstance(one.get("Item"), str) for one in items):
        raise CommandFormatError("Settings must hold dictionaries with an Item")
    return Done({"Settings": [_apply(execution.device, one) for one in items]})


def _apply(device: VirtualDevice, item: Mapping[str, Any]) -> dict[str, Any]:
    name = item["Item"]
    result: dict[str, Any] = {"Item": name}
    if isinstance(item.get("Identifier"), str):
        result["Identifier"] = item["Identifier"]
    platforms, apply = ITEMS.get(name, (frozenset[str](), _keep))
    try:
        if device.platform not in platforms:
            raise refused(f"The setting “{name}” is not supported.", 12008)
        apply(device, item)
    except DeviceError as error:
        return result | {"Status": "Error", "ErrorChain": error.chain(english=not device.mac)}
    except CommandFormatError:
        return result | {"Status": "CommandFormatError"}
    return result | {"Status": "Acknowledged"}


COMMANDS: tuple[Command, ...] = (
    command("Settings", settings, 2048, ios="5", macos="10.9 u", tvos="9", visionos="1.1"),
)
