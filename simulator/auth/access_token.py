"""Access-management tokens: what an MDM server answers to GetToken for ``com.apple.maid``.

A JWT signed with RS256 by the key of the certificate that the server token is
encrypted to; ``iss`` is the server's uuid (more.md 7.2). Apple's identity
service consumes it; here it is checked for who writes an MDM server.
"""

from collections.abc import Mapping, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from msgspec import Struct

from simulator.auth.jose import Jwt

SERVICE_TYPE = "com.apple.maid"
WINDOW_S = 300
"""How far ``iat`` may be from now; the real length is not known."""

REASONS: Mapping[str, str] = {
    "malformed": "the token is no JWT: three parts of base64url without padding, joined by dots; "
    "its header has no crit, and no name stands twice (RFC 7515)",
    "bad_alg": "alg must be RS256",
    "unknown_iss": "iss must be the server_uuid of GET /account: 32 digits, upper case, no dashes",
    "no_certificate": "no server token was fetched for this server, so its key is not known",
    "old_key": "the token is signed with the key before: sign with that of the current certificate",
    "bad_signature": "the signature is not that of the key of the server's certificate",
    "wrong_service_type": f"service_type must be {SERVICE_TYPE}",
    "iat_missing": "iat must be a number of seconds since 1970",
    "iat_future": f"iat is more than {WINDOW_S} seconds ahead",
    "iat_old": f"iat is more than {WINDOW_S} seconds ago",
    "jti_missing": "jti must be a text that is used once",
    "jti_reused": "jti was used before: make a random UUID for each token",
    "other_organisation": "the account is of another organisation than the server",
}
"""Every reason to refuse a token, and how to mend it, in the order in which they are checked."""


class TokenHolder(Struct, frozen=True):
    """What is known of the MDM server that a token names."""

    organisation: str
    certificates: Sequence[str] = ()
    """PEM of the certificates that its tokens were encrypted to, the current one last."""


def check(
    token: Jwt,
    server: TokenHolder | None,
    now_ms: int,
    *,
    is_used: bool = False,
    organisation: str = "",
) -> str:
    """Return the first of `REASONS` to refuse *token*, or nothing if it is good.

    *server* is that of its ``iss``, None if there is none. *is_used* tells
    whether its ``jti`` came before; *organisation* is that of the account that
    signs in, empty if that is not looked at.
    """
    if not token.header or not token.claims or token.defects:
        return "malformed"
    if token.header.get("alg") != "RS256":
        return "bad_alg"
    if server is None:
        return "unknown_iss"
    return (
        _check_signature(token, server)
        or _check_claims(token, now_ms)
        or ("jti_reused" if is_used else "")
        or ("other_organisation" if organisation not in ("", server.organisation) else "")
    )


def _check_signature(token: Jwt, server: TokenHolder) -> str:
    if not server.certificates:
        return "no_certificate"
    *older, current = server.certificates
    if _verifies(token, current):
        return ""
    return "old_key" if any(_verifies(token, one) for one in older) else "bad_signature"


def _check_claims(token: Jwt, now_ms: int) -> str:
    if token.claims.get("service_type") != SERVICE_TYPE:
        return "wrong_service_type"
    issued = token.claims.get("iat")
    if not isinstance(issued, int | float) or isinstance(issued, bool):
        return "iat_missing"
    age_s = now_ms / 1000 - issued
    if not -WINDOW_S <= age_s <= WINDOW_S:  # what is no number is neither
        return "iat_old" if age_s > 0 else "iat_future"
    return "" if text_claim(token, "jti") else "jti_missing"


def _verifies(token: Jwt, certificate_pem: str) -> bool:
    try:
        key = x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(token.signature, token.signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def text_claim(token: Jwt, name: str) -> str:
    """Return a claim that is to be a text; empty if it is none."""
    value = token.claims.get(name)
    return value if isinstance(value, str) else ""
