"""How many streams a connection may have open, and what it is told while that changes."""

import h2.events
import h2.settings

from simulator.core.messages import Response, Tls
from simulator.transport.http2 import frames
from simulator.transport.http2.connection import Http2Connection
from simulator.transport.http2.frames import Code, Setting
from simulator.transport.http2.limits import Limits
from simulator.transport.http2.receiver import _PERSISTENT
from tests.transport.http2.conftest import Client, Wire, connect
from tests.transport.http2.peers import REQUEST, Hyper, Raw, Sent, goaway

ACK = frames.frame(frames.SETTINGS, frames.ACK, 0)


def resets(sent: list[Sent]) -> list[int]:
    return [one.stream for one in sent if one.kind == frames.RST_STREAM]


def test_what_is_set_before_anything_is_said_is_said_first() -> None:
    ours = Http2Connection()

    ours.limit(1)
    client = Hyper(ours)

    [changed, *_] = client.of(h2.events.RemoteSettingsChanged)
    assert isinstance(changed, h2.events.RemoteSettingsChanged)
    streams = changed.changed_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS]
    assert streams.new_value == 1


def test_a_lower_number_holds_once_the_client_knows() -> None:
    client = Raw()
    client.send(ACK)

    client.ours.limit(1)
    before = client.send(client.headers(1) + client.headers(3))
    after = client.send(ACK + client.headers(5))

    assert [(one.kind, one.payload) for one in before] == [
        (frames.SETTINGS, frames.settings({Setting.MAX_CONCURRENT_STREAMS: 1})[9:])
    ]
    assert resets(after) == [5]


def test_a_higher_number_holds_as_soon_as_it_is_confirmed() -> None:
    ours = Http2Connection()
    ours.limit(1)
    ours.data_to_send()
    client = Raw(greet=False)
    client.ours = ours
    client.send(frames.PREFACE + frames.settings({}) + ACK)

    refused = client.send(client.headers(1) + client.headers(3))
    ours.limit(1000)
    client.send(b"")
    taken = client.send(ACK + client.headers(5))

    assert (resets(refused), resets(taken)) == ([3], [])


def test_the_same_number_is_not_told_again() -> None:
    client = Raw()

    client.ours.limit(Limits().streams)

    assert client.send(b"") == []


def test_who_goes_on_beyond_the_number_is_sent_away_in_words() -> None:
    client = Raw(Limits(streams=1))
    client.send(client.headers(1))

    number = 1
    sent: list[Sent] = []
    while goaway(sent) is None and number < 3 * _PERSISTENT:
        client.ours.tick()  # so that it is not the resets that are too many
        number += 2
        sent = client.send(client.headers(number))

    assert goaway(sent) == (
        Code.REFUSED_STREAM,
        "Maximum active streams violated for this endpoint.",
    )


async def test_an_answer_can_change_the_number(wire: Wire, client: Client) -> None:
    wire.response = Response(200, streams=7)

    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    await client.until(h2.events.ResponseReceived)

    [_, changed] = await client.until(h2.events.RemoteSettingsChanged, 2)
    assert isinstance(changed, h2.events.RemoteSettingsChanged)
    streams = changed.changed_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS]
    assert streams.new_value == 7


async def test_the_service_says_how_many_there_are_at_first(wire: Wire) -> None:
    seen: list[Tls | None] = []

    def one(tls: Tls | None) -> int:
        seen.append(tls)
        return 1

    wire.server.first_streams = one
    client = await connect(wire.http)
    await client.until(h2.events.RemoteSettingsChanged)
    await client.close()

    assert seen == [None]
    assert client.h2.remote_settings.max_concurrent_streams == 1


async def test_silence_leaves_the_stream_open(wire: Wire, client: Client) -> None:
    wire.response = Response(403, silent=True)

    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    await wire.until_asked(1)
    client.h2.ping(b"12345678")
    await client.send()
    await client.until(h2.events.PingAckReceived)

    assert not [one for one in client.heard if isinstance(one, h2.events.ResponseReceived)]
    [connection] = wire.server.connections
    assert connection._connection.open_streams == 1


async def test_an_idle_connection_is_ended_with_the_reason(wire: Wire, client: Client) -> None:
    wire.server.idle_ticks, wire.server.idle_debug = 3, b'{"reason":"IdleTimeout"}'
    client.h2.ping(b"12345678")
    await client.send()
    await client.until(h2.events.PingAckReceived)

    for _ in range(4):
        wire.server._tick()
    [ended] = await client.until(h2.events.ConnectionTerminated)

    assert isinstance(ended, h2.events.ConnectionTerminated)
    assert (ended.error_code, ended.additional_data) == (0, b'{"reason":"IdleTimeout"}')


async def test_the_end_of_the_server_has_its_reason(wire: Wire, client: Client) -> None:
    wire.server.farewell = b'{"reason":"Shutdown"}'
    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    await client.until(h2.events.StreamEnded)

    await wire.server.close(1)
    [ended] = await client.until(h2.events.ConnectionTerminated)

    assert isinstance(ended, h2.events.ConnectionTerminated)
    assert (ended.last_stream_id, ended.additional_data) == (1, b'{"reason":"Shutdown"}')


async def test_a_connection_knows_how_many_others_there_are(wire: Wire) -> None:
    clients = [await connect(wire.http) for _ in range(3)]
    for client in clients:
        client.h2.send_headers(1, REQUEST, end_stream=True)
        await client.send()
        await client.until(h2.events.StreamEnded)
        await client.close()

    assert [one.peer.others for one in wire.requests] == [0, 1, 2]
