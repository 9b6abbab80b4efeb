"""Managed Apple Accounts: the person signs in, and Apple asks for the token of the MDM (more.md 7).

Which of Apple's hosts takes it, and how, is not known: the host is one that
devices sign in at, the rest is the simulator's own.
"""

import json

from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment import check_in
from simulator.devices.flow import OK, Flow, FlowResponse, Send, perform
from simulator.devices.models import IOS, MACOS, VISIONOS, number_of
from simulator.devices.plists import kind, read_dictionary
from simulator.devices.records import Enrolment, ManagedAccount
from simulator.devices.world import DeviceEnvironment

_URL = "https://gsa.apple.com/device/v1/sign-in"
SERVICE = "com.apple.maid"
_SINCE = {IOS: (17,), MACOS: (14,), VISIONOS: (1, 1)}
"""Versions from which on devices ask for tokens (AD:get-token)."""


def sign_in(device: VirtualDevice, world: DeviceEnvironment, account: str) -> Flow[None]:
    """Sign in to *account*: with a token, if the MDM says that it has such tokens."""
    token = yield from _token(device, world)
    body = {"account": account, "supervised": device.supervised}
    content = json.dumps(body | ({"token": token} if token else {})).encode()
    received = yield from perform(
        Send(
            method="POST",
            url=_URL,
            headers={"Content-Type": "application/json"},
            body=content,
            purpose="sign-in",
        )
    )
    problem = _refusal(received)
    device.account = ManagedAccount(account, bool(token), problem)
    what = f"{account}: {problem or 'signed in'}"
    device.happened(world.now_ms(), "account refused" if problem else "account", what)


def _token(device: VirtualDevice, world: DeviceEnvironment) -> Flow[str]:
    """Ask the MDM for a token; empty if it has none, or the device does not ask."""
    enrolment = device.enrolment
    since = _SINCE.get(device.platform)
    if enrolment is None or since is None or number_of(device.version) < since:
        return ""
    if check_in.TOKENS not in enrolment.capabilities:
        return ""
    return (yield from _asked(device, enrolment, world))


def _asked(device: VirtualDevice, enrolment: Enrolment, world: DeviceEnvironment) -> Flow[str]:
    received = yield from check_in.get_token(device, enrolment, SERVICE)
    problem = f"with {received.status or received.problem}"
    if received.status == OK:
        try:
            data = read_dictionary(received.body, "the body").get("TokenData")
        except ValueError as error:
            data, problem = None, f"wrongly: {error}"
        else:
            problem = "without TokenData" if data is None else f"wrongly: TokenData is {kind(data)}"
        if isinstance(data, bytes) and data:
            return data.decode("utf-8", "replace")
    device.happened(world.now_ms(), "finding", f"GetToken was answered {problem}")
    return ""


def _refusal(received: FlowResponse) -> str:
    """Return why Apple refuses the sign-in, empty if it does not."""
    if received.status == OK:
        return ""
    try:
        said = json.loads(received.body)
        return f"{said['code']}: {said['message']}"
    except (ValueError, KeyError, TypeError):
        return f"status {received.status}" if received.status else received.problem
