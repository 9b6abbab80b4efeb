"""``POST /3/device/<token>``: one push.

The checks stand in a table, in the order recommended by apns.md 3.3, which is
consistent with all that was seen live; the order inside a group is not known.
"""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from simulator.core.messages import named
from simulator.protocol.fields import ErrorCode, String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.apns import PUSH_TYPES, errors, lint, message_id, quirks, registry
from simulator.services.apns.credentials import environment
from simulator.services.apns.registry import DeviceToken, Push

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


class Asked(Struct):
    """One push as it is judged."""

    call: Call
    topic: str
    """The header's, or the only one of the certificate."""
    token: str
    """As it was sent."""
    kind: str
    """``apns-push-type``; empty if there is none."""
    device: DeviceToken | None
    named: Mapping[str, str]
    """Its header fields, the first of each name."""

    def header(self, name: str) -> str | None:
        """Return the first value of a header field, or None."""
        return self.named.get(name)

    @classmethod
    def of(cls, call: Call) -> "Asked":
        """Make it of the call."""
        token, sent = call.path["token"], named(call.request.headers)
        return cls(
            call,
            sent.get("apns-topic") or call.principal.id,
            token,
            sent.get("apns-push-type") or "",
            registry.find(call.state, token),
            sent,
        )


def _duplicates(asked: Asked) -> bool:
    sent = asked.call.request.headers
    if len(asked.named) == len(sent):
        return False
    names = [name.lower() for name, _ in sent]
    return any(names.count(name) > 1 for name in _ONCE)


def _bad_id(asked: Asked) -> bool:
    sent = asked.header("apns-id")
    return sent is not None and not _UUID.fullmatch(sent)


def _bad_expiration(asked: Asked) -> bool:
    sent = asked.header("apns-expiration")
    return sent is not None and not (sent.isascii() and sent.isdigit() and len(sent) < 16)  # noqa: PLR2004 (beyond any date)


def _bad_priority(asked: Asked) -> bool:
    return asked.header("apns-priority") not in (None, "", "1", "5", "10")


def _bad_push_type(asked: Asked) -> bool:
    return bool(asked.kind) and asked.kind not in PUSH_TYPES


def _bad_collapse_id(asked: Asked) -> bool:
    sent = asked.header("apns-collapse-id")
    return sent is not None and len(sent.encode()) > _LONGEST_COLLAPSE_ID


def _missing_topic(asked: Asked) -> bool:
    own = asked.call.principal.id
    return not asked.header("apns-topic") and (not own or "\n" in own)


def _bad_topic(asked: Asked) -> bool:
    return not _TOPIC.fullmatch(asked.header("apns-topic") or "x")


def _disallowed_topic(asked: Asked) -> bool:
    if own := asked.call.principal.id:
        return asked.topic not in own.split("\n")
    if not asked.topic.startswith(lint.MDM):
        return False
    return asked.call.settings.mdm_by_token == "refuse"  # noqa: S105 (a choice, no password)


def _missing_token(asked: Asked) -> bool:
    return not asked.token


def _bad_token(asked: Asked) -> bool:
    token = asked.token
    if not registry.is_hex(token) or len(token) > _LONGEST_TOKEN_DIGITS:
        return True
    strict = asked.call.settings.token_size == "strict"  # noqa: S105 (a size, no password)
    return strict and len(token) < _TOKEN_DIGITS


def _empty(asked: Asked) -> bool:
    return not asked.call.request.body


def _too_large(asked: Asked) -> bool:
    limit = _LARGEST_VOIP if asked.kind == "voip" else _LARGEST
    return len(asked.call.request.body) > limit


def _unknown(asked: Asked) -> bool:
    return asked.device is None and asked.call.settings.unknown_tokens == "refuse"


def _of_other_environment(asked: Asked) -> bool:
    device = asked.device
    return device is not None and device.environment not in ("", environment(asked.call))


def _of_other_topic(asked: Asked) -> bool:
    return _is_of_other_topic(asked) and not asked.call.has(quirks.SILENT_TOPIC)


def _is_of_other_topic(asked: Asked) -> bool:
    return asked.device is not None and asked.device.topic != asked.topic


def _unregistered(asked: Asked) -> bool:
    return asked.device is not None and asked.device.state == "unregistered"


def _expired(asked: Asked) -> bool:
    return asked.device is not None and asked.device.state == "expired"


def _throttled(asked: Asked) -> bool:
    call, device = asked.call, asked.device
    if device is not None and device.throttled_until_ms > call.now_ms:
        return True
    rate = call.settings.token_rate
    return rate > 0 and registry.is_too_many(call.state, asked.token.lower(), call.now_ms, rate)


CHECKS: tuple[tuple[Callable[[Asked], bool], ErrorCode], ...] = (
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
    (_of_other_environment, errors.BAD_DEVICE_TOKEN),
    (_of_other_topic, errors.DEVICE_TOKEN_NOT_FOR_TOPIC),
    (_unregistered, errors.UNREGISTERED),
    (_expired, errors.EXPIRED_TOKEN),
    (_throttled, errors.TOO_MANY_REQUESTS),
)


@operation(
    "POST /3/device/{token}",
    "Send a push to a device.",
    name="apns.push",
    auth="credential",
    is_brief=True,
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
    asked = Asked.of(call)
    lint.note(call, asked.topic, asked.token)
    for fails, row in CHECKS:
        if fails(asked):
            raise ApiError(row)
    if _is_of_other_topic(asked):
        return
    device, magic = asked.device, call.body.get("mdm", "")
    matches = True
    if device is not None and asked.topic.startswith(lint.MDM):
        matches = registry.knows(call.state, device, magic)
        if not matches:
            lint.note_magic(call)
    waiting = Push(
        message_id(call),
        asked.topic,
        call.request.body.decode(errors="replace"),
        magic,
        matches,
        call.now_ms,
        registry.expiry_ms(call.request.header("apns-expiration"), call.now_ms),
    )
    registry.store(call.state, device, asked.token.lower(), waiting)
