"""Access tokens: long and opaque, an hour long, and kept nowhere.

A token looks like the JWE that Apple sends (axm.md 2.4). What it stands for is encrypted with
a key of this data directory, so that nothing has to be stored for it and none is ever on disk.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from msgspec import Struct

LIFE_S = 3600
_HEADER = urlsafe_b64encode(b'{"alg":"dir","enc":"A256GCM","kid":null}').decode().rstrip("=")
_SEGMENTS = 5
_FILLED = 320
"""Bytes of the plain text, which is filled up, as Apple's tokens are long."""


class AccessToken(Struct, frozen=True):
    """What a token stands for."""

    client_id: str
    key_id: str
    """The key of the assertion that it was given for."""
    issued_ms: int
    number: int


def encode(token: AccessToken, secret: bytes) -> str:
    """Return the token as it stands on the wire."""
    plain = json.dumps([token.client_id, token.key_id, token.issued_ms, token.number])
    vector = hmac.digest(secret, f"axm.vector|{plain}".encode(), hashlib.sha256)[:12]
    text = _mixed(plain.ljust(_FILLED).encode(), secret, vector)
    code = hmac.digest(secret, b"axm.tag|" + vector + text, hashlib.sha256)[:16]
    return f"{_HEADER}..{_text(vector)}.{_text(text)}.{_text(code)}"


@lru_cache(maxsize=1024)
def decode(text: str, secret: bytes) -> AccessToken | None:
    """Return what *text* stands for, or None if it was not issued here."""
    segments = text.split(".")
    if len(segments) != _SEGMENTS or segments[:2] != [_HEADER, ""]:
        return None
    try:
        vector, mixed, code = (
            urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in segments[2:]
        )
    except ValueError:
        return None
    wanted = hmac.digest(secret, b"axm.tag|" + vector + mixed, hashlib.sha256)[:16]
    if not hmac.compare_digest(wanted, code):
        return None
    return AccessToken(*json.loads(_mixed(mixed, secret, vector)))


def _mixed(text: bytes, secret: bytes, vector: bytes) -> bytes:
    """Encrypt or decrypt *text*: a stream of keyed blocks over it."""
    blocks = (
        hmac.digest(secret, b"axm.stream|" + vector + bytes([number]), hashlib.sha256)
        for number in range(-(-len(text) // 32))
    )
    return bytes(a ^ b for a, b in zip(text, b"".join(blocks), strict=False))


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
