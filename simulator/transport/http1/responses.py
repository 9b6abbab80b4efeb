"""Responses to bytes: one write per answer, with nothing in it that nobody asked for."""

from functools import lru_cache
from http import HTTPStatus

from simulator.core.messages import Headers, Response

_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({*range(100, 200), 204, 304})
"""Statuses whose answers have neither a body nor, but for 304, a length."""


def encode(response: Response, method: str, date: str, *, stays: bool, old: bool) -> bytes:
    """Return *response* to a request of *method* as HTTP/1.1 bytes.

    The header fields go out as given; *date*, the length and what is said of
    the connection are added. *stays*: whether the connection stays open;
    *old*: whether the client speaks HTTP/1.0 and must be told so. ValueError
    if a header field holds a line break.
    """
    body = response.body
    head = _head(response.status, response.headers, len(body), date, stays, old)
    return head if method == "HEAD" or response.status in _BODILESS else head + body


@lru_cache(maxsize=256)
def _head(status: int, headers: Headers, length: int, date: str, stays: bool, old: bool) -> bytes:
    """Return the head; within a second, answers to one client have the same one."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}"]
    names = set()
    for name, value in headers:
        names.add(name.lower())
        if value or name.lower() != "date":  # an empty date says that there is to be none
            lines.append(f"{name}: {value}")
    if "date" not in names:
        lines.append(f"Date: {date}")
    if status not in _BODILESS and "content-length" not in names:
        lines.append(f"Content-Length: {length}")
    if not stays:
        lines.append("Connection: close")
    elif old:
        lines.append("Connection: keep-alive")
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("a header field of the response holds a line break")
    return f"{head}\r\n\r\n".encode()
