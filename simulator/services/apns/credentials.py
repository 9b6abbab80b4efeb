"""Who pushes: by client certificate, by provider token, or by topic alone."""

from datetime import datetime
from functools import lru_cache

from simulator.auth import jose, provider_token
from simulator.auth.provider_token import ProviderToken
from simulator.core.messages import Finding
from simulator.pki.push import read_push_certificate
from simulator.protocol.head import Principal, RequestHead
from simulator.protocol.operations import ApiError, Call
from simulator.services.apns import connections, errors, keys, topics

_DEVELOPMENT = ("api.sandbox.push.apple.com", "api.development.push.apple.com")
HOSTS = ("api.push.apple.com", *_DEVELOPMENT)
_read = lru_cache(maxsize=1024)(read_push_certificate)
_read_token = lru_cache(maxsize=1024)(provider_token.read)
_ROWS = {row.code: row for row in errors.COMMON}
_ODD = {
    "iat-float": "iat is a fraction: send whole seconds",
    "iat-string": "iat is a string: send a number",
    "der-signature": "the signature is DER: send R and S, 32 bytes each",
    **jose.DEFECTS,
}


def environment(head: RequestHead) -> str:
    """Return ``development`` or ``production``, by the host that was asked."""
    host = (head.header("host") or "").lower().partition(":")[0]
    return "development" if host in _DEVELOPMENT else "production"


def by_credential(head: RequestHead) -> Principal:
    """Recognise the client certificate, or else the provider token."""
    if der := _certificate(head):
        return _by_certificate(head, der)
    header = head.header("authorization")
    if header is not None:
        return _by_token(head, header)
    if head.settings.push_auth == "none":
        return _by_topic(head)
    raise ApiError(errors.MISSING_PROVIDER_TOKEN, "show the client certificate of the push topic")


def admit(call: Call) -> None:
    """Hold the connection to its provider token, and note how the client uses connections."""
    header = None if _certificate(call) else call.header("authorization")
    if header is not None and (token := _read_token(header)) is not None:
        _bind(call, token, header)
    connections.note_use(call, call.principal.client)


def _certificate(head: RequestHead) -> bytes:
    """Return the client certificate, DER; empty if it showed none."""
    return head.tls.client_certificate if head.tls is not None else b""


def _by_certificate(head: RequestHead, der: bytes) -> Principal:
    identity = _read(der)
    names = identity.topics or ((identity.topic,) if identity.topic else ())
    found = [body for name in names if (body := topics.find(head.state, name))]
    if not found:
        raise ApiError(errors.BAD_CERTIFICATE, "no organisation has the certificate's topic")
    if {"*", f"{identity.serial:x}"} & set(found[0]["revoked"]):
        raise ApiError(errors.BAD_CERTIFICATE, "the certificate was revoked")
    begins_ms, ends_ms = _milliseconds(identity.not_before), _milliseconds(identity.not_after) + 1
    if not begins_ms <= head.time(begins_ms, ends_ms) < ends_ms:
        raise ApiError(errors.BAD_CERTIFICATE, "the certificate is not valid at this time")
    if environment(head) not in identity.environments:
        text = f"the certificate is not for {environment(head)}"
        raise ApiError(errors.BAD_CERTIFICATE_ENVIRONMENT, text)
    return Principal(found[0]["organisation"], f"apns:{names[0]}", "\n".join(names))


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _by_token(head: RequestHead, header: str) -> Principal:
    token = _read_token(header)
    key = None if token is None else keys.find(head.state, token.key_id)
    known = {} if key is None else {key.key_id: (key.team, key.public_key.encode())}
    reason = provider_token.check(token, known, head.time(*provider_token.validity(token)))
    if reason or token is None or key is None:
        raise ApiError(_ROWS.get(reason, errors.INVALID_PROVIDER_TOKEN))
    if key.environment not in ("", environment(head)):
        raise ApiError(errors.BAD_ENVIRONMENT_KEY, f"the key is for {key.environment} only")
    for oddity in token.oddities:
        head.note(Finding("push-token-odd", "header", "authorization", _ODD[oddity]))
    return Principal(key.organisation, f"apns:key:{token.key_id}", "")


def _bind(call: Call, token: ProviderToken, header: str) -> None:
    """Hold the connection to the team and the key that it began with, and for a while the token."""
    bound = connections.bound(call, token, header)
    if bound.team != token.team_id:
        text = "the connection began with another team: open one for each"
        raise ApiError(errors.INVALID_PROVIDER_TOKEN, text)
    if bound.key_id != token.key_id:
        raise ApiError(errors.UNRELATED_KEY_ID, "open another connection for another key")
    if bound.renewed_after_s is not None:
        text = "keep a provider token for 20 minutes at least, and share it between connections"
        finding = Finding("push-token-churn", "header", "authorization", text)
        call.note(finding)
        if bound.refuses:
            raise ApiError(errors.TOO_MANY_TOKEN_UPDATES, text)


def _by_topic(head: RequestHead) -> Principal:
    """Recognise nobody, but whose topic it is: for clients that cannot show a credential."""
    topic = head.header("apns-topic") or ""
    body = topics.find(head.state, topic) if topic else None
    if body is None:
        only = topics.only(head.state)
        body = None if topic or only is None else topics.find(head.state, only)
        if only is None or body is None:
            raise ApiError(errors.TOPIC_DISALLOWED, "no organisation has the topic")
        topic = only
    return Principal(body["organisation"], f"apns:{topic}", topic)
