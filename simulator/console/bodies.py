"""Bodies as a page shows them: JSON line by line with its places, other text, or bytes."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from simulator.disclosure.redact.markers import BodyMarker, Marker, apart, parse_body_marker

MOST_LINES = 2000
MOST_TEXT = 64 * 1024
"""Characters of a raw body that a page holds; the API has it whole."""
MOST_PARSED = 4 * 1024 * 1024
_BYTES = 1024
_ROW = 16


class BodyLine(Struct, frozen=True):
    """One line of a JSON body."""

    depth: int
    key: str
    """With its quotes and colon; empty in an array."""
    value: str
    kind: str
    """``string``, ``number``, ``word`` (true, false, null) or ``bracket``."""
    place: str
    """JSON pointer; empty for the whole, and for lines that only close something."""
    closes: bool = False


class Shown(Struct, frozen=True):
    """A body, ready for a page."""

    lines: tuple[BodyLine, ...]
    """The JSON; empty if it is none."""
    text: str
    """As it came, cut if long; for bytes, their hexadecimal dump."""
    size: int
    """Bytes as they were sent."""
    cut: bool
    """Whether a part is not shown."""
    binary: bool
    unreadable: BodyMarker | None = None
    """The figures of a body that could not be read, of which only harmless text was kept."""


class _Pairs(tuple[tuple[str, Any], ...]):
    """A JSON object with its keys in order, those that stand twice included."""

    __slots__ = ()


def shown(body: Mapping[str, str]) -> Shown:
    """Return *body*, as the control API answers it, ready for a page."""
    if "base64" in body:
        content = base64.b64decode(body["base64"])
        return Shown((), dump(content[:_BYTES]), len(content), len(content) > _BYTES, binary=True)
    text = body["text"]
    marker = parse_body_marker(text.encode())
    if marker is not None:
        rest = text.partition("\n")[2]
        cut = len(rest) > MOST_TEXT
        return Shown((), rest[:MOST_TEXT], marker.length, cut, binary=False, unreadable=marker)
    lines = _lines(text)
    cut = len(lines) > MOST_LINES or len(text) > MOST_TEXT
    return Shown(tuple(lines[:MOST_LINES]), text[:MOST_TEXT], _sent(text), cut, binary=False)


def _sent(text: str) -> int:
    """Return how many bytes *text* had before its secrets were sealed."""
    return sum(
        one.length if isinstance(one, Marker) else len(one.encode("utf-8", "surrogatepass"))
        for one in apart(text)
    )


def dump(content: bytes) -> str:
    """Return bytes in hexadecimal, sixteen a line, with their ASCII beside."""
    rows = []
    for start in range(0, len(content), _ROW):
        row = content[start : start + _ROW]
        letters = "".join(chr(one) if 32 <= one < 127 else "." for one in row)  # noqa: PLR2004 (printable ASCII)
        rows.append(f"{start:04x}  {row.hex(' '):<{_ROW * 3}} {letters}")
    return "\n".join(rows)


def _lines(text: str) -> list[BodyLine]:
    if not text.strip() or len(text) > MOST_PARSED:
        return []
    try:
        tree = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return []
    if not isinstance(tree, (list, _Pairs)):
        return []
    lines = []
    for line in _walk(tree):
        lines.append(line)
        if len(lines) > MOST_LINES:
            break
    return lines


def _walk(tree: Any) -> Iterator[BodyLine]:
    """Yield the lines of *tree*, without recursion: depth is a client's to choose."""
    waiting: list[tuple[int, str, Any, str, bool]] = [(0, "", tree, "", True)]
    while waiting:
        depth, key, value, place, last = waiting.pop()
        comma = "" if last else ","
        if isinstance(value, BodyLine):
            yield value
        elif isinstance(value, (_Pairs, list)) and value:
            opening, closing = "{}" if isinstance(value, _Pairs) else "[]"
            yield BodyLine(depth, key, opening, "bracket", place)
            end = BodyLine(depth, "", closing + comma, "bracket", "", closes=True)
            waiting.append((depth, "", end, "", True))
            waiting += reversed(list(_inner(value, depth + 1, place)))
        else:
            yield BodyLine(depth, key, _plain(value) + comma, _kind(value), place)


def _inner(
    value: "_Pairs | list[Any]", depth: int, place: str
) -> Iterator[tuple[int, str, Any, str, bool]]:
    last = len(value) - 1
    if isinstance(value, _Pairs):
        for index, (name, inner) in enumerate(value):
            step = name.replace("~", "~0").replace("/", "~1")
            yield depth, f"{_plain(name)}: ", inner, f"{place}/{step}", index == last
    else:
        for index, inner in enumerate(value):
            yield depth, "", inner, f"{place}/{index}", index == last


def _plain(value: Any) -> str:
    if isinstance(value, _Pairs):
        return "{}"
    return json.dumps(value, ensure_ascii=False)


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, (list, _Pairs)):
        return "bracket"
    return "word" if value is None or isinstance(value, bool) else "number"
