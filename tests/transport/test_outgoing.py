"""Responses as bytes."""

import pytest

from simulator.core.messages import Response
from simulator.transport.http1.responses import encode

DATE = "Thu, 01 Jan 1970 00:00:00 GMT"


def sent(response: Response, method: str = "GET", *, stays: bool = True, old: bool = False) -> str:
    return encode(response, method, DATE, stays=stays, old=old).decode()


def test_date_and_length_are_added() -> None:
    assert sent(Response(200, (("A", "b"),), b"{}")) == (
        f"HTTP/1.1 200 OK\r\nA: b\r\nDate: {DATE}\r\nContent-Length: 2\r\n\r\n{{}}"
    )


def test_the_same_answer_has_the_date_and_the_length_of_its_own_time() -> None:
    first, later = Response(200, (("A", "b"),), b"{}"), Response(200, (("A", "b"),), b"[{}]")
    sent(first)

    assert encode(later, "GET", "Thu, 01 Jan 1970 00:00:01 GMT", stays=True, old=False) == (
        b"HTTP/1.1 200 OK\r\nA: b\r\nDate: Thu, 01 Jan 1970 00:00:01 GMT\r\n"
        b"Content-Length: 4\r\n\r\n[{}]"
    )


def test_date_and_length_that_are_given_stay() -> None:
    response = Response(200, (("date", "now"), ("content-length", "7")), b"{}")

    assert sent(response) == "HTTP/1.1 200 OK\r\ndate: now\r\ncontent-length: 7\r\n\r\n{}"


@pytest.mark.parametrize(
    ("stays", "old", "line"),
    [
        pytest.param(True, False, None, id="stays"),
        pytest.param(True, True, "Connection: keep-alive", id="stays-old"),
        pytest.param(False, False, "Connection: close", id="ends"),
        pytest.param(False, True, "Connection: close", id="ends-old"),
    ],
)
def test_the_client_is_told_whether_the_connection_stays(
    stays: bool, old: bool, line: str | None
) -> None:
    head = sent(Response(200), stays=stays, old=old)

    assert (line in head.split("\r\n")) if line else ("Connection" not in head)


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(status: int) -> None:
    assert "Content-Length" not in sent(Response(status, (), b"x"))
    assert sent(Response(status, (), b"x")).endswith("\r\n\r\n")


def test_an_answer_to_head_has_the_length_only() -> None:
    answer = sent(Response(200, (), b"{}"), "HEAD")

    assert "\r\nContent-Length: 2\r\n" in answer
    assert answer.endswith("\r\n\r\n")


def test_a_status_without_a_name_is_sent_without() -> None:
    assert sent(Response(499)).startswith("HTTP/1.1 499 \r\n")


@pytest.mark.parametrize("value", ["a\r\nB: c", "a\nb", "a\rb"])
def test_a_line_break_in_a_header_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        sent(Response(200, (("A", value),)))
