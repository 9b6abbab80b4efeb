"""Rows that calls about devices share, and the serial numbers that they are about."""

from collections.abc import Iterator
from typing import Any

from simulator.core.messages import Finding
from simulator.protocol.fields import Boolean, Field, String, Strings, Table, in_order
from simulator.protocol.operations import ApiError, Call
from simulator.services.dep import errors
from simulator.services.fleet import devices as fleet

DOCS = "https://developer.apple.com/documentation/devicemanagement/"
PAGE_MAXIMUM = 1000
ADVISED = 1000
"""Serial numbers in one request beyond which Apple warns of bad performance (AD)."""

SERIAL_NUMBER = String("serial_number", "Serial number.", concept="device.serial", source="AD")
_ROWS: tuple[Field, ...] = (
    SERIAL_NUMBER,
    String("model", "Marketing name of the model.", concept="device.model", source="AD"),
    String("description", "Description.", concept="device.description", source="AD"),
    String("color", "Colour; some models have none.", concept="device.color", source="AD, ND"),
    String("asset_tag", "Asset tag.", concept="device.asset_tag", source="AD"),
    String(
        "profile_status",
        "Whether a profile is assigned and has been fetched.",
        concept="device.profile_status",
        values=("empty", "assigned", "pushed", "removed"),
        source="AD",
    ),
    String("profile_uuid", "The assigned profile.", concept="dep.profile_uuid", source="AD"),
    String("profile_assign_time", "When it was assigned.", concept="device.time", source="AD"),
    String("profile_push_time", "When the device got it.", concept="device.time", source="AD"),
    String(
        "device_assigned_date", "When it came to this server.", concept="device.time", source="AD"
    ),
    String(
        "device_assigned_by",
        "E-mail address of who assigned it.",
        concept="admin.assigner_email",
        source="AD",
    ),
    String(
        "os",
        "Operating system.",
        versions="2+",
        concept="device.os",
        values=("iOS", "iPadOS", "OSX", "tvOS", "visionOS"),
        older={"iPadOS": (7, "iOS")},
        source="AD",
    ),
    String(
        "device_family",
        "Product family.",
        versions="2+",
        concept="device.family",
        values=("iPad", "iPhone", "iPod", "Mac", "AppleTV", "Vision"),
        source="AD",
    ),
    String(
        "mdm_migration_deadline",
        "By when it has to move to another server.",
        versions="8+",
        concept="device.time",
        source="AD",
    ),
    Strings("imei", "IMEI of each modem.", versions="10+", concept="device.imei", source="AD"),
    Strings("meid", "MEID of each modem.", versions="10+", concept="device.meid", source="AD"),
    String("eid", "Identifier of the eSIM.", versions="10+", concept="device.eid", source="AD"),
    String(
        "wifi_mac_address",
        "Wi-Fi address.",
        versions="10+",
        concept="device.mac_address",
        source="AD",
    ),
    String(
        "bluetooth_mac_address",
        "Bluetooth address.",
        versions="10+",
        concept="device.mac_address",
        source="AD",
    ),
    String(
        "ethernet_mac_address",
        "Ethernet address.",
        versions="10+",
        concept="device.mac_address",
        source="AD",
    ),
    Boolean(
        "is_replacement_device",
        "Whether it replaced another: see GET /device/replacementDetails.",
        versions="10+",
        concept="dep.flag",
        source="AD",
    ),
)
EVENT = (
    String(
        "op_type",
        "What happened; on sync only.",
        concept="protocol",
        values=("added", "modified", "deleted"),
        source="AD",
    ),
    String("op_date", "When it happened; on sync only.", concept="device.time", source="AD"),
    Boolean(
        "released_by_replacement",
        "Whether it was deleted because it was replaced.",
        versions="10+",
        concept="dep.flag",
        source="AD",
    ),
)
_ORDER = (
    "serial_number description model os device_family color asset_tag profile_uuid "
    "profile_assign_time profile_push_time profile_status device_assigned_by device_assigned_date "
    "mdm_migration_deadline op_type op_date released_by_replacement response_status "
    "bluetooth_mac_address eid ethernet_mac_address wifi_mac_address imei meid"
)
"""As captured (PE); of what no capture has, asset_tag and the rest stand where they fit."""


def device_fields(*more: Field) -> tuple[Field, ...]:
    """Return the rows of a device, with *more* that only some calls have, in their order."""
    rows = (*_ROWS, *more)
    named = {row.name for row in rows}
    return in_order(" ".join(name for name in _ORDER.split() if name in named), rows)


STATUS = String(
    "response_status",
    "SUCCESS, or why this device gave none.",
    concept="protocol",
    values=("SUCCESS", "NOT_ACCESSIBLE", "FAILED"),
    source="PR, live PE",
)


def serials(about: str, **more: Any) -> Strings:
    """Return the row of a ``devices`` array; without it the answer is DEVICE_ID_REQUIRED."""
    rules: dict[str, Any] = {"required": True, "missing": errors.DEVICE_ID_REQUIRED}
    return Strings("devices", about, concept="device.serial", source="AD", **(rules | more))


def outcomes(about: str, *values: str, older: Any = None) -> Table:
    """Return the row of a ``devices`` object that holds one outcome per serial number."""
    value = String(
        "status", "The outcome.", concept="protocol", values=values, older=older or {}, source="PR"
    )
    return Table("devices", about, concept="device.serial", value=value, source="AD")


def requested_serials(call: Call) -> list[str]:
    """Return the serial numbers of the request; DEVICE_ID_REQUIRED where none is a refusal."""
    given: list[str] | None = call.body.get("devices")
    if given is None or (not given and call.settings.empty_devices == "refuse"):
        raise ApiError(errors.DEVICE_ID_REQUIRED)
    if len(given) > ADVISED:
        text = f"{len(given)} serial numbers: Apple advises at most {ADVISED} in a request"
        call.note(Finding("devices-many", "body", "/devices", text))
    return given


def changeable(call: Call, answers: dict[str, str]) -> Iterator[str]:
    """Yield the serial numbers of those devices of the request that are to be changed.

    The outcome of each serial number is put into *answers*.
    """
    devices = fleet.find(call.state, call.principal.id, requested_serials(call))
    for serial, device in devices.items():
        if forced := call.item_outcome(serial):
            answers[serial] = forced.code
        elif device is None:
            answers[serial] = "NOT_ACCESSIBLE"
        elif device.failing:
            answers[serial] = "FAILED"
        else:
            answers[serial] = "SUCCESS"
            yield serial
