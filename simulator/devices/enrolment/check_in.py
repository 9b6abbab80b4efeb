"""The check-in protocol: what a device tells its MDM beside the results of commands (device.md 5).

Each function sends one message and returns what came back. The same messages
teach the simulator's APNs which token, magic and topic the device has.
"""

import base64
import contextlib
import plistlib
from http import HTTPStatus
from typing import Any

from simulator.devices.device import VirtualDevice
from simulator.devices.errors import enrolment_failed
from simulator.devices.flow import OK, Apple, Flow, FlowResponse, Send, pause, perform
from simulator.devices.records import Body, DeviceUser, Enrolment

CHECK_IN = "application/x-apple-aspen-mdm-checkin"
COMMAND = "application/x-apple-aspen-mdm; charset=UTF-8"
PER_USER = "com.apple.mdm.per-user-connections"
BOOTSTRAP = "com.apple.mdm.bootstraptoken"
TOKENS = "com.apple.mdm.token"
"""Capabilities of servers."""
MILESTONES = frozenset(
    {
        *("Authenticate", "TokenUpdate", "CheckOut", "UserAuthenticate", "ReturnToService"),
        *("SetBootstrapToken", "GetBootstrapToken", "GetToken"),
    }
)
"""Messages that are told in the life of a device; declarative management sends many."""
_UNRECOGNISED = b"com.apple.unrecognized.device"
_CLIENT_ERROR = 4
_BACK_OFF_S = (1, 2, 5, 10, 30)
"""Seconds before the next tries when a server does not answer well. Apple's are not known."""


class UnenrolledError(Exception):
    """The server says that the device is not, or no longer, enrolled (401, or 403 with a code)."""


def identifiers(
    device: VirtualDevice, enrolment: Enrolment, user: DeviceUser | None = None
) -> dict[str, Any]:
    """Return what each message names the device by, and the user on the channel of one."""
    device_id = {"UDID": device.udid}
    if enrolment.user_enrolment:
        device_id = {"EnrollmentID": device.enrolment_id}
    if user is None:
        return device_id
    user_id = "EnrollmentUserID" if enrolment.user_enrolment else "UserID"
    named: dict[str, Any] = {user_id: user.id, "UserShortName": user.name}
    if device.mac:
        named |= {"UserLongName": user.name.title(), "NotOnConsole": False}
    if user.auth_token:
        named["AuthToken"] = user.auth_token  # the key is inferred from the answer's
    return device_id | named


def signed_send(
    device: VirtualDevice,
    enrolment: Enrolment,
    url: str,
    body: bytes,
    content_type: str,
    purpose: str,
) -> Flow[FlowResponse]:
    """Put *body* to the MDM, authenticated as the enrolment profile asks for."""
    identity = enrolment.identity
    headers = {"Content-Type": content_type}
    if enrolment.sign_message:
        headers["Mdm-Signature"] = identity.mdm_signature(body)
    if enrolment.bearer:
        headers["Authorization"] = f"Bearer {enrolment.bearer}"
    if header := device.options.proxy_header:
        headers[header] = f":{base64.b64encode(identity.certificate).decode()}:"
    received = yield from perform(
        Send(
            method="PUT",
            url=url,
            headers=headers,
            body=body,
            purpose=purpose,
            identity=None if enrolment.sign_message else identity,
            roots=device.roots,
        )
    )
    unrecognised = received.status == HTTPStatus.FORBIDDEN and _UNRECOGNISED in received.body
    if received.status == HTTPStatus.UNAUTHORIZED or unrecognised:
        raise UnenrolledError
    return received


def persistently(
    device: VirtualDevice,
    enrolment: Enrolment,
    url: str,
    body: bytes,
    content_type: str,
    purpose: str,
) -> Flow[FlowResponse]:
    """Put *body* to the MDM, again after a while where the server does not answer with 200."""
    received = yield from signed_send(device, enrolment, url, body, content_type, purpose)
    for seconds in _BACK_OFF_S:
        if received.status == OK or received.status // 100 == _CLIENT_ERROR:
            break
        yield from pause(seconds)
        received = yield from signed_send(device, enrolment, url, body, content_type, purpose)
    return received


def _send(device: VirtualDevice, enrolment: Enrolment, message: Body) -> Flow[FlowResponse]:
    return signed_send(
        device,
        enrolment,
        enrolment.check_in_url,
        plistlib.dumps(message),
        CHECK_IN,
        message["MessageType"],
    )


def _about(device: VirtualDevice, enrolment: Enrolment, kind: str) -> dict[str, Any]:
    return {"MessageType": kind, **identifiers(device, enrolment)}


def authenticate(device: VirtualDevice, enrolment: Enrolment) -> Flow[None]:
    """Send Authenticate; DeviceError if the server does not take it."""
    message = _about(device, enrolment, "Authenticate") | {"Topic": enrolment.topic}
    if enrolment.access_rights & 16 or enrolment.user_enrolment:
        message |= {
            "OSVersion": device.version,
            "BuildVersion": device.build,
            "ProductName": device.product,
        }
    if not enrolment.user_enrolment:
        if device.mac:
            message |= {"DeviceName": device.name, "Model": device.product}
            message["ModelName"] = str(device.hardware.get("model", ""))
        if enrolment.access_rights & 16:
            message["SerialNumber"] = device.serial
            for name in ("imei", "meid"):
                if numbers := device.hardware.get(name):
                    message[name.upper()] = numbers[0]
    yield from _taken(device, enrolment, message)


