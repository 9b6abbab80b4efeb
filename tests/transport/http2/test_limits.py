"""Clients that ask for nothing, again and again, are asked to calm down."""

from collections.abc import Callable, Iterator

import pytest

from simulator.transport.http2 import frames
from simulator.transport.http2.frames import Code, Setting
from simulator.transport.http2.limits import Limits
from tests.transport.http2.peers import POST, REQUEST, Raw, Sent, data, frames_in, goaway, resets

CALM = Code.ENHANCE_YOUR_CALM


def rapid_reset(client: Raw) -> Iterator[bytes]:
    for stream in range(1, 10_001, 2):
        yield client.headers(stream) + frames.rst_stream(stream, Code.CANCEL)


def made_you_reset(client: Raw) -> Iterator[bytes]:
    for stream in range(1, 10_001, 2):
        yield client.headers(stream) + frames.window_update(stream, 0)


def pings(client: Raw) -> Iterator[bytes]:
    for _ in range(5_000):
        yield frames.frame(frames.PING, 0, 0, bytes(8))


def all_settings(client: Raw) -> Iterator[bytes]:
    for _ in range(5_000):
        yield frames.settings({})


def empty_data(client: Raw) -> Iterator[bytes]:
    yield client.headers(1, POST, flags=4)
    for _ in range(5_000):
        yield data(1, b"")


def priorities(client: Raw) -> Iterator[bytes]:
    for _ in range(20_000):
        yield frames.frame(frames.PRIORITY, 0, 1, bytes(5))


def unknown(client: Raw) -> Iterator[bytes]:
    for _ in range(20_000):
        yield frames.frame(0xFA, 0, 1, b"")


def continuations(client: Raw) -> Iterator[bytes]:
    yield client.headers(1, flags=0)
    for _ in range(100):
        yield frames.frame(frames.CONTINUATION, 0, 1, b"")


def endless_block(client: Raw) -> Iterator[bytes]:
    yield client.headers(1, flags=0)
    for _ in range(10):
        yield frames.frame(frames.CONTINUATION, 0, 1, bytes(16_384))


def hpack_bomb(client: Raw) -> Iterator[bytes]:
    big = client.block([*REQUEST, ("x-big", "y" * 3_900)])
    again = client.block([("x-big", "y" * 3_900)])
    yield frames.frame(frames.HEADERS, 5, 1, big + again * 100)


def bodies_that_do_not_end(client: Raw) -> Iterator[bytes]:
    for stream in range(1, 401, 2):
        yield client.headers(stream, POST, flags=4)
        yield data(stream, bytes(16_384))


def tiny_windows(client: Raw) -> Iterator[bytes]:
    yield client.headers(1)
    client.ours.answer(1, 200, (), bytes(100_000))
    for _ in range(20_000):
        yield frames.window_update(1, 1)


@pytest.mark.parametrize(
    "flood",
    [
        rapid_reset,
        made_you_reset,
        pings,
        all_settings,
        empty_data,
        priorities,
        unknown,
        continuations,
        endless_block,
        hpack_bomb,
        bodies_that_do_not_end,
        tiny_windows,
    ],
    ids=lambda flood: str(flood.__name__),
)
def test_a_flood_is_ended(flood: Callable[[Raw], Iterator[bytes]]) -> None:
    client = Raw(Limits(unfinished=1_000_000))
    found = None

    for sent in flood(client):
        found = goaway(client.send(sent))
        if found is not None:
            break

    assert found is not None
    assert found[0] == CALM


def test_answers_that_nobody_takes_do_not_pile_up() -> None:
    client = Raw(Limits(queued=1_000_000))
    said: list[Sent] = []

    for stream in range(1, 301, 2):
        client.send(client.headers(stream))
        client.ours.answer(stream, 200, (), bytes(10_000))
        said += frames_in(client.ours.data_to_send())

    found = goaway(said)
    assert found is not None
    assert found[0] == CALM


