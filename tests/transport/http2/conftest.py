"""A server of HTTP/2 on real sockets in front of a plain function, and a client by h2."""

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import pytest

from simulator.core.clock import Clock
from simulator.core.messages import Request, Response
from simulator.pki.authority import Authority
from simulator.transport.http2.server import Http2Server
from tests.transport.http2.serving import NOW, context

BODY_LIMIT = 1000
NOON_MS = 1_767_268_800_000
DATE = "Thu, 01 Jan 2026 12:00:00 GMT"


@dataclass
class Wire:
    """A running server, what it was asked, and what it answers."""

    requests: list[Request] = field(default_factory=list)
    response: Response = field(default_factory=lambda: Response(200, (), b"{}"))
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    http: int = 0
    tls: int = 0
    server: Http2Server = field(init=False)

    async def answer(self, request: Request) -> Response:
        self.requests.append(request)
        self.asked.set()
        await self.release.wait()
        return self.response

    async def until_asked(self, count: int) -> None:
        await until(lambda: len(self.requests) >= count)

    async def until_closed(self) -> None:
        await until(lambda: not self.server.connections)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until *condition* holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (what it waits for has no event)
            await asyncio.sleep(0)


class Client:
    """One connection by h2."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.heard: list[h2.events.Event] = []

    async def send(self) -> None:
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    async def until(self, kind: type[h2.events.Event], count: int = 1) -> list[h2.events.Event]:
        """Return the first *count* events of a *kind*."""
        async with asyncio.timeout(5):
            while True:
                found = [event for event in self.heard if isinstance(event, kind)]
                if len(found) >= count:
                    return found
                received = await self.reader.read(65_536)
                assert received, f"closed without {kind.__name__}"
                self.heard += self.h2.receive_data(received)
                await self.send()

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


def said(head: h2.events.Event) -> list[tuple[str, str]]:
    """Return the header fields of an answer."""
    assert isinstance(head, h2.events.ResponseReceived)
    return [(str(name), str(value)) for name, value in head.headers or ()]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create(NOW)


@pytest.fixture
async def wire(authority: Authority) -> AsyncIterator[Wire]:
    made = Wire()
    clock = Clock()
    clock.freeze(NOON_MS)
    made.server = Http2Server(made.answer, clock, itertools.count(1), BODY_LIMIT)
    made.release.set()
    loop = asyncio.get_running_loop()
    plain = await loop.create_server(made.server, "127.0.0.1", 0)
    secure = await loop.create_server(
        made.server, "127.0.0.1", 0, ssl=context(authority), ssl_shutdown_timeout=1
    )
    made.http = plain.sockets[0].getsockname()[1]
    made.tls = secure.sockets[0].getsockname()[1]
    yield made
    made.release.set()
    plain.close()
    secure.close()
    await made.server.close(1)


async def connect(port: int, trust: ssl.SSLContext | None = None) -> Client:
    name = None if trust is None else "localhost"
    client = Client(
        *await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname=name)
    )
    await client.send()
    return client


@pytest.fixture
async def client(wire: Wire) -> AsyncIterator[Client]:
    made = await connect(wire.http)
    yield made
    await made.close()
