"""Telling names: what is called a secret by its name, in whatever notation.

Where a text is not read by rows, its notation is not known either: these find
``name=value``, ``"name": "value"``, the parts of a multipart form, and the
elements, attributes and keys of XML.
"""

import re
from collections.abc import Iterator

from simulator.disclosure.redact.encodings import decodings, is_encoded

_WORDS = (
    r"pass(?:word|wd|phrase|code)|secret|token|credential|bypass|assertion|bearer"
    r"|(?:api|access|auth|private|secret|session|shared|signing|encryption|client|master)[_.-]?key"
)
_WHOLE = r"key|pass|pwd|auth|authorization|sig|signature|jwt|otp|pin|sid|session[_-]?id"
SECRET_NAME = re.compile(rf"{_WORDS}|\A(?:{_WHOLE})\Z", re.IGNORECASE)
"""Names of fields that nobody documented but whose values are better not written down."""
_NAME = rf"(?:(?:{_WORDS})[\w.\[\]-]{{0,40}}|(?<![\w.-])(?:{_WHOLE})\b)"
_FREE = r"(?!<sealed)"
_GAP = r"\s{0,99}"
_EQUALS = r"[ \t]{0,9}[:=][ \t]{0,9}"
_QUOTED = rf"""{_NAME}\\?["']?{_EQUALS}(?P<quote>\\?["']){_FREE}(?P<value>.+?)(?=(?P=quote)|\Z)"""
"""JSON, attributes, and what looks like them, be they escaped."""
_BARE = rf"""{_NAME}\\?["']?{_EQUALS}(?!\\?["']){_FREE}(?P<value>[^"'\\&;,<>}}\]\r\n]+)"""
"""A form, a header, a property."""
_PART = (
    rf"""\bname="?[\w.\[-]{{0,40}}{_NAME}"?[^\n]{{0,200}}\n(?:[^\r\n]{{1,200}}\r?\n){{0,9}}\r?\n"""
    rf"""{_FREE}(?P<value>.+?)(?=\r?\n--|\Z)"""
)
"""A part of a multipart form."""
_KEY = (
    rf"<key>[\w.\s-]{{0,40}}{_NAME}\s{{0,9}}</key>{_GAP}<(?:string|data|integer)>"
    rf"{_GAP}{_FREE}(?P<value>[^<]+)"
)
"""A key of a property list."""
_ELEMENT = (
    rf"<(?:[\w.-]{{1,40}}:)?(?!key{_GAP}>)[\w.-]{{0,40}}{_NAME}(?:\s[^<>]{{0,200}})?>"
    rf"{_GAP}{_FREE}(?P<value>[^<]+)"
)
"""An element of XML."""
_BINARY = "bplist0"
_BETWEEN = frozenset(":=<")
"""One of these stands between a name and its value."""
_STEMS = (
    *("pass", "secret", "token", "credential", "assertion", "bearer", "key"),
    *("pwd", "auth", "sig", "jwt", "otp", "pin", "sid", "session"),
)
"""One of these is in each telling name."""
_ESCAPING = frozenset("%\\&")
_SHORTEST = 20
"""A shorter text says nothing else without an escape."""
_NOTATIONS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (_QUOTED, _BARE, _PART, _KEY, _ELEMENT)
)


def named_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each value in *text* that is called a secret; they may overlap."""
    for notation in _NOTATIONS:
        for match in notation.finditer(text):
            if match["value"].strip():
                yield match.span("value")


def names_secret(text: str) -> bool:
    """Tell whether a value in *text* is called a secret, be it in another encoding.

    A binary property list in a text may call anything so.
    """
    if _tells(text):
        return True
    if len(text) < _SHORTEST and not _ESCAPING.intersection(text):
        return False
    data = text.encode("utf-8", "surrogatepass")
    return is_encoded(data) and any(
        _tells(decoded.decode("latin-1")) for decoded in decodings(data, joined=False)
    )


def _tells(text: str) -> bool:
    if not _BETWEEN.intersection(text):
        return _BINARY in text
    lower = text.lower()
    return _BINARY in text or (any(stem in lower for stem in _STEMS) and any(named_secrets(text)))
