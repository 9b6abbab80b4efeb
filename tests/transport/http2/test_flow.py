"""Windows and sizes, with python-hyper's h2 at the other end."""

import h2.events
import h2.settings
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.transport.http2.connection import Http2Connection
from simulator.transport.http2.limits import Limits
from tests.transport.http2.peers import POST, REQUEST, Hyper


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
