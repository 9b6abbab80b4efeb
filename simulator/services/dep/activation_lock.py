"""``POST /device/activationlock``: turn Activation Lock on."""

from simulator.core.state import Body
from simulator.protocol.fields import String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.dep import errors
from simulator.services.dep.device_rows import DOCS, SERIAL_NUMBER
from simulator.services.fleet import devices as fleet
from simulator.services.fleet import locks
from simulator.services.fleet.devices import Device
from simulator.services.organisations import organisation

_NOT_LOCKABLE = ("Mac", "AppleTV", "Vision")


@operation(
    "POST /device/activationlock",
    "Turn Activation Lock on for a device.",
    name="dep.lock",
    auth="session",
    versions="2+",
    request=(
        String(
            "device",
            "Serial number.",
            required=True,
            missing=errors.MALFORMED_REQUEST_BODY,
            concept="device.serial",
            example="C8TJ500QF1MN",
            source="AD, PR",
            inferred="Without it the body counts as malformed: the only 400 that is documented.",
        ),
        String(
            "escrow_key",
            "Hash of the bypass code: 64 hex digits. Without it the lock is a person's.",
            concept="lock.escrow_key",
            longest=64,
            source="AD, PR",
        ),
        String(
            "lost_message",
            "Text on the locked screen.",
            concept="lock.message",
            source="AD, PR",
        ),
    ),
    response=(
        SERIAL_NUMBER,
        String(
            "response_status",
            "The outcome.",
            concept="protocol",
            values=(
                "SUCCESS",
                "NOT_ACCESSIBLE",
                "ORG_NOT_SUPPORTED",
                "DEVICE_NOT_SUPPORTED",
                "DEVICE_ALREADY_LOCKED",
                "FAILED",
            ),
            source="PR",
        ),
    ),
    docs=f"{DOCS}device-activation-lock",
    source="AD, PR",
    inferred="Macs, Apple TVs and Vision devices answer DEVICE_NOT_SUPPORTED (PR names Macs).",
)
def lock(call: Call) -> Body:
    """Lock the device; the outcome stands in the body."""
    serial = call.body.get("device")
    if serial is None:
        raise ApiError(errors.MALFORMED_REQUEST_BODY, "device is required")
    device = fleet.find(call.state, call.principal.id, [serial])[serial]
    status = _status(call, device)
    if forced := call.item_outcome(serial):
        status = forced.code
    elif device is not None and status == "SUCCESS":
        fleet.write(call.state, [device.locked_as(True)], (), call.now_ms)
        locks.turn_on(
            call.state,
            serial,
            "dep",
            escrow_key=call.body.get("escrow_key") or "",
            message=call.body.get("lost_message") or "",
            now_ms=call.now_ms,
        )
    return {"serial_number": serial, "response_status": status}


def _status(call: Call, device: Device | None) -> str:
    if organisation(call.state, call.principal.organisation)["org_version"] != "v2":
        return "ORG_NOT_SUPPORTED"
    if device is None:
        return "NOT_ACCESSIBLE"
    if device.record["device_family"] in _NOT_LOCKABLE:
        return "DEVICE_NOT_SUPPORTED"
    if device.locked:
        return "DEVICE_ALREADY_LOCKED"
    return "FAILED" if device.failing else "SUCCESS"
