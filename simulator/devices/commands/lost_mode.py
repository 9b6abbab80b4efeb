"""Lost mode and Activation Lock: where a lost device is, and what opens a locked one."""

import json
from typing import Any

from simulator.core.timestamps import rfc3339
from simulator.devices.commands.query import number
from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.errors import CommandFormatError, refused
from simulator.devices.flow import OK, Apple, Flow, FlowResponse, perform

_NOT_LOST = 12067
"""Of DeviceLocation and PlayLostModeSound (apple/device-management 0a4527c5)."""
_NO_CODE = 12006
"""Inferred: which error a device has that has no bypass code is not documented."""
_FINEST = 16**4


def enable_lost_mode(execution: Execution) -> Done:
    """Put the device into lost mode."""
    given = {key: execution.optional(key, str) for key in ("Message", "PhoneNumber", "Footnote")}
    if not (given["Message"] or given["PhoneNumber"]):
        raise CommandFormatError("Message and PhoneNumber are missing")
    execution.device.lost = {key: value for key, value in given.items() if value}
    execution.device.happened(execution.world.now_ms(), "lost")
    return Done()


def disable_lost_mode(execution: Execution) -> Done:
    """End lost mode."""
    if execution.device.lost is None:
        raise refused("The device is not in lost mode.", 12078)
    execution.device.lost = None
    execution.device.happened(execution.world.now_ms(), "found")
    return Done()


def _lost(execution: Execution) -> None:
    """Raise the error of a device that is not in lost mode."""
    if execution.device.lost is None:
        raise refused("The device is not in lost mode.", _NOT_LOST)


def device_location(execution: Execution) -> Done:
    """Tell where the device is: a made-up place for each, that it stays at."""
    _lost(execution)
    device = execution.device
    east, north = (int(number(device, what, 4), 16) / _FINEST for what in ("east", "north"))
    where: dict[str, Any] = {
        "Latitude": round(50 + north, 6),
        "Longitude": round(east, 6),
        "HorizontalAccuracy": 12.5,
        "VerticalAccuracy": 4.0,
        "Altitude": 31.0,
        "Speed": 0.0,
        "Course": -1.0,
        "Timestamp": rfc3339(execution.world.now_ms()),
    }
    return Done(where)


def play_lost_mode_sound(execution: Execution) -> Done:
    """Make a sound, which is heard in the device's life."""
    _lost(execution)
    execution.device.happened(execution.world.now_ms(), "sound")
    return Done()


def activation_lock_bypass_code(execution: Execution) -> Flow[Done]:
    """Tell the code that opens the device, within 15 days of its set-up, unless it was cleared."""
    device = execution.device
    code = ""
    if execution.world.now_ms() < device.bypass_until_ms:
        path = f"/locks/{device.serial}"
        code = _code((yield from perform(Apple("GET", path))))
        if not code:
            code = _code((yield from perform(Apple("PUT", path, {"new_code": True}))))
    if not code:
        raise refused("There is no Activation Lock bypass code.", _NO_CODE)
    return Done({"ActivationLockBypassCode": code})


def _code(received: FlowResponse) -> str:
    body = json.loads(received.body) if received.status == OK else {}
    return str(body.get("bypass_code") or "")


def clear_activation_lock_bypass_code(execution: Execution) -> Done:
    """Forget the code: the device tells it no more; a lock that it opens stays as it is."""
    execution.device.bypass_until_ms = 0
    return Done()


COMMANDS: tuple[Command, ...] = (
    command("EnableLostMode", enable_lost_mode, ios="9.3 s!"),
    command("DisableLostMode", disable_lost_mode, ios="9.3 s!"),
    command("DeviceLocation", device_location, ios="9.3 s!"),
    command("PlayLostModeSound", play_lost_mode_sound, ios="10.3 s!"),
    command(
        "ActivationLockBypassCode",
        activation_lock_bypass_code,
        ios="7.1 s!",
        macos="10.15 s!",
        visionos="2 s!",
    ),
    command(
        "ClearActivationLockBypassCode",
        clear_activation_lock_bypass_code,
        ios="7.1 s!",
        macos="10.15 s!",
        visionos="2 s!",
    ),
)
