"""How connections end: by the client, by the server, and by neither in time."""

import asyncio

import h2.config
import h2.connection
import h2.events
import pytest

from simulator.core.messages import Goaway, Response
from simulator.transport.http2 import frames
from simulator.transport.http2.frames import Code
from simulator.transport.http2.protocol import LINGER_TICKS, STUCK_TICKS
from tests.transport.http2.conftest import Client, Wire, connect, until
from tests.transport.http2.peers import POST, REQUEST


async def test_an_answer_can_end_the_connection(wire: Wire, client: Client) -> None:
    wire.response = Response(503, close=True)

    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    [goaway] = await client.until(h2.events.ConnectionTerminated)

    assert isinstance(goaway, h2.events.ConnectionTerminated)
    assert (goaway.last_stream_id, goaway.error_code) == (1, 0)
    assert await client.reader.read() == b""


@pytest.mark.parametrize(
    ("processed", "last"), [pytest.param(True, 1, id="told"), pytest.param(False, 0, id="untold")]
)
async def test_goaway_can_take_the_place_of_an_answer(
    wire: Wire, client: Client, processed: bool, last: int
) -> None:
    wire.response = Response(400, goaway=Goaway(b'{"reason":"x"}', 0, processed))

    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    [goaway] = await client.until(h2.events.ConnectionTerminated)

    assert isinstance(goaway, h2.events.ConnectionTerminated)
    assert (goaway.last_stream_id, goaway.error_code) == (last, 0)
    assert goaway.additional_data == b'{"reason":"x"}'
    assert not [one for one in client.heard if isinstance(one, h2.events.ResponseReceived)]
    assert await client.reader.read() == b""


async def test_who_leaves_early_is_on_record_all_the_same(wire: Wire) -> None:
    wire.release.clear()
    client = await connect(wire.http)
    client.h2.send_headers(1, REQUEST, end_stream=True)
    client.h2.send_headers(3, POST)
    await client.send()
    await wire.until_asked(1)

    await client.close()
    await wire.until_asked(2)
    wire.release.set()
    await wire.until_closed()

    assert [(one.method, one.problem) for one in wire.requests] == [
        ("GET", ""),
        ("POST", "truncated"),
    ]


async def test_a_client_that_says_no_more_gets_its_answers(wire: Wire, client: Client) -> None:
    wire.release.clear()
    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    await wire.until_asked(1)
    client.writer.write_eof()

    wire.release.set()
    heard = client.h2.receive_data(await client.reader.read())

    assert [one for one in heard if isinstance(one, h2.events.StreamEnded)]


async def test_another_protocol_hears_why_it_is_refused(wire: Wire) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.http)

    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = await reader.read()
    writer.write(b"more")
    writer.close()
    await writer.wait_closed()

    assert b"preface" in answer
    await wire.until_closed()


async def test_closing_answers_what_was_asked(wire: Wire, client: Client) -> None:
    wire.release.clear()
    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    await wire.until_asked(1)

    closing = asyncio.ensure_future(wire.server.close(5))
    await client.until(h2.events.ConnectionTerminated)
    wire.release.set()
    rest = await client.reader.read()
    await closing

    assert rest[3] == frames.HEADERS
    assert not wire.server.connections


async def test_what_the_client_said_last_does_not_cost_it_the_last_answer(
    wire: Wire, client: Client
) -> None:
    wire.response = Response(200, (), bytes(50_000))
    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    await wire.until_asked(1)
    [connection] = wire.server.connections

    # Unread when the server ends: closing at once would reset the connection.
    client.writer.write(client.h2.data_to_send() + frames.frame(frames.PING, 0, 0, bytes(8)) * 50)
    connection.close()
    rest = await client.reader.read()

    assert rest.count(b"\0" * 1000)
    assert len(rest) > 50_000


async def test_closing_does_not_wait_for_ever(wire: Wire, client: Client) -> None:
    wire.release.clear()
    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    await wire.until_asked(1)

    closing = asyncio.ensure_future(wire.server.close(0))
    await wire.until_closed()
    wire.release.set()
    await closing

    assert not wire.server.connections


async def test_a_client_that_does_not_read_is_not_read_and_then_given_up(
    wire: Wire, client: Client
) -> None:
    wire.response = Response(200, (), bytes(20_000_000))
    client.h2.increment_flow_control_window(1 << 30)
    client.h2.update_settings({4: (1 << 31) - 1})
    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    [connection] = wire.server.connections
    await until(lambda: connection._paused)

    for _ in range(STUCK_TICKS):
        connection.tick()
    still = bool(wire.server.connections)
    connection.tick()
    await wire.until_closed()

    assert still


async def test_a_client_that_reads_again_is_read_again(wire: Wire, client: Client) -> None:
    wire.response = Response(200, (), bytes(5_000_000))
    client.h2.update_settings({4: (1 << 31) - 1})
    client.h2.increment_flow_control_window(1 << 30)
    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    [connection] = wire.server.connections
    await until(lambda: connection._paused)

    await client.until(h2.events.StreamEnded)

    assert not connection._paused


async def test_a_client_that_does_not_close_is_closed(wire: Wire) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", wire.http)
    writer.write(b"nonsense")
    await until(lambda: any(one._finished for one in wire.server.connections))
    [connection] = wire.server.connections

    for _ in range(LINGER_TICKS + 1):
        connection.tick()
    await wire.until_closed()
    writer.close()

    assert not wire.server.connections


async def test_the_seconds_are_counted_for_all_connections(wire: Wire, client: Client) -> None:
    client.h2.ping(b"12345678")
    await client.send()
    await client.until(h2.events.PingAckReceived)

    for _ in range(20):
        wire.server._tick()

    assert len(wire.server.connections) == 1


async def test_an_idle_connection_can_be_told_to_go(wire: Wire, client: Client) -> None:
    client.h2.ping(b"12345678")
    await client.send()
    await client.until(h2.events.PingAckReceived)
    [connection] = wire.server.connections

    connection.close(Code.ENHANCE_YOUR_CALM, b'{"reason":"IdleTimeout"}')
    [goaway] = await client.until(h2.events.ConnectionTerminated)

    assert isinstance(goaway, h2.events.ConnectionTerminated)
    assert (goaway.error_code, goaway.additional_data) == (11, b'{"reason":"IdleTimeout"}')
