"""Time stamps as Apple writes them, to and from milliseconds since the epoch."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(1024)
def rfc3339(milliseconds: int) -> str:
    """Return a time stamp as Apple writes it: UTC, whole seconds, ``Z``."""
    # Several times faster than a format with %Y, and asked for with every device.
    return f"{datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat()[:19]}Z"


@lru_cache(1024)
def rfc3339_ms(milliseconds: int) -> str:
    """Return a time stamp with milliseconds: UTC, ``Z``."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(1024)
def milliseconds(text: str) -> int:
    """Return milliseconds since the epoch of an RFC 3339 time stamp, else raise ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"the time stamp {text!r} names no offset: end it with Z")
    return int(moment.timestamp() * 1000)


def is_time(text: str, _: object = None) -> str:
    """Return what is wrong with a time stamp that somebody sent, or an empty string."""
    try:
        milliseconds(text)
    except (ValueError, OverflowError):
        return "must be a time such as 2026-01-05T10:00:00Z"
    return ""
