"""Deliveries over HTTP/1.1, on real sockets; time is moved, never waited for."""

import asyncio
import ssl
from typing import Any

import pytest
from msgspec.structs import replace

from simulator.core.messages import Delivery, Response
from simulator.transport.delivery import JUNK
from tests.transport.conftest import Wire

GET = b"GET / HTTP/1.1\r\nHost: mdm.example\r\n\r\n"
BODY = b'{"server_name":"abcdef"}'


@pytest.fixture(autouse=True)
def frozen(wire: Wire) -> None:
    wire.clock.freeze(1_700_000_000_000)
    wire.response = Response(200, (("Content-Type", "application/json"),), BODY)


def deliver(wire: Wire, name: str, **numbers: Any) -> None:
    wire.response = replace(wire.response, delivery=Delivery(name, **numbers))


async def waiting(wire: Wire) -> None:
    """Let the server come to where it waits for the clock."""
    await asyncio.wait_for(wire.asked.wait(), 5)
    async with asyncio.timeout(5):
        while not wire.clock._watchers:  # noqa: ASYNC110 (what it waits for has no event)
            await asyncio.sleep(0)


async def test_a_late_answer_comes_when_time_is_moved(wire: Wire) -> None:
    deliver(wire, "delay", wait_ms=700_000)
    reader, writer = await wire.connect()
    writer.write(GET)
    await waiting(wire)

    wire.clock.advance(699_999)
    await asyncio.sleep(0)
    early = bool(wire.clock._watchers)
    wire.clock.advance(1)
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(len(BODY))
    wire.response = Response(200, (), b"next")
    writer.write(GET)

    assert early
    assert head.startswith(b"HTTP/1.1 200")
    assert body == BODY
    assert (await reader.readuntil(b"next")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_delay_by_the_real_clock_ends_by_itself(wire: Wire) -> None:
    wire.clock.run()
    deliver(wire, "delay", wait_ms=5)

    assert BODY in await wire.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))


async def test_a_hung_answer_leaves_the_connection_open_until_the_client_goes(wire: Wire) -> None:
    deliver(wire, "hang")
    reader, writer = await wire.connect()
    writer.write(GET)
    await waiting(wire)

    wire.clock.advance(10**9)
    await asyncio.sleep(0)
    assert not reader.at_eof()
    writer.close()
    async with asyncio.timeout(5):
        while wire.clock._watchers:  # noqa: ASYNC110 (what it waits for has no event)
            await asyncio.sleep(0)


async def test_a_hung_answer_can_end(wire: Wire) -> None:
    deliver(wire, "hang", wait_ms=1000)
    reader, writer = await wire.connect()
    writer.write(GET)
    await waiting(wire)

    wire.clock.advance(1000)

    assert await reader.read() == b""
    writer.close()


async def test_a_body_drips(wire: Wire) -> None:
    deliver(wire, "drip", size=10, every_ms=1000)
    reader, writer = await wire.connect()
    writer.write(GET)

    pieces = []
    await reader.readuntil(b"\r\n\r\n")
    for size in (10, 10, 4):
        pieces.append(await asyncio.wait_for(reader.readexactly(size), 5))
        await asyncio.sleep(0)
        wire.clock.advance(1000)

    assert b"".join(pieces) == BODY
    writer.close()


@pytest.mark.parametrize(
    ("delivery", "ends"),
    [
        pytest.param(Delivery("empty"), b"", id="empty"),
        pytest.param(Delivery("goaway"), b"", id="goaway"),
        pytest.param(Delivery("garbage"), JUNK, id="garbage"),
        pytest.param(Delivery("malformed"), b"chunked\r\n\r\n" + JUNK, id="malformed"),
        pytest.param(Delivery("truncated", size=5), b"\r\n\r\n" + BODY[:5], id="truncated"),
        pytest.param(Delivery("truncated", size=-1), b"\r\n\r\n" + BODY[:12], id="half"),
        pytest.param(Delivery("truncated", size=999), b"\r\n\r\n" + BODY[:-1], id="all-but-one"),
        pytest.param(Delivery("close"), b"\r\n\r\n" + BODY, id="close"),
    ],
)
@pytest.mark.parametrize("tls", [pytest.param(True, id="tls"), pytest.param(False, id="plain")])
async def test_what_comes_before_the_end(
    wire: Wire, trust: ssl.SSLContext, delivery: Delivery, ends: bytes, tls: bool
) -> None:
    wire.response = replace(wire.response, delivery=delivery)
    reader, writer = await wire.connect(*((trust, "mdm.example") if tls else ()))
    writer.write(GET)

    received = await asyncio.wait_for(reader.read(), 5)

    if ends in (b"", JUNK):
        assert received == ends
    else:
        assert received.startswith(b"HTTP/1.1 200 OK\r\n")
        assert received.endswith(ends)
    writer.close()


@pytest.mark.parametrize("name", ["reset", "reset_stream"])
@pytest.mark.parametrize("tls", [pytest.param(True, id="tls"), pytest.param(False, id="plain")])
async def test_tcp_is_reset(wire: Wire, trust: ssl.SSLContext, name: str, tls: bool) -> None:
    deliver(wire, name)
    reader, writer = await wire.connect(*((trust, "mdm.example") if tls else ()))
    writer.write(GET)

    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 5)
    writer.close()


async def test_the_limit_of_streams_means_nothing_here(wire: Wire) -> None:
    deliver(wire, "settings", streams=1)
    reader, writer = await wire.connect()
    writer.write(GET)

    assert (await reader.readuntil(BODY)).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_the_server_ends_though_an_answer_hangs(wire: Wire) -> None:
    deliver(wire, "hang")
    reader, writer = await wire.connect()
    writer.write(GET)
    await waiting(wire)

    await asyncio.wait_for(wire.listener.close(0.05), 5)

    assert await reader.read() == b""
    writer.close()


async def test_a_dead_connection_says_nothing_until_its_time_is_over(wire: Wire) -> None:
    deliver(wire, "dead", silent_ms=150)
    reader, writer = await wire.connect()
    writer.write(GET)
    await asyncio.wait_for(wire.asked.wait(), 5)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.05)
    head = await asyncio.wait_for(reader.readuntil(BODY), 5)
    wire.response = Response(200, (), b"next")
    writer.write(GET)

    assert head.startswith(b"HTTP/1.1 200")
    assert (await reader.readuntil(b"next")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_the_server_ends_though_a_connection_is_dead(wire: Wire) -> None:
    deliver(wire, "dead", silent_ms=600_000)
    reader, writer = await wire.connect()
    writer.write(GET)
    await asyncio.wait_for(wire.asked.wait(), 5)

    await asyncio.wait_for(wire.listener.close(0.05), 5)

    assert await reader.read() == b""
    writer.close()
