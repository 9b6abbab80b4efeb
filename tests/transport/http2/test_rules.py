"""Every rule that a client can break, frame by frame, and what becomes of it."""

import pytest

from simulator.transport.http2 import frames
from simulator.transport.http2.frames import Code
from tests.transport.http2.peers import POST, Raw, data, goaway, resets


def setting(name: int, value: int) -> bytes:
    """Return SETTINGS with one value."""
    return frames.frame(4, 0, 0, name.to_bytes(2) + value.to_bytes(4))


def header(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return a frame; a shorter name for the tables."""
    return frames.frame(kind, flags, stream, payload)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(data(0, b"x"), Code.PROTOCOL_ERROR, id="data-on-stream-0"),
        pytest.param(data(1, b"x"), Code.PROTOCOL_ERROR, id="data-on-an-idle-stream"),
        pytest.param(header(1, 5, 0, b"\x82"), Code.PROTOCOL_ERROR, id="headers-on-stream-0"),
        pytest.param(header(1, 5, 2, b"\x82"), Code.PROTOCOL_ERROR, id="headers-on-an-even-stream"),
        pytest.param(header(1, 13, 1, b"\x05\x82"), Code.PROTOCOL_ERROR, id="too-much-padding"),
        pytest.param(header(1, 13, 1, b""), Code.PROTOCOL_ERROR, id="padding-without-its-length"),
        pytest.param(header(1, 37, 1, b"\0\0"), Code.FRAME_SIZE_ERROR, id="headers-priority-cut"),
        pytest.param(header(1, 5, 1, b"\xff\xff\xff"), Code.COMPRESSION_ERROR, id="broken-block"),
        pytest.param(header(2, 0, 0, bytes(5)), Code.PROTOCOL_ERROR, id="priority-on-stream-0"),
        pytest.param(header(2, 0, 1, bytes(4)), Code.FRAME_SIZE_ERROR, id="priority-of-4-bytes"),
        pytest.param(header(2, 0, 1, b"\0\0\0\1\0"), Code.PROTOCOL_ERROR, id="idle-on-itself"),
        pytest.param(header(3, 0, 1, bytes(4)), Code.PROTOCOL_ERROR, id="reset-of-an-idle-stream"),
        pytest.param(header(3, 0, 0, bytes(4)), Code.PROTOCOL_ERROR, id="reset-of-stream-0"),
        pytest.param(header(3, 0, 1, bytes(3)), Code.FRAME_SIZE_ERROR, id="reset-of-3-bytes"),
        pytest.param(header(4, 0, 1, b""), Code.PROTOCOL_ERROR, id="settings-on-a-stream"),
        pytest.param(header(4, 0, 0, bytes(5)), Code.FRAME_SIZE_ERROR, id="settings-of-5-bytes"),
        pytest.param(header(4, 1, 0, bytes(6)), Code.FRAME_SIZE_ERROR, id="settings-ack-that-says"),
        pytest.param(setting(2, 2), Code.PROTOCOL_ERROR, id="enable-push-2"),
        pytest.param(setting(4, 1 << 31), Code.FLOW_CONTROL_ERROR, id="initial-window-too-large"),
        pytest.param(setting(5, 16_383), Code.PROTOCOL_ERROR, id="frame-size-too-small"),
        pytest.param(setting(5, 1 << 24), Code.PROTOCOL_ERROR, id="frame-size-too-large"),
        pytest.param(setting(8, 2), Code.PROTOCOL_ERROR, id="connect-protocol-2"),
        pytest.param(header(5, 4, 1, bytes(4)), Code.PROTOCOL_ERROR, id="push-promise"),
        pytest.param(header(6, 0, 1, bytes(8)), Code.PROTOCOL_ERROR, id="ping-on-a-stream"),
        pytest.param(header(6, 0, 0, bytes(7)), Code.FRAME_SIZE_ERROR, id="ping-of-7-bytes"),
        pytest.param(header(7, 0, 1, bytes(8)), Code.PROTOCOL_ERROR, id="goaway-on-a-stream"),
        pytest.param(header(7, 0, 0, bytes(7)), Code.FRAME_SIZE_ERROR, id="goaway-of-7-bytes"),
        pytest.param(frames.window_update(0, 0), Code.PROTOCOL_ERROR, id="window-by-nothing"),
        pytest.param(header(8, 0, 0, bytes(3)), Code.FRAME_SIZE_ERROR, id="window-of-3-bytes"),
        pytest.param(frames.window_update(1, 1), Code.PROTOCOL_ERROR, id="window-of-idle-stream"),
        pytest.param(
            frames.window_update(0, (1 << 31) - 1), Code.FLOW_CONTROL_ERROR, id="window-too-large"
        ),
        pytest.param(header(9, 4, 1, b""), Code.PROTOCOL_ERROR, id="continuation-of-nothing"),
        pytest.param(
            header(1, 0, 1, b"\x82") + header(9, 4, 3, b""),
            Code.PROTOCOL_ERROR,
            id="continuation-of-another-stream",
        ),
        pytest.param(
            header(1, 0, 1, b"\x82") + header(6, 0, 0, bytes(8)),
            Code.PROTOCOL_ERROR,
            id="ping-within-a-header-block",
        ),
        pytest.param(
            b"\0\x40\x01" + header(0, 0, 1, b"")[3:], Code.FRAME_SIZE_ERROR, id="frame-too-large"
        ),
    ],
)
def test_a_broken_rule_of_the_connection_ends_it(sent: bytes, code: Code) -> None:
    client = Raw()

    answer = client.send(sent)

    found = goaway(answer)
    assert found is not None
    assert found[0] == code
    assert found[1]
    assert client.ours.ended
    assert client.send(client.headers(1)) == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(header(2, 0, 1, bytes(4)), Code.FRAME_SIZE_ERROR, id="priority-of-4-bytes"),
        pytest.param(header(2, 0, 1, b"\0\0\0\1\0"), Code.PROTOCOL_ERROR, id="on-itself"),
        pytest.param(frames.window_update(1, 0), Code.PROTOCOL_ERROR, id="window-by-nothing"),
        pytest.param(
            frames.window_update(1, (1 << 31) - 1), Code.FLOW_CONTROL_ERROR, id="window-too-large"
        ),
        pytest.param(header(1, 4, 1, b""), Code.PROTOCOL_ERROR, id="trailers-without-an-end"),
    ],
)
def test_a_broken_rule_of_a_stream_ends_only_that(sent: bytes, code: Code) -> None:
    client = Raw()
    client.send(client.headers(1, POST, flags=4))

    answer = client.send(sent)

    assert resets(answer) == [(1, code)]
    assert [(one.problem, one.wants_response) for one in client.asked] == [("malformed", False)]
    client.send(client.headers(3))
    assert client.asked[-1].wants_response


@pytest.mark.parametrize(
    ("start", "code"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", Code.PROTOCOL_ERROR, id="another-protocol"),
        pytest.param(b"X", Code.PROTOCOL_ERROR, id="one-wrong-byte"),
        pytest.param(
            frames.PREFACE + header(6, 0, 0, bytes(8)), Code.PROTOCOL_ERROR, id="ping-first"
        ),
        pytest.param(frames.PREFACE + header(4, 1, 0, b""), Code.PROTOCOL_ERROR, id="ack-first"),
    ],
)
def test_a_connection_starts_with_the_preface(start: bytes, code: Code) -> None:
    client = Raw(greet=False)

    answer = client.send(start)

    found = goaway(answer)
    assert found is not None
    assert found[0] == code
