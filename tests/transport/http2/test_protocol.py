"""HTTP/2 on real sockets, with python-hyper's h2 at the other end."""

import asyncio
import ssl
from typing import cast

import h2.config
import h2.connection
import h2.events
import pytest

from simulator.core.messages import Request, Response
from simulator.pki.authority import Authority
from simulator.transport.http2 import frames
from tests.transport.http2.conftest import DATE, Client, Wire, connect, said
from tests.transport.http2.peers import POST, REQUEST


async def test_a_request_is_handed_on_with_its_peer(wire: Wire, client: Client) -> None:
    client.h2.send_headers(1, (*POST, ("apns-topic", "x")))
    client.h2.send_data(1, b"body", end_stream=True)
    await client.send()
    [head] = await client.until(h2.events.ResponseReceived)

    [request] = wire.requests
    assert (request.method, request.target, request.body) == ("POST", "/a", b"body")
    assert request.headers == (("host", "x.example"), ("apns-topic", "x"))
    assert (request.http, request.scheme, request.problem) == ("2", "http", "")
    assert request.peer.address == "127.0.0.1"
    assert (request.peer.connection, request.peer.tls) == (1, None)
    assert said(head) == [(":status", "200"), ("date", DATE)]


@pytest.mark.parametrize("alpn", [pytest.param("h2", id="alpn"), pytest.param("", id="no-alpn")])
async def test_tls_is_told_of(wire: Wire, authority: Authority, alpn: str) -> None:
    trust = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    if alpn:
        trust.set_alpn_protocols([alpn])
    client = await connect(wire.tls, trust)

    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    await client.until(h2.events.StreamEnded)
    await client.close()

    [request] = wire.requests
    assert request.scheme == "https"
    assert request.peer.tls is not None
    assert (request.peer.tls.version, request.peer.tls.alpn) == ("TLSv1.3", alpn)


async def test_answers_go_out_in_the_order_in_which_they_are_ready(wire: Wire) -> None:
    gates = {"/1": asyncio.Event(), "/2": asyncio.Event()}

    async def answer(request: Request) -> Response:
        await gates[request.target].wait()
        gates["/1"].set()
        return Response(200, (), request.target.encode())

    wire.server.answer = answer
    client = await connect(wire.http)
    for stream, path in ((1, "/1"), (3, "/2")):
        client.h2.send_headers(stream, (*REQUEST[:2], (":path", path), REQUEST[3]), end_stream=True)
    await client.send()
    gates["/2"].set()
    ended = await client.until(h2.events.StreamEnded, 2)
    await client.close()

    assert [getattr(event, "stream_id", 0) for event in ended] == [3, 1]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param((("Date", "today"),), [("date", "today")], id="given"),
        pytest.param((("date", ""), ("x-a", "1")), [("x-a", "1")], id="unwanted"),
    ],
)
async def test_a_date_is_added_unless_the_answer_speaks_of_it(
    wire: Wire,
    client: Client,
    headers: tuple[tuple[str, str], ...],
    expected: list[tuple[str, str]],
) -> None:
    wire.response = Response(204, headers)

    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    [head] = await client.until(h2.events.ResponseReceived)

    assert said(head) == [(":status", "204"), *expected]


async def test_an_answer_that_cannot_be_sent_is_a_500(wire: Wire, client: Client) -> None:
    wire.response = Response(200, (("x-a", "1\n2"),))

    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    [head] = await client.until(h2.events.ResponseReceived)

    assert said(head) == [(":status", "500")]


async def test_only_the_first_request_of_a_connection_is_told_so(
    wire: Wire, client: Client
) -> None:
    for stream in (1, 3):
        client.h2.send_headers(stream, REQUEST, end_stream=True)
    await client.send()
    await client.until(h2.events.StreamEnded, 2)

    assert [(one.peer.connection, one.peer.first) for one in wire.requests] == [
        (1, True),
        (1, False),
    ]


async def test_a_connection_taken_over_starts_with_what_was_read(wire: Wire) -> None:
    class Sniffer(asyncio.Protocol):
        """Decide by the first bytes, as a listener for both versions does."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.Transport", transport)

        def data_received(self, data: bytes) -> None:
            assert data.startswith(frames.PREFACE[:3])
            protocol = wire.server()
            self.transport.set_protocol(protocol)
            protocol.connection_made(self.transport)
            protocol.data_received(data)

    sniffing = await asyncio.get_running_loop().create_server(Sniffer, "127.0.0.1", 0)
    client = await connect(sniffing.sockets[0].getsockname()[1])

    client.h2.send_headers(1, REQUEST, end_stream=True)
    await client.send()
    await client.until(h2.events.StreamEnded)
    await client.close()
    sniffing.close()

    assert len(wire.requests) == 1
