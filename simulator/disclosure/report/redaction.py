"""Redaction: how much of an example value may be shown.

Each level shows more than the one before; secrets stop at ``fingerprint``, and ``clear`` shows
all else.
"""

from typing import Literal, get_args

from simulator.disclosure.concepts import CONCEPTS, PROTOCOL
from simulator.disclosure.judge.manifest import rendered
from simulator.disclosure.observe.records import Disclosure
from simulator.disclosure.observe.values import EMPTY
from simulator.disclosure.report.groups import ReceivedValues

Level = Literal["names", "shape", "fingerprint", "partial", "clear"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From least to most."""
_SERIAL = "device.serial"
_KEPT = 3
"""Last characters of a serial number that ``partial`` shows."""


def shown(disclosure: Disclosure, text: str | None, level: str) -> str:
    """Return the value of one record at *level*; *text* is what the journal holds of it.

    None: it is a secret. ``clear`` shows what the journal shows.
    """
    if level == "names":
        return ""
    if level == "shape":
        return _figures(disclosure.shape, disclosure.len)
    hidden = text is None or disclosure.shape in EMPTY or CONCEPTS[disclosure.concept].sealed
    if text is None or hidden or level == "fingerprint":
        return rendered(disclosure)
    if level == "clear":
        return text
    return _partly(disclosure.concept, disclosure.shape, text) or rendered(disclosure)


def received_example(group: ReceivedValues, level: Level) -> str:
    """Return the example of what was received, at *level*."""
    marker, text = group.marker, group.text
    if level == "names":
        return ""
    figures = _figures(marker.shape, marker.length)
    if level == "shape" or marker.shape in EMPTY:
        return figures
    if text is not None:
        shown = text in group.row.closed or marker.shape in ("bool", "number")
        if level == "clear" or shown or group.row.concept == PROTOCOL:
            return text
        if level == "partial" and (part := _partly(group.row.concept, marker.shape, text)):
            return part
    return f"{figures} fp={marker.fp}"


def _figures(shape: str, length: int) -> str:
    return f"({shape})" if shape in EMPTY else f"{shape}[{length}]"


def _partly(concept: str, shape: str, text: str) -> str:
    if concept == _SERIAL:
        return f"…{text[-_KEPT:]}"
    return f"…@{text.rpartition('@')[2]}" if shape == "email" else ""
