"""Markers: what stands in the journal where a secret stood.

A marker is ``<sealed CONCEPT SHAPE LENGTH FINGERPRINT FLAGS>``, such as
``<sealed dep.session_token text 46 4c64f5457ca06201>``. It needs no escaping in
JSON, headers or queries. The flags (mostly none) are those of the value, since
the value itself can no longer be looked at.

Right behind the marker of a secret in which other values could be read stands
``<inside VALUES>``: see ``inner.py``.

A body that could not be read starts with a line of the same kind,
``<sealed-body SHAPE LENGTH FINGERPRINT FLAGS>``: the figures of the body that
came in. What follows is the body with all secrets in it sealed; nothing
follows if it was no text.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

OPENING = "<sealed "
"""How every marker starts; a value that holds it is sealed whatever it means."""
_MARKER = re.compile(
    r"<sealed ([a-z0-9_.]+) ([a-z]+) (\d+) ([0-9a-f]{16})((?: [a-z0-9_.:<>-]+){0,32})>"
    r"(?:<inside ([A-Za-z0-9_-]+)>)?"
)
_BODY = re.compile(rb"<sealed-body ([a-z]+) (\d+) ([0-9a-f]{16})((?: [a-z0-9_.:<>-]+){0,32})>\n")


class Marker(Struct, frozen=True):
    """The figures of a value that was sealed."""

    concept: str
    shape: str
    length: int
    fp: str
    flags: tuple[str, ...] = ()
    inside: str = ""
    """What could be read inside, as `inner.pack` writes it."""

    def __str__(self) -> str:
        words = (OPENING.strip(), self.concept, self.shape, str(self.length), self.fp, *self.flags)
        inside = f"<inside {self.inside}>" if self.inside else ""
        return f"{' '.join(words)}>{inside}"


class BodyMarker(Struct, frozen=True):
    """The figures of a body that could not be read."""

    length: int
    fp: str
    flags: tuple[str, ...] = ()
    shape: str = "opaque"

    def __bytes__(self) -> bytes:
        words = ("<sealed-body", self.shape, str(self.length), self.fp, *self.flags)
        return f"{' '.join(words)}>\n".encode()


def parse_marker(value: str) -> Marker | None:
    """Read a value that is a marker; None if it is anything else."""
    match = _MARKER.fullmatch(value) if value.startswith(OPENING) else None
    if match is None:
        return None
    concept, shape, length, fp, flags, inside = match.groups()
    return Marker(
        concept, shape, int(length), fp, tuple(flags.split()) if flags else (), inside or ""
    )


def apart(text: str) -> Iterator[str | Marker]:
    """Yield the pieces of *text*: plain ones, and its markers."""
    end = 0
    for match in _MARKER.finditer(text):
        marker = parse_marker(match[0])
        if marker is not None:
            yield text[end : match.start()]
            yield marker
            end = match.end()
    yield text[end:]


def named(text: str) -> str:
    """Return *text* with names, such as ``DEP_SESSION_TOKEN``, where secrets stood."""
    return "".join(
        piece.concept.upper().replace(".", "_") if isinstance(piece, Marker) else piece
        for piece in apart(text)
    )


def without_figures(text: str) -> str:
    """Return *text* with what is still seen to be a marker where each marker stands."""
    return _MARKER.sub("<sealed>", text) if OPENING in text else text


def parse_body_marker(body: bytes) -> BodyMarker | None:
    """Read the first line of a sealed body; None if it is none."""
    match = _BODY.match(body)
    if match is None:
        return None
    shape, length, fp, flags = match.groups()
    return BodyMarker(int(length), fp.decode(), tuple(flags.decode().split()), shape.decode())
