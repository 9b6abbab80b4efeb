"""Profiles: define and get. They cannot be changed or deleted; each definition is a new one."""

import hashlib

from simulator.core.state import Body, State
from simulator.protocol.fields import String, Strings, in_order
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.dep import errors
from simulator.services.dep.assignment import PROFILE, PROFILE_UUID, assign_profile, find_profile
from simulator.services.dep.device_rows import DOCS, outcomes
from simulator.services.dep.profile_rows import CAPTURED_ORDER, FLAGS, PROFILE_FIELDS
from simulator.services.fleet.devices import Device


@operation(
    "POST /profile",
    "Define a profile, and assign it to devices at once if any are named.",
    name="dep.define",
    auth="session",
    request=(
        *PROFILE_FIELDS,
        Strings(
            "devices",
            "Serial numbers to assign it to; may be empty.",
            concept="device.serial",
            source="AD:profile",
        ),
    ),
    response=(
        PROFILE_UUID,
        outcomes("Outcome by serial number.", "SUCCESS", "NOT_ACCESSIBLE", "FAILED"),
    ),
    errors=(
        errors.CONFIG_NAME_REQUIRED,
        errors.CONFIG_URL_REQUIRED,
        errors.CONFIG_NAME_INVALID,
        errors.CONFIG_URL_INVALID,
        errors.FLAGS_INVALID,
        errors.SUPPORT_PHONE_INVALID,
        errors.SUPPORT_EMAIL_INVALID,
        errors.DEPARTMENT_INVALID,
        errors.MAGIC_INVALID,
        errors.LOCALE_INVALID,
    ),
    docs=f"{DOCS}define-profile",
    source="AD:profile, EV, PR",
    inferred="REQUIRED comes before INVALID, then the order of the table; a throttled device "
    "counts as FAILED.",
)
def define(call: Call) -> Body:
    """Store the profile under a new identifier."""
    server = call.principal.id
    number = call.state.reserve(PROFILE)
    seed = f"{PROFILE}|{call.settings.seed}|{call.principal.organisation}|{number}".encode()
    uuid = hashlib.sha256(seed).hexdigest().upper()[:32]
    profile = {name: value for name, value in call.body.items() if name != "devices"}
    body = {"uuid": uuid, "server": server, "defined_ms": call.now_ms, "profile": profile}
    call.state.put(PROFILE, uuid, body)
    serials = call.body.get("devices") or ()
    answers, _ = assign_profile(call.state, server, serials, uuid, call.now_ms, call.item_outcome)
    outcome = {key: "FAILED" if it == "THROTTLED" else it for key, it in answers.items()}
    return {"profile_uuid": uuid, "devices": outcome}


@operation(
    "GET /profile",
    "Get a profile.",
    name="dep.profile",
    auth="session",
    request=(
        String(
            "profile_uuid",
            "Identifier of the profile; case and dashes do not count.",
            place="query",
            required=True,
            missing=errors.PROFILE_UUID_REQUIRED,
            shortest=1,
            invalid=errors.PROFILE_UUID_REQUIRED,
            concept="dep.profile_uuid",
            example="0A1B2C3D4E5F60718293A4B5C6D7E8F9",
            source="PR",
        ),
    ),
    response=in_order(CAPTURED_ORDER, (PROFILE_UUID, *PROFILE_FIELDS)),
    errors=(errors.PROFILE_UUID_REQUIRED, errors.NOT_FOUND),
    docs=f"{DOCS}get-profile",
    source="PR, MM, PE",
)
def get_profile(call: Call) -> Body:
    """Return the profile: all flags with their defaults, the rest where it was set."""
    uuid = call.query.get("profile_uuid")
    if not uuid:
        raise ApiError(errors.PROFILE_UUID_REQUIRED)
    found = find_profile(call.state, call.principal.id, uuid)
    if found is None:
        raise ApiError(errors.NOT_FOUND, "the server has defined no such profile")
    return complete(found)


def complete(profile: Body) -> Body:
    """Return a stored profile as servers and devices see it: with the flags that were not sent."""
    stored = {name: value for name, value in profile["profile"].items() if value not in ("", [])}
    return {"profile_uuid": profile["uuid"]} | FLAGS | stored


def assigned_profile(state: State, device: Device) -> Body | None:
    """Return the profile that a device fetches when it is set up, or None."""
    if device.record["profile_status"] not in ("assigned", "pushed"):
        return None
    found = find_profile(state, device.server, device.record["profile_uuid"])
    return None if found is None else complete(found)
