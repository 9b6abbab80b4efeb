"""HTTP/1.1 by aiohttp's low-level server: what was on the wire in, what is answered out.

Rule 1: a request is handed on exactly as it was sent: raw target, header order, coded body. Only
the host of a target in absolute form becomes the Host.
Rule 2: whatever arrives is handed on, also what is malformed, cut off or too large.
Rule 3: nothing is logged here; a path or a header may hold a secret.
"""

import itertools
import re
from asyncio import CancelledError, Task, gather, get_running_loop
from collections.abc import Callable, Coroutine
from email.utils import formatdate
from typing import Any, cast

from aiohttp import web
from aiohttp.http import HttpVersion10
from aiohttp.streams import StreamReader

from simulator.core.clock import Clock
from simulator.core.messages import Headers, Request, Response
from simulator.transport.http1.connection import BrokenFramingError, Http1Connection
from simulator.transport.http1.delivering import Late
from simulator.transport.http1.malformed_requests import text
from simulator.transport.http1.responses import Outgoing, encode

RawHeaders = tuple[tuple[bytes, bytes], ...]
Answer = Callable[[Request], Coroutine[Any, Any, Response]]
"""Answers one request; never raises but when cancelled."""

_ABSOLUTE = re.compile(r"https?://([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)
"""A target with the host in it, which then counts whatever Host says (RFC 9112, 3.2.2)."""
_MOST_HEADS, _SMALL_HEAD = 1024, 4096
"""Sets of header fields that are kept, and their bytes at most."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Http1Server(web.Server):
    """Makes the protocol object of each HTTP/1.1 connection, and closes them all."""

    def __init__(self, answer: Answer, clock: Clock, body_limit: int, slow_s: float = 0) -> None:
        """Hand each request to *answer*; bodies are cut at *body_limit* bytes.

        *slow_s* is the time for a request to come, and for what waits to be read; 0: any.
        """
        super().__init__(self._serve, loop=get_running_loop())
        self.answer = answer
        self.numbers = itertools.count(1)
        self.body_limit = body_limit
        self.slow_s = slow_s
        self.leaves: Callable[[], bool] = bool
        """Whether connections are to end with their next response."""
        self._clock = clock
        self._abandoned: set[Task[Response]] = set()
        self._second, self._date = -1, ""
        self._read_heads: dict[RawHeaders, Headers] = {}
        """Header fields by the bytes that they were sent as."""

    @property
    def held(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def __call__(self) -> Http1Connection:
        """Return the protocol of a new connection."""
        return Http1Connection(self)

    async def close(self, timeout_s: float) -> None:
        """Answer what is being answered, then close all connections."""
        self.pre_shutdown()
        await self.shutdown(timeout_s)
        await gather(*self._abandoned)

    def note(self, request: Request) -> None:
        """Have *request* answered though nobody is there any more to hear it."""
        task = get_running_loop().create_task(self.answer(request))
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)

    def date(self) -> str:
        """Return the Date header of this second, by the simulator's clock."""
        second = self._clock.now_ms() // 1000
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date

    async def _serve(self, incoming: web.BaseRequest) -> web.StreamResponse:
        connection = cast("Http1Connection", incoming.protocol)
        body, problem, sentence = b"", "", ""
        if incoming.body_exists and incoming.method != "CONNECT":
            body, problem, sentence = await self._read(incoming, connection)
        raw = incoming.raw_headers
        headers = self._read_heads.get(raw) or self._read_head(raw)
        target = incoming.raw_path
        if not target.isascii():
            target = text(target.encode(errors="surrogateescape"))
        if not target.startswith("/") and (absolute := _ABSOLUTE.fullmatch(target)):
            authority, rest = absolute.groups()
            target = rest if rest.startswith("/") else f"/{rest}"
            others = [pair for pair in headers if pair[0].lower() != "host"]
            headers = (("Host", authority), *others)
        request = Request(
            method=incoming.method,
            target=target,
            headers=headers,
            body=body,
            scheme=connection.scheme,
            peer=connection.next_peer(),
            http="1.0" if incoming.version == HttpVersion10 else "1.1",
            problem=problem,
            problem_about=sentence,
        )
        stays = incoming.keep_alive and not problem and incoming.method != "CONNECT"
        return await self.exchange(request, connection, stays=stays)

    def _read_head(self, raw: RawHeaders) -> Headers:
        """Return header fields as text, and keep them: clients send the same ones again."""
        try:
            headers = tuple([(name.decode(), value.decode()) for name, value in raw])
        except UnicodeDecodeError:
            headers = tuple([(text(name), text(value)) for name, value in raw])
        if sum(len(name) + len(value) for name, value in raw) <= _SMALL_HEAD:
            if len(self._read_heads) >= _MOST_HEADS:
                self._read_heads.clear()
            self._read_heads[raw] = headers
        return headers

    async def exchange(
        self, request: Request, connection: Http1Connection, *, stays: bool
    ) -> web.StreamResponse:
        """Have *request* answered; *stays* is whether the connection may stay open."""
        response = await self.answer(request)
        if response.goaway is not None or response.silent:
            # HTTP/1.1 has no GOAWAY: the connection ends without an answer.
            return cast("web.StreamResponse", Outgoing(b"", keep_alive=False))
        stays = stays and not (response.close or connection.closing or self.leaves())
        content = encode(
            response, request.method, self.date(), stays=stays, old=request.http == "1.0"
        )
        if response.delivery is not None:
            late = Late(content, stays, response, response.delivery, connection.watch, self._clock)
            return cast("web.StreamResponse", late)
        return cast("web.StreamResponse", Outgoing(content, stays))

    async def _read(
        self, incoming: web.BaseRequest, connection: Http1Connection
    ) -> tuple[bytes, str, str]:
        """Return the body up to the limit, and the problem with its sentence if there is one."""
        limit = self.body_limit
        too_large = ("too-large", f"the body is larger than {limit} bytes")
        content = incoming.content
        if incoming.headers.get("Expect", "").lower() == "100-continue":
            if (incoming.content_length or 0) > limit:
                return b"", *too_large
            if not content.total_bytes and connection.transport is not None:
                connection.transport.write(_CONTINUE)
        body = bytearray()
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
