"""Profiles: their payloads, as far as their types are known here."""

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.core.messages import Finding
from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment.profile import ACME, MDM, Profile
from simulator.devices.judging.form import TargetDevice, finding, judge_form
from simulator.devices.judging.schema import Key, payloads

_OF_ALL = {
    "PayloadType": Key("string", required=True),
    "PayloadVersion": Key("integer", required=True),
    "PayloadIdentifier": Key("string", required=True),
    "PayloadUUID": Key("string", required=True),
    "PayloadDisplayName": Key("string"),
    "PayloadDescription": Key("string"),
    "PayloadOrganization": Key("string"),
}


def judge_profile(profile: Profile, device: VirtualDevice, at: str = "") -> Iterator[Finding]:
    """Yield what is wrong with the payloads of a profile."""
    for number, payload in enumerate(profile.payloads()):
        where = f"{at}/PayloadContent/{number}"
        schema = payloads().get(str(payload.get("PayloadType")))
        if schema is None:
            continue
        row = Key("dictionary", keys=_OF_ALL | schema.root.keys)
        target = TargetDevice(device, device.enrolment)
        if text := target.unmet(schema):
            yield finding("device-platform", f"{where}/PayloadType", f"{schema.name} {text}")
        yield from judge_form(row, payload, where, target)
        if payload.get("PayloadType") == MDM:
            yield from _mdm(payload, device, where)
        elif payload.get("PayloadType") == ACME:
            yield from _encrypted(payload, where, "DirectoryURL")
            if payload.get("Attest") is True and payload.get("HardwareBound") is False:
                text = "Attest needs a key that is HardwareBound"
                yield finding("device-value", f"{where}/Attest", text)


def _mdm(payload: Mapping[str, Any], device: VirtualDevice, at: str) -> Iterator[Finding]:
    if payload.get("EnrollmentMode") != "BYOD" and "AccessRights" not in payload:
        text = "AccessRights is required for a device enrolment: send it"
        yield finding("device-missing", f"{at}/AccessRights", text)
    yield from _encrypted(payload, at, "ServerURL", "CheckInURL")
    before = device.enrolment
    if before is not None and payload.get("Topic") != before.topic:
        text = "Topic differs from that of the enrolment: a renewal keeps it"
        yield finding("device-topic", f"{at}/Topic", text)


def _encrypted(payload: Mapping[str, Any], at: str, *names: str) -> Iterator[Finding]:
    """Yield which URLs have no TLS: simulated devices take them, real ones do not."""
    for name in names:
        if not str(payload.get(name, "https:")).startswith("https:"):
            text = f"{name} must begin with https: on a real device"
            yield finding("device-value", f"{at}/{name}", text)
