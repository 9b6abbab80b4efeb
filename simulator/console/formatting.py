"""How values are put into words on a page."""

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from markupsafe import Markup, escape

from simulator.core.timestamps import rfc3339
from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.redact.markers import Marker, apart
from simulator.disclosure.report.words import Words

UNITS = ("bytes", "kB", "MB", "GB")
_STEP = 1000
_EXACT = 10
"""Milliseconds from which on tenths are not shown."""
WORDS = Words()
_FOUND = Markup("<mark>{}</mark>")
_SEALED = Markup('<span class="sealed" title="{1} of {2}, fingerprint {3}">redacted {0}</span>')


def time_of_day(stamp: str) -> str:
    """Return ``10:20:30.123`` of an RFC 3339 time stamp."""
    return stamp[11:].removesuffix("Z")


def moment(stamp: str) -> str:
    """Return ``5 Jan 2026, 10:20:30 UTC`` of an RFC 3339 time stamp; others as they are."""
    try:
        when = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    return f"{when.day} {when:%b %Y, %H:%M:%S} UTC"


def http_date(stamp: str) -> str:
    """Return ``Mon, 05 Jan 2026 10:20:30 GMT`` of an RFC 3339 time stamp."""
    return format_datetime(datetime.fromisoformat(stamp).astimezone(UTC), usegmt=True)


def instant(at_ms: int) -> str:
    """Return the same of milliseconds since the epoch."""
    return moment(rfc3339(at_ms))


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    value = float(count)
    for unit in UNITS:
        if value < _STEP or unit == UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == UNITS[0] else f"{value:.1f} {unit}"
        value /= _STEP
    raise AssertionError  # the last unit has returned


def duration(took_ms: float) -> str:
    """Return milliseconds as people read them: ``0.4 ms``, ``12 ms``, ``1.5 s``."""
    if took_ms >= _STEP:
        return f"{took_ms / _STEP:.1f} s"
    return f"{took_ms:.1f} ms" if took_ms < _EXACT else f"{took_ms:.0f} ms"


def meaning(concept: str) -> str:
    """Return what a concept is called: ``Serial number of a device``; itself if nobody says."""
    return WORDS.whole(concept) if concept in CONCEPTS else concept


def named(concept: str) -> str:
    """Return what a concept is called without whose it is: ``serial number``."""
    return WORDS.concept(concept) if concept in CONCEPTS else concept


def kind(category: str) -> str:
    """Return what a category of concepts is called: ``identifier of a device``."""
    return WORDS.text(category, "category")


def whose(subject: str) -> str:
    """Return whom a value is about: ``a device``; itself if that cannot be said."""
    return WORDS.subject(subject) or subject


def number(count: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{count:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def plural(count: int, word: str) -> str:
    """Return ``1 device`` or ``2 devices``."""
    return f"{number(count)} {word}" if count == 1 else f"{number(count)} {word}s"


def shell(words: Sequence[str]) -> str:
    """Return a command as it can be pasted into a shell."""
    return " ".join(shlex.quote(word) for word in words)


def pieces(text: str, searched: str = "") -> Markup:
    """Return *text* with what stands in place of secrets set apart from what was sent.

    Where *searched* stands, in whatever case, it is marked.
    """
    return Markup("").join(
        _SEALED.format(one.concept, one.shape, one.length, one.fp)
        if isinstance(one, Marker)
        else _marked(one, searched)
        for one in apart(text)
    )


def _marked(text: str, searched: str) -> Markup:
    if not searched:
        return escape(text)
    parts = re.split(f"({re.escape(searched)})", text, flags=re.IGNORECASE)
    return Markup("").join(
        _FOUND.format(part) if number % 2 else part for number, part in enumerate(parts)
    )


def tone(status: int) -> str:
    """Return how an HTTP status is to look."""
    return {2: "good", 3: "plain", 4: "warn", 5: "bad"}.get(status // 100, "plain")


def standing(disclosure: Mapping[str, Any]) -> str:
    """Return the claim that covers a disclosure, else that it is inherent, else its flags."""
    if disclosure["declared"] != "-":
        return str(disclosure["declared"])
    return "inherent" if disclosure["inherent"] else ", ".join(disclosure["flags"])


def problem(response: web.StreamResponse) -> dict[str, Any]:
    """Return what a problem document says."""
    content = response.body if isinstance(response, web.Response) else None
    said: dict[str, Any] = json.loads(content) if isinstance(content, bytes) else {}
    return {"title": "Something went wrong", "status": response.status, "detail": "", **said}


FILTERS: dict[str, Callable[..., str]] = {
    "time_of_day": time_of_day,
    "moment": moment,
    "duration": duration,
    "meaning": meaning,
    "named": named,
    "kind": kind,
    "whose": whose,
    "instant": instant,
    "size": size,
    "standing": standing,
    "number": number,
    "pieces": pieces,
    "plural": plural,
    "tone": tone,
}
