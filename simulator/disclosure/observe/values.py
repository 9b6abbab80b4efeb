"""Values: their shape, their length, and fingerprints that join without showing them.

The rules are those at the head of ``concepts.toml``.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from simulator.disclosure.redact.markers import Marker

_EMAIL = re.compile(r"[\w.%+'-]+@[\w-]+(?:\.[\w-]+)+")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_SHAPES = (
    ("email", _EMAIL),
    ("digits", re.compile(r"[0-9]+")),
    ("phone", re.compile(r"\+[0-9 ()\-]{7,}")),
    ("url", re.compile(r"(?i:https?)://\S+")),
    ("uuid", _UUID),
    ("hex", re.compile(r"[0-9a-fA-F]{32,}")),
)
_SHAPE = re.compile("|".join(f"(?P<{name}>{pattern.pattern})" for name, pattern in _SHAPES))
"""All of them at once: the first that fits is the group that matched."""
EMPTY = frozenset(("empty", "null"))
"""Shapes of values that disclose nothing but that the field was there."""
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def text_of(value: Any) -> str:
    """Return a string as it is, anything else as compact JSON."""
    return value if isinstance(value, str) else _JSON.encode(value)


def shape_of(value: Any) -> str:
    """Return the first shape that fits: bool, number, null, empty, email ... else text."""
    if isinstance(value, str):  # as most are
        found = _SHAPE.fullmatch(value) if value else None
        return "empty" if not value else "text" if found is None else found.lastgroup or "text"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if value is None:
        return "null"
    return "text" if value else "empty"


def length_of(value: Any) -> int:
    """Return the number of characters of *value* as sent; 0 for an empty container."""
    if isinstance(value, dict | list) and not value:
        return 0
    return len(text_of(value))


def has_uuid(text: str) -> bool:
    """Tell whether a UUID stands anywhere in *text*."""
    return _UUID.search(text) is not None


def normalise(concept: str, value: Any) -> str:
    """Return *value* in the one form that its equals are compared and fingerprinted in."""
    return _normaliser(concept)(value) if isinstance(value, str) else text_of(value)


def _normaliser(concept: str) -> Callable[[str], str]:
    """Return what does to a text of *concept* as `normalise` does."""
    return _NORMALISERS.get(concept, _normalised)


def _normalised(text: str) -> str:
    if "@" in text and _EMAIL.fullmatch(text):
        name, at, domain = text.rpartition("@")
        return f"{name}{at}{domain.lower()}"
    return text.lower() if _UUID.fullmatch(text) else text


def _normalised_topic(text: str) -> str:
    found = _UUID.search(text)
    return found[0].lower() if found else _normalised(text)


_NORMALISERS: dict[str, Callable[[str], str]] = {
    "device.serial": str.upper,
    "push.token": str.lower,
    "push.topic": _normalised_topic,
}
_BLOCK = 64
"""Bytes of a block of SHA-256."""
_SHORT = 512
"""Characters of a text whose mark is worth keeping."""
_MOST_NUMBERS = 16_384
"""Texts of one concept whose numbers are kept."""


def _head(concept: str) -> bytes:
    """Return what stands before each value of *concept* as its fingerprint is made."""
    return concept.encode() + b"\x1f"


_SURROGATES = "surrogatepass"
"""Header values may hold bytes that are no UTF-8, kept as lone surrogates."""


class _Begun(Struct, frozen=True):
    """What is the same for all values of one concept."""

    normalise: Callable[[str], str]
    inner: "hashlib._Hash"
    """The inner hash, with all that stands before a value."""
    known: dict[str, int]
    """Numbers of short texts: a response repeats many of its request."""


class Fingerprinter:
    """Make keyed fingerprints; the same value of the same concept has the same one."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        # HMAC as of RFC 2104, with the hash of each padded key made once: half of the time.
        padded = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(one ^ 0x36 for one in padded))
        self._outer = hashlib.sha256(bytes(one ^ 0x5C for one in padded))
        self._lately = lru_cache(maxsize=4096)(self._mark)
        """Marks of short texts: a session token comes with every request."""
        self._texts = lru_cache(maxsize=4096)(self._text)
        self._fingerprints = lru_cache(maxsize=4096)(self._fingerprint)
        """Those of short texts: a response often has what its request had."""
        self._begun: dict[str, _Begun] = {}
        """By concept."""

    @property
    def key_id(self) -> str:
        """Eight hex digits of its SHA-256, which name the key without telling it."""
        return hashlib.sha256(self._key).hexdigest()[:8]

    def fingerprint(self, concept: str, normalised: str | bytes) -> str:
        """Return 16 hex digits of HMAC-SHA-256 over the concept, 0x1f and the value."""
        if isinstance(normalised, str) and len(normalised) <= _SHORT:
            return self._fingerprints(concept, normalised)
        return self._fingerprint(concept, normalised)

    def numbers(self, concept: str, texts: Sequence[str]) -> list[int]:
        """Return the fingerprints of *texts*, which need not be normalised, as numbers."""
        begun = self._begun.get(concept)
        if begun is None:
            inner = self._inner.copy()
            inner.update(_head(concept))
            begun = self._begun[concept] = _Begun(_normaliser(concept), inner, {})
        known = begun.known
        found: list[Any] = [*map(known.get, texts)]
        if None not in found:
            return found
        # As in `_fingerprint`, without its calls: they would take as long as the hashes.
        for at, text in enumerate(texts):
            if found[at] is None:
                inner, outer = begun.inner.copy(), self._outer.copy()
                inner.update(begun.normalise(text).encode("utf-8", _SURROGATES))
                outer.update(inner.digest())
                number = found[at] = int.from_bytes(outer.digest()[:8])
                if len(text) <= _SHORT:
                    if len(known) >= _MOST_NUMBERS:
                        known.clear()
                    known[text] = number
        return found

    def _fingerprint(self, concept: str, normalised: str | bytes) -> str:
        if isinstance(normalised, str):
            normalised = normalised.encode("utf-8", _SURROGATES)
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(_head(concept) + normalised)
        outer.update(inner.digest())
        return outer.digest()[:8].hex()

    def mark(self, concept: str, value: Any, flags: tuple[str, ...] = ()) -> Marker:
        """Return what stands for *value* once it is sealed."""
        if isinstance(value, str) and len(value) <= _SHORT:
            return self._lately(concept, value, flags)
        return self._mark(concept, value, flags)

    def text(self, concept: str, value: str) -> str:
        """Return the mark of a text that has no flags, as it is written."""
        return (self._texts if len(value) <= _SHORT else self._text)(concept, value)

    def _text(self, concept: str, value: str) -> str:
        return str(self.mark(concept, value))

    def _mark(self, concept: str, value: Any, flags: tuple[str, ...]) -> Marker:
        fp = self.fingerprint(concept, normalise(concept, value))
        return Marker(concept, shape_of(value), length_of(value), fp, flags)
