"""Where the enrolment profile comes from: Apple's assignment, a profile service, a file."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment import machine_info
from simulator.devices.enrolment.installing import identity_of
from simulator.devices.enrolment.profile import MDM, SCEP, Profile, read_profile
from simulator.devices.errors import enrolment_failed, profile_invalid
from simulator.devices.flow import OK, Flow, FlowResponse, Send, perform
from simulator.devices.identity import Identity
from simulator.devices.plists import read_dictionary
from simulator.devices.records import Body
from simulator.devices.world import DeviceEnvironment

PROFILE = "application/x-apple-aspen-config"
_UPDATE = "com.apple.softwareupdate.required"
_SERVICE = "Profile Service"
_ROUNDS = 3
_FORBIDDEN = 403


def automated_profile(device: VirtualDevice, world: DeviceEnvironment) -> Flow[bytes]:
    """Fetch the enrolment profile from where the assigned DEP profile says (device.md 2).

    A server that asks for an update of the operating system gets it, once.
    """
    identity = yield from machine_info.factory_identity(device, world)
    received = yield from _request(device, world, identity)
    wanted = _update_of(received)
    if wanted is not None:
        device.happened(world.now_ms(), "updated", f"{device.version} -> {wanted['OSVersion']}")
        device.version = str(wanted["OSVersion"])
        device.build = str(wanted.get("BuildVersion", device.build))
        received = yield from _request(device, world, identity)
    if received.status != OK:
        raise enrolment_failed(f"The enrolment profile could not be fetched: {_what(received)}.")
    if received.content_type != PROFILE and received.content_type.startswith("text/html"):
        raise enrolment_failed(
            f"The web page {received.url} waits for a person: it ended with no profile."
        )
    return received.body


def _request(
    device: VirtualDevice, world: DeviceEnvironment, identity: Identity
) -> Flow[FlowResponse]:
    assigned: Mapping[str, Any] = device.assigned or {}
    roots = tuple(base64.b64decode(one) for one in assigned.get("anchor_certs", ()))
    signed = machine_info.sign(machine_info.machine_info(device), identity, world)
    if web := assigned.get("configuration_web_url"):
        return perform(
            Send(
                method="GET",
                url=web,
                headers={machine_info.HEADER: machine_info.header(signed)},
                purpose="web",
                roots=roots,
                redirects=True,
            )
        )
    if device.options.ade_method == "get":
        return perform(
            Send(method="GET", url=assigned["url"], purpose="enrol", roots=roots, redirects=True)
        )
    return perform(
        Send(
            method="POST",
            url=assigned["url"],
            headers={"Content-Type": machine_info.CONTENT_TYPE},
            body=signed,
            purpose="enrol",
            roots=roots,
        )
    )


def _update_of(received: FlowResponse) -> Body | None:
    """Return the details of a demand to update first, or None if it is no such answer."""
    if received.status != _FORBIDDEN:
        return None
    body = _error_body(received)
    details = body.get("details")
    if body.get("code") != _UPDATE or not isinstance(details, dict):
        return None
    return details if isinstance(details.get("OSVersion"), str) else None


def _error_body(received: FlowResponse) -> Body:
    """Return the JSON or property list of an error, empty if there is none."""
    try:
        if "json" in received.content_type:
            body = json.loads(received.body)
            return body if isinstance(body, dict) else {}
        return read_dictionary(received.body, "the error")
    except (ValueError, RecursionError):
        return {}


def _what(received: FlowResponse) -> str:
    if not received.status:
        return received.problem
    code = _error_body(received).get("code")
    return f"status {received.status}" + (f", {code}" if isinstance(code, str) else "")


def profile_at(url: str) -> Flow[bytes]:
    """Fetch the profile that somebody opens in a browser."""
    received = yield from perform(Send(method="GET", url=url, purpose="enrol", redirects=True))
    if received.status != OK:
        raise enrolment_failed(f"The profile could not be fetched: {_what(received)}.")
    return received.body


def resolved(content: bytes, device: VirtualDevice, world: DeviceEnvironment) -> Flow[bytes]:
    """Return the enrolment profile in *content*, or the one that its profile service leads to.

    A profile service is asked twice: signed with the certificate from the factory,
    then with the one that it had the device get (over the air, device.md 2.1).
    """
    service: Profile | None = None
    for _ in range(_ROUNDS):
        profile = read_profile(content)
        if profile.values["PayloadType"] == _SERVICE:
            service = profile
            identity = yield from machine_info.factory_identity(device, world)
        elif service is not None and not profile.of_type(MDM) and profile.of_type(SCEP):
            scep = profile.of_type(SCEP)[0]
            identity = yield from identity_of(scep, device, world, device.roots)
        else:
            return content
        content = yield from _serve(service, identity, device, world)
    raise enrolment_failed("The profile service leads to no enrolment profile.")


def _serve(
    profile: Profile, identity: Identity, device: VirtualDevice, world: DeviceEnvironment
) -> Flow[bytes]:
    asked = profile.values.get("PayloadContent")
    if not isinstance(asked, dict) or not isinstance(asked.get("URL"), str):
        raise profile_invalid("The required field “URL” is missing.")
    attributes = [one for one in asked.get("DeviceAttributes", []) if isinstance(one, str)]
    info = machine_info.requested(device, attributes, str(asked.get("Challenge", "")))
    received = yield from perform(
        Send(
            method="POST",
            url=asked["URL"],
            headers={"Content-Type": machine_info.CONTENT_TYPE},
            body=machine_info.sign(info, identity, world),
            purpose="enrol",
            roots=device.roots,
        )
    )
    if received.status != OK:
        raise enrolment_failed(f"The profile service responded with {_what(received)}.")
    return received.body
