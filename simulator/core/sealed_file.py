"""Files that are trusted only as far as they are proved: bytes behind their own keyed hash."""

import hashlib
import hmac
from collections.abc import Iterable

_SIZE = hashlib.sha256().digest_size


def seal(key: bytes, purpose: str, content: Iterable[bytes | memoryview]) -> bytes:
    """Return the HMAC-SHA-256 by *key* of *content*, to be put before it; for *purpose* only."""
    mac = hmac.new(key, purpose.encode() + b"\0", "sha256")
    for piece in content:
        mac.update(piece)
    return mac.digest()


def unseal(key: bytes, purpose: str, sealed: memoryview) -> memoryview | None:
    """Return what is behind the hash that `seal` gave; None if *sealed* is anything else."""
    content = sealed[_SIZE:]
    whole = hmac.compare_digest(sealed[:_SIZE], seal(key, purpose, (content,)))
    return content if whole else None
