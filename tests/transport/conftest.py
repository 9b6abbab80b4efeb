"""A listener on real sockets in front of a plain function."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import uvloop

from simulator.core.clock import Clock
from simulator.core.messages import Request, Response
from simulator.pki.authority import Authority
from simulator.transport.http1.connection import Http1Connection
from simulator.transport.http1.server import Http1Server
from simulator.transport.http2.server import Http2Server
from simulator.transport.listener import Certificates, Listener


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run each test on the loop of the standard library, and on the one that serves."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


NOW = datetime.now(UTC)  # noqa: TID251 (real clients check real certificates against real time)
BODY_LIMIT = 1000


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority.create(NOW, sans=["mdm.example"])


@pytest.fixture(scope="session")
def trust(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.certificate_pem.decode())


def _own(connection: object) -> Http1Connection:
    assert isinstance(connection, Http1Connection)
    return connection


@dataclass
class Wire:
    """A running listener, what it was asked, and what it answers."""

    clock: Clock = field(default_factory=Clock)
    requests: list[Request] = field(default_factory=list)
    response: Response = field(default_factory=lambda: Response(200, (), b"{}"))
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    http: int = 0
    tls: int = 0
    server: Http1Server = field(init=False)
    listener: Listener = field(init=False)

    async def answer(self, request: Request) -> Response:
        self.requests.append(request)
        self.asked.set()
        await self.release.wait()
        return self.response

    async def connect(
        self, trust: ssl.SSLContext | None = None, name: str | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        port = self.http if trust is None else self.tls
        return await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname=name)

    async def arrived(self, head: int, body: int = 0) -> None:
        """Wait until the server has parsed so many bytes of its only connection."""
        async with asyncio.timeout(5):
            while True:
                for connection in map(_own, self.server.connections):
                    if len(connection._head) == head and connection._payload.total_bytes == body:
                        return
                await asyncio.sleep(0)

    async def send(self, data: bytes) -> bytes:
        """Send *data* on a connection of its own; return all that comes until it is closed."""
        reader, writer = await self.connect()
        writer.write(data)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@pytest.fixture
async def wire(authority: Authority) -> AsyncIterator[Wire]:
    wire = Wire()
    wire.release.set()
    wire.server = Http1Server(wire.answer, wire.clock, BODY_LIMIT)
    listener = wire.listener = Listener(
        wire.server, Http2Server(wire.answer, wire.clock, wire.server.numbers, BODY_LIMIT)
    )
    wire.http = await listener.open("127.0.0.1", 0, flag="--http-port")
    certificates = Certificates(
        authority, NOW, authority.certificate_pem, hosts=["mdmenrollment.apple.com"]
    )
    wire.tls = await listener.open("127.0.0.1", 0, flag="--tls-port", tls=certificates.default)
    yield wire
    wire.release.set()
    await listener.close(1)
