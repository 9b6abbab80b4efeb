"""Commands: held against their schema, the device's platform and the rights of its enrolment.

Each finding has the rule, the place in the property list, and a sentence that
says how to mend it. It never holds a value that the server sent.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.core.messages import Finding
from simulator.devices.commands.queries import QUERIES
from simulator.devices.device import VirtualDevice
from simulator.devices.judging.form import TargetDevice, finding, judge_form, unmet_condition
from simulator.devices.judging.schema import Key, Schema, items, known, schemas
from simulator.devices.records import Enrolment

_EVERYWHERE = {
    "RequestType": Key("string", required=True),
    "RequestRequiresNetworkTether": Key("boolean"),
}
_ITEM = {"Item": Key("string", required=True)}


def judge_answer(
    answer: Mapping[str, Any], device: VirtualDevice, enrolment: Enrolment, *, by_user: bool
) -> Iterator[Finding]:
    """Yield what is wrong with what the server answered to a poll: a command.

    *by_user*: whether a user's channel has polled.
    """
    for name in answer:
        if name not in ("CommandUUID", "Command"):
            yield finding("device-key", f"/{name}", "no such key stands beside Command")
    uuid = answer.get("CommandUUID")
    if not isinstance(uuid, str) or not uuid:
        yield finding("device-key", "/CommandUUID", "a command needs CommandUUID, a string")
    command = answer.get("Command")
    if not isinstance(command, dict):
        yield finding("device-key", "/Command", "must be a dictionary with RequestType")
        return
    yield from judge_command(command, device, enrolment)
    schema = schemas().get(str(command.get("RequestType")))
    presence = schema.on.get(device.platform) if schema is not None else None
    if by_user and schema is not None and presence is not None and "u" not in presence.flags:
        text = f"{schema.name} is not for the user channel"
        yield finding("device-platform", "/Command/RequestType", text)


def judge_command(
    command: Mapping[str, Any], device: VirtualDevice, enrolment: Enrolment
) -> Iterator[Finding]:
    """Yield what is wrong with a command for this device: form, platform, supervision, rights."""
    name = command.get("RequestType")
    if not isinstance(name, str):
        yield finding("device-type", "/Command/RequestType", "must be a string")
        return
    schema = schemas().get(name)
    if schema is None:
        if name not in known():
            yield finding("device-command", "/Command/RequestType", "no such command is documented")
        return
    yield from _circumstances(schema, device, enrolment)
    root = Key("dictionary", keys=_EVERYWHERE | schema.root.keys)
    yield from judge_form(root, command, "/Command", TargetDevice(device, enrolment))
    if name == "DeviceInformation":
        yield from _queries(command, device, enrolment)
    elif name == "Settings":
        yield from _settings(command, device, enrolment)


def _settings(
    command: Mapping[str, Any], device: VirtualDevice, enrolment: Enrolment
) -> Iterator[Finding]:
    """Yield what is wrong with the items of Settings."""
    given = command.get("Settings")
    for number, item in enumerate(given if isinstance(given, list) else ()):
        name = item.get("Item") if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        at, schema = f"/Command/Settings/{number}", items().get(name)
        if schema is None:
            yield finding("device-value", f"{at}/Item", "no such item of Settings is documented")
            continue
        yield from _circumstances(schema, device, enrolment, f"{at}/Item")
        root = Key("dictionary", keys=_ITEM | schema.root.keys)
        yield from judge_form(root, item, at, TargetDevice(device, enrolment))


def _circumstances(
    schema: Schema,
    device: VirtualDevice,
    enrolment: Enrolment,
    at: str = "/Command/RequestType",
) -> Iterator[Finding]:
    platform = device.platform
    presence = schema.on.get(platform)
    if presence is None:
        yield finding("device-platform", at, f"{schema.name} does not exist on {platform}")
        return
    text = unmet_condition(presence, device, enrolment)
    if text:
        yield finding("device-platform", at, f"{schema.name} {text}")
    if schema.right and not _has_right(enrolment, schema.right):
        text = f"{schema.name} needs bit {schema.right} of AccessRights, which the profile lacks"
        yield finding("device-right", at, text)


def _has_right(enrolment: Enrolment, bit: int) -> bool:
    return enrolment.user_enrolment or bool(enrolment.access_rights & bit)


def _queries(
    command: Mapping[str, Any], device: VirtualDevice, enrolment: Enrolment
) -> Iterator[Finding]:
    asked = command.get("Queries")
    for number, name in enumerate(asked if isinstance(asked, list) else ()):
        row, at = QUERIES.get(name) if isinstance(name, str) else None, f"/Command/Queries/{number}"
        if row is None:
            continue
        if device.platform not in row.platforms:
            yield finding("device-platform", at, f"{name} does not exist on {device.platform}")
        elif row.not_in_user_enrolment and enrolment.user_enrolment:
            yield finding("device-platform", at, f"{name} is not for user enrolments")
        elif row.right and not _has_right(enrolment, row.right):
            text = f"{name} needs bit {row.right} of AccessRights, which the profile lacks"
            yield finding("device-right", at, text)
