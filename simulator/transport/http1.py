"""HTTP/1.1 by aiohttp's low-level server: what was on the wire in, what is answered out.

Rule 1: a request is handed on exactly as it was sent: raw target, header order, coded body.
Rule 2: whatever arrives is handed on, also what is malformed, cut off or too large.
Rule 3: nothing is logged here; a path or a header may hold a secret.
"""

import contextlib
import itertools
import ssl
from asyncio import BaseTransport, CancelledError, Task, TimerHandle, gather, get_running_loop
from collections.abc import Awaitable, Callable, Coroutine
from email.utils import formatdate
from typing import Any, cast

from aiohttp import web
from aiohttp.http import HttpVersion10, RawRequestMessage
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from msgspec.structs import replace

from simulator.clock import Clock
from simulator.messages import Peer, Request, Response, Tls
from simulator.transport.delivery import Late, Watch
from simulator.transport.outgoing import Outgoing, encode
from simulator.transport.salvage import Salvage, about, salvage, text

Answer = Callable[[Request], Coroutine[Any, Any, Response]]
"""Answers one request; never raises but when cancelled."""

HEAD_LIMIT = 65_536
"""Longest request line and longest header field in bytes."""
FIELD_COUNT_LIMIT = 256
LINGER_S = 2.0
"""How long the rest of a refused body is read, so that the client hears the answer."""
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class BrokenFramingError(Exception):
    """The body's own framing, such as a chunk size, could not be read."""


