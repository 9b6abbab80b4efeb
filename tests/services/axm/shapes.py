"""What Apple publishes of each kind of resource, written down apart from the rows."""

import re
from typing import Any

RESOURCE = ("type", "id", "attributes", "relationships", "links")
CONTENT = "apps packages configurations orgDevices users userGroups"
SHAPES = {
    "orgDevices": (
        {
            "time": "addedToOrgDateTime updatedDateTime orderDateTime releasedFromOrgDateTime "
            "mdmMigrationDeadlineDateTime",
            "text": "serialNumber deviceModel productFamily productType deviceCapacity color "
            "partNumber orderNumber purchaseSourceType purchaseSourceId status eid "
            "wifiMacAddress bluetoothMacAddress mdmMigrationStatus",
            "texts": "imei meid ethernetMacAddress",
            "boolean": "isMdmMigrationCapable",
        },
        "assignedServer appleCareCoverage activationLockStatus",
    ),
    "mdmServers": (
        {
            "text": "serverName serverType status lastConnectedIp",
            "time": "createdDateTime updatedDateTime lastConnectedDateTime",
            "number": "deviceCount",
            "boolean": "enableMdmDisownFlag",
            "texts": "defaultProductFamilies",
        },
        "devices",
    ),
    "appleCareCoverage": (
        {
            "text": "status paymentType description agreementNumber",
            "time": "startDateTime endDateTime contractCancelDateTime",
            "boolean": "isRenewable isCanceled",
        },
        "",
    ),
    "activationLockStatus": ({"boolean": "isLocked", "text": "lockType"}, ""),
    "orgDeviceActivities": (
        {"text": "status subStatus downloadUrl", "time": "createdDateTime completedDateTime"},
        "",
    ),
    "mdmDevices": ({"text": "serialNumber deviceName productFamily enrolledUserId"}, "details"),
    "mdmDeviceDetails": (
        {
            "text": "serialNumber deviceName deviceModel osVersion platform wifiMacAddress "
            "bluetoothMacAddress ethernetMacAddress deviceLockStatus deviceEraseStatus "
            "lostModeStatus",
            "texts": "imei meid",
            "time": "lastCheckInDateTime",
            "boolean": "isFirewallEnabled isFileVaultEnabled",
            "number": "storageFreeCapacity storageTotalCapacity",
        },
        "",
    ),
    "users": (
        {
            "text": "firstName middleName lastName managedAppleAccount email employeeNumber "
            "costCenter division department jobTitle status",
            "time": "startDateTime createdDateTime updatedDateTime",
            "boolean": "isExternalUser",
            "objects": "roleOuList phoneNumbers",
        },
        "",
    ),
    "userGroups": (
        {
            "text": "ouId name type status",
            "number": "totalMemberCount",
            "time": "createdDateTime updatedDateTime",
        },
        "users",
    ),
    "organizationalUnits": (
        {"text": "name description", "time": "createdDateTime updatedDateTime"},
        "users",
    ),
    "apps": (
        {
            "text": "name bundleId websiteUrl version appStoreUrl",
            "texts": "supportedOS",
            "boolean": "isCustomApp",
        },
        "",
    ),
    "packages": (
        {
            "text": "name url hash description version",
            "texts": "bundleIds",
            "time": "createdDateTime updatedDateTime",
        },
        "",
    ),
    "configurations": (
        {
            "text": "type name",
            "texts": "configuredForPlatforms",
            "object": "customSettingsValues",
            "time": "createdDateTime updatedDateTime",
        },
        "",
    ),
    "blueprints": (
        {
            "text": "name description status",
            "boolean": "appLicenseDeficient",
            "time": "createdDateTime updatedDateTime",
        },
        CONTENT,
    ),
    "auditEvents": (
        {
            "time": "eventDateTime",
            "text": "type category actorType actorId actorName subjectType subjectId subjectName "
            "outcome groupId eventDataPropertyKey",
        },
        "",
    ),
}
"""Type -> names of its attributes by what they hold, and its relationships (axm.md 5 and 6.1)."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


def shape_of(attributes: dict[str, str], name: str) -> str:
    """Return what the attribute *name* holds; each kind of audit event has one of its own."""
    if name.startswith("eventData") and name != "eventDataPropertyKey":
        return "object"
    found = [shape for shape, known in attributes.items() if name in known.split()]
    assert found, f"{name} is published of no such resource"
    return found[0]


def fits(shape: str, value: Any) -> bool:
    """Tell whether *value* is what *shape* says; anything may be null."""
    match shape, value:
        case _, None:
            return True
        case "time", str():
            return _TIME.fullmatch(value) is not None
        case ("texts", list()) | ("objects", list()):
            kind = str if shape == "texts" else dict
            return all(isinstance(one, kind) for one in value)
        case "number", bool():
            return False
        case "boolean" | "number" | "text" | "object", _:
            kinds = {"boolean": bool, "number": int, "text": str, "object": dict}
            return isinstance(value, kinds[shape])
        case _:
            return False
