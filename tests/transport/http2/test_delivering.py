"""Deliveries over HTTP/2, on real sockets, with the client of another author."""

import asyncio
from typing import Any

import h2.events
import h2.exceptions
import h2.settings
import pytest
from msgspec.structs import replace

from simulator.core.messages import Delivery, Response
from tests.transport.http2.conftest import Client, Wire, connect, said, until

BODY = b"x" * 30_000


@pytest.fixture(autouse=True)
def body(wire: Wire) -> None:
    wire.response = Response(200, (("a", "b"),), BODY)


def deliver(wire: Wire, name: str, **numbers: Any) -> None:
    wire.response = replace(wire.response, delivery=Delivery(name, **numbers))


async def ask(client: Client, *, window: int = 65_535) -> int:
    number = client.h2.get_next_available_stream_id()
    if window != 65_535:
        client.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
    names = {":method": "GET", ":path": "/", ":scheme": "http", ":authority": "x"}
    client.h2.send_headers(number, list(names.items()), end_stream=True)
    await client.send()
    return number


async def waiting(wire: Wire) -> None:
    await until(lambda: bool(wire.server.clock._watchers))


def received(client: Client) -> bytes:
    return b"".join(
        one.data or b"" for one in client.heard if isinstance(one, h2.events.DataReceived)
    )


async def test_a_late_answer_comes_when_time_is_moved(wire: Wire, client: Client) -> None:
    deliver(wire, "delay", wait_ms=700_000)
    await ask(client)
    await waiting(wire)

    wire.server.clock.advance(700_000)
    (head,) = await client.until(h2.events.ResponseReceived)
    await client.until(h2.events.StreamEnded)

    assert (":status", "200") in said(head)
    assert received(client) == BODY


async def test_others_are_answered_while_one_is_late(wire: Wire, client: Client) -> None:
    deliver(wire, "delay", wait_ms=1000)
    await ask(client)
    await waiting(wire)
    wire.response = Response(204)
    second = await ask(client)

    (ended,) = await client.until(h2.events.StreamEnded)

    assert isinstance(ended, h2.events.StreamEnded)
    assert ended.stream_id == second


async def test_a_hung_stream_ends_with_its_client(wire: Wire, client: Client) -> None:
    deliver(wire, "hang")
    await ask(client)
    await waiting(wire)

    await client.close()
    await wire.until_closed()
    await until(lambda: not wire.server.clock._watchers)


async def test_a_body_drips(wire: Wire, client: Client) -> None:
    deliver(wire, "drip", size=20_000, every_ms=1000)
    await ask(client)

    (head,) = await client.until(h2.events.ResponseReceived)
    await until(lambda: bool(wire.server.clock._watchers))
    wire.server.clock.advance(1000)
    await client.until(h2.events.StreamEnded)

    assert [name for name, _ in said(head)] == [":status", "a", "date"]
    assert received(client) == BODY


async def test_what_the_windows_do_not_take_comes_when_they_open(
    wire: Wire, client: Client
) -> None:
    deliver(wire, "drip", size=20_000, every_ms=0)
    number = await ask(client, window=10_000)
    await client.until(h2.events.DataReceived)

    client.h2.increment_flow_control_window(50_000, number)
    await client.send()
    await client.until(h2.events.StreamEnded)

    assert received(client) == BODY


@pytest.mark.parametrize(
    ("delivery", "size"),
    [
        pytest.param(Delivery("empty"), -1, id="empty"),
        pytest.param(Delivery("truncated", size=100), 100, id="truncated"),
        pytest.param(Delivery("hang", wait_ms=1), -1, id="hang"),
    ],
)
async def test_the_connection_ends_early(
    wire: Wire, client: Client, delivery: Delivery, size: int
) -> None:
    wire.response = replace(wire.response, delivery=delivery)
    await ask(client)
    if delivery.wait_ms:
        await waiting(wire)
        wire.server.clock.advance(1)

    with pytest.raises(AssertionError, match="closed without"):
        await client.until(h2.events.StreamEnded)

    heads = [one for one in client.heard if isinstance(one, h2.events.ResponseReceived)]
    assert len(heads) == (size >= 0)
    assert len(received(client)) == max(size, 0)


@pytest.mark.parametrize("name", ["garbage", "malformed"])
async def test_what_is_no_http_is_none_to_the_client(wire: Wire, client: Client, name: str) -> None:
    deliver(wire, name)
    await ask(client)

    with pytest.raises((h2.exceptions.ProtocolError, AssertionError)):
        await client.until(h2.events.StreamEnded)


async def test_tcp_is_reset(wire: Wire) -> None:
    client = await connect(wire.http)
    deliver(wire, "reset")
    await ask(client)

    with pytest.raises(ConnectionResetError):
        await client.until(h2.events.StreamEnded)
    client.writer.close()


