"""The rows of devices (axm.md 5.1, 5.3, 5.4), and what is known of one by those names."""

from typing import Any

from simulator.core.state import Body
from simulator.core.timestamps import milliseconds, rfc3339, rfc3339_ms
from simulator.hardware.purchases import capacity, part_number, product_type, purchase
from simulator.protocol.fields import Boolean, Field, Object, String, Strings
from simulator.services.axm.documents import RELATED, resource_rows
from simulator.services.fleet.devices import Device

_STRINGS_SINCE = 15
"""Version that made the numbers of modems arrays, and the addresses of radios texts."""
_OLDER = (
    "Until 1.4 imei and meid are texts and the addresses of radios arrays, as older clients "
    "decode them; when exactly that changed is not known."
)


def _text(name: str, about: str, concept: str, since: str = "10+", **more: Any) -> String:
    return String(name, about, concept=concept, versions=since, source="AXM-D", **more)


ATTRIBUTES: tuple[Field, ...] = (
    _text("serialNumber", "Serial number.", "device.serial"),
    _text("addedToOrgDateTime", "When the organisation got it.", "device.time"),
    _text(
        "releasedFromOrgDateTime",
        "When the organisation gave it up; filled only where one device is asked for.",
        "device.time",
        "15+",
    ),
    _text("updatedDateTime", "When it was changed last.", "device.time"),
    _text("deviceModel", "Marketing name of the model.", "device.model"),
    _text(
        "productFamily",
        "Product family.",
        "device.family",
        values=("iPhone", "iPad", "iPod", "Mac", "AppleTV", "Watch", "Vision"),
        inferred="iPods are no family of Apple's table.",
    ),
    _text("productType", "Product type.", "device.model"),
    _text("deviceCapacity", "Storage.", "device.description"),
    _text("partNumber", "Part number.", "device.description"),
    _text("orderNumber", "Number of the order.", "device.order"),
    _text("color", "Colour.", "device.color"),
    _text(
        "status",
        "Whether it is assigned to a server.",
        "device.profile_status",
        values=("ASSIGNED", "UNASSIGNED"),
    ),
    _text("orderDateTime", "When it was ordered.", "device.time"),
    Strings(
        "imei",
        "IMEI of each modem.",
        concept="device.imei",
        versions="10+",
        source="AXM-D",
        inferred=_OLDER,
    ),
    Strings("meid", "MEID of each modem.", concept="device.meid", versions="10+", source="AXM-D"),
    _text("eid", "Identifier of the eSIM.", "device.eid"),
    _text("wifiMacAddress", "Wi-Fi address.", "device.mac_address", "12+"),
    _text("bluetoothMacAddress", "Bluetooth address.", "device.mac_address", "12+"),
    Strings(
        "ethernetMacAddress",
        "Addresses of built-in Ethernet.",
        concept="device.mac_address",
        versions="14+",
        source="AXM-D",
    ),
    _text(
        "purchaseSourceType",
        "How it came to the organisation.",
        "device.order",
        values=("APPLE", "RESELLER", "MANUALLY_ADDED"),
    ),
    _text("purchaseSourceId", "Apple customer or reseller number.", "device.order"),
    Boolean(
        "isMdmMigrationCapable",
        "Whether it can be told to migrate to another server.",
        concept="dep.flag",
        versions="23+",
        source="AXM-D",
        inferred="All but Apple TVs can.",
    ),
    _text(
        "mdmMigrationStatus",
        "How a migration that was asked for goes.",
        "device.profile_status",
        "23+",
        values=("REQUESTED", "STARTED", "SUCCESS", "FAILED"),
    ),
    _text("mdmMigrationDeadlineDateTime", "By when it has to migrate.", "device.time", "23+"),
)
RELATIONSHIPS: tuple[Field, ...] = (
    Object("assignedServer", "Its server.", fields=RELATED, versions="10+", source="AXM-D"),
    Object("appleCareCoverage", "Coverage.", fields=RELATED, versions="13+", source="AXM-D"),
    Object(
        "activationLockStatus",
        "Activation Lock.",
        fields=RELATED,
        versions="25+",
        source="AXM-D",
    ),
)
ROWS = resource_rows("orgDevices", ATTRIBUTES, RELATIONSHIPS, "device.serial")
_NOT_CAPABLE = ("AppleTV", "iPod")
_RADIO_MACS_SINCE = 14
_MAC = "Mac"


