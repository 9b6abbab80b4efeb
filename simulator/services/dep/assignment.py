"""Assigning profiles to devices, and taking them away."""

from collections.abc import Callable, Iterable

from simulator.core.state import Body, State
from simulator.protocol.fields import Integer, String
from simulator.protocol.operations import ApiError, Call, InjectedOutcome, operation
from simulator.services.dep import errors
from simulator.services.dep.device_rows import (
    DOCS,
    changeable,
    outcomes,
    requested_serials,
    serials,
)
from simulator.services.fleet import at_once
from simulator.services.fleet import devices as fleet

PROFILE = "dep.profile"
PROFILE_UUID = String(
    "profile_uuid", "Identifier of the profile.", concept="dep.profile_uuid", source="AD"
)


def plain_uuid(text: str) -> str:
    """Return a profile's identifier as it is stored; dashes and case do not count (inferred)."""
    return text.replace("-", "").upper()


def find_profile(state: State, server: str, uuid: str) -> Body | None:
    """Return the profile that *server* defined under *uuid*, or None."""
    found = state.get(PROFILE, plain_uuid(uuid))
    return found.body if found is not None and found.body["server"] == server else None


def assign_profile(
    state: State,
    server: str,
    wanted_serials: Iterable[str],
    uuid: str,
    now_ms: int,
    item_outcome: Callable[[str], InjectedOutcome | None] = lambda _: None,
) -> tuple[dict[str, str], int]:
    """Assign profile *uuid* to the devices; *item_outcome* tells what a fault has chosen.

    Return the outcome by serial number, and the seconds until the last
    throttled device may be tried again (0 if none is).
    """
    answers: dict[str, str] = {}
    changed: list[str] = []
    wait_ms = 0
    for serial, device in fleet.find(state, server, wanted_serials).items():
        if forced := item_outcome(serial):
            answers[serial] = forced.code
            if forced.code == "THROTTLED":
                wait_ms = max(wait_ms, forced.retry_after_s * 1000)
        elif device is None:
            answers[serial] = "NOT_ACCESSIBLE"
        elif device.throttled_until_ms > now_ms:
            answers[serial] = "THROTTLED"
            wait_ms = max(wait_ms, device.throttled_until_ms - now_ms)
        elif device.failing:
            answers[serial] = "FAILED"
        else:
            answers[serial] = "SUCCESS"
            changed.append(serial)
    at_once.change(state, server, changed, {"do": "assign", "uuid": uuid}, now_ms=now_ms)
    return answers, -(-wait_ms // 1000)


@operation(
    "PUT /profile/devices",
    "Assign a profile to devices.",
    name="dep.assign",
    also=("POST",),
    auth="session",
    request=(
        String(
            "profile_uuid",
            "Identifier of the profile.",
            required=True,
            missing=errors.PROFILE_UUID_REQUIRED,
            shortest=1,
            invalid=errors.PROFILE_UUID_REQUIRED,
            concept="dep.profile_uuid",
            example="0A1B2C3D4E5F60718293A4B5C6D7E8F9",
            source="AD",
        ),
        serials("Serial numbers of the devices; Apple advises at most 1000."),
    ),
    response=(
        PROFILE_UUID,
        outcomes(
            "Outcome by serial number.",
            "SUCCESS",
            "NOT_ACCESSIBLE",
            "FAILED",
            "THROTTLED",
            older={"THROTTLED": (9, "FAILED")},
        ),
        Integer(
            "retry_after_seconds",
            "When throttled devices may be tried again.",
            versions="10+",
            concept="protocol",
            source="AD",
        ),
    ),
    errors=(errors.PROFILE_UUID_REQUIRED, errors.DEVICE_ID_REQUIRED, errors.NOT_FOUND),
    docs=f"{DOCS}assign-profile",
    source="AD, PR, live GET /account",
    inferred="PUT (PR) and POST (AD) are the same; depsim knows PUT only.",
)
def assign(call: Call) -> Body:
    """Assign the profile; the outcome is per device."""
    depsim_post = call.settings.dialect == "depsim" and call.request.method == "POST"
    if depsim_post:
        call.headers.append(("Allow", "PUT, DELETE"))
        raise ApiError(errors.METHOD_NOT_ALLOWED)
    uuid = call.body.get("profile_uuid")
    if not uuid:
        raise ApiError(errors.PROFILE_UUID_REQUIRED)
    devices = requested_serials(call)
    profile = find_profile(call.state, call.principal.id, uuid)
    if profile is None:
        raise ApiError(errors.NOT_FOUND, "the server has defined no such profile")
    answers, wait_s = assign_profile(
        call.state, call.principal.id, devices, profile["uuid"], call.now_ms, call.item_outcome
    )
    answer: Body = {"profile_uuid": profile["uuid"], "devices": answers}
    if wait_s:
        answer["retry_after_seconds"] = wait_s
    return answer


@operation(
    "DELETE /profile/devices",
    "Take the profile away from devices.",
    name="dep.clear",
    auth="session",
    request=(
        serials("Serial numbers of the devices."),
        String(
            "profile_uuid",
            "The profile, which is not looked at.",
            concept="dep.profile_uuid",
            source="AD",
        ),
    ),
    response=(outcomes("Outcome by serial number.", "SUCCESS", "NOT_ACCESSIBLE", "FAILED"),),
    errors=(errors.DEVICE_ID_REQUIRED,),
    docs=f"{DOCS}clear-device-profile",
    source="AD",
)
def clear(call: Call) -> Body:
    """Take the profiles away; a device that has fetched its profile keeps it until it is wiped."""
    answers: dict[str, str] = {}
    changed = list(changeable(call, answers))
    server = call.principal.id
    at_once.change(call.state, server, changed, {"do": "clear"}, now_ms=call.now_ms)
    return {"devices": answers}
