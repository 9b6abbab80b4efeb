"""How a fault has an answer delivered over HTTP/1.1."""

import asyncio
import contextlib
from typing import Any

from simulator.core.messages import Delivery
from simulator.transport.delivery import ClientWatch, reset

STAYING = ("delay", "drip", "settings", "dead")
"""Deliveries after which the connection can go on."""


class Http1Wire:
    """An answer of HTTP/1.1: *content* is all of it as bytes."""

    def __init__(self, transport: Any, watch: ClientWatch, content: bytes) -> None:
        self._transport = transport
        self._watch = watch
        self._content = content
        self._head, _, self._body = content.partition(b"\r\n\r\n")

    @property
    def gone(self) -> bool:
        """Whether the client has gone."""
        return bool(self._transport.is_closing())

    @property
    def left(self) -> bool:
        """Whether the client has gone: over HTTP/1.1 leaving is as much."""
        return self.gone

    def watched(self, wakeup: asyncio.Event) -> contextlib.AbstractContextManager[None]:
        """Set *wakeup* when the client goes, inside the block."""
        return self._watch.watched(wakeup)

    def whole(self) -> None:
        """Send the answer."""
        self._transport.write(self._content)

    def head(self, *, broken: bool = False) -> None:
        """Send status and headers; *broken*: as if chunks followed."""
        lines = self._head.split(b"\r\n")
        if broken:
            lines = [one for one in lines if not one.lower().startswith(b"content-length:")]
            lines.append(b"Transfer-Encoding: chunked")
        self._transport.write(b"\r\n".join(lines) + b"\r\n\r\n")

    def piece(self, data: bytes, *, last: bool) -> bool:
        """Send a piece of the body."""
        del last
        if data and self._body:
            self._transport.write(data)
        return True

    def rest(self, data: bytes) -> None:
        """Send the rest of the body."""
        self._transport.write(data)

    def raw(self, data: bytes) -> None:
        """Send bytes that are no HTTP."""
        self._transport.write(data)

    def close(self, *, polite: bool = False) -> None:
        """End the connection."""
        del polite
        self._transport.close()

    def reset(self) -> None:
        """Reset the connection."""
        reset(self._transport)

    def reset_stream(self, code: int) -> None:
        """Reset the connection, as there is nothing less."""
        del code
        reset(self._transport)

    def goaway(self, delivery: Delivery) -> None:
        """End the connection without an answer, as HTTP/1.1 has no GOAWAY."""
        del delivery
        self._transport.close()

    def announce_end(self) -> None:
        """Say nothing, as HTTP/1.1 has no GOAWAY."""

    def silence(self, *, on: bool) -> None:
        """Read nothing while it is *on*; nothing is written, as this answer is the next."""
        if not self.gone:
            (self._transport.pause_reading if on else self._transport.resume_reading)()
