"""Connections of the control port that ask nothing, or never end, are not held for ever."""

import asyncio
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
