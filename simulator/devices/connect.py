"""A session with the MDM: Idle, command, result, until there is nothing more (device.md 6.1)."""

import plistlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from simulator.devices.commands.rows import Done, Execution
from simulator.devices.commands.table import QUERIES, execute, shown
from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment import check_in
from simulator.devices.flow import OK, Flow, FlowResponse, save
from simulator.devices.life import leave, unenrol
from simulator.devices.plists import read_dictionary
from simulator.devices.records import Body, DeviceUser, Enrolment
from simulator.devices.world import DeviceEnvironment

NOT_NOW_S = 60
"""When a device asks again after it has put a command off."""
MOST_COMMANDS = 100
"""Commands that a device takes in one session."""
_MOST_REPEATS = 3
"""How often it puts off the same command in one session."""
NOT_NOW = "NotNow"


def sessions(device: VirtualDevice, world: DeviceEnvironment) -> Flow[None]:
    """Ask for commands on the device's channel and then on each user's."""
    put_off = yield from session(device, world)
    for user in [one for one in device.users.values() if one.magic and not one.away]:
        put_off = (yield from session(device, world, user)) or put_off
    device.asks_at_ms = world.now_ms() + NOT_NOW_S * 1000 if put_off else 0


def session(
    device: VirtualDevice, world: DeviceEnvironment, user: DeviceUser | None = None
) -> Flow[bool]:
    """Fetch and execute commands until there are none; return whether one was put off at the end.

    *user*: whose channel it is; None: the device's.

    A server that says that it does not know the device ends its management.
    """
    try:
        return (yield from _session(device, world, user))
    except check_in.UnenrolledError:
        yield from unenrol(device, world, "the MDM does not know the device", refused=True)
        yield from leave(device, world)
        return False


def _session(
    device: VirtualDevice, world: DeviceEnvironment, user: DeviceUser | None
) -> Flow[bool]:
    message: Body = {"Status": "Idle"}
    then = None
    put_off: Counter[str] = Counter()
    for _ in range(MOST_COMMANDS):
        # A command may have renewed the enrolment, and an erase or a shutdown ended the session.
        enrolment = device.enrolment
        if enrolment is None or device.condition != "enrolled":
            return False
        received = yield from _put(device, enrolment, message, user)
        if then is not None:
            yield from then()
            then = None
            if device.enrolment is not enrolment:
                return False
        command = _command(received, device, world)
        if command is None:
            return bool(message["Status"] == NOT_NOW)
        uuid, values = command
        status, done = yield from _executed(Execution(device, enrolment, world, values, user))
        message = {"Status": status, **({"CommandUUID": uuid} if uuid else {}), **done.keys}
        then = done.then
        if status == NOT_NOW:
            put_off[uuid] += 1
            if put_off[uuid] > _MOST_REPEATS:
                return True
    device.happened(world.now_ms(), "finding", f"the server has over {MOST_COMMANDS} commands")
    return True


def _put(
    device: VirtualDevice, enrolment: Enrolment, message: Body, user: DeviceUser | None
) -> Flow[FlowResponse]:
    body = plistlib.dumps({**check_in.identifiers(device, enrolment, user), **message})
    return check_in.persistently(
        device, enrolment, enrolment.server_url, body, check_in.COMMAND, "connect"
    )


def _command(
    received: FlowResponse, device: VirtualDevice, world: DeviceEnvironment
) -> tuple[str, Mapping[str, Any]] | None:
    """Return the command that came, as UUID and dictionary; None if there is none."""
    if received.status != OK:
        what = f"status {received.status}" if received.status else received.problem
        device.trouble = f"the MDM did not answer: {what}"
        device.happened(world.now_ms(), "failed", device.trouble)
        return None
    device.trouble = ""
    if not received.body:
        return None
    try:
        answer = read_dictionary(received.body, "what the MDM sent")
    except ValueError as error:
        device.trouble = str(error)
        device.happened(world.now_ms(), "failed", device.trouble)
        return None
    uuid, values = answer.get("CommandUUID"), answer.get("Command")
    if not isinstance(uuid, str) or not uuid:
        uuid = ""
    return uuid, values if isinstance(values, dict) else {}


def _executed(execution: Execution) -> Flow[tuple[str, Done]]:
    name = shown(execution.values)
    status, done = yield from execute(execution)
    who = f" for {execution.user.name}" if execution.user is not None else ""
    why = f", {done.why}" if done.why else ""
    now_ms = execution.world.now_ms()
    execution.device.happened(now_ms, "command", f"{name}{who}: {status}{why}")
    if status == "Acknowledged" and name not in QUERIES:
        yield from save()
    return status, done
