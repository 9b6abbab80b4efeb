"""HTTP/2 on sockets: what was on the wire in, what is answered out.

Rule 1: a request is handed on exactly as it was sent, and also if nobody waits for its answer.
Rule 2: nothing is logged here; a path or a header may hold a secret.
"""

import asyncio
import functools
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol, cast

from msgspec.structs import replace

from simulator.core.clock import Clock
from simulator.core.messages import Goaway, Peer, Request, Response, Tls
from simulator.transport.dates import HttpDate
from simulator.transport.delivery import ClientWatch, deliver
from simulator.transport.handshake import shown
from simulator.transport.http2.connection import Http2Connection
from simulator.transport.http2.delivering import Http2Wire
from simulator.transport.http2.frames import Code
from simulator.transport.http2.limits import Limits
from simulator.transport.http2.receiver import StreamRequest

STUCK_TICKS = 60
"""Seconds that a client may take to read what is sent before it is given up."""
LAST_S = 0.25
"""Seconds that a client gets to read what it is told where the server itself ends."""
LINGER_TICKS = 2
"""Seconds that a client gets to close after GOAWAY, so that it hears the reason."""


class Http2Owner(Protocol):
    """What a connection needs of the server that it belongs to; see `Http2Server`."""

    limits: Limits
    numbers: Iterator[int]
    clock: Clock
    date: HttpDate
    first_streams: Callable[[Tls | None], int] | None
    by_address: Counter[str]
    idle_ticks: int
    idle_debug: bytes

    def opened(self, connection: "Http2Protocol") -> None:
        """Keep *connection* until it is lost."""
        ...

    def lost(self, connection: "Http2Protocol") -> None:
        """Forget *connection*."""
        ...

    def ask(self, request: Request, on_response: Callable[[Response], None] | None) -> None:
        """Have *request* answered."""
        ...

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run *work* until it ends."""


class Http2Protocol(asyncio.Protocol):
    """One connection: bytes to its `Http2Connection`, and what that says to the server and back."""

    def __init__(self, server: Http2Owner) -> None:
        self._server = server
        self._connection = Http2Connection(server.limits)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._scheduled = False
        """Whether what waits is going to be written anyway."""
        self._finished = False
        """Whether we have said all."""
        self.hurried = False
        """Whether to close without waiting for the client to do so."""
        self._ours = False
        """Whether it was the server that wanted an end."""
        self._silent = False
        """Whether a fault has the connection say nothing, whatever comes."""
        self._stuck_ticks = 0
        self._idle_ticks = 0
        self._paused = False
        """Whether the client does not read what is sent."""
        self._scheme = "http"
        self._peer = Peer("", 0, 0)
        self.watch = ClientWatch()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who is at the other end, and send our SETTINGS.

        Also called by whoever hands on a connection that it has accepted
        itself; the bytes read so far then go to `data_received`.
        """
        # Other event loops have transports of their own, which are no asyncio.Transport.
        self._transport = cast("asyncio.Transport", transport)
        address, port, *_ = transport.get_extra_info("peername") or ("", 0)
        handshake = transport.get_extra_info("ssl_object")
        tls = None if handshake is None else shown(handshake)
        self._scheme = "http" if tls is None else "https"
        others = self._server.by_address[address]
        self._peer = Peer(address, port, next(self._server.numbers), tls, others=others)
        if self._server.first_streams is not None:
            self._connection.limit(self._server.first_streams(tls))
        self._server.opened(self)
        self._flush()

    @property
    def address(self) -> str:
        """Where the client is."""
        return self._peer.address

    def data_received(self, data: bytes) -> None:
        """Hand on the requests in *data*; write what the protocol itself has to say."""
        if self._finished:
            return
        self._idle_ticks = 0
        asked = self._connection.receive(data)
        if asked:
            self._hand_on(asked)
        self._flush()

    def eof_received(self) -> bool:
        """Keep the connection open for as long as there are answers to come."""
        self.hurried = True
        self._hand_on(self._connection.eof())
        self.watch.wake()
        self._flush()
        # Over TLS asyncio closes whatever is said here.
        return self._scheme == "http" and not self._finished

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on half requests; those that are being answered go on without a listener."""
        del exc
        self._finished = True
        self._hand_on(self._connection.lost())
        self._transport = None
        self.watch.wake()
        self._server.lost(self)

    def pause_writing(self) -> None:
        """Read nothing from a client that does not read."""
        self._paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again."""
        self._paused = False
        self._stuck_ticks = 0
        if self._transport is not None and not self._silent:
            self._transport.resume_reading()

    def _hand_on(self, events: list[StreamRequest]) -> None:
        scheme, ask = self._scheme, self._server.ask
        for number, method, target, headers, body, problem, about, wants_response in events:
            peer = self._peer
            if peer.first:
                self._peer = replace(peer, first=False)
                peer = replace(peer, settings=self._connection.began_with)
            request = Request(method, target, headers, body, scheme, peer, "2", problem, about)
            ask(request, functools.partial(self._hear, number) if wants_response else None)

    @property
    def transport(self) -> asyncio.Transport | None:
        """The transport, until the connection is lost or has said all."""
        return None if self._finished else self._transport

    def date(self) -> str:
        """Return the Date header of this second."""
        return self._server.date()

    def respond(self, number: int, response: Response) -> None:
        """Send *response* on stream *number*, now that its time has come."""
        self._hear(number, response)

    def go(self, goaway: Goaway, last: int | None) -> None:
        """End the connection without an answer; *last* is the stream named as the last one."""
        self._hand_on(self._connection.abort(goaway.code, goaway.debug, last))
        self._flush()

    def end(self) -> None:
        """End the connection without a word."""
        self._hand_on(self._connection.lost())
        if self._transport is not None and not self._finished:
            self._finish(self._transport)

    def flush(self) -> None:
        """Write what there is."""
        self._flush()

    def silence(self, *, on: bool) -> None:
        """Read and write nothing until *on* is False."""
        self._silent = on
        if self._transport is None or self._transport.is_closing():
            return
        if on:
            self._transport.pause_reading()
        elif not self._paused:
            self._transport.resume_reading()
        self._flush()

    def _hear(self, number: int, response: Response) -> None:
        """Take the answer for stream *number*; a fault may want it late, or not at all."""
        if response.delivery is not None:
            late = replace(response, delivery=None)
            wire = Http2Wire(self, self._connection, number, late)
            self._server.keep(deliver(late, response.delivery, wire, self._server.clock))
        elif not response.silent:
            self._respond(number, response)

    def _respond(self, number: int, response: Response) -> None:
        """Send *response* on stream *number*, with the others that are ready by then."""
        if response.goaway is not None:
            self._go(response.goaway)
            return
        if response.streams is not None:
            announced = response.announces_streams
            self._connection.limit(response.streams, announced=announced)
        headers = response.headers
        for name, value in headers:
            if name in {"date", "Date"}:
                if not value:
                    headers = tuple(field for field in headers if field != (name, value))
                break
        else:
            headers = (*headers, ("date", self._server.date()))
        try:
            self._connection.answer(number, response.status, headers, response.body)
        except ValueError:
            self._connection.answer(number, 500, (), b"")
        if response.close:
            self._connection.close()
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _go(self, goaway: Goaway) -> None:
        """End the connection without an answer."""
        self.go(goaway, None if goaway.processed else 0)

    def _flush(self) -> None:
        """Write what there is, and close if nothing is to come."""
        self._scheduled = False
        transport = self._transport
        if transport is None or self._finished or self._silent:
            return
        data = self._connection.data_to_send()
        if data:
            transport.write(data)
        if self._connection.ended:
            self._finish(transport)

    def _finish(self, transport: asyncio.Transport) -> None:
        """Close so that the client hears what was written last.

        Closing a socket with unread bytes resets it, so a plain connection is
        only ended on our side until the client ends its own; TLS does as much
        by itself.
        """
        self._finished = True
        self._stuck_ticks = 0
        if self._ours and transport.can_write_eof():
            # What the client asked last may stand unread.
            transport.write_eof()
            transport.resume_reading()
            self._loop.call_later(LAST_S, transport.close)
        elif transport.can_write_eof() and not self.hurried:
            transport.write_eof()
            transport.resume_reading()
        else:
            transport.close()

    def close(self, code: int = Code.NO_ERROR, debug: bytes = b"") -> None:
        """Say GOAWAY, finish what is open, and close."""
        self._ours = not self.hurried
        self.hurried = True
        if self._finished and self._transport is not None:
            self._transport.close()
        self._connection.close(code, debug)
        self.watch.wake()
        self._flush()

    def give_up(self) -> None:
        """Close at once, whatever is open."""
        if self._transport is not None:
            self._transport.abort()

    def tick(self) -> None:
        """Note that a second has gone by: end what is too slow, unless we keep it waiting."""
        if self._silent:
            return
        self._hand_on(self._connection.tick())
        idle = self._server.idle_ticks
        self._idle_ticks = 0 if self._connection.open_streams else self._idle_ticks + 1
        if idle and self._idle_ticks > idle and not self._finished:
            self.close(debug=self._server.idle_debug)
        self._flush()
        self._stuck_ticks += self._paused or self._finished
        if self._stuck_ticks > (LINGER_TICKS if self._finished else STUCK_TICKS):
            self.give_up()
