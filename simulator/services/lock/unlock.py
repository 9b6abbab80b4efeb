"""``POST /deviceservicesworkers/escrowKeyUnlock``: open a device with its bypass code."""

from msgspec.structs import replace

from simulator.core.messages import Finding
from simulator.core.state import State
from simulator.protocol.fields import Field, String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.fleet import devices, locks
from simulator.services.fleet.devices import Device
from simulator.services.lock import DOCS, errors, quirks

_DEVICE: tuple[Field, ...] = (
    String(
        "serial",
        "Serial number; required.",
        place="query",
        concept="device.serial",
        example="C8TJ500QF1MN",
        source="AD",
    ),
    String(
        "productType",
        "Such as iPad14,1; required.",
        place="query",
        concept="device.model",
        example="iPad14,1",
        source="AD",
        inferred="It is not held against the device.",
    ),
    String("imei", "IMEI of the first slot.", place="query", concept="device.imei", source="AD"),
    String("imei2", "IMEI of the second.", place="query", concept="device.imei", source="AD"),
    String("meid", "MEID.", place="query", concept="device.meid", source="AD"),
)
_PERSON: tuple[Field, ...] = (
    String("orgName", "Organisation; required.", concept="org.name", example="Acme", source="AD"),
    String(
        "guid",
        "Who asks: e-mail address, directory id or name; required.",
        concept="admin.actor",
        example="admin@example.org",
        source="AD",
    ),
    String(
        "escrowKey",
        "The bypass code with its dashes, not its hash; required.",
        concept="lock.bypass_code",
        example="3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA4",
        source="AD",
    ),
)
_MISPLACED = "One client sends all in the form: both places are read, the query first."
_REQUIRED = ("serial", "productType", "orgName", "guid", "escrowKey")


@operation(
    "POST /deviceservicesworkers/escrowKeyUnlock",
    "Turn Activation Lock off with the bypass code.",
    name="lock.unlock",
    auth="certificate",
    body_format="form",
    json_only=True,
    is_slow=True,
    request=(
        *_DEVICE,
        *_PERSON,
        *(replace(row, place="body", deprecated="send it in the query") for row in _DEVICE),
    ),
    errors=(errors.DEVICE_UNKNOWN, errors.MISMATCH, errors.NOT_LOCKED),
    docs=DOCS,
    source="AD, NM",
    inferred=f"{_MISPLACED} Whether the certificate must be that of the MDM server that enrolled "
    "the device is not known: any of the organisation's does.",
)
def unlock(call: Call) -> None:
    """Find the device, hold the code against its lock, and open it."""
    values = _values(call)
    missing = [name for name in _REQUIRED if not values.get(name)]
    if missing:
        raise ApiError(errors.BAD_REQUEST, f"{' and '.join(missing)} must be sent")
    home, device = _device(call, values)
    lock = locks.find(home, device.serial)
    if lock is None:
        if call.has(quirks.NOT_LOCKED_IS_FINE):
            return
        raise ApiError(errors.NOT_LOCKED)
    if not locks.opens(lock, values["escrowKey"]):
        raise ApiError(errors.MISMATCH)
    locks.turn_off(home, device.serial)
    devices.write(home, [device.locked_as(False)], (), call.now_ms)


def _values(call: Call) -> dict[str, str]:
    """Return all values, those of the query first; note which stand in the wrong place."""
    found = {**call.body, **{name: value for name, value in call.query.items() if value}}
    astray = [row.name for row in _DEVICE if call.body.get(row.name)]
    refused = bool(astray) and call.settings.strictness == "strict"
    for name in astray:
        text = "send it in the query, as it is documented"
        call.note(Finding("field-misplaced", "body", f"/{name}", text, refused=refused))
    if refused:
        raise ApiError(errors.BAD_REQUEST, f"{astray[0]} was sent in the form")
    return found


def _device(call: Call, values: dict[str, str]) -> tuple[State, Device]:
    """Return the device, and the state of its organisation."""
    homes, serial = [call.state], values["serial"].strip().upper()
    if not call.principal.organisation:
        known = call.state.organisations_with(devices.DEVICE, serial)
        homes = [call.state.of(one) for one in known]
    for home in homes:
        found = home.get(devices.DEVICE, serial)
        if found is not None and _fits(device := Device.of(found), values):
            return home, device
    raise ApiError(errors.DEVICE_UNKNOWN)


def _fits(device: Device, values: dict[str, str]) -> bool:
    """Tell whether the device has the IMEIs and the MEID that were sent, if any were."""
    known = {_digits(one) for name in ("imei", "meid") for one in device.record.get(name, [])}
    sent = {_digits(value) for name in ("imei", "imei2", "meid") if (value := values.get(name))}
    return not device.released and sent <= known


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isalnum()).upper()
