"""The CONNECT proxy on real sockets."""

import asyncio
import contextlib
import itertools
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from simulator import services
from simulator.core.messages import Request, Response
from simulator.core.settings import ConfigurationError
from simulator.transport import proxy as module
from simulator.transport.proxy import Proxy
from simulator.transport.proxy_refusals import HEAD_LIMIT

APPLE_HOSTS = services.hosts(services.load())

HOST = "mdmenrollment.apple.com"
GET = b"GET /account HTTP/1.1\r\nHost: mdmenrollment.apple.com\r\nConnection: close\r\n\r\n"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
MEGABYTES = bytes(range(256)) * 20_000

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def connect_to(target: str, headers: bytes = b"") -> bytes:
    return b"CONNECT %s HTTP/1.1\r\n%s\r\n" % (target.encode(), headers)


@dataclass
class Front:
    """A running proxy and what it had journalled."""

    requests: list[Request] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    proxy: Proxy = field(init=False)
    port: int = 0

    async def answer(self, request: Request) -> Response:
        self.requests.append(request)
        self.asked.set()
        return Response(200, (), b"not for the client")

    async def start(
        self,
        tls: int | None,
        http: int | None = None,
        *,
        head_s: float = 5,
        host: str = "127.0.0.1",
    ) -> None:
        self.proxy = Proxy(self.answer, APPLE_HOSTS, itertools.count(7), head_s=head_s)
        self.port = await self.proxy.open(
            "127.0.0.1",
            0,
            tls=None if tls is None else (host, tls),
            http=None if http is None else (host, http),
        )

    async def connect(self) -> Ends:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def send(self, data: bytes) -> bytes:
        """Send *data* on a connection of its own; return all that comes until it is closed."""
        reader, writer = await self.connect()
        writer.write(data)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async def tunnel(self, target: str = f"{HOST}:443") -> Ends:
        reader, writer = await self.connect()
        writer.write(connect_to(target))
        assert await reader.readexactly(len(ESTABLISHED)) == ESTABLISHED
        return reader, writer

    async def idle(self) -> None:
        """Wait until the proxy has no connection left."""
        async with asyncio.timeout(5):
            await asyncio.gather(*self.proxy._tasks, return_exceptions=True)
            await asyncio.sleep(0)  # a task that was done before calls back only now


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    front = Front()
    yield front
    await front.proxy.close(0)
    assert not front.proxy._tasks


