"""``POST /3/device/<token>``: one push.

The checks stand in a table, in the order recommended by apns.md 3.3, which is
consistent with all that was seen live; the order inside a group is not known.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any

from simulator.messages import Finding
from simulator.protocol.fields import String
from simulator.protocol.operations import ApiError, Call, ErrorCode, operation
from simulator.services.apns import PUSH_TYPES, errors, message_id, registry
from simulator.services.apns.registry import DeviceToken, Push

_DOCS = "https://developer.apple.com/documentation/usernotifications/"
_MDM = "com.apple.mgmt."
_ONCE = (
    "apns-topic",
    "apns-push-type",
    "apns-id",
    "apns-expiration",
    "apns-priority",
    "apns-collapse-id",
    "authorization",
)
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")
_LONGEST_COLLAPSE_ID = 64
_LARGEST = 4096
_LARGEST_VOIP = 5120
_TOKEN_DIGITS = 64
_LONGEST_TOKEN_DIGITS = 200
"""100 bytes: what the archived documentation names as the most (A-OLD)."""


def _header(call: Call, name: str) -> str:
    return call.request.header(name) or ""


def _duplicates(call: Call) -> bool:
    names = [name.lower() for name, _ in call.request.headers]
    return any(names.count(name) > 1 for name in _ONCE)


def _bad_id(call: Call) -> bool:
    sent = call.request.header("apns-id")
    return sent is not None and not _UUID.fullmatch(sent)


def _bad_expiration(call: Call) -> bool:
    sent = call.request.header("apns-expiration")
    return sent is not None and not (sent.isascii() and sent.isdigit() and len(sent) < 16)  # noqa: PLR2004 (beyond any date)


def _bad_priority(call: Call) -> bool:
    return _header(call, "apns-priority") not in ("", "1", "5", "10")


def _bad_push_type(call: Call) -> bool:
    return _header(call, "apns-push-type") not in ("", *PUSH_TYPES)


def _bad_collapse_id(call: Call) -> bool:
    return len(_header(call, "apns-collapse-id").encode()) > _LONGEST_COLLAPSE_ID


def topic(call: Call) -> str:
    """Return the topic: the header's, or the only one of the certificate."""
    return _header(call, "apns-topic") or call.principal.id


def _missing_topic(call: Call) -> bool:
    own = call.principal.id.split("\n")
    return not _header(call, "apns-topic") and (len(own) != 1 or not own[0])


def _bad_topic(call: Call) -> bool:
    return bool(call.principal.id) and topic(call) not in call.principal.id.split("\n")


def _disallowed_topic(call: Call) -> bool:
    return not call.principal.id and topic(call).startswith(_MDM)


def _missing_token(call: Call) -> bool:
    return not call.path["token"]


def _bad_token(call: Call) -> bool:
    token = call.path["token"]
    if not registry.is_hex(token) or len(token) > _LONGEST_TOKEN_DIGITS:
        return True
    strict = call.settings.token_size == "strict"  # noqa: S105 (a size, no password)
    return strict and len(token) < _TOKEN_DIGITS


def _empty(call: Call) -> bool:
    return not call.request.body


def _too_large(call: Call) -> bool:
    voip = _header(call, "apns-push-type") == "voip"
    return len(call.request.body) > (_LARGEST_VOIP if voip else _LARGEST)


def _device(call: Call) -> DeviceToken | None:
    return registry.find(call.state, call.path["token"])


def _unknown(call: Call) -> bool:
    return call.settings.unknown_tokens == "refuse" and _device(call) is None


def _of_other_topic(call: Call) -> bool:
    device = _device(call)
    return device is not None and device.topic != topic(call)


def _in_state(state: str) -> Callable[[Call], bool]:
    def check(call: Call) -> bool:
        device = _device(call)
        return device is not None and device.state == state

    return check


def _throttled(call: Call) -> bool:
    device = _device(call)
    return device is not None and device.throttled_until_ms > call.now_ms