class Server(web.Server):
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
        self._clock = clock
        self._unheard: set[Task[Response]] = set()
        self._second, self._date = -1, ""

    @property
    def held(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def __call__(self) -> "Connection":
        """Return the protocol of a new connection."""
        return Connection(self)

    async def close(self, timeout_s: float) -> None:
        """Answer what is being answered, then close all connections."""
        self.pre_shutdown()
        await self.shutdown(timeout_s)
        await gather(*self._unheard)

    def note(self, request: Request) -> None:
        """Have *request* answered though nobody is there any more to hear it."""
        task = get_running_loop().create_task(self.answer(request))
        self._unheard.add(task)
        task.add_done_callback(self._unheard.discard)

    def date(self) -> str:
        """Return the Date header of this second, by the simulator's clock."""
        second = self._clock.now_ms() // 1000
        if second != self._second:
            self._second, self._date = second, formatdate(second, usegmt=True)
        return self._date

    async def _serve(self, incoming: web.BaseRequest) -> web.StreamResponse:
        connection = cast("Connection", incoming.protocol)
        body, problem, sentence = b"", "", ""
        if incoming.body_exists and incoming.method != "CONNECT":
            body, problem, sentence = await self._read(incoming, connection)
        try:
            headers = tuple(
                [(name.decode(), value.decode()) for name, value in incoming.raw_headers]
            )
        except UnicodeDecodeError:
            headers = tuple([(text(name), text(value)) for name, value in incoming.raw_headers])
        target = incoming.raw_path
        if not target.isascii():
            target = text(target.encode(errors="surrogateescape"))
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

    async def exchange(
        self, request: Request, connection: "Connection", *, stays: bool
    ) -> web.StreamResponse:
        """Have *request* answered; *stays* is whether the connection may stay open."""
        response = await self.answer(request)
        if response.goaway is not None or response.silent:
            # HTTP/1.1 has no GOAWAY: the connection ends without an answer.
            return cast("web.StreamResponse", Outgoing(b"", keep_alive=False))
        stays = stays and not response.close and not connection.closing
        content = encode(
            response, request.method, self.date(), stays=stays, old=request.http == "1.0"
        )
        if response.delivery is not None:
            late = Late(content, stays, response, response.delivery, connection.watch, self._clock)
            return cast("web.StreamResponse", late)
        return cast("web.StreamResponse", Outgoing(content, stays))

    async def _read(
        self, incoming: web.BaseRequest, connection: "Connection"
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


class Connection(web.RequestHandler):
    """One HTTP/1.1 connection: aiohttp's, with malformed requests handed on like any other."""

    def __init__(self, server: Server) -> None:
        super().__init__(
            server,
            loop=get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # aiohttp's way to switch it off
            max_line_size=HEAD_LIMIT,
            max_field_size=HEAD_LIMIT,
            max_headers=FIELD_COUNT_LIMIT,
            lingering_time=LINGER_S,
            auto_decompress=False,
        )
        self._server = server
        self._head = b""
        """Bytes of a head that is not complete yet."""
        self._salvage: Salvage | None = None
        self._payload: StreamReader = EMPTY_PAYLOAD
        self.unread = b""
        """Bytes of a body that arrived, but were not read when the connection ended."""
        self.peer = Peer("", 0, 0)
        self.scheme = "http"
        self.watch = Watch()
        self._patience: TimerHandle | None = None
        """Runs while a request is only half there."""
        self._stuck: TimerHandle | None = None
        """Runs while the client does not read."""

    @property
    def closing(self) -> bool:
        """Whether no further request is taken."""
        return self._close or self._force_close

    def connection_made(self, transport: BaseTransport) -> None:
        """Note who is at the other end."""
        address, port, *_ = transport.get_extra_info("peername") or ("", 0)
        handshake = transport.get_extra_info("ssl_object")
        tls = None if handshake is None else _tls(handshake)
        self.scheme = "http" if tls is None else "https"
        self.peer = Peer(address, port, next(self._server.numbers), tls)
        super().connection_made(transport)
        self._wait(half=True)

    def next_peer(self) -> Peer:
        """Return who is at the other end, for one more exchange."""
        peer = self.peer
        if peer.first:
            self.peer = replace(peer, first=False)
        return peer

    def data_received(self, data: bytes) -> None:
        """Parse, and keep what a malformed request consists of."""
        self._take(data)
        half = bool(self._head.strip()) or not self._payload.is_eof()
        if half or (self._patience is not None and self._request_count):
            self._wait(half=half)

    def _wait(self, *, half: bool) -> None:
        """Wait for a request of which *half* is there, but not for ever."""
        if not half and self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if half and self._patience is None and self._server.slow_s:
            self._patience = get_running_loop().call_later(self._server.slow_s, self._give_up)

    def _give_up(self) -> None:
        """Close a connection whose request does not come; what there is of it is handed on."""
        if self.transport is not None:
            self.transport.write(_TOO_SLOW)
            self.transport.close()

    def pause_writing(self) -> None:
        """Wait for a client that does not read, but not for ever."""
        super().pause_writing()
        if self._server.slow_s:
            self._stuck = get_running_loop().call_later(self._server.slow_s, self._cut_off)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()

    def _cut_off(self) -> None:
        """End a connection whose client does not read; closing would wait for it."""
        if self.transport is not None:
            self.transport.abort()

    def _take(self, data: bytes) -> None:
        if self.closing and not self._payload.is_eof():
            self._finish_body(data)
            return
        if self.closing or self._upgraded:
            super().data_received(data)
            return
        known = self._request_count
        in_body = not self._payload.is_eof()
        super().data_received(data)
        if self._request_count == known:
            if not in_body and len(self._head) <= 2 * HEAD_LIMIT:
                self._head += data
            return
        message, payload = self._messages[-1]
        if isinstance(message, RawRequestMessage):
            self._head, self._payload = b"", payload
        elif in_body:
            # The parser has dropped the body's reader: tell who waits for it.
            self._messages.pop()
            self._save(self._payload)
            self._payload.set_exception(BrokenFramingError())
            self._payload.feed_eof()
        elif self._salvage is None:
            self._salvage = salvage(self._head + data)

    def _finish_body(self, data: bytes) -> None:
        """Take what still comes of a request that was begun before the end, and no more.

        aiohttp drops it, so that a good request would be answered as one that was cut off.
        """
        try:
            if self._parser is not None:
                self._parser.feed_data(data)
        except HttpProcessingError:
            self._payload.set_exception(BrokenFramingError())
            self._payload.feed_eof()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Save what had arrived of a body before aiohttp drops it, and hand on half a head."""
        for timer in (self._patience, self._stuck):
            if timer is not None:
                timer.cancel()
        if self._current_request is not None:
            self._save(self._current_request.content)
        if self._head.strip() and self._salvage is None:
            sentence = "the connection ended within the head of a request"
            self._server.note(self._request(salvage(self._head), sentence))
        super().connection_lost(exc)
        self.watch.stir()

    def _save(self, content: StreamReader) -> None:
        """Keep what has arrived of a body and was not read, as no more will come."""
        with contextlib.suppress(RuntimeError):  # someone waits: there is nothing to save
            self.unread = content.read_nowait()

    def _make_error_handler(
        self,
        err_info: "web.RequestHandler._ErrInfo",  # type: ignore[name-defined]  # not exported
    ) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
        """Hand on a malformed request with what is known of it."""
        found = self._salvage or Salvage()
        # A method that aiohttp's parser does not know is no fault of the bytes.
        unknown_method = isinstance(err_info.exc, BadHttpMethod) and found.whole
        request = self._request(found, "" if unknown_method else about(err_info.exc, found))

        async def answer(_: web.BaseRequest) -> web.StreamResponse:
            return await self._server.exchange(request, self, stays=False)

        return answer

    def _request(self, found: Salvage, sentence: str) -> Request:
        """Return what was *found* as a request; it is malformed if a *sentence* says how."""
        return Request(
            method=found.method,
            target=found.target,
            headers=found.headers,
            body=found.body[: self._server.body_limit],
            scheme=self.scheme,
            peer=self.next_peer(),
            http=found.http,
            problem="malformed" if sentence else "",
            problem_about=sentence,
        )

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 (aiohttp's signature)
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002 (aiohttp's signature)
        message: str | None = None,  # noqa: ARG002 (aiohttp's signature)
    ) -> web.StreamResponse:
        """Answer a failure of our own with nothing but its status."""
        content = encode(Response(status), "GET", self._server.date(), stays=False, old=False)
        return cast("web.StreamResponse", Outgoing(content, keep_alive=False))


def _tls(handshake: ssl.SSLObject) -> Tls:
    """Return what the client showed while it set up TLS."""
    cipher = handshake.cipher()
    return Tls(
        version=handshake.version() or "",
        cipher=cipher[0] if cipher else "",
        sni=getattr(handshake, "sni", ""),
        alpn=handshake.selected_alpn_protocol() or "",
        client_certificate=handshake.getpeercert(binary_form=True) or b"",
    )
