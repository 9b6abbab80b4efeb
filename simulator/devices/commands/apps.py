"""Commands on apps: what InstallApplication put there, the lists show."""

import json
from collections.abc import Iterator
from typing import Any

from simulator.devices.commands.rows import Command, Done, Execution, command
from simulator.devices.errors import CommandFormatError, no_licence, refused
from simulator.devices.flow import OK, Apple, Flow, Send, perform
from simulator.devices.plists import read_dictionary
from simulator.devices.records import App

_LICENSED = 1
"""PurchaseMethod of an app that the organisation has a licence for."""
_REMOVED = "ManagedButUninstalled"


def installed_application_list(execution: Execution) -> Done:
    """List the apps, all or those of the given identifiers."""
    wanted = execution.texts("Identifiers")
    only_managed = execution.optional("ManagedAppsOnly", bool)
    apps = [
        _listed(one, mac=execution.device.mac)
        for one in execution.device.apps.values()
        if one.state != _REMOVED
        and (wanted is None or one.identifier in wanted)
        and (one.managed or not only_managed)
    ]
    return Done({"InstalledApplicationList": apps})


def _listed(app: App, *, mac: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "Identifier": app.identifier,
        "Name": app.name,
        "Version": app.version,
        "ShortVersion": app.version,
        "BundleSize": 20_000_000,
        "Installing": False,
    }
    if mac:
        return entry
    return entry | {
        "DynamicSize": 1_000_000,
        "IsValidated": True,
        "AppStoreVendable": app.store_id != 0,
        "DeviceBasedVPP": app.licensed,
        "BetaApp": False,
        "AdHocCodeSigned": False,
        "HasUpdateAvailable": False,
    }


def install_application(execution: Execution) -> Flow[Done]:
    """Install an app from the store, by its number or bundle, or by a manifest."""
    store_id = execution.optional("iTunesStoreID", int)
    identifier = execution.optional("Identifier", str)
    manifest = execution.optional("ManifestURL", str)
    options = execution.optional("Options", dict) or {}
    flags = execution.optional("ManagementFlags", int) or 0
    configuration = execution.optional("Configuration", dict)
    attributes = execution.optional("Attributes", dict)
    if store_id is None and identifier is None and manifest is None:
        raise CommandFormatError("iTunesStoreID, Identifier and ManifestURL are missing")
    if manifest is not None:
        app = yield from _from_manifest(manifest, execution)
    else:
        app = yield from _from_store(store_id or 0, identifier or "")
        if options.get("PurchaseMethod") == _LICENSED:
            yield from _check_licence(app, execution)
            app.licensed = True
    app.managed, app.flags = True, flags
    app.configuration, app.attributes = configuration, attributes
    execution.device.apps[app.identifier] = app
    return Done({"Identifier": app.identifier, "State": "Installing"})


def _from_store(store_id: int, identifier: str) -> Flow[App]:
    """Look an app up in the store; one that the store does not have cannot be verified."""
    after: str | None = ""
    while after is not None:
        received = yield from perform(Apple("GET", f"/products?limit=1000&after={after}"))
        page = json.loads(received.body) if received.status == OK else {"products": []}
        for one in page["products"]:
            if store_id == int(one["adam_id"]) or (identifier and identifier == one["bundle_id"]):
                bundle = one["bundle_id"] or f"app.{one['adam_id']}"
                version = str(one.get("version", "")) or "1.0"
                return App(bundle, one["name"], version, store_id=int(one["adam_id"]))
        after = page.get("next")
    what = identifier or str(store_id)
    error = refused(f"The app “{what}” could not be found in the store.", 12026)
    error.keys = {"RejectionReason": "CouldNotVerifyAppID", "State": "Failed"}
    raise error


def _check_licence(app: App, execution: Execution) -> Flow[None]:
    """Ask Apps and Books whether the device has a licence for the app."""
    path = f"/devices/{execution.device.serial}/licences"
    received = yield from perform(Apple("GET", path))
    held = json.loads(received.body)["adam_ids"] if received.status == OK else []
    if str(app.store_id) not in held:
        raise no_licence(app.name)


