"""Windows and sizes, with python-hyper's h2 at the other end."""

import h2.events
import h2.settings
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.transport.http2 import frames
from simulator.transport.http2.connection import Http2Connection
from simulator.transport.http2.limits import Limits
from tests.transport.http2.peers import POST, REQUEST, Hyper, Raw, goaway, resets


def initial(window: int) -> bytes:
    return frames.settings({frames.Setting.INITIAL_WINDOW_SIZE: window})


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3000)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_never_more_is_under_way_than_the_windows_allow(
    grants: list[tuple[bool, int]],
) -> None:
    # h2 raises FlowControlError if a window is overrun.
    peer = Hyper()
    peer.client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 100})
    for stream in (1, 3):
        peer.client.send_headers(stream, REQUEST, end_stream=True)
    peer.exchange()
    allowed = {1: 100, 3: 100}

    for stream in (1, 3):
        peer.ours.answer(stream, 200, (), bytes(100_000))
    peer.exchange()
    for first, size in grants:
        stream = 1 if first else 3
        if size:
            peer.client.increment_flow_control_window(size, stream)
            allowed[stream] += size
        peer.exchange()

    sent = {stream: len(peer.body(stream)) for stream in allowed}
    if sum(allowed.values()) <= 65_535:
        assert sent == allowed
    assert sum(sent.values()) <= 65_535


ALL = 0
INITIAL = -1


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from([ALL, 3, 5]), st.integers(1, 4)),
            st.tuples(st.just(INITIAL), st.integers(0, 4)),
        ),
        max_size=20,
    )
)
def test_every_byte_that_the_windows_allow_leaves_at_once(grants: list[tuple[int, int]]) -> None:
    client = Raw()
    client.send(client.headers(1))
    client.ours.answer(1, 200, (), bytes(65_533))
    client.send(initial(0) + client.headers(3) + client.headers(5))
    left, windows, rest, before = 2, {3: 0, 5: 0}, {3: 8, 5: 8}, 0
    for stream in rest:
        client.ours.answer(stream, 200, (), bytes(8))

    for where, size in grants:
        if where == INITIAL:
            windows = {stream: window + size - before for stream, window in windows.items()}
            before = size
        elif where == ALL:
            left += size
        elif rest[where]:
            windows[where] += size
        update = initial(size) if where == INITIAL else frames.window_update(where, size)
        for sent in client.send(update):
            if sent.kind == frames.DATA:
                assert sent.payload
                left -= len(sent.payload)
                windows[sent.stream] -= len(sent.payload)
                rest[sent.stream] -= len(sent.payload)
                assert min(left, windows[sent.stream]) >= 0
                assert sent.flags == (0 if rest[sent.stream] else frames.END_STREAM)
        assert not left or all(windows[one] <= 0 or not rest[one] for one in rest)


def test_a_stream_that_was_given_up_sends_nothing_more() -> None:
    client = Raw()
    client.send(initial(100_000) + client.headers(1))
    client.ours.answer(1, 200, (), bytes(90_000))
    client.send(frames.rst_stream(1, frames.Code.CANCEL))

    assert client.send(frames.window_update(0, 90_000)) == []


MOST = 2**31 - 1


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(frames.window_update(0, MOST - 65_535), id="connection"),
        pytest.param(frames.window_update(1, MOST - 65_535), id="stream"),
        pytest.param(initial(MOST), id="initial"),
    ],
)
@pytest.mark.parametrize("stream", [0, 1])
def test_a_window_may_grow_to_its_limit_and_no_byte_further(frame: bytes, stream: int) -> None:
    client = Raw()
    client.send(client.headers(1))

    largest = client.send(frame)
    beyond = client.send(frames.window_update(stream, 1))

    grown = int.from_bytes(frame[5:9]) if frame[3] == frames.WINDOW_UPDATE else 1
    assert (goaway(largest), resets(largest)) == (None, [])
    assert (goaway(beyond) is not None) == (grown == stream == 0)
    assert bool(resets(beyond)) == (grown == stream == 1)


