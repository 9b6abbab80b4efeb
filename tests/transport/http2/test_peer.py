"""Our connection against python-hyper's h2, an independent implementation."""

import random

import h2.events
import h2.settings
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transport.http2.peers import POST, REQUEST, Hyper

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20).map(
    "x-{}".format
)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F), max_size=60).map(
    lambda value: value.replace("\x7f", "").strip()
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
BODIES = st.one_of(st.binary(max_size=200), st.integers(0, 200_000).map(bytes))
REQUESTS = st.tuples(st.sampled_from(["GET", "POST", "PUT", "DELETE", "X"]), HEADERS, BODIES)


def pour(peer: Hyper, stream: int, body: bytes) -> None:
    """Send *body* as the windows of our connection let the client, and end the stream."""
    while body:
        size = min(
            peer.client.local_flow_control_window(stream),
            peer.client.max_outbound_frame_size,
            len(body),
        )
        peer.client.send_data(stream, body[:size])
        body = body[size:]
        peer.exchange()
    peer.client.end_stream(stream)
    peer.exchange()


@given(st.lists(REQUESTS, min_size=1, max_size=5), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_requests_arrive_as_they_were_sent(
    requests: list[tuple[str, list[tuple[str, str]], bytes]], chance: random.Random
) -> None:
    peer = Hyper(chance=chance)

    for number, (method, headers, body) in enumerate(requests):
        fields = [(":method", method), *REQUEST[1:], *headers]
        peer.client.send_headers(
            2 * number + 1, [(name.encode(), value.encode()) for name, value in fields]
        )
        pour(peer, 2 * number + 1, body)

    assert [(one.method, one.headers[1:], one.body) for one in peer.asked] == [
        (method, tuple(headers), body) for method, headers, body in requests
    ]
    assert {(one.target, one.headers[0]) for one in peer.asked} == {("/a", ("host", "x.example"))}
    assert not any(one.problem for one in peer.asked)


def test_a_request_may_come_byte_by_byte() -> None:
    peer = Hyper(chance=None)

    peer.client.send_headers(1, POST)
    pour(peer, 1, b"hello" * 100)

    assert [(one.method, one.body) for one in peer.asked] == [("POST", b"hello" * 100)]


@given(
    st.lists(st.tuples(st.sampled_from([200, 204, 299, 404, 503]), HEADERS, BODIES), min_size=1),
    st.integers(1, 100_000),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_answers_arrive_as_they_were_given_in_any_order(
    answers: list[tuple[int, list[tuple[str, str]], bytes]], window: int, chance: random.Random
) -> None:
    peer = Hyper(chance=chance)
    peer.client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
    expected = {2 * number + 1: answer for number, answer in enumerate(answers)}
    for stream in expected:
        peer.client.send_headers(stream, REQUEST, end_stream=True)
    peer.exchange()

    for stream in chance.sample(sorted(expected), len(expected)):
        peer.ours.answer(stream, *expected[stream])
    peer.exchange()
    while open_streams := [s for s in expected if peer.client.streams[s].open]:
        for stream in open_streams:
            peer.client.increment_flow_control_window(70_000, stream)
        peer.client.increment_flow_control_window(70_000)
        peer.exchange()

    for stream, (status, headers, body) in expected.items():
        [head] = [
            event
            for event in peer.of(h2.events.ResponseReceived)
            if isinstance(event, h2.events.ResponseReceived) and event.stream_id == stream
        ]
        fields = [(":status", str(status)), *headers]
        assert head.headers == [(name.encode(), value.encode()) for name, value in fields]
        assert peer.body(stream) == (b"" if status == 204 else body)
    assert peer.ours.open_streams == 0


def test_a_head_answer_has_a_length_and_no_body() -> None:
    peer = Hyper()
    peer.client.send_headers(1, ((":method", "HEAD"), *REQUEST[1:]), end_stream=True)
    peer.exchange()

    peer.ours.answer(1, 200, (), b"12345")
    peer.exchange()

    [head] = peer.of(h2.events.ResponseReceived)
    assert isinstance(head, h2.events.ResponseReceived)
    assert head.headers == [(b":status", b"200"), (b"content-length", b"5")]
    assert peer.body(1) == b""
    assert peer.of(h2.events.StreamEnded)


def test_trailers_follow_the_header_fields() -> None:
    peer = Hyper()
    peer.client.send_headers(1, POST)
    peer.client.send_data(1, b"body")

    peer.client.send_headers(1, [("x-checksum", "1")], end_stream=True)
    peer.exchange()

    [asked] = peer.asked
    assert asked.headers == (("host", "x.example"), ("x-checksum", "1"))
    assert asked.body == b"body"


def test_a_long_answer_head_goes_on_in_continuation() -> None:
    peer = Hyper()
    peer.client.update_settings({h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 100_000})
    peer.client.send_headers(1, REQUEST, end_stream=True)
    peer.exchange()

    peer.ours.answer(1, 200, (("x-long", "y" * 40_000),), b"")
    peer.exchange()

    [head] = peer.of(h2.events.ResponseReceived)
    assert isinstance(head, h2.events.ResponseReceived)
    assert (b"x-long", b"y" * 40_000) in (head.headers or [])


def test_a_small_header_table_is_no_trouble() -> None:
    peer = Hyper()
    peer.client.update_settings({h2.settings.SettingCodes.HEADER_TABLE_SIZE: 0})
    peer.exchange()

    for stream in (1, 3):
        peer.client.send_headers(stream, REQUEST, end_stream=True)
        peer.exchange()
        peer.ours.answer(stream, 200, (("x-same", "same"),), b"")
        peer.exchange()

    assert len(peer.of(h2.events.ResponseReceived)) == 2


def test_a_ping_is_answered() -> None:
    peer = Hyper()

    peer.client.ping(b"12345678")
    peer.exchange()

    assert peer.of(h2.events.PingAckReceived)


def test_what_the_client_resets_goes_on_record_as_cut_off() -> None:
    peer = Hyper()
    peer.client.send_headers(1, POST)
    peer.client.send_data(1, b"half")
    peer.exchange()

    peer.client.reset_stream(1)
    peer.exchange()
    peer.ours.answer(1, 200, (), b"nobody wants_response")
    peer.exchange()

    [asked] = peer.asked
    assert (asked.problem, asked.body, asked.wants_response) == ("truncated", b"half", False)
    assert not peer.of(h2.events.ResponseReceived)


def test_a_lost_connection_puts_half_requests_on_record() -> None:
    peer = Hyper()
    peer.client.send_headers(1, REQUEST, end_stream=True)
    peer.client.send_headers(3, POST)
    peer.exchange()

    [half] = peer.ours.lost()

    assert (half.stream, half.problem) == (3, "truncated")
    assert peer.ours.ended


@pytest.mark.parametrize("last", [pytest.param(0, id="none"), pytest.param(7, id="higher")])
def test_goaway_can_lie_about_the_last_stream(last: int) -> None:
    peer = Hyper()

    peer.ours.close(last=last)
    peer.exchange()

    [goaway] = peer.of(h2.events.ConnectionTerminated)
    assert isinstance(goaway, h2.events.ConnectionTerminated)
    assert goaway.last_stream_id == last


def test_a_client_that_goes_gets_its_answers_first() -> None:
    peer = Hyper()
    peer.client.send_headers(1, REQUEST, end_stream=True)
    peer.client.close_connection()
    peer.asked += peer.ours.receive(peer.client.data_to_send())
    waits = not peer.ours.ended

    peer.ours.answer(1, 200, (), b"")

    assert waits
    assert peer.ours.ended


def test_a_stream_can_be_broken_off() -> None:
    peer = Hyper()
    peer.client.send_headers(1, REQUEST, end_stream=True)
    peer.exchange()

    peer.ours.reset(1)
    peer.ours.reset(1)
    peer.exchange()

    [reset] = peer.of(h2.events.StreamReset)
    assert isinstance(reset, h2.events.StreamReset)
    assert reset.error_code == 2


def test_the_first_settings_of_a_client_are_kept() -> None:
    peer = Hyper()
    begun = peer.ours.began_with

    peer.client.update_settings({h2.settings.SettingCodes.ENABLE_PUSH: 0})
    peer.exchange()

    assert "4:65535" in begun.split(",")
    assert peer.ours.began_with == begun
