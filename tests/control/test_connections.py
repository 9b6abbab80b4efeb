"""Connections of the control port that ask nothing, or never end, are not held for ever."""

import asyncio
import gc
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from simulator.app import Simulator
from simulator.core.settings import Settings

HALF = {
    "nothing": b"",
    "half a head": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n",
    "half a body": b"POST /api/v1/reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    settings = Settings(
        data=":memory:",
        tls_port=(None,),
        http_port=None,
        control_port=0,
        proxy_port=None,
        slow_client_s=1,
        connections=150,
    )
    async with Simulator(settings) as running:
        yield running


def port_of(simulator: Simulator) -> int:
    return urlsplit(simulator.ready["control"]).port or 0


@pytest.mark.parametrize("sent", HALF.values(), ids=list(HALF))
async def test_what_does_not_come_is_not_waited_for(simulator: Simulator, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(simulator))
    writer.write(sent)

    async with asyncio.timeout(20):
        try:
            answer = await reader.readline()
        except ConnectionResetError:
            answer = b""
    writer.close()

    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
    assert bool(answer) == (b"Content-Length" in sent)


async def test_there_are_so_many_connections_and_no_more(simulator: Simulator) -> None:
    opened = [await asyncio.open_connection("127.0.0.1", port_of(simulator)) for _ in range(75)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(simulator))

    async with asyncio.timeout(20):
        refused = await reader.read()
        writer.close()
        opened[0][1].write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        line = await opened[0][0].readline()
    for _, each in opened:
        each.close()

    assert refused == b""
    assert line == b"HTTP/1.1 200 OK\r\n"


async def test_a_response_may_take_longer_than_a_request(simulator: Simulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(simulator))
    body = b'{"count": 1, "timeout_s": 1.5}'
    head = f"Host: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(b"POST /api/v1/exchanges/wait HTTP/1.1\r\n" + head.encode() + body)

    async with asyncio.timeout(20):
        line = await reader.readline()
    writer.close()

    assert line == b"HTTP/1.1 408 Request Timeout\r\n"


BROKEN = {
    "request line": b"GET\r\n\r\n",
    "method": b"G@T / HTTP/1.1\r\n\r\n",
    "version": b"GET / HTTP/9.x\r\n\r\n",
    "header": b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
    "long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
    "length": b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    "both lengths": b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "second request": b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET\r\n\r\n",
    "chunk": b"POST /metrics HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    "expectation": b"GET /livez HTTP/1.1\r\nHost: [::1]\r\nExpect: x\r\nConnection: close\r\n\r\n",
    "path": b"GET /nowhere HTTP/1.0\r\n\r\n",
    "host": b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("sent", BROKEN.values(), ids=list(BROKEN))
async def test_each_answer_says_how_browsers_are_to_take_it(
    simulator: Simulator, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(simulator))
    writer.write(sent)

    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()

    heads = re.split(rb"HTTP/1\.[01] ", answer)[1:]
    assert heads
    assert heads[-1][:1] == b"4"
    for head in heads:
        assert b"\r\nX-Content-Type-Options: nosniff\r\n" in head
        assert b"\r\nCross-Origin-Resource-Policy: same-origin\r\n" in head
    assert caplog.records == []


STREAMED = (
    "/api/v1/snapshot",
    "/api/v1/report?format=json",
    "/api/v1/report?format=csv",
    "/api/v1/report?format=har",
    "/api/v1/report?format=html",
    "/api/v1/events",
    "/events",
    "/metrics",
    "/api/v1/devices?limit=1000",
)


@pytest.mark.parametrize("path", STREAMED)
async def test_a_client_that_leaves_is_no_error(
    simulator: Simulator, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes at once, and then once the first bytes are there, by a reset each time."""
    for wanted in (0, 1):
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(simulator))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await writer.drain()
        async with asyncio.timeout(20):
            await reader.readexactly(wanted)
        writer.transport.abort()
    # Whoever asks after them is answered once theirs has ended.
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(simulator))
    writer.write(b"GET /livez HTTP/1.0\r\n\r\n")
    async with asyncio.timeout(20):
        assert (await reader.read()).startswith(b"HTTP/1.0 200 ")
    writer.close()
    gc.collect()

    assert caplog.records == []
