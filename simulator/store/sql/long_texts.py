"""Keys and index values of any length, though no index of PostgreSQL's takes long ones.

A row of its indexes has 2,704 bytes at most. So of a longer text, over every database alike, its
beginning is stored with a hash of the whole. That keeps the order, but for texts that begin with
the same `LONGEST` bytes. The whole key stands beside, in the body; nobody asks for a value.
"""

import re
from hashlib import sha256

from simulator.core.state import Body

LONGEST = 1000
"""Bytes of a text that is stored as it is."""
SURELY_SHORT = LONGEST // 8
"""Characters that are never more: PostgreSQL's way to write one takes up to 8 bytes."""
_WHOLE = "(key)"
"""Where in a body its key stands, if that is long."""
_DOUBLED = re.compile("[\0\x01\U0010fffe\U0010ffff]")
_SHORTENED = re.compile(b"[0-9a-f]{64}")
_HASH = 64


def shortened(text: str) -> str:
    """Return *text* as it is stored; what this has returned stays as it is."""
    if len(text) <= SURELY_SHORT:
        return text
    written = _written(text)
    if len(written) <= LONGEST or _is_shortened(written):
        return text
    return beginning(text) + sha256(text.encode()).hexdigest()


def beginning(text: str) -> str:
    """Return of *text* what is stored of it in clear."""
    if len(text) <= SURELY_SHORT:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(_written(text[:middle])) <= LONGEST else (low, middle - 1)
    return text[:low]


def _written(text: str) -> bytes:
    return _DOUBLED.sub(r"\g<0>\g<0>", text).encode()


def _is_shortened(written: bytes) -> bool:
    return len(written) <= LONGEST + _HASH and _SHORTENED.fullmatch(written[-_HASH:]) is not None


def stored(key: str, body: Body) -> tuple[str, Body]:
    """Return key and body of an entity as they are stored."""
    short = shortened(key)
    return (key, body) if short == key else (short, {**body, _WHOLE: key})


def whole(key: str, body: Body) -> str:
    """Return the key of an entity that is stored as *key*, and take it out of its *body*."""
    return str(body.pop(_WHOLE, key)) if len(key) > SURELY_SHORT else key