def token_update(device: VirtualDevice, enrolment: Enrolment) -> Flow[None]:
    """Send TokenUpdate; DeviceError if the server does not take it."""
    message = _about(device, enrolment, "TokenUpdate") | {
        "Topic": enrolment.topic,
        "Token": bytes.fromhex(device.push_token),
        "PushMagic": enrolment.magic,
    }
    if enrolment.automated:
        message["AwaitingConfiguration"] = enrolment.awaiting
    if device.unlock_token and not device.mac and not device.shared:
        message["UnlockToken"] = device.unlock_token
    yield from _taken(device, enrolment, message)


def user_token_update(device: VirtualDevice, enrolment: Enrolment, user: DeviceUser) -> Flow[bool]:
    """Open the channel of a user; return whether the server takes it."""
    message = {
        "MessageType": "TokenUpdate",
        **identifiers(device, enrolment, user),
        "Topic": enrolment.topic,
        "Token": bytes.fromhex(user.push_token),
        "PushMagic": user.magic,
    }
    if user.awaiting:
        message["AwaitingConfiguration"] = True
    received = yield from _send(device, enrolment, message)
    if received.status == OK:
        yield from tell_apns(message)
    return received.status == OK


def user_authenticate(
    device: VirtualDevice, enrolment: Enrolment, user: DeviceUser, response: str = ""
) -> Flow[FlowResponse]:
    """Begin the log-in of a network account, or answer the challenge that came (YA)."""
    message = _about(device, enrolment, "UserAuthenticate") | {"UserID": user.id}
    if response:
        message["DigestResponse"] = response
    return _send(device, enrolment, message)


def _taken(device: VirtualDevice, enrolment: Enrolment, message: Body) -> Flow[None]:
    kind = message["MessageType"]
    try:
        received = yield from _send(device, enrolment, message)
        if device.options.lost_answer == kind:
            device.options.lost_answer = ""
            received = yield from _send(device, enrolment, message)
    except UnenrolledError:
        raise enrolment_failed(f"The server refused {kind}: the device is not allowed.") from None
    if received.status != OK:
        what = f"status {received.status}" if received.status else received.problem
        raise enrolment_failed(f"The server did not take {kind}: {what}.")
    yield from tell_apns(message)
    if device.options.stale_token and kind == "TokenUpdate":
        yield from perform(Apple("POST", f"/push-tokens/{device.push_token}/unregister", {}))


def tell_apns(message: Body) -> Flow[FlowResponse]:
    """Show a check-in message to APNs, which knows by it whose the token is."""
    said = yield from perform(Apple("POST", "/push-tokens/checkin", plistlib.dumps(message)))
    return said


def check_out(device: VirtualDevice, enrolment: Enrolment) -> Flow[None]:
    """Say goodbye, if the profile asks for it: one try, whatever the answer."""
    message = _about(device, enrolment, "CheckOut") | {"Topic": enrolment.topic}
    if enrolment.check_out:
        with contextlib.suppress(UnenrolledError):
            yield from _send(device, enrolment, message)
    yield from tell_apns(message)


def set_bootstrap_token(
    device: VirtualDevice, enrolment: Enrolment, token: bytes
) -> Flow[FlowResponse]:
    """Escrow the bootstrap token with the MDM, or remove it: empty."""
    message = _about(device, enrolment, "SetBootstrapToken") | {"BootstrapToken": token}
    if enrolment.automated:
        message["AwaitingConfiguration"] = enrolment.awaiting
    return _send(device, enrolment, message)


def get_bootstrap_token(device: VirtualDevice, enrolment: Enrolment) -> Flow[FlowResponse]:
    """Ask the MDM for the bootstrap token."""
    message = _about(device, enrolment, "GetBootstrapToken")
    if enrolment.automated:
        message["AwaitingConfiguration"] = enrolment.awaiting
    return _send(device, enrolment, message)


def return_to_service(device: VirtualDevice, enrolment: Enrolment) -> Flow[FlowResponse]:
    """Ask the MDM how the device comes back once its user has it erased (iOS 26)."""
    return _send(device, enrolment, _about(device, enrolment, "ReturnToService"))


def get_token(device: VirtualDevice, enrolment: Enrolment, service: str) -> Flow[FlowResponse]:
    """Ask the MDM for a token of a *service*, such as ``com.apple.maid``."""
    message = _about(device, enrolment, "GetToken") | {"TokenServiceType": service}
    return _send(device, enrolment, message)


def declarative(
    device: VirtualDevice,
    enrolment: Enrolment,
    user: DeviceUser | None,
    endpoint: str,
    data: bytes | None = None,
) -> Flow[FlowResponse]:
    """Ask an *endpoint* of declarative management, or give it *data*: JSON.

    *user*: whose channel it is; None: the device's.
    """
    who = identifiers(device, enrolment, user)
    message = {"MessageType": "DeclarativeManagement", **who, "Endpoint": endpoint}
    if data is not None:
        message["Data"] = data
    return _send(device, enrolment, message)
