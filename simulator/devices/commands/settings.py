"""The command Settings: each item is judged alone, the command itself succeeds."""

from collections.abc import Callable, Mapping
from typing import Any

from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.device import VirtualDevice
from simulator.devices.errors import CommandFormatError, DeviceError, refused
from simulator.devices.judging.form import unmet_condition
from simulator.devices.judging.schema import items as documented_items
from simulator.devices.records import App

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
    _managed(device, item).configuration = item.get("Configuration")


def _app_attributes(device: VirtualDevice, item: Mapping[str, Any]) -> None:
    _managed(device, item).attributes = item.get("Attributes")


def _managed(device: VirtualDevice, item: Mapping[str, Any]) -> App:
    app = device.apps.get(str(item.get("Identifier")))
    if app is None or not app.managed:
        raise refused(f"The app “{item.get('Identifier')}” is not managed.", 12024)
    return app


_HANDLERS: Mapping[str, Apply] = {
    "DeviceName": _name,
    "OrganizationInfo": _keep_inner,
    "MDMOptions": _keep_inner,
    "ApplicationConfiguration": _app_configuration,
    "ApplicationAttributes": _app_attributes,
}
"""What is done with items; what the others say is kept."""


def settings(execution: Execution) -> Done:
    """Apply the items in their order, and say of each what became of it."""
    items = execution.needed("Settings", list)
    if not all(isinstance(one, dict) and isinstance(one.get("Item"), str) for one in items):
        raise CommandFormatError("Settings must hold dictionaries with an Item")
    return Done({"Settings": [_apply(execution, one) for one in items]})


def _apply(execution: Execution, item: Mapping[str, Any]) -> dict[str, Any]:
    """Apply an item, if it is for the device, and return what became of it."""
    device, name = execution.device, item["Item"]
    result: dict[str, Any] = {"Item": name}
    if isinstance(item.get("Identifier"), str):
        result["Identifier"] = item["Identifier"]
    schema = documented_items().get(name)
    presence = schema.on.get(device.platform) if schema is not None else None
    try:
        if presence is None or unmet_condition(presence, device, execution.enrolment):
            raise refused(f"The setting “{name}” is not supported.", 12008)
        _HANDLERS.get(name, _keep)(device, item)
    except DeviceError as error:
        return result | {"Status": "Error", "ErrorChain": error.chain(english=not device.mac)}
    except CommandFormatError:
        return result | {"Status": "CommandFormatError"}
    return result | {"Status": "Acknowledged"}


COMMANDS: tuple[Command, ...] = (
    command("Settings", settings, 2048, ios="5 u", macos="10.9 u", tvos="9", visionos="1.1"),
)