def initial(window: int) -> bytes:
    return frames.settings({Setting.INITIAL_WINDOW_SIZE: window})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(initial(10_000), lambda on: frames.window_update(on, 80_000), id="stream"),
        pytest.param(initial(10_000), lambda _: initial(90_000), id="initial"),
        pytest.param(initial(90_000), lambda _: frames.window_update(0, 90_000), id="connection"),
        pytest.param(initial(10_000), lambda on: frames.rst_stream(on, Code.CANCEL), id="given-up"),
    ],
)
def test_an_answer_that_waited_counts_no_more_once_it_is_taken(
    before: bytes, after: Callable[[int], bytes]
) -> None:
    client = Raw(Limits(streams=1, queued=100_000))
    client.send(frames.window_update(0, 2_000_000) if before == initial(10_000) else b"")
    said: list[Sent] = []

    for stream in range(1, 21, 2):
        client.send(before + client.headers(stream))
        client.ours.answer(stream, 200, (), bytes(90_000))
        said += client.send(b"") + client.send(after(stream))

    assert [one.stream for one in client.asked if one.wants_response] == list(range(1, 21, 2))
    assert goaway(said) is None


def test_a_client_at_work_can_ping_and_reset_for_ever() -> None:
    client = Raw()

    for stream in range(1, 20_001, 2):
        client.send(client.headers(stream))
        client.ours.answer(stream, 200, (), b"")
        client.send(frames.frame(frames.PING, 0, 0, bytes(8)))

    assert not client.ours.ended


def test_time_brings_patience_back() -> None:
    client = Raw()

    for _ in range(50):
        client.ours.tick()
        for _ in range(90):
            client.send(frames.frame(frames.PING, 0, 0, bytes(8)))

    assert not client.ours.ended


def test_more_streams_than_allowed_are_refused_and_on_record() -> None:
    client = Raw(Limits(streams=2))

    answer = client.send(client.headers(1) + client.headers(3) + client.headers(5))
    client.ours.answer(1, 200, (), b"")
    client.send(client.headers(7))

    assert resets(answer) == [(5, Code.REFUSED_STREAM)]
    assert [(one.stream, one.wants_response) for one in client.asked] == [
        (1, True),
        (3, True),
        (5, False),
        (7, True),
    ]


def test_the_data_of_a_refused_stream_is_answered_once_more_and_no_oftener() -> None:
    client = Raw(Limits(streams=1))
    body = frames.frame(frames.DATA, 0, 3, b"{}")

    refused = client.send(client.headers(1) + client.headers(3, flags=frames.END_HEADERS) + body)
    later = client.send(body)

    # What pushy#476 shows of APNs.
    assert resets(refused) == [(3, Code.REFUSED_STREAM), (3, Code.STREAM_CLOSED)]
    assert resets(later) == []


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(frames.PREFACE[:10], id="half-a-preface"),
        pytest.param(frames.PREFACE, id="no-settings"),
        pytest.param(
            frames.PREFACE + frames.settings({}) + frames.frame(frames.HEADERS, 1, 1, b"\x82"),
            id="half-a-block",
        ),
        pytest.param(
            frames.PREFACE + frames.settings({}) + frames.frame(frames.HEADERS, 5, 1, b"\x82")[:9],
            id="half-a-frame",
        ),
    ],
)
def test_a_client_has_ten_seconds_to_begin(begun: bytes) -> None:
    client = Raw(greet=False)
    client.send(begun)

    for _ in range(10):
        client.ours.tick()
    in_time = not client.ours.ended
    client.ours.tick()

    assert in_time
    assert goaway(frames_in(client.ours.data_to_send())) == (CALM, "the client is too slow")


def test_bodies_have_a_minute_and_the_connection_goes_on() -> None:
    client = Raw()
    for stream in range(1, 201, 2):
        client.send(client.headers(stream, POST, flags=4) + data(stream, b"a"))

    for _ in range(60):
        client.ours.tick()
        client.send(data(1, b"a"))
    in_time = client.asked[:]
    late = client.ours.tick()
    answer = client.send(client.headers(201))

    assert in_time == []
    assert [one.stream for one in late] == list(range(1, 201, 2))
    assert (late[0].body, late[0].problem, late[0].wants_response) == (
        b"a" * 61,
        "truncated",
        False,
    )
    assert [number for number, _ in resets(answer)] == list(range(1, 201, 2))
    assert client.asked[-1].stream == 201
    assert not client.ours.ended


def test_a_connection_may_be_idle() -> None:
    client = Raw()

    for _ in range(1000):
        client.ours.tick()

    assert not client.ours.ended
