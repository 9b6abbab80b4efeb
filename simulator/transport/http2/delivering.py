"""An answer of HTTP/2 as a delivery handles it."""

import asyncio
import contextlib
from typing import Any, Protocol

from simulator.core.messages import Delivery, Goaway, Response
from simulator.transport.delivery import ClientWatch, reset
from simulator.transport.http2.connection import Http2Connection


class Owner(Protocol):
    """The protocol object of a connection, as far as a delivery needs it."""

    watch: ClientWatch
    hurried: bool
    """Whether the client has closed its side, or the server closes."""

    @property
    def transport(self) -> Any:
        """The transport, until the connection is lost or has said all."""
        ...

    def date(self) -> str:
        """Return the Date header of this second."""
        ...

    def respond(self, number: int, response: Response) -> None:
        """Send *response* on stream *number*."""
        ...

    def silence(self, *, on: bool) -> None:
        """Read and write nothing until *on* is False."""
        ...

    def go(self, goaway: Goaway, last: int | None) -> None:
        """End the connection with a reason; *last* is the stream named as the last one."""
        ...

    def end(self) -> None:
        """End the connection without a word."""
        ...

    def flush(self) -> None:
        """Write what there is."""
        ...


class Http2Wire:
    """The answer on stream *number*."""

    def __init__(
        self, owner: Owner, connection: Http2Connection, number: int, response: Response
    ) -> None:
        self._owner = owner
        self._connection = connection
        self._number = number
        self._response = response

    @property
    def gone(self) -> bool:
        """Whether the client has gone, or given up on the stream."""
        return self._owner.transport is None or not self._connection.is_open(self._number)

    @property
    def left(self) -> bool:
        """Whether the client has gone, or has closed its side."""
        return self.gone or self._owner.hurried

    def watched(self, wakeup: asyncio.Event) -> contextlib.AbstractContextManager[None]:
        """Set *wakeup* when the client goes, inside the block."""
        return self._owner.watch.watched(wakeup)

    def whole(self) -> None:
        """Send the answer."""
        self._owner.respond(self._number, self._response)

    def head(self, *, broken: bool = False) -> None:
        """Send status and headers."""
        del broken
        headers = [pair for pair in self._response.headers if pair != ("date", "")]
        if len(headers) == len(self._response.headers):
            headers.append(("date", self._owner.date()))
        self._connection.begin(self._number, self._response.status, headers)
        self._owner.flush()

    def piece(self, data: bytes, *, last: bool) -> bool:
        """Send a piece of the body; False if the client's windows are too small for it."""
        sent = self._connection.part(self._number, data, last=last)
        self._owner.flush()
        return sent

    def rest(self, data: bytes) -> None:
        """Send the rest of the body as the client's windows open."""
        self._connection.finish(self._number, data)
        self._owner.flush()

    def raw(self, data: bytes) -> None:
        """Send bytes that are no HTTP/2."""
        if self._owner.transport is not None:
            self._owner.transport.write(data)

    def close(self, *, polite: bool = False) -> None:
        """End the connection; *polite*: with GOAWAY, once all is answered."""
        if polite:
            self._connection.close()
            self._owner.flush()
        else:
            self._owner.end()

    def reset(self) -> None:
        """Reset the connection."""
        if self._owner.transport is not None:
            reset(self._owner.transport)

    def reset_stream(self, code: int) -> None:
        """Reset the stream."""
        self._connection.reset(self._number, code)
        self._owner.flush()

    def goaway(self, delivery: Delivery) -> None:
        """End the connection with a reason."""
        reason = Goaway(delivery.debug.encode(), delivery.code)
        self._owner.go(reason, delivery.last)

    def announce_end(self) -> None:
        """Say GOAWAY for the highest stream, as a server does before it closes (RFC 9113, 6.8)."""
        self._connection.announce_end()
        self._owner.flush()

    def silence(self, *, on: bool) -> None:
        """Read and write nothing on the whole connection, until *on* is False."""
        self._owner.silence(on=on)
