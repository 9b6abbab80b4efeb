"""HTTP/1.1 on the wire, byte by byte."""

import asyncio
import gzip
from typing import Any

import pytest

from simulator.core.messages import Response

HOST = b"Host: mdmenrollment.apple.com\r\n"
CLOSE = b"Connection: close\r\n"


def request(
    line: bytes = b"GET /account HTTP/1.1", headers: bytes = b"", body: bytes = b""
) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return line + b"\r\n" + HOST + CLOSE + headers + length + b"\r\n" + body


async def test_a_request_is_handed_on_as_it_was_sent(wire: Any) -> None:
    raw = request(
        b"PUT /a%2Fb?x=%20&x HTTP/1.1", b"X-B: 2\r\nx-a: 1 \r\nX-B: 3\r\nx-empty:\r\n", b"\x00{"
    )

    await wire.send(raw)

    (seen,) = wire.requests
    assert (seen.method, seen.target, seen.http, seen.scheme) == (
        "PUT",
        "/a%2Fb?x=%20&x",
        "1.1",
        "http",
    )
    assert seen.headers == (
        ("Host", "mdmenrollment.apple.com"),
        ("Connection", "close"),
        ("X-B", "2"),
        ("x-a", "1"),
        ("X-B", "3"),
        ("x-empty", ""),
        ("Content-Length", "2"),
    )
    assert (seen.body, seen.problem) == (b"\x00{", "")


async def test_a_head_that_comes_again_is_read_as_it_was_sent(wire: Any) -> None:
    heads = [b"X-A: 1\r\n", b"x-a: 1\r\n", b"X-A: 1\r\n", b"X-A: j\xf6rg\r\n", b"X-A: j\xf6rg\r\n"]
    for head in heads:
        await wire.send(request(headers=head))

    sent = [seen.headers[-1] for seen in wire.requests]
    assert sent == [("X-A", "1"), ("x-a", "1"), ("X-A", "1"), ("X-A", "jörg"), ("X-A", "jörg")]


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        (b"http://mdmenrollment.apple.com/a?b=c", "mdmenrollment.apple.com", "/a?b=c"),
        (b"HTTPS://u:p@vpp.itunes.apple.com:443", "u:p@vpp.itunes.apple.com:443", "/"),
        (b"http://a.example?b=//c", "a.example", "/?b=//c"),
        (b"/http://a.example/b", "mdmenrollment.apple.com", "/http://a.example/b"),
    ],
)
async def test_the_host_of_an_absolute_target_counts(
    wire: Any, target: bytes, host: str, path: str
) -> None:
    await wire.send(request(b"GET " + target + b" HTTP/1.1"))

    (seen,) = wire.requests
    assert (seen.header("host"), seen.target) == (host, path)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("jörg".encode(), "jörg", id="utf-8"),
        pytest.param("jörg".encode("latin-1"), "jörg", id="latin-1"),
    ],
)
async def test_bytes_beyond_ascii_become_text(wire: Any, raw: bytes, expected: str) -> None:
    await wire.send(request(b"GET /" + raw + b" HTTP/1.1", b"User-Agent: " + raw + b"\r\n"))

    (seen,) = wire.requests
    assert seen.target == f"/{expected}"
    assert seen.header("user-agent") == expected


async def test_a_coded_body_is_left_as_it_is(wire: Any) -> None:
    body = gzip.compress(b'{"a": 1}')

    await wire.send(request(b"POST /devices HTTP/1.1", b"Content-Encoding: gzip\r\n", body))

    assert wire.requests[0].body == body


async def test_a_chunked_body_is_put_together(wire: Any) -> None:
    chunks = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"

    await wire.send(request(b"POST /devices HTTP/1.1", b"Transfer-Encoding: chunked\r\n") + chunks)

    assert (wire.requests[0].body, wire.requests[0].problem) == (b"abcde", "")


