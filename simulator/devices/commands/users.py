"""Commands on the accounts of Macs and Shared iPads: list, delete, log out, a new password."""

from typing import Any

from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.errors import CommandFormatError, refused, unknown_command
from simulator.devices.flow import Apple, Flow, perform
from simulator.devices.records import DeviceUser

_FIRST_UID = 501
_NOBODY, _LOGGED_IN = 12071, 12072
"""Error codes of DeleteUser (YA: user.delete)."""
_NOT_AWAITING = 12069


def user_list(execution: Execution) -> Done:
    """List the accounts."""
    users = sorted(execution.device.users.values(), key=lambda one: one.name)
    mac = execution.device.mac
    return Done({"Users": [_listed(one, number, mac=mac) for number, one in enumerate(users)]})


def _listed(user: DeviceUser, number: int, *, mac: bool) -> dict[str, Any]:
    entry = {"UserName": user.name, "IsLoggedIn": not user.away}
    if not mac:
        return entry | {"HasDataToSync": False, "DataUsed": 0}
    return entry | {
        "FullName": user.name.title(),
        "UID": _FIRST_UID + number,
        "UserGUID": user.id,
        "MobileAccount": bool(user.auth_token),
        "HasSecureToken": True,
    }


def delete_user(execution: Execution) -> Flow[Done]:
    """Delete an account, or all; whoever is logged in stays."""
    users = execution.device.users
    name = execution.optional("UserName", str)
    everybody = execution.optional("DeleteAllUsers", bool) or False
    if not (name or everybody):
        raise CommandFormatError("UserName and DeleteAllUsers are missing")
    if not everybody and name not in users:
        raise refused(f"The user “{name}” does not exist.", _NOBODY)
    if not everybody and not users[str(name)].away:
        raise refused(f"The user “{name}” is logged in.", _LOGGED_IN)
    for one in [one for one in users.values() if one.away and (everybody or one.name == name)]:
        del users[one.name]
        if one.magic:
            yield from perform(Apple("POST", f"/push-tokens/{one.push_token}/unregister", {}))
    return Done()


def log_out_user(execution: Execution) -> Done:
    """Log out who uses a Shared iPad."""
    for one in execution.device.users.values():
        one.away = True
    return Done()


def set_auto_admin_password(execution: Execution) -> Done:
    """Take another password for an account that AccountConfiguration made."""
    identifier = execution.needed("GUID", str)
    execution.needed("passwordHash", bytes)
    made = execution.device.settings.get("AutoSetupAdminAccounts", [])
    if identifier not in [one["GUID"] for one in made]:
        raise refused(f"No managed administrator has the GUID “{identifier}”.")
    return Done()


def unlock_user_account(execution: Execution) -> Done:
    """Unlock a local account that failed passwords have locked; here none ever is."""
    name = execution.needed("UserName", str)
    made = execution.device.settings.get("AutoSetupAdminAccounts", [])
    if name not in execution.device.users and name not in [one["shortName"] for one in made]:
        raise refused(f"The user “{name}” does not exist.", _NOBODY)
    return Done()


def user_configured(execution: Execution) -> Done:
    """Let a person's log-in to a Shared iPad go on; an error where it does not wait (inferred)."""
    if execution.user is None:  # it is for the user channel only
        raise unknown_command("UserConfigured", mac=False)
    if not execution.user.awaiting:
        raise refused("The user is not awaiting configuration.", _NOT_AWAITING)
    execution.user.awaiting = False
    execution.device.happened(execution.world.now_ms(), "configured", execution.user.name)
    return Done()


COMMANDS: tuple[Command, ...] = (
    command("UserList", user_list, ios="9.3 m!", macos="10.13 s!"),
    command("DeleteUser", delete_user, ios="9.3 m!", macos="10.13 s!"),
    command("LogOutUser", log_out_user, ios="9.3 m!"),
    command("UnlockUserAccount", unlock_user_account, 4, macos="10.13 !"),
    command("UserConfigured", user_configured, ios="17 sdmu!"),
    command("SetAutoAdminPassword", set_auto_admin_password, macos="10.11 d!"),
)
