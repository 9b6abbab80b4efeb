"""What can still be read of bytes that are no proper HTTP/1.1 request.

Rule: nothing here raises, and no sentence made here holds bytes that a client sent.
"""

import re

from aiohttp.http_exceptions import (
    BadHttpMethod,
    BadStatusLine,
    HttpProcessingError,
    InvalidHeader,
    InvalidURLError,
    LineTooLong,
)
from msgspec import Struct

from simulator.core.messages import Headers

_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^ \r\n]+) HTTP/(1\.[01])\r?\n")
_FIELD = re.compile(rb"^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*\r?\n", re.MULTILINE)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_SAFE = re.compile(r"(Missing|Duplicate|Too many) [A-Za-z' -]+\.?")
_TLS = b"\x16\x03"
"""How a TLS handshake begins."""
_ABOUT: tuple[tuple[type[HttpProcessingError], str], ...] = (
    (LineTooLong, "the request line or a header field is too long"),
    (InvalidHeader, "a header field holds bytes that HTTP forbids"),
    (InvalidURLError, "the request target is none that HTTP knows"),
    (BadHttpMethod, "the request does not start with an HTTP method"),
    (BadStatusLine, "the request line does not end in HTTP/1.0 or HTTP/1.1"),
)
"""Sentences by what the parser raised; its own words may quote the request."""


class Salvage(Struct, frozen=True):
    """What was readable."""

    method: str = ""
    target: str = ""
    headers: Headers = ()
    body: bytes = b""
    http: str = "1.1"
    whole: bool = False
    """Whether the head is a proper one, apart from a method that the parser does not know."""
    tls: bool = False
    """Whether the bytes begin TLS instead."""


def text(raw: bytes) -> str:
    """Return *raw* as UTF-8, or byte by byte as Latin-1 where it is none."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def salvage(data: bytes) -> Salvage:
    """Read the head of *data* as far as it goes.

    Bytes that do not start with a request line are not kept at all: nobody
    could tell which of them are secret.
    """
    line = _REQUEST_LINE.match(data)
    if line is None:
        return Salvage(tls=data.startswith(_TLS))
    end = _HEAD_END.search(data, line.end() - 2)
    head = data[line.end() : end.end() if end else len(data)]
    fields = tuple((text(name), text(value)) for name, value in _FIELD.findall(head))
    body = data[end.end() :] if end else b""
    whole = end is not None and len(fields) == head.count(b"\n") - 1
    return Salvage(text(line[1]), text(line[2]), fields, body, line[3].decode(), whole)


def describe(error: BaseException, salvage: Salvage) -> str:
    """Return a sentence for what the parser raised of what was *salvage*."""
    if salvage.tls:
        return "this port speaks plain HTTP: ask with http://, or use the port for HTTPS"
    for kind, sentence in _ABOUT:
        if isinstance(error, kind):
            return sentence
    said = getattr(error, "message", "")
    return said.rstrip(".") if _SAFE.fullmatch(said) else "the bytes are no HTTP request"
