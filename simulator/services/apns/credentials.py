"""Who pushes: by client certificate, by provider token, or by topic alone."""

from datetime import UTC, datetime
from functools import lru_cache

from simulator.auth import provider_token
from simulator.auth.provider_token import ProviderToken
from simulator.core.messages import Finding
from simulator.pki.push import read_push_certificate
from simulator.protocol.operations import ApiError, Call, Principal
from simulator.services.apns import connections, errors, keys, topics

_DEVELOPMENT = ("api.sandbox.push.apple.com", "api.development.push.apple.com")
HOSTS = ("api.push.apple.com", *_DEVELOPMENT)
_read = lru_cache(maxsize=1024)(read_push_certificate)
_ALWAYS_MS = 2**62
_ROWS = {row.code: row for row in errors.COMMON}
_ODD = {
    "iat-float": "iat is a fraction: send whole seconds",
    "iat-string": "iat is a string: send a number",
    "der-signature": "the signature is DER: send R and S, 32 bytes each",
}


def environment(call: Call) -> str:
    """Return ``development`` or ``production``, by the host that was asked."""
    host = (call.request.header("host") or "").lower().partition(":")[0]
    return "development" if host in _DEVELOPMENT else "production"


def by_credential(call: Call) -> Principal:
    """Recognise the client certificate, or else the provider token."""
    principal = _principal(call)
    connections.note_use(call, principal.client)
    return principal


def _principal(call: Call) -> Principal:
    tls = call.request.peer.tls
    if tls is not None and tls.client_certificate:
        return _by_certificate(call, tls.client_certificate)
    header = call.request.header("authorization")
    if header is not None:
        return _by_token(call, header)
    if call.settings.push_auth == "none":
        return _by_topic(call)
    raise ApiError(errors.MISSING_PROVIDER_TOKEN, "show the client certificate of the push topic")


def validity(der: bytes) -> tuple[int, int]:
    """Return from when until when a client certificate is valid; always if there is none."""
    if not der:
        return 0, _ALWAYS_MS
    identity = _read(der)
    ends = identity.not_before, identity.not_after
    return int(ends[0].timestamp() * 1000), int(ends[1].timestamp() * 1000)


def _by_certificate(call: Call, der: bytes) -> Principal:
    identity = _read(der)
    names = identity.topics or ((identity.topic,) if identity.topic else ())
    found = [body for name in names if (body := topics.find(call.state, name))]
    if not found:
        raise ApiError(errors.BAD_CERTIFICATE, "no organisation has the certificate's topic")
    if {"*", f"{identity.serial:x}"} & set(found[0]["revoked"]):
        raise ApiError(errors.BAD_CERTIFICATE, "the certificate was revoked")
    now = datetime.fromtimestamp(call.now_ms / 1000, UTC)
    if not identity.not_before <= now <= identity.not_after:
        raise ApiError(errors.BAD_CERTIFICATE, "the certificate is not valid at this time")
    if environment(call) not in identity.environments:
        text = f"the certificate is not for {environment(call)}"
        raise ApiError(errors.BAD_CERTIFICATE_ENVIRONMENT, text)
    return Principal(found[0]["organisation"], f"apns:{names[0]}", "\n".join(names))


def _by_token(call: Call, header: str) -> Principal:
    token = provider_token.read(header)
    key = None if token is None else keys.find(call.state, token.key_id)
    known = {} if key is None else {key.key_id: (key.team, key.public_key.encode())}
    reason = provider_token.check(token, known, call.now_ms)
    if reason or token is None or key is None:
        raise ApiError(_ROWS.get(reason, errors.INVALID_PROVIDER_TOKEN))
    if key.environment not in ("", environment(call)):
        raise ApiError(errors.BAD_ENVIRONMENT_KEY, f"the key is for {key.environment} only")
    _note_oddities(call, token)
    _bind(call, token, header)
    return Principal(key.organisation, f"apns:key:{token.key_id}", "")


def _note_oddities(call: Call, token: ProviderToken) -> None:
    for oddity in token.oddities:
        finding = Finding("push-token-odd", "header", "authorization", _ODD[oddity])
        call.exchange.findings.append(finding)


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
        call.exchange.findings.append(finding)
        if bound.refuses:
            raise ApiError(errors.TOO_MANY_TOKEN_UPDATES, text)


def _by_topic(call: Call) -> Principal:
    """Recognise nobody, but whose topic it is: for clients that cannot show a credential."""
    topic = call.request.header("apns-topic") or ""
    body = topics.find(call.state, topic)
    if body is None:
        only = topics.only(call.state)
        body = None if topic or only is None else topics.find(call.state, only)
        if only is None or body is None:
            raise ApiError(errors.BAD_TOPIC, "no organisation has the topic: send apns-topic")
        topic = only
    return Principal(body["organisation"], f"apns:{topic}", topic)