CHECKS: tuple[tuple[Callable[[Call], bool], ErrorCode], ...] = (
    (_duplicates, errors.DUPLICATE_HEADERS),
    (_bad_id, errors.BAD_MESSAGE_ID),
    (_bad_expiration, errors.BAD_EXPIRATION_DATE),
    (_bad_priority, errors.BAD_PRIORITY),
    (_bad_push_type, errors.INVALID_PUSH_TYPE),
    (_bad_collapse_id, errors.BAD_COLLAPSE_ID),
    (_missing_topic, errors.MISSING_TOPIC),
    (_bad_topic, errors.BAD_TOPIC),
    (_disallowed_topic, errors.TOPIC_DISALLOWED),
    (_missing_token, errors.MISSING_DEVICE_TOKEN),
    (_bad_token, errors.BAD_DEVICE_TOKEN),
    (_empty, errors.PAYLOAD_EMPTY),
    (_too_large, errors.PAYLOAD_TOO_LARGE),
    (_unknown, errors.BAD_DEVICE_TOKEN),
    (_of_other_topic, errors.DEVICE_TOKEN_NOT_FOR_TOPIC),
    (_in_state("unregistered"), errors.UNREGISTERED),
    (_in_state("expired"), errors.EXPIRED_TOKEN),
    (_throttled, errors.TOO_MANY_REQUESTS),
)


@operation(
    "POST /3/device/{token}",
    "Send a push to a device.",
    name="apns.push",
    auth="credential",
    request=(
        String(
            "token",
            "Device token, hexadecimal.",
            place="path",
            required=True,
            concept="push.token",
            example="a1" * 32,
            source="A-SEND",
        ),
        String(
            "mdm",
            "The device's PushMagic; it is the whole payload of an MDM push.",
            concept="push.magic",
            example="7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40",
            source="A-MDMCMD",
        ),
    ),
    errors=tuple(dict.fromkeys(row for _, row in CHECKS)),
    docs=f"{_DOCS}sending-notification-requests-to-apns",
    source="A-SEND, A-RESP, A-MDMCMD",
    inferred="The order of the checks after authentication.",
)
def push(call: Call) -> None:
    """Take the push and keep it for the device, in place of one that waits."""
    _lint(call)
    for fails, row in CHECKS:
        if fails(call):
            raise ApiError(row)
    token = call.path["token"].lower()
    device = registry.find(call.state, token)
    magic = call.body.get("mdm", "")
    if device is not None and magic != device.magic:
        text = "the payload's mdm is not the device's PushMagic: it will stay silent"
        _note(call, "push-magic", "body", "/mdm", text)
    sent = _header(call, "apns-expiration")
    expires_ms = int(sent) * 1000 if sent else call.now_ms + registry.STORED_MS
    waiting = Push(
        message_id(call),
        topic(call),
        call.request.body.decode(errors="replace"),
        magic,
        device is None or magic == device.magic,
        call.now_ms,
        max(expires_ms, call.now_ms + registry.GRACE_MS),
    )
    registry.store(call.state, token, waiting)


def _note(call: Call, rule: str, part: str, at: str, text: str) -> None:
    call.exchange.findings.append(Finding(rule, part, at, text))


def _lint(call: Call) -> None:
    """Note what APNs says nothing about and what yet keeps an MDM push from working."""
    is_mdm = topic(call).startswith(_MDM)
    kind = _header(call, "apns-push-type")
    if is_mdm and kind not in ("", "mdm"):
        text = "a push to an MDM topic is of type mdm"
        _note(call, "push-type", "header", "apns-push-type", text)
    if is_mdm and "aps" in _payload(call):
        text = "an MDM payload holds mdm and nothing else: leave aps out"
        _note(call, "push-aps", "body", "/aps", text)
    token = call.path["token"]
    if not registry.is_hex(token) and _is_base64(token):
        text = "the token is base64, as the check-in's plist shows it: send its bytes as hex"
        _note(call, "push-token-base64", "path", "{token}", text)
    identifier = _header(call, "apns-id")
    if identifier != identifier.lower():
        text = "apns-id is documented in lower case"
        _note(call, "push-id-case", "header", "apns-id", text)


def _payload(call: Call) -> dict[str, Any]:
    try:
        tree = json.loads(call.request.body)
    except ValueError:
        return {}
    return tree if isinstance(tree, dict) else {}


def _is_base64(token: str) -> bool:
    try:
        return bool(base64.b64decode(token.replace("%2F", "/").replace("%2B", "+"), validate=True))
    except (binascii.Error, ValueError):
        return False