def attributes(device: Device, own: Body, version: int, *, alone: bool) -> Body:
    """Return all that is known of a device by the API's names, for *version*.

    *own* is what the portal was told of it beside; *alone*: it is no item of a list.
    """
    record, serial = device.record, device.serial
    bought, added_ms = purchase(serial), device.since_ms
    description, family = record["description"], record["device_family"]
    found: Body = {
        "serialNumber": serial,
        "addedToOrgDateTime": rfc3339_ms(added_ms),
        "releasedFromOrgDateTime": (
            rfc3339_ms(device.released_ms) if alone and device.released else None
        ),
        "updatedDateTime": rfc3339_ms(
            max(device.updated_ms, device.released_ms, device.assigned_ms)
        ),
        "deviceModel": record["model"],
        "productFamily": family,
        "productType": product_type(description, family),
        "deviceCapacity": capacity(description),
        "partNumber": part_number(description),
        "orderNumber": bought.order_number,
        "color": record.get("color", ""),
        "status": "ASSIGNED" if device.server else "UNASSIGNED",
        "orderDateTime": rfc3339_ms(added_ms - bought.ordered_before_ms),
        "purchaseSourceType": bought.source,
        "purchaseSourceId": bought.source_id,
        "isMdmMigrationCapable": family not in _NOT_CAPABLE,
    }
    _add_numbers(found, record, version)
    if device.migration:
        found["mdmMigrationStatus"] = device.migration
        if deadline := record.get("mdm_migration_deadline"):
            found["mdmMigrationDeadlineDateTime"] = deadline
    return found | own if own else found


def _add_numbers(found: Body, record: Body, version: int) -> None:
    """Add the numbers of modems, eSIM and radios, in the types of *version*."""
    arrays = version >= _STRINGS_SINCE
    for name in ("imei", "meid"):
        if numbers := record.get(name):
            plain = [number.replace(" ", "") for number in numbers]
            found[name] = plain if arrays else plain[0]
    if "eid" in record:
        found["eid"] = record["eid"]
    if record["device_family"] != _MAC or version >= _RADIO_MACS_SINCE:
        for name, key in (("wifi", "wifi_mac_address"), ("bluetooth", "bluetooth_mac_address")):
            if address := record.get(key):
                found[f"{name}MacAddress"] = address if arrays else [address]
    if address := record.get("ethernet_mac_address"):
        found["ethernetMacAddress"] = [address]
    else:
        found["ethernetMacAddress"] = []


def relationships(own: str, version: int) -> Body:
    """Return the relationships of the device that *own* is the link to, as links."""
    found: Body = {
        "assignedServer": {
            "links": {
                "self": f"{own}/relationships/assignedServer",
                "related": f"{own}/assignedServer",
            }
        }
    }
    for name, since in (("appleCareCoverage", 13), ("activationLockStatus", 25)):
        if version >= since:
            found[name] = {"links": {"related": f"{own}/{name}"}}
    return found


COVERAGE: tuple[Field, ...] = (
    _text(
        "status",
        "Whether it covers the device now.",
        "device.coverage",
        values=("ACTIVE", "INACTIVE"),
    ),
    _text(
        "paymentType",
        "How it is paid.",
        "device.coverage",
        values=("ABE_SUBSCRIPTION", "PAID_UP_FRONT", "SUBSCRIPTION", "NONE"),
    ),
    _text("description", "Name of the coverage.", "device.coverage"),
    _text("agreementNumber", "Number of the agreement.", "device.order"),
    _text("startDateTime", "When it starts.", "device.time"),
    _text("endDateTime", "When it ends.", "device.time"),
    Boolean("isRenewable", "Whether it can go on.", concept="dep.flag", source="AXM-D"),
    Boolean("isCanceled", "Whether it was given up.", concept="dep.flag", source="AXM-D"),
    _text("contractCancelDateTime", "When it was given up.", "device.time"),
)
LOCK: tuple[Field, ...] = (
    Boolean("isLocked", "Whether Activation Lock is on.", concept="dep.flag", source="AXM-D"),
    _text(
        "lockType",
        "Who has locked it: the MDM, a person, nobody.",
        "device.profile_status",
        values=("MDM", "USER", "NONE"),
    ),
)
_DAY_MS = 24 * 3600 * 1000


def coverage(device: Device, own: list[Body] | None, now_ms: int) -> list[tuple[str, Body]]:
    """Return id and attributes of each AppleCare coverage; *own* is what the portal was told."""
    if own is not None:
        return [
            (str(one.get("agreementNumber") or device.serial), _with_status(one, now_ms))
            for one in own
        ]
    bought = purchase(device.serial)
    start_ms = device.since_ms - bought.ordered_before_ms
    return [
        (
            one.number or device.serial,
            _with_status(
                {
                    "paymentType": one.payment,
                    "description": one.description,
                    "agreementNumber": one.number or None,
                    "startDateTime": rfc3339(start_ms),
                    "endDateTime": rfc3339(start_ms + one.days * _DAY_MS),
                    "isRenewable": one.renewable,
                    "isCanceled": False,
                    "contractCancelDateTime": None,
                },
                now_ms,
            ),
        )
        for one in bought.agreements
    ]


def _with_status(facts: Body, now_ms: int) -> Body:
    ends, canceled = facts.get("endDateTime"), facts.get("isCanceled")
    ended = ends is not None and milliseconds(ends) <= now_ms
    return {"status": "INACTIVE" if ended or canceled else "ACTIVE"} | facts
