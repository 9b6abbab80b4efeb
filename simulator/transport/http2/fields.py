"""Header fields: what the rules of HTTP/2 make of a client's, and how ours are written.

Rule: no sentence made here holds what a client sent.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from simulator.core.memo import Memo
from simulator.core.messages import Headers
from simulator.transport.http1.malformed_requests import text
from simulator.transport.http2 import hpack

_OVERHEAD = 32
"""Bytes that the size of a header list counts for each field (RFC 9113, 6.5.2)."""
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_PSEUDO = {b":method": 0, b":path": 1, b":scheme": 2, b":authority": 3}
_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}
)
"""Fields of HTTP/1.1 connections, which HTTP/2 has not."""


class RequestFields(NamedTuple):
    """The header fields of a request."""

    method: str
    target: str
    headers: Headers
    length: int
    """What Content-Length says; -1 if there is none."""
    size: int
    """Size of the list as SETTINGS_MAX_HEADER_LIST_SIZE counts it."""
    malformed: str
    """What is wrong with it, in a sentence; else empty."""


_CACHE_LIMIT = 1024
_known: Memo[bytes, str] = Memo(_CACHE_LIMIT)
"""Proper names seen so far; they repeat in every request."""
_heads: Memo[tuple[object, ...], RequestFields] = Memo(_CACHE_LIMIT)
"""What the fields but for the path have said, their size without it; by the path's place and them.

A proper path changes nothing else.
"""
REPEATED = 4096
"""Size of a list beyond which it is read each time."""
_written: Memo[str, bytes] = Memo(_CACHE_LIMIT)
"""Encoded names of answers; empty: a field of HTTP/1.1 that is left out."""


def read_head(fields: hpack.Fields) -> RequestFields:
    """Return the request that *fields* say; also if it is malformed, as far as it can be read.

    Clients repeat all but the path, so what the other fields say is remembered.
    """
    path = next((field for field in fields if field[0] == b":path"), None)
    if path is None or path[1][:1] != b"/":
        return _read_head(fields)
    at, raw = fields.index(path), path[1]
    key = (at, *fields[:at], *fields[at + 1 :])
    head = _heads.get(key)
    if head is None:
        head = _read_head(fields)
        if not head.malformed and head.size <= REPEATED:
            _heads.keep(key, head._replace(size=head.size - len(raw)))
        return head
    method, _, headers, length, size, _ = head
    return RequestFields(method, text(raw), headers, length, size + len(raw), "")


def _read_head(fields: hpack.Fields) -> RequestFields:
    pseudo: list[bytes | None] = [None, None, None, None]
    headers: list[tuple[str, str]] = []
    wrong = ""
    length = -1
    size = _OVERHEAD * len(fields)
    for field, value, _ in fields:
        size += len(field) + len(value)
        name = _known.get(field)
        if name is None:
            if field[:1] == b":":
                place = _PSEUDO.get(field, -1)
                if place < 0:
                    wrong = wrong or "there is a pseudo-header field that requests do not have"
                elif headers or pseudo[place] is not None:
                    wrong = wrong or "a pseudo-header field stands twice or not at the start"
                else:
                    pseudo[place] = value
                continue
            name, about = _name(field)
            wrong = wrong or about
        if name == "content-length":
            length, about = _length(value, length)
            wrong = wrong or about
        elif name == "te" and value != b"trailers":
            wrong = wrong or "the field TE says more than trailers"
        try:
            said = value.decode()
        except UnicodeDecodeError:
            said = text(value)
        if not said.isprintable() or said[:1] == " " or said[-1:] == " ":
            wrong = wrong or _value(value)
        headers.append((name, said))
    return _assemble(pseudo, headers, length, size, wrong)


def _assemble(
    pseudo: list[bytes | None],
    headers: list[tuple[str, str]],
    length: int,
    size: int,
    wrong: str,
) -> RequestFields:
    method, path, scheme, authority = [one if one is None else text(one) for one in pseudo]
    if authority is not None:
        hosts = [value for name, value in headers if name == "host"]
        if not hosts:
            headers.insert(0, ("host", authority))
        elif any(host != authority for host in hosts):
            wrong = wrong or "the fields :authority and Host differ"
    if method == "CONNECT":
        if path is not None or scheme is not None or not authority:
            wrong = wrong or "a request to connect names an authority and nothing else"
        path = authority
    elif not method or not scheme or not path:
        wrong = wrong or "one of :method, :scheme and :path is missing or empty"
    elif path[0] != "/" and (path != "*" or method != "OPTIONS"):
        wrong = wrong or "the path does not start with a slash"
    return RequestFields(method or "", path or "", tuple(headers), length, size, wrong)


def read_trailers(fields: hpack.Fields) -> tuple[Headers, str]:
    """Return what follows a body, and what is wrong with it."""
    trailers: list[tuple[str, str]] = []
    wrong = ""
    for field, value, _ in fields:
        if field[:1] == b":":
            wrong = wrong or "a pseudo-header field stands behind the body"
            continue
        name, about = (_known[field], "") if field in _known else _name(field)
        wrong = wrong or about or _value(value)
        trailers.append((name, text(value)))
    return tuple(trailers), wrong


def _name(field: bytes) -> tuple[str, str]:
    """Return a name that is new, and what is wrong with it."""
    name = text(field)
    if not _NAME.fullmatch(field):
        return name, "a field's name holds capitals or bytes that HTTP/2 forbids"
    if name in _CONNECTION:
        return name, "there is a field that belongs to connections of HTTP/1.1"
    return _known.keep(field, name), ""


def _value(value: bytes) -> str:
    """Return what is wrong with *value* by RFC 9113, 8.2.1."""
    if b"\r" in value or b"\n" in value or b"\0" in value:
        return "a field's value holds a line break or a zero byte"
    return "" if value == value.strip(b" \t") else "a field's value starts or ends with a space"


def _length(value: bytes, before: int) -> tuple[int, str]:
    """Return what Content-Length *value* says, and what is wrong with it."""
    if not value.isdigit() or len(value) > 15:  # noqa: PLR2004 (a petabyte is enough)
        return before, "the field Content-Length is no number"
    length = int(value)
    if before not in {-1, length}:
        return before, "the fields Content-Length differ"
    return length, ""


def write(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Return the header block of an answer; ValueError if a field holds a line break."""
    out = [hpack.status(status)]
    for name, value in headers:
        start = _written.get(name)
        if start is None:
            start = _start(name)
        if not start:
            continue
        raw = value.encode()
        if not value.isprintable() and _value(raw):
            raise ValueError("a header field of the response holds a line break")
        size = len(raw)
        out.append(
            start + bytes((size,)) + raw
            if size < 0x7F  # noqa: PLR2004 (fits the prefix)
            else start + hpack.string(raw)
        )
    return b"".join(out)


def _start(name: str) -> bytes:
    """Return the encoded *name*, in lower case; empty if HTTP/2 has no such field."""
    lower = name.lower()
    if not _NAME.fullmatch(lower.encode()):
        raise ValueError("the name of a header field of the response is no token")
    start = b"" if lower in _CONNECTION else hpack.name(lower)
    return _written.keep(name, start)
