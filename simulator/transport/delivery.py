"""Answers that arrive late, broken or not at all, over HTTP/1.1 and HTTP/2 alike.

`deliver` says what happens and when; each protocol has a `Wire` that does it.
Waiting follows the simulator's clock: moving it wakes whoever waits.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any, Protocol

from simulator.core.clock import Clock
from simulator.core.messages import Delivery, Response
from simulator.core.timers import FOREVER, sleep_until

JUNK = b"\x15\x00mdmsim: this is no HTTP ][;'/.\x7f\xff\r\n"
"""What comes where no HTTP comes."""
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: on, for no time, so that closing resets the connection."""


class Wire(Protocol):
    """One answer on its connection."""

    @property
    def gone(self) -> bool:
        """Whether the client has gone."""
        ...

    @property
    def left(self) -> bool:
        """Whether the client has gone, or has closed its side and may only be listening."""
        ...

    def watched(self, wakeup: asyncio.Event) -> contextlib.AbstractContextManager[None]:
        """Set *wakeup* when the client goes or leaves, inside the block."""
        ...

    def whole(self) -> None:
        """Send the answer."""
        ...

    def head(self, *, broken: bool = False) -> None:
        """Send status and headers; *broken*: what comes next will be no body."""
        ...

    def piece(self, data: bytes, *, last: bool) -> bool:
        """Send a piece of the body; False if the client takes no more for now."""
        ...

    def rest(self, data: bytes) -> None:
        """Send the rest of the body as the client takes it."""
        ...

    def raw(self, data: bytes) -> None:
        """Send bytes that are no HTTP."""
        ...

    def close(self, *, polite: bool = False) -> None:
        """End the connection; *polite*: say so first, where the protocol can."""
        ...

    def reset(self) -> None:
        """Reset the connection."""
        ...

    def reset_stream(self, code: int) -> None:
        """Reset the stream, or what there is of it."""
        ...

    def goaway(self, delivery: Delivery) -> None:
        """End the connection with a reason."""
        ...

    def announce_end(self) -> None:
        """Say that the connection is going to end, where the protocol can."""
        ...

    def silence(self, *, on: bool) -> None:
        """Read and write nothing on the whole connection, until *on* is False."""
        ...


async def deliver(response: Response, delivery: Delivery, wire: Wire, clock: Clock) -> None:
    """Bring *response* to the client as *delivery* says, for as long as the client is there."""
    wakeup = asyncio.Event()
    with wire.watched(wakeup):

        async def wait(at_ms: int) -> bool:
            return await sleep_until(clock, at_ms, lambda: wire.gone, wakeup)

        if delivery.name == "hang":
            at_ms = clock.now_ms() + delivery.wait_ms if delivery.wait_ms else FOREVER
            await sleep_until(clock, at_ms, lambda: wire.left, wakeup)
            wire.close()
            return
        if not await wait(clock.now_ms() + delivery.wait_ms):
            return
        if delivery.name == "dead":
            await _silence(wire, delivery.silent_ms / 1000, wakeup)
        if delivery.name != "drip":
            _send(response, delivery, wire)
            return
        wire.head()
        body, at_ms = response.body, clock.now_ms()
        for start in range(0, len(body), delivery.size):
            end = start + delivery.size
            if not wire.piece(body[start:end], last=end >= len(body)):
                wire.rest(body[start:])
                return
            at_ms += delivery.every_ms
            if end < len(body) and not await wait(at_ms):
                return


async def _silence(wire: Wire, seconds: float, wakeup: asyncio.Event) -> None:
    """Keep the connection silent for *seconds* of the real clock, or until it is closed."""
    wire.silence(on=True)
    wakeup.clear()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wakeup.wait()
    wire.silence(on=False)


def _send(response: Response, delivery: Delivery, wire: Wire) -> None:
    match delivery.name:
        case "empty":
            wire.close()
        case "garbage":
            wire.raw(JUNK)
            wire.close()
        case "malformed":
            wire.head(broken=True)
            wire.raw(JUNK)
            wire.close()
        case "truncated":
            size = len(response.body) // 2 if delivery.size < 0 else delivery.size
            wire.head()
            wire.piece(response.body[: min(size, len(response.body) - 1)], last=False)
            wire.close()
        case "reset":
            wire.reset()
        case "reset_stream":
            wire.reset_stream(delivery.code)
        case "goaway":
            wire.goaway(delivery)
        case "goaway_twice":
            wire.announce_end()
            wire.whole()
            wire.close(polite=True)
        case _:
            wire.whole()
            if delivery.name == "close":
                wire.close(polite=True)


def reset(transport: Any) -> None:
    """Close *transport* so that TCP resets the connection."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # Event loops lend no socket that could be set; a copy of it is the same to the system.
        with socket.socket(fileno=os.dup(connection.fileno())) as copy:
            copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


class ClientWatch:
    """Who wants to know when the client of one connection goes."""

    def __init__(self) -> None:
        self._events: set[asyncio.Event] = set()

    @contextlib.contextmanager
    def watched(self, wakeup: asyncio.Event) -> Iterator[None]:
        """Set *wakeup* when the client goes, inside the block."""
        self._events.add(wakeup)
        try:
            yield
        finally:
            self._events.discard(wakeup)

    def wake(self) -> None:
        """Wake all who wait."""
        for event in self._events:
            event.set()
