"""Restrictions: what the installed profiles forbid, in all and each (device.md 6.2; schema YA)."""

import plistlib
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.records import Body, InstalledProfile

_PAYLOAD = "com.apple.applicationaccess"
_HEAD = "Payload"
_FORBIDS = "allow"
"""What the names begin with of restrictions that are stricter if they are false."""


def restrictions(execution: Execution) -> Done:
    """Tell what is restricted: of two profiles, what the stricter one says."""
    each = {
        profile.identifier: found
        for profile in execution.installed
        if (found := _settings(profile))
    }
    keys: Body = {"GlobalRestrictions": _dictionary(each.values())}
    if execution.optional("ProfileRestrictions", bool):
        keys["ProfileRestrictions"] = {name: _dictionary([one]) for name, one in each.items()}
    return Done(keys)


def _settings(profile: InstalledProfile) -> Body:
    """Return the restrictions of one profile, by name."""
    payloads = plistlib.loads(profile.content).get("PayloadContent", [])
    found: Body = {}
    for payload in payloads if isinstance(payloads, list) else ():
        if isinstance(payload, dict) and payload.get("PayloadType") == _PAYLOAD:
            found |= {name: one for name, one in payload.items() if not name.startswith(_HEAD)}
    return found


def _dictionary(profiles: Iterable[Mapping[str, Any]]) -> Body:
    """Return the dictionary of restrictions; that lists of strings are intersected is inferred."""
    flags: dict[str, bool] = {}
    values: dict[str, int] = {}
    lists: dict[str, list[str]] = {}
    for name, value in (item for one in profiles for item in one.items()):
        if isinstance(value, bool):
            both = (flags.get(name, value), value)
            flags[name] = all(both) if name.startswith(_FORBIDS) else any(both)
        elif isinstance(value, int):
            values[name] = min(values.get(name, value), value)
        elif isinstance(value, list) and all(isinstance(text, str) for text in value):
            lists[name] = [text for text in lists.get(name, value) if text in value]
    kinds = {
        "restrictedBool": {name: {"value": value} for name, value in flags.items()},
        "restrictedValue": {name: {"value": value} for name, value in values.items()},
        "intersection": {name: {"values": value} for name, value in lists.items()},
    }
    return {kind: named for kind, named in kinds.items() if named}


COMMANDS: tuple[Command, ...] = (
    command("Restrictions", restrictions, 512, ios="4 u!", tvos="9", visionos="1.1 !"),
)
