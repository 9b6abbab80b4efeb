"""How bodies are written that are not JSON: forms and property lists, read to the same trees.

A form is an object of texts; in a property list data counts as text in base64,
and dates as text of ISO 8601, so that rows, checks and disclosures read all alike.
"""

import base64
import binascii
import gc
import plistlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from simulator.protocol.wire import (
    MAX_DEPTH,
    JsonObject,
    QueryPair,
    parse_json,
    urlencoded_pairs,
)

BodyFormat = Literal["json", "form", "plist"]
_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,100}")
_LARGE = 65_536
"""Bytes of a property list that leaves much behind."""
_MOST_VALUES = 10_000
"""Values of a property list; a binary one can refer to the same value again and again."""


def parse_form(content: bytes) -> dict[str, Any]:
    """Return the pairs of an ``application/x-www-form-urlencoded`` body by name.

    Raise ValueError, without its text, if it is none: JSON, or the parts of a multipart form.
    """
    pairs = [(pair.name, pair.value) for pair in form_pairs(content)]
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else JsonObject(pairs)


def form_pairs(content: bytes) -> list[QueryPair]:
    """Return the pairs of a form with their places in its text; ValueError as `parse_form`."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"the body is not UTF-8 at byte {error.start}") from None
    pairs = urlencoded_pairs(text, 0)
    named = all(_NAME.fullmatch(pair.name) for pair in pairs)
    if not named or not all("=" in raw for raw in text.split("&") if raw):
        raise ValueError("the body is no form: write name=value pairs, joined by &")
    return pairs


def parse_plist(content: bytes) -> Any:
    """Return the tree of a property list, XML or binary, or of base64 of one.

    Raise ValueError, without its text, if it is none.
    """
    try:
        raw = unwrapped(content)
    except binascii.Error:
        raise ValueError("the body is neither a property list nor base64 of one") from None
    return _Plain().of(load_plist(raw), 0)


def load_plist(content: bytes) -> Any:
    """Return what a property list holds, XML or binary; ValueError, without its text, if none."""
    tree, failed = None, False
    try:
        tree = plistlib.loads(content)
    except Exception:  # noqa: BLE001 (plistlib raises what its parsers raise, of many kinds)
        failed = True
    # A parser and what it has read refer to each other, and would stay for a long while. Only
    # here, with the exception gone, nothing refers to them any more.
    if len(content) > _LARGE:
        gc.collect(1)
    if failed:
        raise ValueError("the body is no property list, neither XML nor binary")
    return tree


def unwrapped(content: bytes) -> bytes:
    """Return a property list without the base64 that it may be in; binascii.Error if in none."""
    # What a binary one ends with may look like white space.
    raw = content.lstrip()
    if raw.startswith((b"<", b"bplist")):
        return raw
    return base64.b64decode(b"".join(raw.split()), validate=True)


class _Plain:
    """Makes a property list a tree like that of JSON."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, node: Any, depth: int) -> Any:
        """Return *node* without data and dates; ValueError if it is too large or too deep."""
        self._count += 1
        if depth > MAX_DEPTH or self._count > _MOST_VALUES:
            raise ValueError("the property list is nested too deep, or has too many values")
        if isinstance(node, dict):
            return {str(key): self.of(value, depth + 1) for key, value in node.items()}
        if isinstance(node, list):
            return [self.of(value, depth + 1) for value in node]
        if isinstance(node, bytes):
            return base64.b64encode(node).decode()
        if isinstance(node, datetime):
            return node.isoformat()
        if isinstance(node, plistlib.UID):
            return node.data
        wide = isinstance(node, int) and not -(2**63) <= node < 2**64
        return str(node) if wide else node


READERS: Mapping[BodyFormat, Callable[[bytes], Any]] = {
    "json": parse_json,
    "form": parse_form,
    "plist": parse_plist,
}
"""What reads a body of each format: the tree, or a ValueError without the body's text."""
CONTENT_TYPES: Mapping[BodyFormat, tuple[str, ...]] = {
    "json": ("application/json",),
    "form": ("application/x-www-form-urlencoded",),
    "plist": ("text/x-xml-plist", "application/xml", "text/xml", "application/octet-stream"),
}
"""The content types of each format, the usual one first."""
