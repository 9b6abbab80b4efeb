"""How many connections there may be, and how long a slow one may take."""

import asyncio
import resource
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from simulator.core.messages import Response
from simulator.pki.authority import Authority
from simulator.transport import capacity, listener
from simulator.transport.http2.server import Http2Server
from simulator.transport.listener import Listener
from tests.transport.test_http1 import HOST, request

SLOW_S = 0.05


@pytest.fixture
def hasty(wire: Any) -> Any:
    """Return the wire, whose HTTP/1.1 clients have little time."""
    wire.server.slow_s = SLOW_S
    return wire


HALVES = [
    pytest.param(b"", None, id="nothing"),
    pytest.param(b"GET /account HTTP/1.1\r\nX: ", "the head of a request", id="head"),
    pytest.param(b"\r\n", None, id="blank"),
    pytest.param(
        b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n{", "of the body", id="body"
    ),
    pytest.param(
        b"PUT / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{",
        "of the body",
        id="chunk",
    ),
]


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(("sent", "said"), HALVES)
async def test_a_request_that_does_not_come_is_not_waited_for(
    hasty: Any, authority: Authority, sent: bytes, said: str | None, secure: bool
) -> None:
    trust = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    trust.set_alpn_protocols(["http/1.1"])
    if not secure and not sent.strip():
        sent += b"G"  # without TLS, nothing at all is waited for by the listener
        said = said or "the head of a request"
    reader, writer = await hasty.connect(*((trust, "mdm.example") if secure else ()))
    writer.write(sent)

    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    if said:
        async with asyncio.timeout(10):
            await hasty.asked.wait()
        assert said in hasty.requests[0].problem_about
        assert hasty.requests[0].problem in {"malformed", "truncated"}
    else:
        assert not hasty.requests


async def test_bytes_that_drip_do_not_buy_time(hasty: Any) -> None:
    reader, writer = await hasty.connect()
    writer.write(b"GET / HTTP/1.1\r\n")
    ended = asyncio.ensure_future(reader.read())

    async with asyncio.timeout(10):
        while True:
            if ended.done():
                break
            writer.write(b"X-Drip: 1\r\n")
            await asyncio.wait([ended], timeout=SLOW_S / 10)
    writer.close()

    # What drips in after the end may reset the connection before the answer is read.
    if not isinstance(ended.exception(), ConnectionResetError):
        assert ended.result().startswith(b"HTTP/1.1 408")


async def test_a_request_that_came_is_waited_on_for_as_long_as_it_takes(hasty: Any) -> None:
    hasty.release.clear()
    reader, writer = await hasty.connect()
    writer.write(request())
    await hasty.asked.wait()
    await asyncio.sleep(3 * SLOW_S)
    hasty.release.set()

    assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()


async def test_a_client_that_does_not_read_is_cut_off(hasty: Any) -> None:
    hasty.response = Response(200, (), bytes(20_000_000))
    _, writer = await asyncio.open_connection("127.0.0.1", hasty.http, limit=1)
    writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")

    async with asyncio.timeout(10):
        await hasty.asked.wait()
        while True:
            if not hasty.server.held:
                break
            await asyncio.sleep(0)
    writer.close()


async def test_a_client_that_reads_after_all_gets_its_answer(wire: Any) -> None:
    wire.server.slow_s = 30
    wire.response = Response(200, (), bytes(20_000_000))
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.http)
    writer.write(request())
    await wire.asked.wait()
    await asyncio.sleep(SLOW_S)

    assert len(await reader.read()) > 20_000_000
    writer.close()


@pytest.fixture
async def narrow(wire: Any) -> AsyncIterator[int]:
    """Open a port that takes two connections."""
    listener._warn_full.cache_clear()
    http2 = Http2Server(wire.answer, wire.clock, wire.server.numbers, 1000)
    opened = Listener(wire.server, http2, 2)
    yield await opened.open("127.0.0.1", 0, flag="--http-port")
    await opened.close(1)


async def test_more_connections_than_there_may_be_are_closed(
    wire: Any, narrow: int, caplog: pytest.LogCaptureFixture
) -> None:
    held = [await asyncio.open_connection("127.0.0.1", narrow) for _ in range(2)]
    for _, writer in held:
        writer.write(b"GET / HTTP/1.1\r\n")
    await wire.arrived(16)
    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.1", narrow)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
    held[0][1].write(HOST + b"Connection: close\r\n\r\n")
    answer = await held[0][0].read()
    for _, writer in held:
        writer.close()

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert [record.getMessage() for record in caplog.records] == [
        "there are 2 connections: more are closed (--connections)"
    ]


def test_connections_leave_files_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = [1024, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limit))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limit.__setitem__(0, pair[0]))

    before = capacity.most_connections(0)
    capacity.raise_limit()

    assert before == 1024 - capacity.RESERVE
    assert capacity.most_connections(0) == 4096 - capacity.RESERVE
    assert capacity.most_connections(7) == 7
    limit[0] = 20
    assert capacity.most_connections(0) == capacity.LEAST
    limit[0] = resource.RLIM_INFINITY
    assert capacity.most_connections(0) > 10**6


def test_a_system_that_names_more_than_it_gives_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)

    capacity.raise_limit()
