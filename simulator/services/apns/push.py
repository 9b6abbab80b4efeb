"""``POST /3/device/<token>``: one push.

The checks stand in a table, in the order recommended by apns.md 3.3, which is
consistent with all that was seen live; the order inside a group is not known.
"""

import re
from collections.abc import Callable

from msgspec import Struct

from simulator.protocol.fields import ErrorCode, String
from simulator.protocol.head import RequestHead
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.apns import PUSH_TYPES, errors, lint, message_id, pushes, quirks, registry
from simulator.services.apns.credentials import environment
from simulator.services.apns.pushes import Push
from simulator.services.apns.registry import DeviceToken

_DOCS = "https://developer.apple.com/documentation/usernotifications/"
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
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,255}")
_LONGEST_COLLAPSE_ID = 64
_LARGEST = 4096
_LARGEST_VOIP = 5120
_TOKEN_DIGITS = 64
_LONGEST_TOKEN_DIGITS = 200
"""100 bytes: what the archived documentation names as the most (A-OLD)."""


class PushHead(Struct, frozen=True):
    """What the head of a push says."""

    topic: str
    """The header's, or the only one of the certificate."""
    kind: str
    """``apns-push-type``; empty if there is none."""
    environment: str
    """``development`` or ``production``."""
    is_mdm: bool
    checks: tuple[tuple["PushCheck", ErrorCode], ...]
    """Those of `CHECKS` that the head alone does not settle, or that it fails."""

    @classmethod
    def of(cls, head: RequestHead) -> "PushHead":
        """Read it; the values of apns-id and apns-expiration differ from push to push."""
        topic = head.header("apns-topic") or head.principal.id
        checks = tuple(
            (of_push, row) for of_head, of_push, row in CHECKS if of_head is None or of_head(head)
        )
        kind = head.header("apns-push-type") or ""
        return cls(topic, kind, environment(head), topic.startswith(lint.MDM), checks)


class PushContext(Struct):
    """One push as it is checked."""

    call: Call
    head: PushHead
    token: str
    """As it was sent."""
    is_hex: bool
    """Whether the token is whole bytes in hexadecimal."""
    device: DeviceToken | None


HeadCheck = Callable[[RequestHead], bool]
PushCheck = Callable[[PushContext], bool]


def _fails(_: PushContext) -> bool:
    return True


def _duplicates(head: RequestHead) -> bool:
    return any(head.count(name) > 1 for name in _ONCE)


def _has_id(head: RequestHead) -> bool:
    return head.count("apns-id") > 0


def _bad_id(push: PushContext) -> bool:
    return not _UUID.fullmatch(push.call.names["apns-id"])


def _has_expiration(head: RequestHead) -> bool:
    return head.count("apns-expiration") > 0


def _bad_expiration(push: PushContext) -> bool:
    sent = push.call.names["apns-expiration"]
    return not (sent.isascii() and sent.isdigit() and len(sent) < 16)  # noqa: PLR2004 (beyond any date)


def _bad_priority(head: RequestHead) -> bool:
    return head.header("apns-priority") not in (None, "", "1", "5", "10")


def _bad_push_type(head: RequestHead) -> bool:
    return (head.header("apns-push-type") or PUSH_TYPES[0]) not in PUSH_TYPES


def _bad_collapse_id(head: RequestHead) -> bool:
    return len((head.header("apns-collapse-id") or "").encode()) > _LONGEST_COLLAPSE_ID


def _missing_topic(head: RequestHead) -> bool:
    own = head.principal.id
    return not head.header("apns-topic") and (not own or "\n" in own)


def _bad_topic(head: RequestHead) -> bool:
    return not _TOPIC.fullmatch(head.header("apns-topic") or "x")


def _disallowed_topic(head: RequestHead) -> bool:
    own = head.principal.id
    topic = head.header("apns-topic") or own
    if own:
        return topic not in own.split("\n")
    if not topic.startswith(lint.MDM):
        return False
    return head.settings.mdm_by_token == "refuse"  # noqa: S105 (a choice, no password)


def _missing_token(push: PushContext) -> bool:
    return not push.token


def _bad_token(push: PushContext) -> bool:
    if not push.is_hex or len(push.token) > _LONGEST_TOKEN_DIGITS:
        return True
    strict = push.call.settings.token_size == "strict"  # noqa: S105 (a size, no password)
    return strict and len(push.token) < _TOKEN_DIGITS


