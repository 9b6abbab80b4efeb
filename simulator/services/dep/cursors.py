"""Cursors: where a client stands in the list of devices and in the list of events.

On the wire they look like the live ones (dep.md 3.1): unpadded base64 of
``<a>:<b>:<ms1>:<ms2>:true:<ms1>``. Here *a* is the position, and *b* packs the
phase, the last event before the fetch began and a keyed code that binds the
cursor to its server and its line of time, so that nothing has to be stored for it.
"""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Literal

from msgspec import Struct

Phase = Literal["fetching", "fetched", "syncing"]
_PHASES: tuple[Phase, ...] = ("fetching", "fetched", "syncing")
_TEXT = re.compile(r"(\d{1,15}):(\d{1,40}):(\d{1,15}):(\d{1,15}):true:(\d{1,15})")
_CODE_BITS = 48
LIFE_MS = 7 * 24 * 3600 * 1000
"""How long a cursor is good for a sync (PR)."""


class DeviceCursor(Struct, frozen=True):
    """One position."""

    phase: Phase
    position: int
    """Fetching: place of the last device delivered; else number of the last event delivered."""
    base: int
    """Number of the last event before the fetch began: where a sync after it starts."""
    progress_ms: int
    """Time of the last thing delivered (``fetched_until``)."""
    issued_ms: int

    @property
    def last_event(self) -> int:
        """Number of the last event that the holder knows."""
        return self.position if self.phase == "syncing" else self.base


def encode(cursor: DeviceCursor, secret: bytes, server: str, line: int) -> str:
    """Return the cursor of a *line* of time as it stands on the wire; at most 128 letters."""
    code = int.from_bytes(_code(cursor, secret, server, line))
    packed = ((cursor.base << 2 | _PHASES.index(cursor.phase)) << _CODE_BITS) | code
    text = (
        f"{cursor.position}:{packed}:{cursor.progress_ms}:{cursor.issued_ms}"
        f":true:{cursor.progress_ms}"
    )
    return base64.b64encode(text.encode()).decode().rstrip("=")


def decode(text: str, secret: bytes, server: str, line: int) -> DeviceCursor | None:
    """Return the cursor that *text* stands for, or None if *server* never got it on *line*."""
    try:
        plain = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    match = _TEXT.fullmatch(plain)
    if match is None:
        return None
    position, packed, progress_ms, issued_ms = (int(match[n]) for n in range(1, 5))
    base, phase = divmod(packed >> _CODE_BITS, 4)
    if phase >= len(_PHASES):
        return None
    cursor = DeviceCursor(_PHASES[phase], position, base, progress_ms, issued_ms)
    return cursor if hmac.compare_digest(encode(cursor, secret, server, line), text) else None


def _code(cursor: DeviceCursor, secret: bytes, server: str, line: int) -> bytes:
    text = (
        f"dep.cursor|{server}|{cursor.phase}|{cursor.position}|{cursor.base}"
        f"|{cursor.progress_ms}|{cursor.issued_ms}"
    )
    text += f"|{line}" if line else ""
    return hmac.digest(secret, text.encode(), hashlib.sha256)[: _CODE_BITS // 8]
