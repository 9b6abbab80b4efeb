"""Form: the types, keys and values of a property list, and whether they are for the device."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from simulator.core.messages import Finding
from simulator.devices.device import VirtualDevice
from simulator.devices.judging.schema import ANY, Key, Presence, Schema
from simulator.devices.models import number_of
from simulator.devices.plists import kind
from simulator.devices.records import Enrolment

_DOCS = "https://github.com/apple/device-management/tree/release/mdm"
_PYTHON: Mapping[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "data": bytes,
    "date": datetime,
    "dictionary": dict,
    "integer": int,
    "real": (float, int),
    "string": str,
}


def finding(rule: str, at: str, text: str) -> Finding:
    """Return a finding; *text* holds no value that the server sent."""
    return Finding(rule, "body", at, text, docs=_DOCS)


def unmet_condition(presence: Presence, device: VirtualDevice, enrolment: Enrolment | None) -> str:
    """Return which condition the device does not meet, empty if it meets all."""
    if number_of(device.version) < presence.since:
        since = ".".join(str(one) for one in presence.since)
        return f"is for {device.platform} {since} and later; the device has {device.version}"
    if "s" in presence.flags and not device.supervised:
        return "is for supervised devices"
    if "d" in presence.flags and not (enrolment and enrolment.automated):
        return "is for devices that came by Automated Device Enrollment"
    if "!" in presence.flags and enrolment and enrolment.user_enrolment:
        return "is not for user enrolments"
    return "is for Shared iPad" if "m" in presence.flags and not device.shared else ""


class TargetDevice:
    """The device that something was sent to."""

    def __init__(self, device: VirtualDevice, enrolment: Enrolment | None) -> None:
        self.device, self.enrolment = device, enrolment

    def unmet(self, key: Key | Schema) -> str:
        """Return why *key* is not for the device, empty if it is, or if that is not said."""
        platform = self.device.platform
        if platform not in key.on:
            return ""
        presence = key.on[platform]
        if presence is None:
            return f"does not exist on {platform}"
        return unmet_condition(presence, self.device, self.enrolment)


def judge_form(key: Key, value: Any, at: str, place: TargetDevice) -> Iterator[Finding]:
    """Yield what is wrong with *value*, which stands at *at* and should be as *key* says."""
    if not _is_of(key.type, value):
        article = "an" if key.type[0] in "ai" else "a"
        noun = key.type if key.type == "data" else f"{article} {key.type}"
        yield finding("device-type", at, f"must be {noun}, but is {kind(value)}")
        return
    if key.values and str(value) not in key.values:
        yield finding("device-value", at, f"must be one of {', '.join(key.values)}")
    if isinstance(value, dict) and key.keys:
        yield from _judge_keys(key, value, at, place)
    if isinstance(value, list) and key.item is not None:
        for number, item in enumerate(value):
            yield from judge_form(key.item, item, f"{at}/{number}", place)


def _judge_keys(
    key: Key, value: Mapping[str, Any], at: str, place: TargetDevice
) -> Iterator[Finding]:
    for name in (name for name, one in key.keys.items() if one.required):
        if name not in value:
            yield finding("device-missing", f"{at}/{name}", f"{name} is required: send it")
    for name, inner in value.items():
        row = key.keys.get(name, key.keys.get(ANY))
        where = f"{at}/{name}"
        if row is None:
            near = next((one for one in key.keys if one.lower() == name.lower()), "")
            text = f"is no documented key{f': write {near}' if near else ''}"
            yield finding("device-key", where, text)
            continue
        if text := place.unmet(row):
            yield finding("device-platform", where, f"{name} {text}")
        yield from judge_form(row, inner, where, place)


def _is_of(wanted: str, value: Any) -> bool:
    if wanted == "any":
        return True
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _PYTHON[wanted])
