"""Property lists as devices read them."""

import plistlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

MAX_BYTES = 32 * 1024 * 1024
"""What a device reads of a response; a profile or command has a few kilobytes."""


_SMALL = 65_536


@lru_cache(maxsize=16)
def _small(content: bytes) -> Any:
    """Return what a property list holds. It is read twice: by who judges it and by the device."""
    return plistlib.loads(content)


def read_dictionary(content: bytes, what: str) -> dict[str, Any]:
    """Return the dictionary in *content*, XML or binary; not to be changed.

    ValueError says what it is instead.
    """
    try:
        value = _small(content) if len(content) < _SMALL else plistlib.loads(content)
    except Exception:  # noqa: BLE001 (plistlib raises what its parsers raise, of many kinds)
        why = f"it begins with {content[:20]!r}"
        if b"<!ENTITY" in content:
            why = "it declares entities"
        raise ValueError(f"{what} is no property list: {why}") from None
    if not isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 (the server's fault, as where it is no plist)
            f"{what} must be a dictionary, but is {kind(value)}"
        )
    return value


_KINDS: Mapping[type, str] = {
    dict: "a dictionary",
    list: "an array",
    str: "a string",
    bytes: "data",
    bool: "a boolean",
    int: "an integer",
    float: "a real",
    type(None): "null",
}


def kind(value: object) -> str:
    """Return what a value is, in the words of property lists."""
    return _KINDS.get(type(value), "a date")
