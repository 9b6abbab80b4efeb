"""The table of all commands, and how one is executed."""

from collections.abc import Mapping
from typing import Any

from simulator.devices.commands import (
    apps,
    declarative,
    filevault,
    lost_mode,
    profiles,
    queries,
    restrictions,
    security,
    security_info,
    settings,
    updates,
    users,
)
from simulator.devices.commands.rows import Command, Done, Execution
from simulator.devices.device import VirtualDevice
from simulator.devices.errors import CommandFormatError, DeviceError, unknown_command
from simulator.devices.flow import Flow
from simulator.devices.judging.schema import known
from simulator.devices.models import IOS
from simulator.devices.records import Body

COMMANDS: Mapping[str, Command] = {
    one.name: one
    for table in (
        queries,
        profiles,
        apps,
        restrictions,
        security,
        security_info,
        lost_mode,
        settings,
        updates,
        declarative,
        filevault,
        users,
    )
    for one in table.COMMANDS
}
_NEVER_WAITS = frozenset(
    {
        "DeviceInformation",
        "ProfileList",
        "DeviceLock",
        "EraseDevice",
        "ClearPasscode",
        "ProvisioningProfileList",
        "InstalledApplicationList",
        "Restrictions",
    }
)
"""What iOS executes whether it is locked or not (AD:handling-notnow-status-responses)."""

QUERIES = frozenset(
    {
        "DeviceInformation",
        "SecurityInfo",
        "ProfileList",
        "CertificateList",
        "InstalledApplicationList",
        "ManagedApplicationList",
        "ManagedApplicationAttributes",
        "ManagedApplicationConfiguration",
        "ProvisioningProfileList",
        "Restrictions",
        "AvailableOSUpdates",
        "OSUpdateStatus",
        "UserList",
        "DeviceLocation",
        "PlayLostModeSound",
        "UnlockUserAccount",
        "VerifyFirmwarePassword",
        "VerifyRecoveryLock",
    }
)
"""What changes nothing, so that the device need not be kept before it is acknowledged."""
_NOT_SIMULATED = "; Apple documents the command, but simulated devices do not have it"


def execute(execution: Execution) -> Flow[tuple[str, Done]]:
    """Execute a command; return the status and what the result holds. It never raises an error."""
    device = execution.device
    name = execution.values.get("RequestType")
    if not isinstance(name, str):
        return "CommandFormatError", Done(why="RequestType must be a string")
    if _is_busy(device, name):
        return "NotNow", Done()
    row = COMMANDS.get(name)
    try:
        if row is None:
            raise unknown_command(name, mac=device.mac)
        row.refuse(execution)
        done = row.run(execution)
        if not isinstance(done, Done):
            done = yield from done
    except DeviceError as error:
        chain: Body = {"ErrorChain": error.chain(english=not device.mac)}
        why = f"{error}{_NOT_SIMULATED}" if row is None and name in known() else str(error)
        return "Error", Done(chain | error.keys, why=why)
    except CommandFormatError as error:
        return "CommandFormatError", Done(why=str(error))
    return "Acknowledged", done


def _is_busy(device: VirtualDevice, name: str) -> bool:
    """Tell whether the device puts a command off, and count the times that it was told to."""
    if device.options.busy > 0:
        device.options.busy -= 1
        return True
    waits = device.platform == IOS and name not in _NEVER_WAITS
    return device.options.locked and waits


def shown(values: Mapping[str, Any]) -> str:
    """Return what a command is called in the device's life."""
    name = values.get("RequestType")
    return name if isinstance(name, str) else "no RequestType"