async def test_an_answer_goes_out_exactly_as_given_plus_date_and_length(wire: Any) -> None:
    wire.clock.freeze(0)
    wire.response = Response(403, (("X-B", "1"), ("X-a", "2"), ("X-B", "3")), b"no")

    answer = await wire.send(request())

    assert answer == (
        b"HTTP/1.1 403 Forbidden\r\nX-B: 1\r\nX-a: 2\r\nX-B: 3\r\n"
        b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    )


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [
        pytest.param(b"HEAD", 200, b"Content-Length: 2", id="head"),
        pytest.param(b"GET", 204, None, id="no-content"),
        pytest.param(b"GET", 304, None, id="not-modified"),
    ],
)
async def test_some_answers_have_no_body(
    wire: Any, method: bytes, status: int, length: bytes | None
) -> None:
    wire.response = Response(status, (), b"{}")

    answer = await wire.send(request(method + b" / HTTP/1.1"))

    assert answer.endswith(b"\r\n\r\n")
    assert (length is None) == (b"Content-Length" not in answer)
    assert length is None or length in answer


async def test_an_answer_cannot_be_split_by_a_header(wire: Any) -> None:
    wire.response = Response(200, (("X-A", "1\r\nX-B: 2"),))

    answer = await wire.send(request())

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"X-B" not in answer


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "DELETE", "PATCH", "PROPFIND", "FOO"])
async def test_every_method_is_just_a_request(wire: Any, method: str) -> None:
    answer = await wire.send(request(method.encode() + b" /x?y HTTP/1.1", b"X-A: 1\r\n", b"{}"))

    (seen,) = wire.requests
    assert (seen.method, seen.target, seen.body, seen.problem) == (method, "/x?y", b"{}", "")
    assert seen.header("x-a") == "1"
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_tunnel_is_answered_and_closed(wire: Any) -> None:
    answer = await wire.send(b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n")

    assert wire.requests[0].target == "a.example:443"
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_connection_is_kept_open(wire: Any) -> None:
    reader, writer = await wire.connect()
    for number in range(3):
        writer.write(b"GET /%d HTTP/1.1\r\n%s\r\n" % (number, HOST))
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Connection" not in head
        assert await reader.readexactly(2) == b"{}"
    writer.close()

    assert [seen.target for seen in wire.requests] == ["/0", "/1", "/2"]
    assert len({seen.peer.connection for seen in wire.requests}) == 1
    assert [seen.peer.first for seen in wire.requests][:2] == [True, False]


async def test_pipelined_requests_are_answered_in_order(wire: Any) -> None:
    first = b"GET /1 HTTP/1.1\r\n" + HOST + b"\r\n"

    answer = await wire.send(first + request(b"GET /2 HTTP/1.1"))

    assert [seen.target for seen in wire.requests] == ["/1", "/2"]
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 2


async def test_http_1_0_is_told_that_the_connection_stays(wire: Any) -> None:
    reader, writer = await wire.connect()

    writer.write(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert b"Connection: keep-alive\r\n" in head
    assert wire.requests[0].http == "1.0"


async def test_the_engine_can_close_a_connection(wire: Any) -> None:
    wire.response = Response(400, (), b"", close=True)

    answer = await wire.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")

    assert b"\r\nConnection: close\r\n" in answer


async def test_an_offer_to_upgrade_is_ignored(wire: Any) -> None:
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
    reader, writer = await wire.connect()

    for body in (b"", b"{}"):
        writer.write(
            b"POST /devices HTTP/1.1\r\n%s%sContent-Length: %d\r\n\r\n%s"
            % (HOST, offer, len(body), body)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()

    assert [seen.body for seen in wire.requests] == [b"", b"{}"]


async def test_a_client_that_waits_is_told_to_continue(wire: Any) -> None:
    reader, writer = await wire.connect()

    writer.write(b"PUT / HTTP/1.1\r\n%sExpect: 100-continue\r\nContent-Length: 2\r\n\r\n" % HOST)
    interim = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"{}")
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()

    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert wire.requests[0].body == b"{}"


async def test_a_client_that_waits_with_too_much_is_refused_at_once(wire: Any) -> None:
    head = b"PUT / HTTP/1.1\r\n%sExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n" % HOST

    answer = await wire.send(head)

    assert b"100 Continue" not in answer
    assert (wire.requests[0].problem, wire.requests[0].body) == ("too-large", b"")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_cut(wire: Any, chunked: bool) -> None:
    body = b"x" * 1001
    if chunked:
        raw = request(b"PUT / HTTP/1.1", b"Transfer-Encoding: chunked\r\n")
        raw += b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    else:
        raw = request(b"PUT / HTTP/1.1", b"", body)

    answer = await wire.send(raw.replace(CLOSE, b""))

    (seen,) = wire.requests
    assert (seen.problem, seen.body) == ("too-large", body[:1000])
    assert seen.problem_about == "the body is larger than 1000 bytes"
    assert b"\r\nConnection: close\r\n" in answer


async def test_a_body_of_the_limit_is_taken(wire: Any) -> None:
    await wire.send(request(b"PUT / HTTP/1.1", b"", b"x" * 1000))

    assert wire.requests[0].problem == ""


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_body_that_is_cut_off_is_handed_on(wire: Any, at_once: bool) -> None:
    _, writer = await wire.connect()
    head = b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\n"

    if at_once:
        writer.write(head + b"{half")
    else:
        writer.write(head)
        await wire.arrived(0)
        writer.write(b"{ha")
        await wire.arrived(0, 3)
        writer.write(b"lf")
        await wire.arrived(0, 5)
    writer.close()
    await writer.wait_closed()
    await asyncio.wait_for(wire.asked.wait(), 5)

    (seen,) = wire.requests
    assert (seen.problem, seen.body) == ("truncated", b"{half")
    assert seen.problem_about == "the connection ended after 5 bytes of the body"


async def test_a_request_is_handed_on_though_nobody_waits_for_its_answer(wire: Any) -> None:
    _, writer = await wire.connect()

    writer.write(request(b"PUT / HTTP/1.1", b"", b"{}"))
    writer.transport.abort()
    writer.close()
    await asyncio.wait_for(wire.asked.wait(), 5)

    assert (wire.requests[0].problem, wire.requests[0].body) == ("", b"{}")


async def test_a_client_that_leaves_early_does_no_harm(wire: Any) -> None:
    wire.release.clear()
    _, writer = await wire.connect()
    writer.write(request())
    await wire.asked.wait()

    writer.close()
    await writer.wait_closed()
    wire.release.set()

    assert (await wire.send(request())).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("raw", "method", "about"),
    [
        pytest.param(
            b"GARBAGE secret\r\n\r\n", "", "does not start with an HTTP method", id="garbage"
        ),
        pytest.param(b"\x16\x03\x01\x02\x00secret", "", "this port speaks plain HTTP", id="tls"),
        pytest.param(
            b"GET secret HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "the request target", id="target"
        ),
        pytest.param(b"GET /secret HTTP/3.7\r\nHost: a\r\n\r\n", "", "HTTP/1.1", id="version"),
        pytest.param(b"GET /x HTTP/1.1\r\nA: b\r\n\r\n", "GET", "Missing 'Host' header", id="host"),
        pytest.param(
            b"GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET", "Duplicate 'Host'", id="hosts"
        ),
        pytest.param(
            b"GET /x HTTP/1.1\r\nHost: a\r\nA secret: b\r\n\r\n",
            "GET",
            "no HTTP request",
            id="name",
        ),
        pytest.param(
            b"GET /x HTTP/1.1\r\nHost: a\r\nB: \0secret\r\n\r\n", "GET", "no HTTP request", id="nul"
        ),
        pytest.param(b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", "GET", "long", id="line"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
            "GET",
            "too long",
            id="field",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 300 + b"\r\n",
            "GET",
            "Too many headers",
            id="fields",
        ),
        pytest.param(
            b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: secret\r\n\r\n",
            "PUT",
            "no HTTP request",
            id="length",
        ),
    ],
)
async def test_a_malformed_request_is_handed_on(
    wire: Any, raw: bytes, method: str, about: str
) -> None:
    wire.response = Response(400)

    answer = await wire.send(raw)

    (seen,) = wire.requests
    assert (seen.problem, seen.method) == ("malformed", method)
    assert about in seen.problem_about
    assert "secret" not in seen.problem_about
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nConnection: close\r\n" in answer


async def test_a_malformed_request_in_pieces_keeps_what_is_known(wire: Any) -> None:
    reader, writer = await wire.connect()

    sent = 0
    for piece in (b"PUT /devi", b"ces HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n", b"X-"):
        writer.write(piece)
        sent += len(piece)
        await wire.arrived(sent)
    writer.write(b"\x01\r\n\r\n{}")
    await reader.read()
    writer.close()

    (seen,) = wire.requests
    assert (seen.method, seen.target, seen.body) == ("PUT", "/devices", b"{}")
    assert seen.headers == (("Host", "a"), ("X-A", "1"))


async def test_half_a_head_is_handed_on(wire: Any) -> None:
    _, writer = await wire.connect()
    half = b"GET /account HTTP/1.1\r\nX-A: 1\r\nX-B: 2"
    writer.write(half)
    await wire.arrived(len(half))

    writer.close()
    await writer.wait_closed()
    await asyncio.wait_for(wire.asked.wait(), 5)

    (seen,) = wire.requests
    assert (seen.problem, seen.target) == ("malformed", "/account")
    assert seen.headers == (("X-A", "1"),)
    assert seen.problem_about == "the connection ended within the head of a request"


async def test_a_connection_without_a_request_is_none(wire: Any) -> None:
    await wire.send(request(b"PUT / HTTP/1.1", b"", b"{}") + b"\r\n")
    _, writer = await wire.connect()
    writer.close()
    await writer.wait_closed()
    await wire.send(request())

    assert [seen.problem for seen in wire.requests] == ["", ""]


async def test_broken_chunks_are_handed_on(wire: Any) -> None:
    reader, writer = await wire.connect()
    wire.response = Response(400)

    writer.write(b"PUT / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")
    await wire.arrived(0, 2)
    writer.write(b"zz\r\n")
    answer = await reader.read()
    writer.close()

    (seen,) = wire.requests
    assert (seen.problem, seen.body) == ("malformed", b"{}")
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_nothing_is_logged(wire: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    caplog.clear()

    await wire.send(request(b"GET /secret HTTP/1.1", b"Authorization: secret\r\n"))
    await wire.send(b"GET /secret HTTP/9.9\r\n\r\n")

    assert "secret" not in caplog.text


async def test_connections_are_numbered(wire: Any) -> None:
    await wire.send(request())
    await wire.send(request())

    first, second = (seen.peer for seen in wire.requests)
    assert (first.address, first.connection, first.tls) == ("127.0.0.1", 1, None)
    assert second.connection == 2


async def test_what_is_being_answered_is_answered_before_the_end(wire: Any) -> None:
    wire.release.clear()
    reader, writer = await wire.connect()
    idle_reader, idle_writer = await wire.connect()
    writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
    await wire.asked.wait()

    closing = asyncio.ensure_future(wire.listener.close(5))
    assert await idle_reader.read() == b""
    wire.release.set()
    answer = await reader.read()
    await closing

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    for each in (writer, idle_writer):
        each.close()


async def test_a_body_that_the_end_cuts_off_is_handed_on(wire: Any) -> None:
    _, writer = await wire.connect()
    writer.write(b"PUT / HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\n{")
    await wire.arrived(0, 1)

    await wire.listener.close(0.1)
    writer.close()

    assert (wire.requests[0].problem, wire.requests[0].body) == ("truncated", b"{")


@pytest.mark.parametrize(
    ("head", "rest", "problem"),
    [
        pytest.param(b"Content-Length: 4\r\n\r\nab", b"cd", "", id="length"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            b"2\r\ncd\r\n0\r\n\r\n",
            "",
            id="chunks",
        ),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"nonsense\r\n", "malformed", id="bad"
        ),
    ],
)
async def test_a_request_that_has_begun_is_taken_whole_when_the_end_comes(
    wire: Any, head: bytes, rest: bytes, problem: str
) -> None:
    reader, writer = await wire.connect()
    writer.write(b"PUT /profile HTTP/1.1\r\n" + HOST + head)
    await wire.arrived(0, 2)

    closing = asyncio.ensure_future(wire.server.close(5))
    await asyncio.sleep(0)
    writer.write(rest + b"GET /too-late HTTP/1.1\r\n" + HOST + b"\r\n")
    answer = await reader.read()
    await closing
    writer.close()

    (seen,) = wire.requests
    assert (seen.body, seen.problem) == (b"ab" if problem else b"abcd", problem)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
