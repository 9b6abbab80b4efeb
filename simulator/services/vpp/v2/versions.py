"""Version ids: which state of a list a client has seen, as a UUID that cannot be made up.

A list is ``assets``, ``assignments``, ``users`` or one of subscriptions. Each
write to it is noted by `touch`; the revision of that note is the version. Ids
are computed, not stored: a number under a keyed code of this data directory.
"""

import hashlib
import hmac

from simulator.core.state import State
from simulator.services.vpp.domain.locations import Location

VERSION = "vpp.version"
_NUMBER = 12
"""Hex digits of the number."""


def touch(state: State, location: Location, *lists: str) -> None:
    """Note that *lists* of the location were written to; call it after the writes."""
    for name in lists:
        state.put(VERSION, f"{location.id}/{name}", {})


def number(state: State, location: Location, name: str) -> int:
    """Return the revision of the newest write to a list, 0 if there was none."""
    found = state.get(VERSION, f"{location.id}/{name}")
    return 0 if found is None else found.revision


def uuid_of(secret: bytes, scope: str, value: int) -> str:
    """Return the UUID that stands for *value* in *scope*."""
    mask = int.from_bytes(hmac.digest(secret, f"mask|{scope}".encode(), hashlib.sha256)[:6])
    digits = f"{value ^ mask:012x}"
    code = hmac.digest(secret, f"version|{scope}|{value}".encode(), hashlib.sha256).hex()
    return f"{digits[:8]}-{digits[8:]}-4{code[:3]}-8{code[3:6]}-{code[6:18]}"


def value_of(secret: bytes, scope: str, text: str) -> int | None:
    """Return the value that a UUID stands for in *scope*; None if it was not issued for it."""
    plain = text.strip().lower().replace("-", "")
    try:
        masked = int(plain[:_NUMBER], 16)
    except ValueError:
        return None
    mask = int.from_bytes(hmac.digest(secret, f"mask|{scope}".encode(), hashlib.sha256)[:6])
    value = masked ^ mask
    return value if uuid_of(secret, scope, value).replace("-", "") == plain else None


def version_id(secret: bytes, state: State, location: Location, name: str) -> str:
    """Return the version id of a list as it is now."""
    return uuid_of(secret, f"{location.uid}/{name}", number(state, location, name))


def since(secret: bytes, state: State, location: Location, name: str, text: str) -> int | None:
    """Return the revision that a version id stands for; None if it is none of this list."""
    value = value_of(secret, f"{location.uid}/{name}", text)
    return value if value is not None and value <= number(state, location, name) else None