def _from_manifest(url: str, execution: Execution) -> Flow[App]:
    """Read the manifest at *url* and return the app that it describes."""
    received = yield from perform(
        Send(method="GET", url=url, purpose="manifest", roots=execution.device.roots)
    )
    if received.status != OK:
        what = f"status {received.status}" if received.status else received.problem
        raise refused(f"The manifest could not be fetched: {what}.", 12028)
    try:
        return next(_apps(read_dictionary(received.body, "the manifest")))
    except (ValueError, StopIteration):
        raise refused("The manifest is invalid.", 12029) from None


def _apps(manifest: dict[str, Any]) -> Iterator[App]:
    """Yield the apps of a manifest."""
    items = manifest.get("items")
    for item in items if isinstance(items, list) else []:
        about = item.get("metadata", {}) if isinstance(item, dict) else {}
        identifier = about.get("bundle-identifier")
        if isinstance(identifier, str):
            version = str(about.get("bundle-version", "1.0"))
            yield App(identifier, str(about.get("title", identifier)), version)


def install_enterprise_application(execution: Execution) -> Flow[Done]:
    """Install a package on a Mac, as its manifest describes it."""
    manifest = execution.optional("Manifest", dict)
    url = execution.optional("ManifestURL", str)
    if manifest is None and url is None:
        raise CommandFormatError("Manifest and ManifestURL are missing")
    if manifest is None:
        app = yield from _from_manifest(url or "", execution)
    else:
        app = next(_apps(manifest), None) or App("unknown.package", "Package")
    app.managed = execution.optional("InstallAsManaged", bool) or False
    execution.device.apps[app.identifier] = app
    return Done()


def managed_application_list(execution: Execution) -> Done:
    """List the managed apps, by identifier."""
    wanted = execution.texts("Identifiers")
    found = {
        one.identifier: {
            "Status": one.state,
            "ManagementFlags": one.flags,
            "HasConfiguration": one.configuration is not None,
            "HasFeedback": False,
            "IsValidated": True,
        }
        for one in execution.device.apps.values()
        if one.managed and (wanted is None or one.identifier in wanted)
    }
    return Done({"ManagedApplicationList": found})


def _of_managed(execution: Execution, answer: str, name: str) -> Done:
    """List what managed apps were given under *name*, of those that are asked for."""
    execution.needed("Identifiers", list)
    wanted = execution.texts("Identifiers") or ()
    found = []
    for one in execution.device.apps.values():
        if one.managed and one.identifier in wanted:
            given = one.configuration if name == "Configuration" else one.attributes
            found.append({"Identifier": one.identifier, **({name: given} if given else {})})
    return Done({answer: found})


def application_configuration(execution: Execution) -> Done:
    """Tell the configuration of managed apps."""
    return _of_managed(execution, "ApplicationConfigurations", "Configuration")


def application_attributes(execution: Execution) -> Done:
    """Tell the attributes of managed apps."""
    return _of_managed(execution, "ApplicationAttributes", "Attributes")


def remove_application(execution: Execution) -> Done:
    """Remove a managed app; it stays in the list as uninstalled."""
    identifier = execution.needed("Identifier", str)
    app = execution.device.apps.get(identifier)
    if app is None or not app.managed:
        raise refused(f"The app “{identifier}” is not managed.", 12024)
    app.state = _REMOVED
    return Done()


COMMANDS: tuple[Command, ...] = (
    command(
        "InstalledApplicationList",
        installed_application_list,
        256,
        ios="5",
        macos="10.7 u!",
        tvos="10.2",
        visionos="1.1",
    ),
    command(
        "InstallApplication",
        install_application,
        4096,
        ios="5",
        macos="10.9 u",
        tvos="10.2",
        visionos="1.1",
    ),
    command("InstallEnterpriseApplication", install_enterprise_application, 4096, macos="10.13.6"),
    command(
        "ManagedApplicationList",
        managed_application_list,
        4096,
        ios="5",
        macos="11 u",
        tvos="10.2",
        visionos="1.1",
    ),
    command(
        "ManagedApplicationConfiguration",
        application_configuration,
        4096,
        ios="7",
        macos="10.15",
        tvos="10.2",
        visionos="1.1",
    ),
    command(
        "ManagedApplicationAttributes",
        application_attributes,
        4096,
        ios="7",
        tvos="10.2",
        visionos="1.1",
    ),
    command(
        "RemoveApplication",
        remove_application,
        4096,
        ios="5",
        macos="11 !",
        tvos="10.2",
        visionos="1.1",
    ),
)