def _empty(push: PushContext) -> bool:
    return not push.call.request.body


def _too_large(push: PushContext) -> bool:
    limit = _LARGEST_VOIP if push.head.kind == "voip" else _LARGEST
    return len(push.call.request.body) > limit


def _unknown(push: PushContext) -> bool:
    return push.device is None and push.call.settings.unknown_tokens == "refuse"


def _of_other_environment(push: PushContext) -> bool:
    device = push.device
    return device is not None and device.environment not in ("", push.head.environment)


def _of_other_topic(push: PushContext) -> bool:
    return _is_of_other_topic(push) and not push.call.has(quirks.SILENT_TOPIC)


def _is_of_other_topic(push: PushContext) -> bool:
    return push.device is not None and push.device.topic != push.head.topic


def _unregistered(push: PushContext) -> bool:
    return push.device is not None and push.device.state == "unregistered"


def _expired(push: PushContext) -> bool:
    return push.device is not None and push.device.state == "expired"


def _throttled(push: PushContext) -> bool:
    call, device = push.call, push.device
    if device is not None and device.throttled_until_ms > call.now_ms:
        return True
    rate = call.settings.token_rate
    return rate > 0 and pushes.is_too_many(call.state, push.token.lower(), call.now_ms, rate)


CHECKS: tuple[tuple[HeadCheck | None, PushCheck, ErrorCode], ...] = (
    (_duplicates, _fails, errors.DUPLICATE_HEADERS),
    (_has_id, _bad_id, errors.BAD_MESSAGE_ID),
    (_has_expiration, _bad_expiration, errors.BAD_EXPIRATION_DATE),
    (_bad_priority, _fails, errors.BAD_PRIORITY),
    (_bad_push_type, _fails, errors.INVALID_PUSH_TYPE),
    (_bad_collapse_id, _fails, errors.BAD_COLLAPSE_ID),
    (_missing_topic, _fails, errors.MISSING_TOPIC),
    (_bad_topic, _fails, errors.BAD_TOPIC),
    (_disallowed_topic, _fails, errors.TOPIC_DISALLOWED),
    (None, _missing_token, errors.MISSING_DEVICE_TOKEN),
    (None, _bad_token, errors.BAD_DEVICE_TOKEN),
    (None, _empty, errors.PAYLOAD_EMPTY),
    (None, _too_large, errors.PAYLOAD_TOO_LARGE),
    (None, _unknown, errors.BAD_DEVICE_TOKEN),
    (None, _of_other_environment, errors.BAD_DEVICE_TOKEN),
    (None, _of_other_topic, errors.DEVICE_TOKEN_NOT_FOR_TOPIC),
    (None, _unregistered, errors.UNREGISTERED),
    (None, _expired, errors.EXPIRED_TOKEN),
    (None, _throttled, errors.TOO_MANY_REQUESTS),
)
"""A check and its refusal. What stands first lets it drop out by the head alone."""


@operation(
    "POST /3/device/{token}",
    "Send a push to a device.",
    name="apns.push",
    auth="credential",
    read_head=PushHead.of,
    runs_inline=True,
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
    errors=tuple(dict.fromkeys(row for _, _, row in CHECKS)),
    docs=f"{_DOCS}sending-notification-requests-to-apns",
    source="A-SEND, A-RESP, A-MDMCMD",
    inferred="The order of the checks after authentication.",
)
def push(call: Call) -> str:
    """Take the push and keep it for the device, in place of one that waits; return its id."""
    head: PushHead = call.read
    token, state = call.path["token"], call.state
    key = token.lower()
    context = PushContext(call, head, token, registry.is_hex(token), registry.find(state, key))
    lint.note(call, head.kind if head.is_mdm else None, token, is_hex=context.is_hex)
    for fails, row in head.checks:
        if fails(context):
            raise ApiError(row)
    identifier, device = message_id(call), context.device
    if _is_of_other_topic(context):
        return identifier
    magic = call.body.get("mdm", "")
    matches = True
    if device is not None and head.is_mdm:
        matches = registry.knows(state, device, magic)
        if not matches:
            lint.note_magic(call)
    waiting = Push(
        identifier,
        head.topic,
        call.request.body.decode(errors="replace"),
        magic,
        matches,
        call.now_ms,
        pushes.expiry_ms(call.header("apns-expiration"), call.now_ms),
    )
    pushes.store(state, device, key, waiting)
    return identifier