@contextlib.asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """Run *serve* for each connection of a port, in place of our own listener."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("mdmenrollment.apple.com:443", id="plain"),
        pytest.param("MDMEnrollment.Apple.com:443", id="upper-case"),
        pytest.param("mdmenrollment.apple.com.:443", id="trailing-dot"),
        pytest.param("api.push.apple.com:2197", id="push"),
    ],
)
async def test_a_tunnel_leads_to_our_listener(
    wire: Any, front: Front, trust: ssl.SSLContext, target: str
) -> None:
    await front.start(wire.tls)
    name = target.partition(":")[0].lower().rstrip(".")

    reader, writer = await front.tunnel(target)
    await writer.start_tls(trust, server_hostname=name)
    writer.write(GET)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert wire.requests[0].peer.tls.sni == name
    assert front.requests == []


async def test_a_real_client_comes_through(wire: Any, front: Front, trust: ssl.SSLContext) -> None:
    await front.start(wire.tls)
    proxy = f"http://user:password@127.0.0.1:{front.port}"

    async with (
        aiohttp.ClientSession(proxy=proxy) as session,
        session.post(f"https://{HOST}/devices", data=b"{}", ssl=trust) as response,
    ):
        body = await response.read()

    (seen,) = wire.requests
    assert (response.status, body) == (200, b"{}")
    assert (seen.method, seen.target, seen.body) == ("POST", "/devices", b"{}")
    assert seen.header("host") == HOST


@pytest.mark.parametrize("host", ["0.0.0.0", ""])  # noqa: S104 (a listener may be bound to it)
async def test_a_listener_on_all_addresses_is_reached_by_loopback(
    wire: Any, front: Front, host: str
) -> None:
    await front.start(wire.tls, host=host)

    _, writer = await front.tunnel()
    writer.close()

    assert front.proxy._tls == ("127.0.0.1", wire.tls)


async def test_what_follows_the_head_at_once_goes_into_the_tunnel(front: Front) -> None:
    async with serving(echo) as port:
        await front.start(port)
        reader, writer = await front.connect()

        writer.write(connect_to(f"{HOST}:443", b"Proxy-Authorization: Basic eDp5\r\n") + b"early")
        writer.write_eof()
        answer = await reader.read()
        writer.close()

    assert answer == ESTABLISHED + b"early"


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (
            "graph.microsoft.com:443",
            "stands in for Apple's hosts only: graph.microsoft.com is none of them",
        ),
        ("deviceenrollment.apple.com:1", "does not simulate deviceenrollment.apple.com yet"),
        (
            "apple.com.example:1",
            "stands in for Apple's hosts only: apple.com.example is none of them",
        ),
    ],
)
async def test_another_host_is_journalled_and_refused(front: Front, target: str, says: str) -> None:
    await front.start(1)

    answer = await front.send(connect_to(target, b"Host: x\r\nUser-Agent: agent\r\n"))

    (seen,) = front.requests
    assert (seen.method, seen.target, seen.problem) == ("CONNECT", target, "")
    assert (seen.scheme, seen.body, seen.http) == ("http", b"", "1.1")
    assert seen.headers == (("Host", "x"), ("User-Agent", "agent"))
    assert (seen.peer.address, seen.peer.connection, seen.peer.tls) == ("127.0.0.1", 7, None)
    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    text = f"\r\n\r\nmdmsim {says}; unset HTTPS_PROXY for it with NO_PROXY\n"
    assert answer.endswith(text.encode())


async def test_a_refusal_is_answered_after_it_was_journalled(front: Front) -> None:
    release = asyncio.Event()

    async def answer(request: Request) -> Response:
        await front.answer(request)
        await release.wait()
        return Response(200)

    front.proxy = Proxy(answer, APPLE_HOSTS, itertools.count(1))
    front.port = await front.proxy.open("127.0.0.1", 0, tls=None, http=None)
    reader, writer = await front.connect()
    writer.write(connect_to("a.example:443"))
    await front.asked.wait()

    early = reader.at_eof() or bool(reader._buffer)  # type: ignore[attr-defined]  # a look inside
    release.set()
    late = await reader.read()
    writer.close()

    assert not early
    assert late.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    ("tls", "target", "said"),
    [
        pytest.param(1, f"{HOST}:8443", b"at the ports 443 and 2197 only; ", id="port"),
        pytest.param(1, f"{HOST}:99999", b"at the ports 443 and 2197 only; ", id="no-port"),
        pytest.param(None, f"{HOST}:443", b"start it with --tls-port", id="no-listener"),
        pytest.param(1, "[::1]:443", b": ::1 is none of them", id="ipv6"),
    ],
)
async def test_what_leads_nowhere_is_refused(
    front: Front, tls: int | None, target: str, said: bytes
) -> None:
    await front.start(tls)

    answer = await front.send(connect_to(target))

    assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert said in answer
    assert [seen.target for seen in front.requests] == [target]


@pytest.mark.parametrize(
    ("http", "said"),
    [
        pytest.param(8080, b"send plain HTTP to http://127.0.0.1:8080, with", id="http"),
        pytest.param(None, b"use https:// for Apple's hosts", id="no-http"),
    ],
)
async def test_what_is_not_connect_is_journalled_and_refused(
    front: Front, http: int | None, said: bytes
) -> None:
    await front.start(1, http)
    line = b"POST http://vpp.itunes.apple.com/x?y HTTP/1.0\r\n"

    answer = await front.send(line + b"Content-Length: 2\r\n\r\n{}")

    (seen,) = front.requests
    assert (seen.method, seen.target) == ("POST", "http://vpp.itunes.apple.com/x?y")
    assert (seen.http, seen.body, seen.problem) == ("1.0", b"", "")
    assert answer.startswith(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\n")
    assert said in answer


async def test_the_refusal_of_head_has_no_body(front: Front) -> None:
    await front.start(1)

    answer = await front.send(b"HEAD http://a.example/ HTTP/1.1\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 405 ")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("raw", "method", "status", "about"),
    [
        pytest.param(b"secret\r\n\r\n", "", 400, "no HTTP/1.1 request", id="garbage"),
        pytest.param(b"\x16\x03\x01secret", "", 400, "speaks TLS to the proxy", id="tls"),
        pytest.param(
            b"CONNECT secret HTTP/1.1\r\n\r\n", "CONNECT", 400, "no HOST:PORT", id="no-port"
        ),
        pytest.param(
            b"CONNECT u:secret@a:443 HTTP/1.1\r\n\r\n", "CONNECT", 400, "no HOST:PORT", id="user"
        ),
        pytest.param(
            b"CONNECT a:443 HTTP/1.1\r\nsecret\r\n\r\n",
            "CONNECT",
            400,
            "no HTTP/1.1 request",
            id="field",
        ),
        pytest.param(
            b"CONNECT a:443 HTTP/1.1\r\nA: " + b"x" * HEAD_LIMIT + b"\r\n\r\n",
            "CONNECT",
            431,
            "larger than 16384 bytes",
            id="large",
        ),
        pytest.param(b"\r\n" + b"x" * 2 * HEAD_LIMIT, "", 431, "larger than", id="endless"),
    ],
)
async def test_what_is_malformed_is_journalled_and_refused(
    front: Front, raw: bytes, method: str, status: int, about: str
) -> None:
    await front.start(1)

    answer = await front.send(raw)

    (seen,) = front.requests
    assert (seen.problem, seen.method) == ("malformed", method)
    assert about in seen.problem_about
    assert "secret" not in seen.problem_about
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"secret" not in answer


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        pytest.param(b"CONNECT u:secret@a:443", "***@a:443", id="connect"),
        pytest.param(b"GET http://u:s@cret@a/b@c", "http://***@a/b@c", id="absolute"),
    ],
)
async def test_a_password_in_the_target_is_masked(front: Front, line: bytes, kept: str) -> None:
    await front.start(1)

    await front.send(line + b" HTTP/1.1\r\n\r\n")

    assert front.requests[0].target == kept


async def test_a_head_of_the_limit_is_taken(front: Front) -> None:
    await front.start(1)
    rest = HEAD_LIMIT - len(connect_to("a.example:443", b"A: \r\n"))

    answer = await front.send(connect_to("a.example:443", b"A: " + b"x" * rest + b"\r\n"))

    assert answer.startswith(b"HTTP/1.1 403 ")


async def test_a_slow_head_is_journalled_and_refused(front: Front) -> None:
    await front.start(1, head_s=0.02)

    answer = await front.send(b"CONNECT a.example:443 HTTP/1.1\r\nA: 1\r\nB")

    (seen,) = front.requests
    assert (seen.problem, seen.target) == ("malformed", "a.example:443")
    assert seen.headers == (("A", "1"),)
    assert seen.problem_about == "the head of a request came too slowly"
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


async def test_half_a_head_is_journalled(front: Front) -> None:
    await front.start(1)
    reader, writer = await front.connect()

    writer.write(b"CONNECT a.example:443 HTTP/1.1\r\n")
    writer.write_eof()
    answer = await reader.read()
    writer.close()

    assert front.requests[0].problem_about == "the connection ended within the head of a request"
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("leave", [pytest.param(True, id="closed"), pytest.param(False, id="idle")])
async def test_a_connection_without_a_request_is_none(front: Front, leave: bool) -> None:
    await front.start(1, head_s=0.02)
    reader, writer = await front.connect()

    if leave:
        writer.write_eof()
    answer = await reader.read()
    writer.close()

    assert (answer, front.requests) == (b"", [])


async def test_a_client_that_leaves_is_journalled_all_the_same(front: Front) -> None:
    await front.start(1)
    _, writer = await front.connect()

    writer.write(connect_to("a.example:443"))
    writer.transport.abort()
    await asyncio.wait_for(front.asked.wait(), 5)
    await front.idle()

    assert [seen.target for seen in front.requests] == ["a.example:443"]


async def test_a_listener_that_is_gone_is_said(front: Front) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    await front.start(port)

    answer = await front.send(connect_to(f"{HOST}:443"))

    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert [seen.target for seen in front.requests] == [f"{HOST}:443"]


async def test_a_client_that_ends_its_half_still_hears_the_answer(front: Front) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard = await reader.read()
        writer.write(b"heard " + heard)
        writer.close()

    async with serving(serve) as port:
        await front.start(port)
        reader, writer = await front.tunnel()
        writer.write(b"all")
        writer.write_eof()
        answer = await reader.read()
        writer.close()

    assert answer == b"heard all"


async def test_an_answer_is_heard_though_the_client_still_sends(front: Front) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.write(b"enough")
        writer.write_eof()
        await reader.read()
        writer.close()

    async with serving(serve) as port:
        await front.start(port)
        reader, writer = await front.tunnel()
        writer.write(MEGABYTES)
        answer = await reader.read()
        writer.close()
        await front.idle()

    assert answer == b"enough"


async def test_a_client_that_does_not_leave_is_left(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    monkeypatch.setattr(module, "LINGER_S", 0.02)
    async with serving(serve) as port:
        await front.start(port)
        reader, writer = await front.tunnel()
        answer = await reader.read()
        await front.idle()
        writer.close()

    assert answer == b""


async def test_a_reset_of_the_listener_reaches_the_client(front: Front) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        own = writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, module._RESET)
        writer.transport.abort()

    async with serving(serve) as port:
        await front.start(port)
        reader, writer = await front.tunnel()
        writer.write(b"x")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        await front.idle()

    assert front.requests == []


async def test_a_reset_of_the_client_reaches_the_listener(front: Front) -> None:
    ended: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        except ConnectionError as error:
            ended.set_result(error)
        writer.close()

    async with serving(serve) as port:
        await front.start(port)
        _, writer = await front.tunnel()
        own = writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, module._RESET)
        writer.transport.abort()
        error = await asyncio.wait_for(ended, 5)
        await front.idle()

    assert isinstance(error, ConnectionResetError)


async def test_megabytes_pass_both_ways_intact(front: Front) -> None:
    async with serving(echo) as port:
        await front.start(port)
        reader, writer = await front.tunnel()

        async def send() -> None:
            writer.write(MEGABYTES)
            await writer.drain()
            writer.write_eof()

        _, received = await asyncio.gather(send(), reader.read())
        writer.close()

    assert received == MEGABYTES


async def test_tunnels_that_are_dropped_leave_nothing(wire: Any, front: Front) -> None:
    await front.start(wire.tls)
    before = asyncio.all_tasks()

    opened = await asyncio.gather(*(front.tunnel() for _ in range(50)))
    running = len(front.proxy._tasks)
    for _, writer in opened:
        writer.close()
    await front.idle()
    left = asyncio.all_tasks() - before

    assert running == 150
    assert not front.proxy._tasks
    assert not left


async def test_closing_waits_for_tunnels_that_end_by_themselves(front: Front) -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await release.wait()
        writer.write(b"last")
        writer.close()

    async with serving(serve) as port:
        await front.start(port)
        reader, writer = await front.tunnel()
        await asked.wait()
        closing = asyncio.gather(front.proxy.close(5))
        release.set()
        answer = await reader.read()
        writer.close()
        await closing

    assert answer == b"last"


async def test_a_connection_accepted_while_closing_is_dropped(front: Front) -> None:
    await front.start(1)
    server = front.proxy._server
    assert server is not None
    front.proxy._server = None
    reader, writer = await front.connect()

    answer = await reader.read()
    writer.close()
    server.close()

    assert answer == b""


async def test_closing_ends_open_tunnels(wire: Any, front: Front) -> None:
    await front.start(wire.tls)
    tunnels = [await front.tunnel() for _ in range(3)]
    idle = await front.connect()

    async with asyncio.timeout(5):
        await front.proxy.close(0.02)
        await asyncio.gather(*(reader.read() for reader, _ in (*tunnels, idle)))
    for _, writer in (*tunnels, idle):
        writer.close()

    assert not front.proxy._tasks
    with pytest.raises(ConnectionRefusedError):
        await front.connect()


async def test_a_proxy_that_was_never_opened_can_be_closed(front: Front) -> None:
    front.proxy = Proxy(front.answer, APPLE_HOSTS, itertools.count(1))

    await front.proxy.close(1)

    assert front.requests == []


async def test_a_port_in_use_is_said_with_its_remedy(front: Front) -> None:
    front.proxy = Proxy(front.answer, APPLE_HOSTS, itertools.count(1))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(ConfigurationError) as raised:
            await front.proxy.open("127.0.0.1", port, tls=None, http=None)

    assert str(raised.value) == (
        f"port {port} is in use: stop the other program or choose another with --proxy-port"
    )
