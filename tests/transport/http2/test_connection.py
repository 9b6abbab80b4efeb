"""Streams from their first frame to their last, right and wrong."""

import pytest

from simulator.transport.http2 import frames
from simulator.transport.http2.frames import Code, Setting
from simulator.transport.http2.limits import Limits
from tests.transport.http2.peers import POST, REQUEST, Raw, data, frames_in, goaway, resets


def setting(name: int, value: int) -> bytes:
    """Return SETTINGS with one value."""
    return frames.frame(4, 0, 0, name.to_bytes(2) + value.to_bytes(4))


def header(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return a frame; a shorter name for the tables."""
    return frames.frame(kind, flags, stream, payload)


def test_the_first_thing_said_is_what_apns_says() -> None:
    client = Raw(greet=False)

    [first] = frames_in(client.ours.data_to_send())

    assert first.kind == frames.SETTINGS
    assert dict(frames.read_settings(first.payload)) == {
        Setting.HEADER_TABLE_SIZE: 4096,
        Setting.MAX_CONCURRENT_STREAMS: 1000,
        Setting.INITIAL_WINDOW_SIZE: 65_535,
        Setting.MAX_FRAME_SIZE: 16_384,
        Setting.MAX_HEADER_LIST_SIZE: 8000,
    }


def test_an_answer_is_one_frame_each_for_head_and_body() -> None:
    client = Raw()
    client.send(client.headers(1) + client.headers(3))

    client.ours.answer(1, 200, (("apns-id", "A"),), b"")
    client.ours.answer(3, 400, (("Content-Type", "application/json"),), b"{}")
    sent = frames_in(client.ours.data_to_send())

    assert [(one.kind, one.flags, one.stream) for one in sent] == [(1, 5, 1), (1, 4, 3), (0, 1, 3)]
    assert [client.fields(one) for one in sent if one.kind == frames.HEADERS] == [
        [(":status", "200"), ("apns-id", "A")],
        [(":status", "400"), ("content-type", "application/json")],
    ]


def test_a_line_break_in_an_answer_is_refused() -> None:
    client = Raw()
    client.send(client.headers(1))

    with pytest.raises(ValueError, match="line break"):
        client.ours.answer(1, 200, (("x-a", "1\r\nx-b: 2"),), b"")
    with pytest.raises(ValueError, match="name"):
        client.ours.answer(1, 200, (("x a", "1"),), b"")


def test_fields_of_http1_connections_are_left_out_of_answers() -> None:
    client = Raw()
    client.send(client.headers(1))

    client.ours.answer(1, 200, (("Connection", "close"), ("X-Kept", "1")), b"")
    [sent] = frames_in(client.ours.data_to_send())

    assert client.fields(sent) == [(":status", "200"), ("x-kept", "1")]


def test_padding_and_priority_are_taken_off() -> None:
    client = Raw()
    block = client.block(POST)

    client.send(
        header(1, 4 | 8 | 32, 1, b"\x03" + bytes(4) + b"\x10" + block + bytes(3))
        + header(0, 1 | 8, 1, b"\x02body" + bytes(2))
    )

    assert [(one.method, one.body) for one in client.asked] == [("POST", b"body")]


def test_a_header_block_may_come_in_pieces() -> None:
    client = Raw()
    block = client.block(REQUEST)

    client.send(
        header(1, 1, 1, block[:2]) + header(9, 0, 1, block[2:3]) + header(9, 4, 1, block[3:])
    )

    assert [(one.method, one.target) for one in client.asked] == [("GET", "/a")]


def test_unknown_frames_and_settings_are_passed_over() -> None:
    client = Raw()

    client.send(header(0xBE, 0xFF, 77, b"grease") + setting(0x0A0A, 1) + client.headers(1))

    assert len(client.asked) == 1


def test_priority_before_a_request_is_fine() -> None:
    client = Raw()

    client.send(header(2, 0, 3, bytes(5)) + client.headers(13))

    assert [one.stream for one in client.asked] == [13]


def test_a_number_that_was_left_out_cannot_be_used_later() -> None:
    client = Raw()
    client.send(client.headers(5))

    answer = client.send(client.headers(3))

    found = goaway(answer)
    assert found is not None
    assert found[0] == Code.PROTOCOL_ERROR


def test_headers_on_a_closed_stream_end_the_connection() -> None:
    client = Raw()
    client.send(client.headers(1))
    client.ours.answer(1, 200, (), b"")

    answer = client.send(client.headers(1))

    found = goaway(answer)
    assert found is not None
    assert found[0] == Code.STREAM_CLOSED


@pytest.mark.parametrize(
    "answered", [pytest.param(True, id="closed"), pytest.param(False, id="half")]
)
def test_data_after_the_end_of_a_stream_is_an_error_of_the_stream(answered: bool) -> None:
    client = Raw()
    client.send(client.headers(1))
    if answered:
        client.ours.answer(1, 200, (), b"")

    answer = client.send(data(1, b"late"))

    assert resets(answer) == [(1, Code.STREAM_CLOSED)]
    assert len(client.asked) == 1


def test_headers_after_the_end_of_a_stream_are_an_error_of_the_stream() -> None:
    client = Raw()
    client.send(client.headers(1))

    answer = client.send(client.headers(1))

    assert resets(answer) == [(1, Code.STREAM_CLOSED)]


def test_late_frames_on_a_stream_that_we_reset_are_no_error() -> None:
    client = Raw()
    client.send(client.headers(1, POST, flags=4))
    client.ours.reset(1)

    answer = client.send(
        data(1, b"late") + client.headers(1, [("x-t", "1")]) + frames.window_update(1, 5)
    )

    assert [one.kind for one in answer] == [frames.RST_STREAM]


@pytest.mark.parametrize(
    ("length", "body", "about"),
    [
        pytest.param("3", b"1234", "longer", id="longer"),
        pytest.param("5", b"1234", "shorter", id="shorter"),
        pytest.param("x", b"1234", "no number", id="no-number"),
    ],
)
def test_a_body_has_the_length_that_was_said(length: str, body: bytes, about: str) -> None:
    client = Raw()

    answer = client.send(
        client.headers(1, (*POST, ("content-length", length)), flags=4) + data(1, body, flags=1)
    )

    assert resets(answer) == [(1, Code.PROTOCOL_ERROR)]
    [asked] = client.asked
    assert (asked.problem, asked.wants_response) == ("malformed", False)
    assert about in asked.about


def test_trailers_without_a_body_do_not_hide_a_missing_body() -> None:
    client = Raw()

    answer = client.send(
        client.headers(1, (*POST, ("content-length", "4")), flags=4)
        + client.headers(1, [("x-trailer", "1")])
    )

    assert resets(answer) == [(1, Code.PROTOCOL_ERROR)]


@pytest.mark.parametrize(
    "trailer",
    [
        pytest.param((":path", "/"), id="pseudo"),
        pytest.param(("X-Big", "1"), id="capitals"),
        pytest.param(("x-a", "1\n2"), id="line-break"),
    ],
)
def test_malformed_trailers_are_an_error_of_the_stream(trailer: tuple[str, str]) -> None:
    client = Raw()
    client.send(client.headers(1, POST, flags=4))

    answer = client.send(client.headers(1, [trailer]))

    assert resets(answer) == [(1, Code.PROTOCOL_ERROR)]


def test_more_data_than_a_streams_window_is_an_error_of_the_stream() -> None:
    # The body is too large, so its window is not opened again.
    client = Raw(Limits(body=1000))
    client.send(client.headers(1, POST, flags=4))

    answer = client.send(data(1, bytes(16_384)) * 4)

    assert resets(answer) == [(1, Code.FLOW_CONTROL_ERROR)]


def test_windows_are_opened_again_as_data_comes() -> None:
    client = Raw()
    client.send(client.headers(1, POST, flags=4))
    granted = {0: 65_535, 1: 65_535}

    for _ in range(20):
        for one in client.send(data(1, bytes(10_000))):
            if one.kind == frames.WINDOW_UPDATE:
                granted[one.stream] += int.from_bytes(one.payload)
    client.send(data(1, b"", flags=1))

    assert len(client.asked[0].body) == 200_000
    assert 200_000 < granted[0] <= 265_535
    assert 200_000 < granted[1] <= 265_535


def test_an_early_answer_closes_a_stream_without_error() -> None:
    client = Raw()
    client.send(client.headers(1, ((":method", "CONNECT"), (":authority", "a:1")), flags=4))

    client.ours.answer(1, 405, (), b"")
    sent = frames_in(client.ours.data_to_send())

    assert client.asked[0].target == "a:1"
    assert resets(sent) == [(1, Code.NO_ERROR)]
    assert client.ours.open_streams == 0


def test_closing_finishes_what_is_open_and_passes_over_what_comes() -> None:
    client = Raw()
    client.send(client.headers(1))

    client.ours.close(debug=b'{"reason":"Shutdown"}')
    said = client.send(client.headers(3) + data(3, b"x"))
    ended_early = client.ours.ended
    client.ours.answer(1, 200, (), b"x")
    last = frames_in(client.ours.data_to_send())

    assert goaway(said) == (Code.NO_ERROR, '{"reason":"Shutdown"}')
    assert resets(said) == []
    assert [one.stream for one in client.asked] == [1]
    assert not ended_early
    assert [one.kind for one in last] == [frames.HEADERS, frames.DATA]
    assert client.ours.ended


def test_a_failed_connection_says_and_takes_nothing_more() -> None:
    client = Raw()
    client.send(client.headers(1))
    half = client.send(client.headers(3, POST, flags=4)) or client.ours.abort(
        Code.INTERNAL_ERROR, b"because"
    )

    said = frames_in(client.ours.data_to_send())
    client.ours.answer(1, 200, (), b"")
    client.ours.reset(1)
    client.ours.close()

    assert [(one.stream, one.problem) for one in half if hasattr(one, "problem")] == [
        (3, "truncated")
    ]
    assert goaway(said) == (Code.INTERNAL_ERROR, "because")
    assert client.ours.data_to_send() == b""
    assert client.ours.abort(Code.NO_ERROR) == []
