"""One HTTP/1.1 connection: aiohttp's parser and handler, and what they would drop or answer."""

import contextlib
from asyncio import BaseTransport, TimerHandle, get_running_loop
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from msgspec.structs import replace

from simulator.core.clock import Clock
from simulator.core.messages import Peer, Request, Response
from simulator.transport.dates import HttpDate
from simulator.transport.delivery import ClientWatch, deliver
from simulator.transport.handshake import shown
from simulator.transport.http1.delivering import STAYING, Http1Wire
from simulator.transport.http1.malformed_requests import Salvage, describe, salvage
from simulator.transport.http1.request_loop import LINGER_S, RequestLoop
from simulator.transport.http1.requests import (
    NO_BODY,
    Answer,
    BrokenFramingError,
    RequestReader,
    read_body,
)
from simulator.transport.http1.responses import encode

HEAD_LIMIT = 65_536
"""Longest request line and longest header field in bytes."""
FIELD_COUNT_LIMIT = 256
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Http1Owner(Protocol):
    """What a connection needs of the server that it belongs to; see `Http1Server`."""

    answer: Answer
    numbers: Iterator[int]
    clock: Clock
    date: HttpDate
    body_limit: int
    slow_s: float
    leaves: Callable[[], bool]
    requests: RequestReader

    def note(self, request: Request) -> None:
        """Have *request* answered though the client has gone."""
        ...


class Http1Connection(RequestLoop):
    """One HTTP/1.1 connection: aiohttp's, with malformed requests handed on like any other."""

    def __init__(self, manager: web.Server, server: Http1Owner) -> None:
        super().__init__(
            manager,
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
        self.peer = Peer("", 0, 0)
        self.scheme = "http"
        self.watch = ClientWatch()
        self._patience: TimerHandle | None = None
        """Runs while a request is only half there."""
        self._stuck: TimerHandle | None = None
        """Runs while the client does not read."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Note who is at the other end."""
        address, port, *_ = transport.get_extra_info("peername") or ("", 0)
        handshake = transport.get_extra_info("ssl_object")
        tls = None if handshake is None else shown(handshake)
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

    async def _answer(self, message: Any, payload: StreamReader) -> bool:
        if isinstance(message, RawRequestMessage):
            body = NO_BODY
            if payload is not EMPTY_PAYLOAD and message.method != "CONNECT":
                body = await read_body(message, payload, self, self._server.body_limit)
            request = self._server.requests.request(message, body, self.scheme, self.next_peer())
            stays = not (message.should_close or request.problem or request.method == "CONNECT")
        else:
            found = self._salvage or Salvage()
            # A method that aiohttp's parser does not know is no fault of the bytes.
            unknown_method = isinstance(message.exc, BadHttpMethod) and found.whole
            request = self._salvaged(found, "" if unknown_method else describe(message.exc, found))
            stays = False
        response = await self._server.answer(request)
        return await self._send(request, response, stays=stays)

    async def _send(self, request: Request, response: Response, *, stays: bool) -> bool:
        """Send *response*; return whether the connection stays, as it may if it *stays*."""
        transport, server = self.transport, self._server
        if response.goaway is not None or response.silent or transport is None:
            # HTTP/1.1 has no GOAWAY: the connection ends without an answer.
            return False
        stays = stays and not (response.close or self.closing or server.leaves())
        old = request.http == "1.0"
        try:
            content = encode(response, request.method, server.date(), stays=stays, old=old)
        except ValueError:  # a failure of our own
            stays = False
            content = encode(Response(500), "GET", server.date(), stays=False, old=False)
        if response.delivery is not None:
            wire = Http1Wire(transport, self.watch, content)
            await deliver(response, response.delivery, wire, server.clock)
            return stays and response.delivery.name in STAYING
        if transport.is_closing():
            return False
        transport.write(content)
        if self._paused:
            await self._drain_helper()
        return stays

    def connection_lost(self, exc: BaseException | None) -> None:
        """Save what had arrived of a body before aiohttp drops it, and hand on half a head."""
        for timer in (self._patience, self._stuck):
            if timer is not None:
                timer.cancel()
        if self._current_request is not None:
            self._save(self._current_request.content)
        if self._head.strip() and self._salvage is None:
            sentence = "the connection ended within the head of a request"
            self._server.note(self._salvaged(salvage(self._head), sentence))
        super().connection_lost(exc)
        self.watch.wake()

    def _save(self, content: StreamReader) -> None:
        """Keep what has arrived of a body and was not read, as no more will come."""
        with contextlib.suppress(RuntimeError):  # someone waits: there is nothing to save
            self.unread = content.read_nowait()

    def _salvaged(self, found: Salvage, sentence: str) -> Request:
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
