"""Commands on updates of the operating system: which there are, schedule one, how far it is."""

from typing import Any

from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment.check_in import get_bootstrap_token
from simulator.devices.errors import CommandFormatError, no_update
from simulator.devices.flow import Flow

_SCHEDULED = "ScheduledUpdates"
_ACTIONS = (
    "Default",
    "DownloadOnly",
    "InstallASAP",
    "NotifyOnly",
    "InstallLater",
    "InstallForceRestart",
)


def _next(device: VirtualDevice) -> dict[str, Any]:
    """Return the update that a device is offered: the next minor version of its system."""
    major, _, minor = device.version.partition(".")
    version = f"{major}.{int(minor.partition('.')[0] or 0) + 1}"
    update: dict[str, Any] = {
        "ProductKey": f"{'MSU_UPDATE' if device.mac else device.platform + 'Update'}_{version}",
        "Version": version,
        "Build": f"{device.build[:2]}C1",
        "HumanReadableName": f"{device.platform} {version}",
        "DownloadSize": 1_500_000_000.0,
        "InstallSize": 3_000_000_000.0,
        "IsCritical": False,
        "IsSecurityResponse": False,
        "RestartRequired": True,
        "AllowsInstallLater": True,
    }
    return update if device.mac else update | {"ProductName": device.platform}


def available_os_updates(execution: Execution) -> Done:
    """List the updates that the device is offered."""
    if execution.device.settings.get("NoUpdate"):
        raise no_update()
    return Done({"AvailableOSUpdates": [_next(execution.device)]})


def schedule_os_update(execution: Execution) -> Flow[Done]:
    """Take the updates to be installed; where it is at once, the device has the version then.

    A Mac with a bootstrap token asks for it, as it authorises the update.
    """
    updates = execution.needed("Updates", list)
    if execution.device.bootstrap_token:
        yield from get_bootstrap_token(execution.device, execution.enrolment)
    results = []
    for one in updates:
        action = one.get("InstallAction") if isinstance(one, dict) else None
        if action not in _ACTIONS or not (one.get("ProductKey") or one.get("ProductVersion")):
            raise CommandFormatError(
                "Updates must name ProductKey or ProductVersion, and an action"
            )
        results.append(_scheduled(execution, one, str(action)))
    return Done({"UpdateResults": results})


def _scheduled(execution: Execution, one: dict[str, Any], action: str) -> dict[str, Any]:
    device = execution.device
    offered = _next(device)
    known = one.get("ProductVersion", offered["Version"]) == offered["Version"]
    known = known and one.get("ProductKey", offered["ProductKey"]) == offered["ProductKey"]
    key = offered["ProductKey"] if known else str(one.get("ProductKey") or one["ProductVersion"])
    status = "Downloading" if known else "DownloadFailed"
    if known and action in ("InstallASAP", "InstallForceRestart", "Default"):
        status = "Installing"
        device.happened(execution.world.now_ms(), "updated", offered["Version"])
        device.version, device.build = offered["Version"], offered["Build"]
    scheduled = device.settings.setdefault(_SCHEDULED, {})
    scheduled[key] = {"Status": status, "Version": offered["Version"]}
    return {"ProductKey": key, "InstallAction": action, "Status": status}


def os_update_status(execution: Execution) -> Done:
    """Tell of each scheduled update how far it is."""
    scheduled = execution.device.settings.get(_SCHEDULED, {})
    found = [
        {
            "ProductKey": key,
            "IsDownloaded": one["Status"] == "Installing",
            "DownloadPercentComplete": 1.0 if one["Status"] == "Installing" else 0.5,
            "Status": "Idle" if one["Version"] == execution.device.version else one["Status"],
        }
        for key, one in scheduled.items()
    ]
    return Done({"OSUpdateStatus": found})


COMMANDS: tuple[Command, ...] = (
    command("AvailableOSUpdates", available_os_updates, ios="9 s!", macos="10.11 !", tvos="12 s"),
    command("ScheduleOSUpdate", schedule_os_update, ios="9 s!", macos="10.11 s!", tvos="12 s"),
    command("OSUpdateStatus", os_update_status, ios="9 s!", macos="10.11 s!", tvos="12 s"),
)
