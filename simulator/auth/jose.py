"""Signed JSON web tokens with ES256: read without trust, then verified with a public key."""

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

COORDINATE = 32
"""The bytes of R, and of S, in a signature as a JWT has it."""
_BASE64URL = re.compile(r"([A-Za-z0-9_-]*)={0,2}")
DEFECTS: Mapping[str, str] = {
    "crit": "the header has crit, which Apple's pages do not know: leave it out (RFC 7515, 4.1.11)",
    "padding": "a segment ends with =: base64url in a JWT has no padding (RFC 7515, 2)",
    "encoding": "a segment is no base64url, or ends with bits that mean nothing (RFC 4648, 3.5)",
    "twice": "a name stands twice in one object (RFC 7515, 4; RFC 7519, 4)",
}
"""What a JWT must not have, and how to mend it: what verifies it may read another one."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """What a JWT says, before anything about it is checked; what it lacks is empty."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes = field(repr=False)
    """What the *signature* is over."""
    signature: bytes = field(repr=False)
    defects: tuple[str, ...] = ()
    """Keys of `DEFECTS`, each once."""


def read(text: str) -> Jwt:
    """Return what *text* says; never raise: what is no JWT has nothing in it."""
    signed, _, last = text.rpartition(".")
    head, _, body = signed.partition(".")
    segments = [_base64(one) for one in (head, body, last)]
    repeated: set[str] = set()
    header, claims = (_json(one, repeated) for one in segments[:2])
    there = {
        "crit": "crit" in header,
        "padding": "=" in text,
        "encoding": [_text(one) for one in segments]
        != [one.rstrip("=") for one in (head, body, last)],
        "twice": bool(repeated),
    }
    defects = tuple(name for name in DEFECTS if there[name])
    return Jwt(header, claims, signed.encode(errors="replace"), segments[2], defects)


def verifies(signed: bytes, signature: bytes, public_key_pem: bytes) -> bool:
    """Tell whether *signature*, R and S or DER, is one of the P-256 key over *signed*.

    What is no P-256 public key verifies nothing.
    """
    key = _public_key(public_key_pem)
    if key is None:
        return False
    if len(signature) == 2 * COORDINATE:
        r, s = signature[:COORDINATE], signature[COORDINATE:]
        signature = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
    try:
        key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _json(segment: bytes, repeated: set[str]) -> dict[str, Any]:
    """Return the object that *segment* holds, empty if none; note names that are *repeated*."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            repeated.update(made)
        return made

    try:
        value = json.loads(segment.decode(), object_pairs_hook=once)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _base64(segment: str) -> bytes:
    """Return the bytes of *segment*, padded or not, empty when it is no base64url."""
    found = _BASE64URL.fullmatch(segment)
    if not found:
        return b""
    text = found[1]
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""


@lru_cache(maxsize=64)
def _public_key(pem: bytes) -> ec.EllipticCurvePublicKey | None:
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    return None


def new_key() -> tuple[str, str]:
    """Make a P-256 key: the private one (PKCS #8, PEM) and the public one (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def sign(header: dict[str, Any], claims: dict[str, Any], private_key_pem: bytes) -> str:
    """Return a JWT that is signed with ES256 by the P-256 key of *private_key_pem*."""
    key = serialization.load_pem_private_key(private_key_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("only a key on P-256 signs with ES256")
    segments = (json.dumps(one, separators=(",", ":")).encode() for one in (header, claims))
    signed = ".".join(_text(one) for one in segments)
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_text(r.to_bytes(COORDINATE, 'big') + s.to_bytes(COORDINATE, 'big'))}"


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
