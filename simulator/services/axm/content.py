"""``apps``, ``packages`` and ``mdmDevices``: what Apple's built-in MDM has, to be read only."""

from typing import Any

from simulator.core.state import Body
from simulator.protocol.fields import Boolean, Field, Integer, Object, String, Strings
from simulator.protocol.operations import Call, operation
from simulator.services.axm import errors
from simulator.services.axm.documents import (
    DOCS,
    RELATED,
    Links,
    asked_fields,
    document,
    fields_row,
    identifier_row,
    names,
    resource,
    resource_rows,
    single,
)
from simulator.services.axm.read_only import ReadOnly
from simulator.services.axm.stored import find_stored

APP, PACKAGE, MANAGED = "axm.app", "axm.package", "axm.mdm-device"
APPS, PACKAGES, MDM_DEVICES, DETAILS = "apps", "packages", "mdmDevices", "mdmDeviceDetails"
_PREFIX = "SUPPORTED_OS_"
PLATFORMS = tuple(
    _PREFIX + name
    for name in ("UNSPECIFIED", "IPADOS", "IOS", "MACOS", "TVOS", "WATCHOS", "VISIONOS")
)


def _text(name: str, about: str, concept: str, **more: Any) -> String:
    return String(name, about, concept=concept, source="AXM-D, AXM-HI", **more)


def _texts(name: str, about: str, concept: str, **more: Any) -> Strings:
    return Strings(name, about, concept=concept, source="AXM-D, AXM-HI", **more)


APP_ROWS: tuple[Field, ...] = (
    _text("name", "Name.", "content.name"),
    _text("bundleId", "Bundle identifier.", "content.id"),
    _text("websiteUrl", "Web site.", "content.description"),
    _text("version", "Version.", "content.description"),
    _texts("supportedOS", "Systems that it is for.", "protocol", values=PLATFORMS),
    Boolean("isCustomApp", "Whether it is a custom app.", concept="dep.flag", source="AXM-D"),
    _text("appStoreUrl", "Page in the App Store.", "content.description"),
)
PACKAGE_ROWS: tuple[Field, ...] = (
    _text("name", "Name.", "content.name"),
    _text("url", "Where it is.", "content.description"),
    _text("hash", "Hash of it.", "content.description"),
    _texts("bundleIds", "Bundle identifiers.", "content.id"),
    _text("description", "Description.", "content.description"),
    _text("version", "Version.", "content.description"),
    _text("createdDateTime", "When it was made.", "server.time"),
    _text("updatedDateTime", "When it was changed last.", "server.time"),
)
MANAGED_ROWS: tuple[Field, ...] = (
    _text("serialNumber", "Serial number.", "device.serial"),
    _text("deviceName", "Name of the device.", "device.description"),
    _text("productFamily", "Product family.", "device.family"),
    _text("enrolledUserId", "Who has enrolled it.", "user.id"),
)
DETAIL_ROWS: tuple[Field, ...] = (
    _text("serialNumber", "Serial number.", "device.serial"),
    _text("deviceName", "Name of the device.", "device.description"),
    _text("deviceModel", "Model.", "device.model"),
    _text("osVersion", "Version of the system.", "device.os"),
    _text("platform", "System.", "device.os"),
    _text("wifiMacAddress", "Wi-Fi address.", "device.mac_address"),
    _text("bluetoothMacAddress", "Bluetooth address.", "device.mac_address"),
    _text("ethernetMacAddress", "Ethernet address.", "device.mac_address"),
    _texts("imei", "IMEI of each modem.", "device.imei"),
    _texts("meid", "MEID of each modem.", "device.meid"),
    _text("lastCheckInDateTime", "When it last checked in.", "device.time"),
    Boolean("isFirewallEnabled", "Firewall.", concept="dep.flag", source="AXM-HI"),
    Boolean("isFileVaultEnabled", "FileVault.", concept="dep.flag", source="AXM-HI"),
    Integer("storageFreeCapacity", "Free storage.", concept="device.description"),
    Integer("storageTotalCapacity", "Storage.", concept="device.description"),
    _text("deviceLockStatus", "Lock.", "protocol", values=("LOCKED", "UNLOCKED")),
    _text("deviceEraseStatus", "Erasure.", "protocol", values=("NOT_ERASED", "ERASED")),
    _text("lostModeStatus", "Lost mode.", "protocol", values=("ENABLED", "DISABLED")),
)


_APPS = ReadOnly(entity=APP, kind=APPS, rows=APP_ROWS, concept="content.id")
list_apps = _APPS.list_all(
    "axm.content.apps", "List the apps that blueprints can hold.", "get-apps"
)
get_app = _APPS.get_one(
    "axm.content.app", "Get an app.", "Id of the app in the App Store.", "get-app-information"
)
_PACKAGES = ReadOnly(entity=PACKAGE, kind=PACKAGES, rows=PACKAGE_ROWS, concept="content.id")
list_packages = _PACKAGES.list_all(
    "axm.content.packages", "List the packages that blueprints can hold.", "get-packages"
)
get_package = _PACKAGES.get_one(
    "axm.content.package", "Get a package.", "Id of the package.", "get-package-information"
)


def _relate(links: Links, identifier: str) -> Body:
    return {"details": {"links": {"related": links.to(MDM_DEVICES, identifier, "details")}}}


_DETAILS = (Object("details", "Its details.", fields=RELATED, source="AXM-D"),)


_MANAGED = ReadOnly(
    entity=MANAGED,
    kind=MDM_DEVICES,
    rows=MANAGED_ROWS,
    concept="device.serial",
    relationships=_DETAILS,
    relate=_relate,
)
list_managed = _MANAGED.list_all(
    "axm.content.devices",
    "List the devices in Apple's built-in MDM.",
    "get-mdm-devices",
    inferred="Only devices that a test has put there: the built-in MDM is not simulated.",
)


@operation(
    "GET /v1/mdmDevices/{id}/details",
    "Get what Apple's built-in MDM knows of a device.",
    name="axm.content.details",
    auth="business",
    versions="20+",
    request=(
        identifier_row("Id of the device.", "device.serial"),
        fields_row(DETAILS, names(DETAIL_ROWS), "20+"),
    ),
    response=document(resource_rows(DETAILS, DETAIL_ROWS, concept="device.serial")),
    docs=f"{DOCS}get-mdm-device-details",
    source="AXM-D",
)
def get_details(call: Call) -> Body:
    """Return the details of one device."""
    found = find_stored(call, MANAGED, MDM_DEVICES)
    facts = found.body.get("details")
    if facts is None:
        raise errors.not_found(DETAILS, found.key)
    return single(call, resource(DETAILS, found.key, facts, only=asked_fields(call, DETAILS)))
