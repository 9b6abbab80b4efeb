"""APNs: the provider API of the Apple Push Notification service, as an MDM server needs it.

This module is the service as a whole: who may push and the shape of the
answers. The one operation stands in ``push``. Facts come from apns.md, whose
source tags the rows carry.
"""

import hashlib
import json
from typing import Any

from simulator.core.messages import Finding, Goaway, Headers, Response, Tls
from simulator.core.settings import Settings
from simulator.protocol.fields import ErrorCode, String
from simulator.protocol.head import RequestHead
from simulator.protocol.operations import Call
from simulator.protocol.responses import user_agent
from simulator.protocol.service import Issued, Service
from simulator.services.apns import connections, errors, lint, quirks, registry, topics
from simulator.services.apns.credentials import HOSTS, admit, by_credential

_DOCS = "https://developer.apple.com/documentation/usernotifications/"
APNS_ID = "apns-id"
_NO_DATE = ("date", "")
"""Apple's answers have none (apns.md 3.1)."""
STREAMS = 1000
"""Streams of a connection, as last seen (apns.md 1.5)."""
END = b'{"reason":"Shutdown"}'
IDLE = b'{"reason":"IdleTimeout"}'
"""What the GOAWAY of an ending connection says (apns.md 1.6)."""

PUSH_TYPES = (
    "alert",
    "background",
    "complication",
    "controls",
    "fileprovider",
    "liveactivity",
    "location",
    "mdm",
    "pushtotalk",
    "voip",
    "widgets",
)
HEADERS = (
    user_agent("A-SEND"),
    String(
        "authorization",
        "Provider token (JWT); ignored where there is a client certificate.",
        place="header",
        concept="push.provider_token",
        source="A-TOK",
    ),
    String(
        "apns-topic",
        "Topic; may be left out with a certificate for a single one.",
        place="header",
        concept="push.topic",
        source="A-SEND, A-ARCH",
    ),
    String(
        "apns-push-type",
        "What kind of push it is.",
        place="header",
        concept="protocol",
        values=PUSH_TYPES,
        source="A-SEND",
    ),
    String("apns-id", "UUID, echoed.", place="header", concept="protocol", source="A-SEND"),
    String(
        "apns-expiration",
        "Until when it is stored, seconds since the epoch; 0: not at all.",
        place="header",
        concept="protocol",
        source="A-SEND",
        inferred="Without it a push is stored for 30 days, the longest that Apple names.",
    ),
    String(
        "apns-priority",
        "10: now; 5: when it suits the battery; 1: never wakes the device.",
        place="header",
        concept="protocol",
        values=("1", "5", "10"),
        source="A-SEND",
    ),
    String(
        "apns-collapse-id",
        "Pushes with the same id are shown as one; of no use for MDM.",
        place="header",
        concept="push.collapse_id",
        source="A-SEND",
    ),
)


def message_id(call: Call) -> str:
    """Return the apns-id: the client's own byte for byte, else a new one in Apple's shape.

    Apple's are upper-case and no UUID of RFC 4122 (LIVE1, LIVE3).
    """
    sent = call.header(APNS_ID)
    if sent:
        return sent
    for name, value in call.headers:
        if name == APNS_ID:
            return value
    number = call.state.of("").reserve("apns.id")
    digits = hashlib.sha256(f"apns-id|{call.settings.seed}|{number}".encode()).hexdigest()
    made = registry.dashed(digits.upper())
    call.headers.append((APNS_ID, made))
    return made


def answer(call: Call, identifier: str) -> Response:
    """Make the answer: 200 with the id and nothing else; the unique id in development only."""
    headers: Headers = ((APNS_ID, identifier), _NO_DATE)
    if call.read.environment == "development":
        digits = hashlib.sha256(f"apns-unique-id|{identifier}".encode()).hexdigest()
        headers = (*headers, ("apns-unique-id", registry.dashed(digits)))
    notify_topic = call.path["token"].lower()
    return Response(200, headers, notify_topic=notify_topic, streams=_after_success(call))