async def test_one_stream_is_reset_and_the_others_go_on(wire: Wire, client: Client) -> None:
    deliver(wire, "reset_stream", code=7)
    first = await ask(client)
    (reset,) = await client.until(h2.events.StreamReset)
    wire.response = Response(204)
    await ask(client)
    await client.until(h2.events.StreamEnded)

    assert isinstance(reset, h2.events.StreamReset)
    assert (reset.stream_id, reset.error_code) == (first, 7)


@pytest.mark.parametrize(
    ("numbers", "last"),
    [pytest.param({}, 1, id="current"), pytest.param({"last": 0}, 0, id="zero")],
)
async def test_goaway_says_which_stream_was_the_last_and_why(
    wire: Wire, client: Client, numbers: dict[str, int], last: int
) -> None:
    delivery = Delivery("goaway", code=7, debug='{"reason":"Shutdown"}', **numbers)
    wire.response = replace(wire.response, delivery=delivery)
    await ask(client)

    (end,) = await client.until(h2.events.ConnectionTerminated)

    assert isinstance(end, h2.events.ConnectionTerminated)
    assert (end.error_code, end.last_stream_id) == (7, last)
    assert end.additional_data == b'{"reason":"Shutdown"}'


async def test_the_answer_comes_before_the_connection_closes(wire: Wire, client: Client) -> None:
    deliver(wire, "close")
    await ask(client)

    (end,) = await client.until(h2.events.ConnectionTerminated)

    assert isinstance(end, h2.events.ConnectionTerminated)
    assert end.error_code == 0
    assert received(client) == BODY


async def test_the_limit_of_streams_falls_and_holds(wire: Wire, client: Client) -> None:
    deliver(wire, "settings", streams=1)
    wire.response = replace(wire.response, streams=1)
    await ask(client)
    await client.until(h2.events.StreamEnded)
    changes = [one for one in client.heard if isinstance(one, h2.events.RemoteSettingsChanged)]
    limit = h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS
    told = [
        one.changed_settings[limit].new_value for one in changes if limit in one.changed_settings
    ]
    wire.release.clear()
    wire.response = Response(204)
    client.h2.remote_settings[limit] = 100
    client.h2.remote_settings.acknowledge()
    await ask(client)
    second = await ask(client)
    (refused,) = await client.until(h2.events.StreamReset)
    wire.release.set()

    assert told[-1] == 1
    assert isinstance(refused, h2.events.StreamReset)
    assert (refused.stream_id, refused.error_code) == (second, 7)


async def test_a_limit_of_streams_that_is_not_announced_holds_at_once(
    wire: Wire, client: Client
) -> None:
    wire.response = Response(204, streams=2, announces_streams=False)
    await ask(client)
    await client.until(h2.events.StreamEnded)
    wire.release.clear()
    for _ in range(2):
        await ask(client)
    beyond = await ask(client)
    (refused,) = await client.until(h2.events.StreamReset)
    wire.release.set()

    assert isinstance(refused, h2.events.StreamReset)
    assert (refused.stream_id, refused.error_code) == (beyond, 7)
    settings = [one for one in client.heard if isinstance(one, h2.events.RemoteSettingsChanged)]
    assert len(settings) == 1
    await client.until(h2.events.StreamEnded, 3)


async def test_the_server_ends_though_an_answer_hangs(wire: Wire, client: Client) -> None:
    deliver(wire, "hang")
    await ask(client)
    await waiting(wire)

    await asyncio.wait_for(wire.server.close(0.05), 5)

    assert not wire.server.connections


async def test_a_dead_connection_answers_no_ping_and_then_goes_on(
    wire: Wire, client: Client
) -> None:
    deliver(wire, "dead", silent_ms=150)
    await ask(client)
    await until(lambda: any(one._silent for one in wire.server.connections))
    client.h2.ping(b"liveness")
    await client.send()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.until(h2.events.PingAckReceived), 0.05)
    await client.until(h2.events.PingAckReceived)
    await client.until(h2.events.StreamEnded)

    assert received(client) == BODY


async def test_goaway_comes_twice_around_the_answer(wire: Wire, client: Client) -> None:
    wire.response = Response(200, (), b"x")
    deliver(wire, "goaway_twice")
    number = await ask(client)

    frames = (await asyncio.wait_for(client.reader.read(), 5)).split(b"\0\0\x08\x07\0\0\0\0\0")

    first, second = (int.from_bytes(one[:4]) for one in frames[1:])
    assert (first, second) == (2**31 - 1, number)
    assert frames[1].endswith(b"x")  # the answer's DATA stands between the two