def test_a_smaller_initial_window_can_make_a_window_negative() -> None:
    peer = Hyper()
    peer.client.send_headers(1, REQUEST, end_stream=True)
    peer.exchange()
    peer.ours.answer(1, 200, (), bytes(70_000))
    peer.exchange()
    peer.client.increment_flow_control_window(100_000)
    peer.client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 10})
    peer.exchange()

    peer.client.increment_flow_control_window(65_525, 1)
    peer.exchange()
    none_yet = len(peer.body(1))
    peer.client.increment_flow_control_window(5, 1)
    peer.exchange()

    assert (none_yet, len(peer.body(1))) == (65_535, 65_540)


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        pytest.param(0, [0], id="nothing"),
        pytest.param(16_384, [16_384], id="a-frame"),
        pytest.param(16_385, [16_384, 1], id="a-byte-more"),
    ],
)
def test_the_last_frame_of_a_part_ends_the_stream(size: int, sizes: list[int]) -> None:
    client = Raw()
    client.send(client.headers(1))
    client.ours.begin(1, 200, ())
    client.send(b"")

    assert client.ours.part(1, bytes(size), last=True)

    sent = client.send(b"")
    assert [len(one.payload) for one in sent] == sizes
    assert [one.flags for one in sent] == [*[0] * (len(sizes) - 1), frames.END_STREAM]


def test_a_part_waits_until_both_windows_take_it_whole() -> None:
    client = Raw()
    client.send(initial(100_000) + client.headers(1))
    client.ours.begin(1, 200, ())

    def parts(size: int) -> bool:
        return client.ours.part(1, bytes(size), last=False)

    # 65,535 bytes on all streams together, then 100,000 on this one.
    taken = [parts(60_000), parts(5_536), parts(5_535)]
    client.send(frames.window_update(0, 100_000))
    taken += [parts(34_466), parts(34_465), parts(1)]

    assert taken == [True, False, True, False, True, False]


def test_who_expects_a_continue_gets_it() -> None:
    peer = Hyper()

    peer.client.send_headers(1, (*POST, ("expect", "100-continue")))
    peer.exchange()

    [event] = peer.of(h2.events.InformationalResponseReceived)
    assert isinstance(event, h2.events.InformationalResponseReceived)
    assert event.headers == [(b":status", b"100")]


def test_a_body_that_is_too_large_is_answered_and_the_rest_declined() -> None:
    peer = Hyper(Http2Connection(Limits(body=1000)))
    peer.client.send_headers(1, POST)
    peer.client.send_data(1, bytes(1500))
    peer.exchange()

    peer.ours.answer(1, 413, (), b"too much")
    peer.client.send_data(1, bytes(100))
    peer.exchange()

    [asked] = peer.asked
    assert (asked.problem, len(asked.body), asked.wants_response) == ("too-large", 1000, True)
    assert peer.body(1) == b"too much"
    [reset] = peer.of(h2.events.StreamReset)
    assert isinstance(reset, h2.events.StreamReset)
    assert reset.error_code == 0
    assert not peer.ours.ended


def test_a_body_announced_as_too_large_is_not_waited_for() -> None:
    peer = Hyper(Http2Connection(Limits(body=1000)))

    peer.client.send_headers(1, (*POST, ("expect", "100-continue"), ("content-length", "1001")))
    peer.exchange()

    assert [one.problem for one in peer.asked] == ["too-large"]


def test_header_fields_that_are_too_large_are_handed_on_as_such() -> None:
    peer = Hyper(Http2Connection(Limits(header_list=1000)))

    peer.client.send_headers(1, (*REQUEST, ("x-long", "y" * 1000)), end_stream=True)
    peer.exchange()

    [asked] = peer.asked
    assert asked.problem == "too-large"
    assert ("x-long", "y" * 1000) in asked.headers
