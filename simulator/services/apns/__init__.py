"""APNs: the provider API of the Apple Push Notification service, as an MDM server needs it.

This module is the service as a whole: who may push and the shape of the
answers. The one operation stands in ``push``. Facts come from apns.md, whose
source tags the rows carry.
"""

import hashlib
import json
from typing import Any

from simulator.auth import provider_token
from simulator.messages import Finding, Goaway, Response
from simulator.pki.push import read_push_certificate
from simulator.protocol.fields import String
from simulator.protocol.operations import ApiError, Call, ErrorCode, Principal, Service
from simulator.services.apns import errors, registry

_DOCS = "https://developer.apple.com/documentation/usernotifications/"
_DEVELOPMENT = ("api.sandbox.push.apple.com", "api.development.push.apple.com")
APNS_ID = "apns-id"
_NO_DATE = ("date", "")
"""Apple's answers have none (apns.md 3.1)."""

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
    String(
        "user-agent",
        "Product and version of the client.",
        place="header",
        concept="net.user_agent",
        source="A-SEND",
    ),
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


def environment(call: Call) -> str:
    """Return ``development`` or ``production``, by the host that was asked."""
    host = (call.request.header("host") or "").lower().partition(":")[0]
    return "development" if host in _DEVELOPMENT else "production"


def by_credential(call: Call) -> Principal:
    """Recognise the client certificate, or else the provider token."""
    tls = call.request.peer.tls
    if tls is not None and tls.client_certificate:
        return _by_certificate(call, tls.client_certificate)
    header = call.request.header("authorization")
    if header is not None:
        return _by_token(call, header)
    if call.settings.push_auth == "none":
        return _by_topic(call)
    raise ApiError(errors.MISSING_PROVIDER_TOKEN, "show the client certificate of the push topic")


def _by_certificate(call: Call, der: bytes) -> Principal:
    identity = read_push_certificate(der)
    names = identity.topics or ((identity.topic,) if identity.topic else ())
    found = [body for name in names if (body := registry.topic_of(call.state, name))]
    serial = f"{identity.serial:x}"
    now_ms = call.now_ms
    if not found:
        raise ApiError(errors.BAD_CERTIFICATE, "no organisation has the certificate's topic")
    if {"*", serial} & set(found[0]["revoked"]):
        raise ApiError(errors.BAD_CERTIFICATE, "the certificate was revoked")
    if (
        not identity.not_before.timestamp() * 1000
        <= now_ms
        <= identity.not_after.timestamp() * 1000
    ):
        raise ApiError(errors.BAD_CERTIFICATE, "the certificate is not valid at this time")
    if environment(call) not in identity.environments:
        text = f"the certificate is not for {environment(call)}"
        raise ApiError(errors.BAD_CERTIFICATE_ENVIRONMENT, text)
    organisation = found[0]["organisation"]
    return Principal(organisation, f"apns:{names[0]}", "\n".join(names))


def _by_token(call: Call, header: str) -> Principal:
    keys = {
        one.key: (one.body["team"], one.body["public_key"].encode())
        for one in call.state.scan(registry.KEY, limit=1000)
    }
    token = provider_token.read(header)
    reason = provider_token.check(token, keys, call.now_ms)
    if reason or token is None:
        rows = {row.code: row for row in errors.COMMON}
        raise ApiError(rows.get(reason, errors.INVALID_PROVIDER_TOKEN))
    found = call.state.get(registry.KEY, token.key_id)
    organisation = found.body["organisation"] if found is not None else ""
    return Principal(organisation, f"apns:key:{token.key_id}", "")


def _by_topic(call: Call) -> Principal:
    """Recognise nobody, but whose topic it is: for clients that cannot show a credential."""
    topic = call.request.header("apns-topic") or ""
    body = registry.topic_of(call.state, topic)
    if body is None:
        found = call.state.scan(registry.TOPIC, limit=2)
        if topic or len(found) != 1:
            raise ApiError(errors.BAD_TOPIC, "no organisation has the topic: send apns-topic")
        topic, body = found[0].key, found[0].body
    return Principal(body["organisation"], f"apns:{topic}", topic)


def message_id(call: Call) -> str:
    """Return the apns-id: the client's own byte for byte, else a new one in Apple's shape.

    Apple's are upper-case and no UUID of RFC 4122 (LIVE1, LIVE3).
    """
    sent = call.request.header(APNS_ID)
    if sent:
        return sent
    for name, value in call.headers:
        if name == APNS_ID:
            return value
    number = call.state.of("").reserve("apns.id")
    digits = hashlib.sha256(f"apns-id|{call.settings.seed}|{number}".encode()).hexdigest().upper()
    made = registry.dashed(digits)
    call.headers.append((APNS_ID, made))
    return made


def answer(call: Call, _: Any) -> Response:
    """Make the answer: 200 with the id and nothing else; the unique id in development only."""
    identifier = message_id(call)
    headers = [(APNS_ID, identifier), _NO_DATE]
    if environment(call) == "development":
        digits = hashlib.sha256(f"apns-unique-id|{identifier}".encode()).hexdigest()
        headers.append(("apns-unique-id", registry.dashed(digits)))
    wakes = call.path.get("token", "").lower()
    return Response(200, tuple(headers), wakes=wakes)


def refuse(call: Call, row: ErrorCode) -> Response:
    """Make the answer of an error row: the reason as JSON, or the end of the connection."""
    body: dict[str, Any] = {"reason": row.code}
    if row in (errors.UNREGISTERED, errors.EXPIRED_TOKEN):
        found = registry.find(call.state, call.path.get("token", ""))
        body["timestamp"] = found.since_ms if found is not None else call.now_ms
    content = json.dumps(body, separators=(",", ":")).encode()
    headers = (("content-type", "application/json"), (APNS_ID, message_id(call)), _NO_DATE)
    goaway = None
    if row in errors.ENDS_CONNECTION:
        goaway = Goaway(content, processed=call.settings.goaway_last_stream == "current")
    return Response(row.status, headers, content, goaway=goaway)


def _no_version(call: Call) -> None:
    """Do nothing: the path holds the version."""
    call.exchange.version = 0


def _note_authorization(call: Call) -> None:
    """Note a provider token beside a certificate, which APNs does not look at (A-SEND)."""
    tls = call.request.peer.tls
    if tls is not None and tls.client_certificate and call.request.header("authorization"):
        text = "with a client certificate the provider token is ignored: leave it out"
        finding = Finding("push-two-credentials", "header", "authorization", text)
        call.exchange.findings.append(finding)


SERVICE = Service(
    name="apns",
    about="Apple Push Notification service, provider API over HTTP/2.",
    hosts=("api.push.apple.com", *_DEVELOPMENT),
    docs=f"{_DOCS}sending-notification-requests-to-apns",
    newest=0,
    headers=HEADERS,
    errors=errors.COMMON,
    malformed=errors.PAYLOAD_EMPTY,
    not_found=errors.BAD_PATH,
    not_allowed=errors.METHOD_NOT_ALLOWED,
    too_large=errors.PAYLOAD_TOO_LARGE,
    wrong_type=errors.PAYLOAD_EMPTY,
    broken=errors.INTERNAL_SERVER_ERROR,
    version=_no_version,
    gate=_note_authorization,
    authenticate={"credential": by_credential},
    answer=answer,
    refuse=refuse,
    judges_bodies=False,
)
