"""What no service documents and yet is known: common headers, and credentials by name and shape."""

import base64
import json
import re

NO_RECORD = frozenset(
    [
        "host",
        "accept",
        "accept-charset",
        "accept-encoding",
        "content-type",
        "content-length",
        "connection",
        "te",
        "transfer-encoding",
    ]
)
"""Framing and negotiation: no disclosures."""

_PROTOCOL = ("protocol", True)
_TRACE = ("net.trace", False)
_FORWARDED = ("net.forwarded", False)
_CREDENTIAL = ("net.authorization", False)
HEADERS: dict[str, tuple[str, bool]] = {
    "user-agent": ("net.user_agent", True),
    "accept-language": ("net.accept_language", False),
    "authorization": _CREDENTIAL,
    "proxy-authorization": _CREDENTIAL,
    "x-api-key": _CREDENTIAL,
    "x-auth-token": _CREDENTIAL,
    "x-amz-security-token": _CREDENTIAL,
    "cookie": ("net.cookie", False),
    "content-encoding": _PROTOCOL,
    "expect": _PROTOCOL,
    "keep-alive": _PROTOCOL,
    "proxy-connection": _PROTOCOL,
    "trailer": _PROTOCOL,
    "upgrade": _PROTOCOL,
    "forwarded": _FORWARDED,
    "via": _FORWARDED,
    "x-real-ip": _FORWARDED,
    "traceparent": _TRACE,
    "tracestate": _TRACE,
    "sentry-trace": _TRACE,
    "x-amzn-trace-id": _TRACE,
    "x-cloud-trace-context": _TRACE,
    "uber-trace-id": _TRACE,
    "elastic-apm-traceparent": _TRACE,
    "newrelic": _TRACE,
    "b3": _TRACE,
    "baggage": ("net.baggage", False),
}
"""Header -> (concept, whether it is ordinary HTTP that needs no row)."""
PREFIXES = (("x-forwarded-", _FORWARDED), ("x-datadog-", _TRACE), ("x-b3-", _TRACE))

OAUTH: dict[str, str] = {
    "realm": "protocol",
    "oauth_consumer_key": "dep.consumer_key",
    "oauth_token": "dep.access_token",
    "oauth_signature": "dep.oauth_signature",
    "oauth_signature_method": "protocol",
    "oauth_timestamp": "protocol",
    "oauth_nonce": "protocol",
    "oauth_version": "protocol",
}
"""Concept by OAuth parameter; others are not documented."""

NAMES: dict[str, str] = {
    "consumer_key": "dep.consumer_key",
    "consumer_secret": "dep.consumer_secret",
    "access_token": "dep.access_token",
    "access_secret": "dep.access_secret",
    "oauth_consumer_key": "dep.consumer_key",
    "oauth_token": "dep.access_token",
    "oauth_signature": "dep.oauth_signature",
    "auth_session_token": "dep.session_token",
    "x-adm-auth-session": "dep.session_token",
    "X-ADM-Auth-Session": "dep.session_token",
}
"""Concept by field name, where a credential stands in a body or query that has no row for it."""

CREDENTIALS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("CK_", re.compile(r"\bCK_[0-9A-Za-z]{16,}"), "dep.consumer_key"),
    ("CS_", re.compile(r"\bCS_[0-9A-Za-z]{16,}"), "dep.consumer_secret"),
    ("AT_", re.compile(r"\bAT_[0-9A-Za-z]{16,}"), "dep.access_token"),
    ("AS_", re.compile(r"\bAS_[0-9A-Za-z]{16,}"), "dep.access_secret"),
    ("O1O", re.compile(r"\d{10,}O1O[0-9A-F]{16,}\w*"), "dep.session_token"),
    (
        "PRIVATE KEY-----",
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[^\"]*"),
        "net.private_key",
    ),
    (
        "eyJ",
        re.compile(r"\beyJ(?:0b2tlbiI|leHBEYXRlI|vcmdOYW1lI)[0-9A-Za-z+/_-]{20,}={0,2}"),
        "vpp.content_token",
    ),
    (
        "eyJ",
        re.compile(r"\beyJ[0-9A-Za-z_-]+\.eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]{16,}"),
        "net.authorization",
    ),
    (
        "eyJ",
        re.compile(r"\beyJ[0-9A-Za-z_-]+\.\.[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]{16,}){1,2}"),
        "axm.access_token",
    ),
)
"""Text that cannot be missing, pattern, concept: credentials that give themselves away."""


def credential_in(text: str) -> str:
    """Return the concept of a credential that *text* holds by the look of it, or nothing."""
    for needle, pattern, concept in CREDENTIALS:
        if needle in text and pattern.search(text):
            return concept
    return ""


_UNKNOWN_BEARER = "net.authorization"
_CLAIMS = re.compile(r"eyJ[0-9A-Za-z_-]+\.(eyJ[0-9A-Za-z_-]+)\.[0-9A-Za-z_-]+")


def bearer_concept(text: str) -> str:
    """Return the concept of a credential whose place says nothing of it, by its look.

    A JSON web token is told by its claims: an audience makes it an assertion of the
    School and Business API, an expiry a developer's token, neither a token of APNs.
    """
    if match := _CLAIMS.fullmatch(text):
        padded = match[1] + "=" * (-len(match[1]) % 4)
        try:
            claims = json.loads(base64.urlsafe_b64decode(padded))
        except ValueError:
            return _UNKNOWN_BEARER
        if not isinstance(claims, dict) or not claims.keys() >= {"iss", "iat"}:
            return _UNKNOWN_BEARER
        if "aud" in claims:
            return "axm.client_assertion"
        return "vpp.developer_token" if "exp" in claims else "push.provider_token"
    return credential_in(text) or _UNKNOWN_BEARER
