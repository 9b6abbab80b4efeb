"""Bypass codes of Activation Lock: 16 bytes, as text with dashes, and as the hash that DEP takes.

The text has 5 bits a character from an alphabet without letters that look
alike; the last of its 26 characters holds the 3 bits that are left
(more.md 3.3).
"""

import hashlib

_ALPHABET = "0123456789ACDEFGHJKLMNPQRTUVWXYZ"
_GROUPS = (5, 5, 4, 4, 4, 4)
SIZE = 16
"""Bytes of a code."""
_CHARACTERS, _REST_BITS = 26, 3
_ROUNDS = 50_000
_SALT = b"\x00" * 4


def as_text(code: bytes) -> str:
    """Return the code as people and devices write it: ``3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA4``."""
    if len(code) != SIZE:
        raise ValueError(f"a bypass code has {SIZE} bytes, not {len(code)}")
    bits = "".join(f"{byte:08b}" for byte in code)
    whole = len(bits) - _REST_BITS
    values = [int(bits[at : at + 5], 2) for at in range(0, whole, 5)]
    plain = "".join(_ALPHABET[value] for value in (*values, int(bits[whole:], 2)))
    parts, at = [], 0
    for size in _GROUPS:
        parts.append(plain[at : at + size])
        at += size
    return "-".join(parts)


def from_text(text: str) -> bytes | None:
    """Return the bytes of a code, with or without its dashes; None if *text* is none."""
    plain = text.replace("-", "")
    values = [_ALPHABET.find(character) for character in plain]
    if len(plain) != _CHARACTERS or min(values) < 0 or values[-1] >= 1 << _REST_BITS:
        return None
    bits = "".join(f"{value:05b}" for value in values[:-1]) + f"{values[-1]:03b}"
    return int(bits, 2).to_bytes(SIZE, "big")


def hash_of(code: bytes) -> str:
    """Return the hash that a lock is set with: DEP's ``escrow_key``, hexadecimal, lower case."""
    return hashlib.pbkdf2_hmac("sha256", code, _SALT, _ROUNDS).hex()
