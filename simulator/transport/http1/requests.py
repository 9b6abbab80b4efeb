"""Requests as they were on the wire, of what aiohttp's parser makes of them.

Rule: a request is handed on exactly as it was sent: raw target, header order, coded body. Only
the host of a target in absolute form becomes the Host.
"""

import re
from asyncio import CancelledError
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp.http import HttpVersion10, RawRequestMessage
from aiohttp.streams import StreamReader

from simulator.core.memo import Memo
from simulator.core.messages import Headers, Peer, Request, Response
from simulator.transport.http1.malformed_requests import text
from simulator.transport.http1.request_loop import RequestLoop

Answer = Callable[[Request], Coroutine[Any, Any, Response]]
"""Answers one request; never raises but when cancelled."""
RawHeaders = tuple[tuple[bytes, bytes], ...]
Body = tuple[bytes, str, str]
"""What there is of a body, the problem with it, and that in a sentence; see `Request.problem`."""
NO_BODY: Body = (b"", "", "")
_ABSOLUTE = re.compile(r"https?://([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)
"""A target with the host in it, which then counts whatever Host says (RFC 9112, 3.2.2)."""
_MOST_HEADS, _SMALL_HEAD = 1024, 4096
"""Sets of header fields that are kept, and their bytes at most."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class BrokenFramingError(Exception):
    """The body's own framing, such as a chunk size, could not be read."""


class RequestReader:
    """Makes requests of the parser's messages."""

    def __init__(self) -> None:
        self._heads: Memo[RawHeaders, Headers] = Memo(_MOST_HEADS)
        """Header fields by the bytes that they were sent as: clients send the same ones again."""

    def request(self, message: RawRequestMessage, read: Body, scheme: str, peer: Peer) -> Request:
        """Return the request of *message* with its body as it was *read*."""
        target, raw = message.path, message.raw_headers
        body, problem, sentence = read
        headers = self._heads.get(raw) or self._head(raw)
        if not target.isascii():
            target = text(target.encode(errors="surrogateescape"))
        if not target.startswith("/") and (absolute := _ABSOLUTE.fullmatch(target)):
            authority, rest = absolute.groups()
            target = rest if rest.startswith("/") else f"/{rest}"
            others = [pair for pair in headers if pair[0].lower() != "host"]
            headers = (("Host", authority), *others)
        return Request(
            method=message.method,
            target=target,
            headers=headers,
            body=body,
            scheme=scheme,
            peer=peer,
            http="1.0" if message.version == HttpVersion10 else "1.1",
            problem=problem,
            problem_about=sentence,
        )

    def _head(self, raw: RawHeaders) -> Headers:
        """Return header fields as text, and keep them."""
        try:
            headers = tuple([(name.decode(), value.decode()) for name, value in raw])
        except UnicodeDecodeError:
            headers = tuple([(text(name), text(value)) for name, value in raw])
        if sum(len(name) + len(value) for name, value in raw) <= _SMALL_HEAD:
            self._heads.keep(raw, headers)
        return headers


async def read_body(
    message: RawRequestMessage, content: StreamReader, connection: RequestLoop, limit: int
) -> Body:
    """Return the *content* of a body up to *limit* bytes."""
    too_large = ("too-large", f"the body is larger than {limit} bytes")
    if message.headers.get("Expect", "").lower() == "100-continue":
        if int(message.headers.get("Content-Length", 0)) > limit:
            return b"", *too_large
        if not content.total_bytes and connection.transport is not None:
            connection.transport.write(_CONTINUE)
    body = bytearray()
    with connection.reading(content):
        broken = await _collect(content, body, limit)
    body += connection.unread
    read = bytes(body[:limit])
    if broken:
        return read, "malformed", "the chunks of the body cannot be read"
    if len(body) > limit:
        return read, *too_large
    if not content.is_eof():
        return read, "truncated", f"the connection ended after {len(read)} bytes of the body"
    return read, "", ""


async def _collect(content: StreamReader, body: bytearray, limit: int) -> bool:
    """Read *content* into *body* until its end or beyond *limit*; return whether it is broken."""
    try:
        while len(body) <= limit and (chunk := await content.readany()):
            body += chunk
    except BrokenFramingError:
        return True
    except (ConnectionError, RuntimeError, CancelledError):
        pass  # the client has gone, or the server closes: what had arrived before counts
    return False
