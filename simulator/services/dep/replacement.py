"""``GET /device/replacementDetails``: which device a replacement stands for."""

from simulator.core.state import Body
from simulator.protocol.fields import String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.dep import errors
from simulator.services.dep.device_rows import DOCS, SERIAL_NUMBER
from simulator.services.fleet import devices as fleet


@operation(
    "GET /device/replacementDetails",
    "Get the serial number of the device that this one replaced.",
    name="dep.replacement",
    auth="session",
    versions="10+",
    request=(
        String(
            "device",
            "Serial number of the replacement.",
            place="query",
            required=True,
            missing=errors.DEVICE_ID_REQUIRED,
            shortest=1,
            invalid=errors.DEVICE_ID_REQUIRED,
            concept="device.serial",
            example="C8TJ500QF1MN",
            source="PE, ZE2",
        ),
    ),
    response=(
        SERIAL_NUMBER,
        String(
            "original_device_serial_number",
            "Serial number of the device that was replaced.",
            versions="10+",
            concept="device.serial",
            source="AD",
        ),
        String(
            "replacement_date",
            "Day of the replacement, UTC.",
            versions="10+",
            concept="device.time",
            source="AD",
        ),
    ),
    errors=(errors.DEVICE_ID_REQUIRED, errors.DEVICE_NOT_FOUND, errors.DEVICE_NOT_FOUND_404),
    docs=f"{DOCS}get-replacement-details",
    source="AD, PE, ZE2",
    inferred="A device that replaced none is not found. 400 is what is seen live; AD says 404.",
)
def replacement_details(call: Call) -> Body:
    """Return what the device replaced."""
    serial = call.query.get("device")
    if not serial:
        raise ApiError(errors.DEVICE_ID_REQUIRED)
    device = fleet.find(call.state, call.principal.id, [serial])[serial]
    if device is None or not device.replaces:
        live = call.settings.replacement_not_found == errors.DEVICE_NOT_FOUND.status
        raise ApiError(errors.DEVICE_NOT_FOUND if live else errors.DEVICE_NOT_FOUND_404)
    return {
        "serial_number": serial,
        "original_device_serial_number": device.replaces,
        "replacement_date": device.replaced_on,
    }
