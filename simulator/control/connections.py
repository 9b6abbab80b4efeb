"""The connections of the control port: so many at once, and none that never asks anything."""

import asyncio
from functools import partial
from http import HTTPStatus

from aiohttp import web

from simulator.control.guards import HEADERS, problem

LEAST = 64
"""Connections that there may be in any case."""
KEPT_S = 75.0
"""How long a connection stays open after a response, for the next request."""


class ControlConnections:
    """What takes the connections."""

    def __init__(self, most: int, slow_s: float) -> None:
        """Take at most *most* at once; *slow_s* is the time for the first request; 0: any."""
        self._most, self._slow_s = most, slow_s
        self._timers: dict[object, asyncio.TimerHandle] = {}

    async def listen(self, runner: web.AppRunner, host: str, port: int) -> asyncio.Server:
        """Listen on *port* of *host* for *runner*, which is set up. OSError if it cannot."""
        if runner.server is None:
            raise RuntimeError("the application is not set up")
        loop, make = asyncio.get_running_loop(), partial(self._take, runner.server)
        return await loop.create_server(make, host, port, backlog=128)

    def _take(self, server: web.Server) -> asyncio.Protocol:
        if len(server.connections) >= self._most:
            return _Refused()
        loop = asyncio.get_running_loop()
        made = _ControlConnection(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # aiohttp's way to switch it off
            keepalive_timeout=KEPT_S,
        )
        if self._slow_s:
            self._timers[made] = loop.call_later(self._slow_s, self._give_up, made)
        return made

    def begin(self, protocol: object) -> None:
        """Note that a request has come on the connection of *protocol*."""
        timer = self._timers.pop(protocol, None)
        if timer is not None:
            timer.cancel()

    def _give_up(self, protocol: web.RequestHandler) -> None:
        del self._timers[protocol]
        if protocol.transport is not None:
            protocol.transport.abort()


class _ControlConnection(web.RequestHandler):
    """A connection whose requests may be no HTTP: that is an answer like others, and no error."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what no handler got as a problem; log what is our fault."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or request.writer.output_size:
            return super().handle_error(request, status, exc, message)
        about = "the request cannot be read as HTTP/1.1: look at its first line and its headers"
        answer = problem(status, HTTPStatus(status).phrase, about)
        answer.headers.update(HEADERS)
        answer.force_close()
        return answer


class _Refused(asyncio.Protocol):
    """A connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """End it."""
        transport.close()


CONNECTIONS: web.AppKey[ControlConnections] = web.AppKey("connections", ControlConnections)
