"""What can still be read of malformed bytes."""

import pytest
from aiohttp.http_exceptions import BadHttpMessage, BadHttpMethod, HttpProcessingError, LineTooLong
from hypothesis import given
from hypothesis import strategies as st

from simulator.transport.http1.malformed_requests import Salvage, describe, salvage, text

PIECES = st.sampled_from(
    [
        b"GET ",
        b"/a",
        b" HTTP/1.1",
        b"\r\n",
        b"\n",
        b"\r",
        b"X-A: 1",
        b":",
        b" ",
        b"\0",
        b"\xff",
        b"{",
    ]
)


def test_a_proper_head_is_whole() -> None:
    found = salvage(b"FOO /x?y HTTP/1.0\r\nA:  b c \r\nB:\r\n\r\nbody")

    assert found == Salvage("FOO", "/x?y", (("A", "b c"), ("B", "")), b"body", "1.0", whole=True)


def test_lines_that_are_no_fields_are_left_out() -> None:
    found = salvage(b"GET /x HTTP/1.1\nA b: c\nD: e\n\n")

    assert (found.headers, found.whole) == ((("D", "e"),), False)


@pytest.mark.parametrize("data", [b"", b"\x16\x03\x01", b"Authorization: secret\r\n\r\nsecret"])
def test_nothing_is_kept_without_a_request_line(data: bytes) -> None:
    assert salvage(data) == Salvage(tls=data[:1] == b"\x16")


@given(st.lists(PIECES).map(b"".join))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    found = salvage(data)

    assert data.endswith(found.body)
    assert all(name and "\n" not in value for name, value in found.headers)


@given(st.binary())
def test_any_bytes_are_text(raw: bytes) -> None:
    assert text(raw).encode() in (raw, raw.decode("latin-1").encode())


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        pytest.param(LineTooLong(b"secret", 1), "the request line or a header field", id="long"),
        pytest.param(BadHttpMethod("secret"), "the request does not start with", id="method"),
        pytest.param(BadHttpMessage("Bad:\n\n  b'secret'"), "the bytes are no HTTP", id="quoted"),
        pytest.param(BadHttpMessage("Missing 'Host' header"), "Missing 'Host' header", id="safe"),
        pytest.param(ValueError("secret"), "the bytes are no HTTP request", id="other"),
    ],
)
def test_no_sentence_quotes_the_request(error: HttpProcessingError, sentence: str) -> None:
    said = describe(error, Salvage())

    assert said.startswith(sentence)
    assert "secret" not in said
