"""Numbers that stand for texts, the same in every process."""

import hashlib
from functools import lru_cache


@lru_cache(maxsize=16_384)
def stable(text: str) -> int:
    """Return the number that stands for *text*."""
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest())