def first_streams(settings: Settings, tls: Tls | None) -> int:
    """Return how many streams a connection may have open at first.

    One, where it is for APNs by its name and has shown no certificate: Apple
    raises it once a token was accepted (A-SEND).
    """
    bare = tls is not None and tls.sni.lower() in HOSTS and not tls.client_certificate
    return 1 if bare and settings.push_streams != "fixed" else STREAMS


def _after_success(call: Call) -> int | None:
    if call.settings.push_streams == "fixed" and not call.has(quirks.ONE_STREAM):
        return None
    return STREAMS


def _after_refusal(call: Call) -> int | None:
    odd = call.settings.push_streams == "historic" or call.has(quirks.ONE_STREAM)
    return 1 if odd else None


def refuse(call: Call, row: ErrorCode) -> Response:
    """Make the answer of an error row: the reason as JSON, or the end of the connection."""
    if not (call.header("apns-topic") or lint.MDM).startswith(lint.MDM):
        lint.forgive(call)
    body: dict[str, Any] = {"reason": row.code}
    if row in (errors.UNREGISTERED, errors.EXPIRED_TOKEN):
        found = registry.find(call.state, call.path.get("token", ""))
        since_ms = found.since_ms if found is not None else call.now_ms
        body["timestamp"] = call.given.get("timestamp", since_ms)
    content = json.dumps(body, separators=(",", ":")).encode()
    headers = (("content-type", "application/json"), (APNS_ID, message_id(call)), _NO_DATE)
    way = call.settings.bad_certificate
    if row in errors.ENDS_CONNECTION and way != "response":
        told = call.settings.goaway_last_stream == "current" or connections.is_storm(call)
        goaway = Goaway(content, processed=told)
        silent = way == "silence"
        return Response(
            row.status, headers, content, goaway=None if silent else goaway, silent=silent
        )
    return Response(
        row.status,
        headers,
        content,
        close=_is_enough(call, row),
        streams=_after_refusal(call),
    )


def _is_enough(call: Call, row: ErrorCode) -> bool:
    """Tell whether the connection has had too many refusals; those of dead tokens are none."""
    budget = call.settings.error_budget
    if not budget or row in (errors.UNREGISTERED, errors.EXPIRED_TOKEN):
        return False
    return connections.spend(call, 2 if row is errors.BAD_DEVICE_TOKEN else 1) >= budget


def _note_authorization(head: RequestHead) -> None:
    """Note a provider token beside a certificate, which APNs does not look at (A-SEND)."""
    if head.tls is not None and head.tls.client_certificate and head.header("authorization"):
        text = "with a client certificate the provider token is ignored: leave it out"
        head.note(Finding("push-two-credentials", "header", "authorization", text))


SERVICE = Service(
    name="apns",
    about="Apple Push Notification service, provider API over HTTP/2.",
    hosts=HOSTS,
    docs=f"{_DOCS}sending-notification-requests-to-apns",
    newest=0,
    headers=HEADERS,
    errors=errors.COMMON,
    quirks=quirks.ALL,
    malformed=errors.PAYLOAD_EMPTY,
    not_found=errors.BAD_PATH,
    not_allowed=errors.METHOD_NOT_ALLOWED,
    too_large=errors.PAYLOAD_TOO_LARGE,
    wrong_type=errors.PAYLOAD_EMPTY,
    broken=errors.INTERNAL_SERVER_ERROR,
    gate=_note_authorization,
    recognise={"credential": by_credential},
    admit={"credential": admit},
    client_certificates=True,
    answer=answer,
    refuse=refuse,
    methods=("POST",),
    issues=(
        Issued("push.token", registry.TOKEN),
        Issued("push.magic", registry.TOKEN, "magic"),
        Issued("push.magic", registry.SHARER, "magic"),
        Issued("push.topic", topics.TOPIC),
    ),
    judges_bodies=False,
)
