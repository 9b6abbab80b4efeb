"""Files that are trusted only as far as they are proved: bytes behind their own keyed hash."""

import hashlib
import hmac

_SIZE = hashlib.sha256().digest_size


def seal(key: bytes, purpose: str, content: bytes) -> bytes:
    """Return *content* behind its HMAC-SHA-256 by *key*, which holds for *purpose* only."""
    return _mac(key, purpose, content) + content


def unseal(key: bytes, purpose: str, sealed: bytes) -> bytes | None:
    """Return what `seal` was given; None if *sealed* is not exactly what it returned."""
    content = sealed[_SIZE:]
    whole = hmac.compare_digest(sealed[:_SIZE], _mac(key, purpose, content))
    return content if whole else None


def _mac(key: bytes, purpose: str, content: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + content, "sha256")
