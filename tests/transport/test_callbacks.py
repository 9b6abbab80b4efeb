"""Calls to the outside go to allowed addresses only."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from simulator.core.settings import ConfigurationError, Settings
from simulator.pki.authority import Authority
from simulator.protocol.operations import OutboundCall
from simulator.transport.callbacks import Allowed, Callbacks
from simulator.transport.listener import Certificates

NOT_ALLOWED = "the address is not allowed: name it with --callback-allow"


@pytest.mark.parametrize(
    ("rows", "address", "expected"),
    [
        pytest.param((), "127.0.0.1", True, id="loopback"),
        pytest.param((), "127.8.9.1", True, id="loopback-network"),
        pytest.param((), "::1", True, id="loopback-ipv6"),
        pytest.param((), "::ffff:127.0.0.1", True, id="mapped"),
        pytest.param((), "192.0.2.1", False, id="other"),
        pytest.param((), "169.254.169.254", False, id="metadata"),
        pytest.param((), "fe80::1%eth0", False, id="link"),
        pytest.param(("10.0.0.0/8",), "10.1.2.3", True, id="network"),
        pytest.param(("10.0.0.0/8",), "11.1.2.3", False, id="beside-it"),
        pytest.param(("192.0.2.1",), "192.0.2.1", True, id="address"),
        pytest.param(("any",), "192.0.2.1", True, id="any"),
    ],
)
def test_an_address_is_allowed_or_not(rows: tuple[str, ...], address: str, expected: bool) -> None:
    assert Allowed(rows).address(address) == expected


def test_a_name_is_allowed_whatever_its_address() -> None:
    allowed = Allowed(("mdm.example.com",))

    assert allowed.name("MDM.example.com")
    assert not allowed.name("other.example.com")


@pytest.mark.parametrize("row", ["10.0.0.0/99", "10.0.0.1/8", "https://mdm.example.com"])
def test_what_is_no_network_is_said(row: str) -> None:
    with pytest.raises(ConfigurationError, match="--callback-allow") as caught:
        Allowed((row,))

    assert row in str(caught.value)


class Receiver:
    """A server that answers what it is told to, and keeps what it got."""

    def __init__(self) -> None:
        self.status = 200
        self.location = "/elsewhere"
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((request.path, dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers={"Location": self.location})


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def server(receiver: Receiver) -> AsyncIterator[BaseTestServer]:
    application = web.Application()
    application.router.add_post("/{name}", receiver.take)
    async with TestServer(application) as running:
        yield running


async def post(url: str, **settings: object) -> str:
    async with Callbacks(Settings(**settings)) as callbacks:  # type: ignore[arg-type]  # one row
        return await callbacks.post(OutboundCall(url, "FAKE-secret", b'{"a":1}'))


async def test_what_is_sent_carries_the_secret(server: BaseTestServer, receiver: Receiver) -> None:
    about = await post(str(server.make_url("/hook")))

    assert about == ""
    ((path, headers, body),) = receiver.got
    assert (path, body) == ("/hook", b'{"a":1}')
    assert headers["Authorization"] == "Bearer FAKE-secret"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [200, 204, 302, 401, 500])
async def test_only_a_2xx_counts_and_nothing_is_followed(
    server: BaseTestServer, receiver: Receiver, status: int
) -> None:
    receiver.status = status

    about = await post(str(server.make_url("/hook")))

    assert (about == "") == (status < 300)
    assert about in ("", f"answered {status}, and only a 2xx counts")
    assert [path for path, _, _ in receiver.got] == ["/hook"]


@pytest.mark.parametrize(
    "url", ["https://192.0.2.1/hook", "https://[2001:db8::1]/hook", "http://0.0.0.0:9/hook"]
)
async def test_another_address_is_not_called(url: str) -> None:
    assert await post(url) == NOT_ALLOWED


async def test_a_name_is_judged_by_its_address(server: BaseTestServer, receiver: Receiver) -> None:
    about = await post(f"http://localhost:{server.port}/hook")

    assert about == ""
    assert len(receiver.got) == 1


async def test_a_closed_port_is_said() -> None:
    assert (await post("http://127.0.0.1:9/hook")).startswith("could not be reached")


@pytest.mark.parametrize(("verify", "good"), [("no", True), ("yes", False)])
async def test_a_certificate_of_nobody_known_is_taken_unless_it_must_be_known(
    receiver: Receiver, verify: str, good: bool
) -> None:
    now = datetime.now(UTC)  # noqa: TID251 (certificates are checked by the wall clock)
    application = web.Application()
    application.router.add_post("/{name}", receiver.take)
    authority = Authority.create(now)
    context = Certificates(authority, now, authority.certificate_pem).default
    server = TestServer(application, scheme="https")
    await server.start_server(ssl=context)
    about = await post(str(server.make_url("/hook")), callback_verify=verify)
    await server.close()

    assert (about == "") == good


TRICKS = [
    pytest.param("http://169.254.169.254/latest/", id="metadata"),
    pytest.param("http://2852039166/", id="decimal"),
    pytest.param("http://0xa9fea9fe/", id="hexadecimal"),
    pytest.param("http://0251.0376.0251.0376/", id="octal"),
    pytest.param("http://169.254.43518/", id="three-parts"),
    pytest.param("http://0xa9.0xfe.0xa9.0xfe/", id="hexadecimal-parts"),
    pytest.param("http://[::ffff:169.254.169.254]/", id="mapped"),
    pytest.param("http://[::ffff:a9fe:a9fe]/", id="mapped-hexadecimal"),
    pytest.param("http://[0:0:0:0:0:ffff:a9fe:a9fe]/", id="mapped-long"),
    pytest.param("http://[::169.254.169.254]/", id="compatible"),
    pytest.param("http://[64:ff9b::169.254.169.254]/", id="nat64"),
    pytest.param("http://[2002:a9fe:a9fe::1]/", id="6to4"),
    pytest.param("http://[fe80::1%25eth0]/", id="link"),
    pytest.param("http://[fd00:ec2::254]/", id="metadata-ipv6"),
    pytest.param("http://[::]/", id="unspecified-ipv6"),
    pytest.param("http://0/", id="zero"),
    pytest.param("http://127.0.0.1@169.254.169.254/", id="userinfo"),
    pytest.param("http://localhost:80@169.254.169.254/", id="userinfo-port"),
    pytest.param("http://127.0.0.1%40169.254.169.254/", id="userinfo-escaped"),
    pytest.param("http://169.254.169.254#@127.0.0.1/", id="fragment"),
    pytest.param("http://169.254.169.254?@127.0.0.1/", id="query"),
    pytest.param("http://169.254.169.254\\@127.0.0.1/", id="backslash"),
    pytest.param("http://\uff11\uff16\uff19.254.169.254/", id="full-width"),
    pytest.param("http://169\u3002254\u3002169\u3002254/", id="full-stops"),
    pytest.param("http://169.254.169.254./", id="root"),
    pytest.param("file:///etc/passwd", id="file"),
    pytest.param("gopher://127.0.0.1:9/", id="gopher"),
    pytest.param("http:///", id="no-host"),
    pytest.param("http://[::1", id="broken"),
]


@pytest.mark.parametrize("url", TRICKS)
async def test_no_trick_leads_elsewhere(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    loop = asyncio.get_running_loop()

    async def call(*_: object, **more: object) -> None:
        called.append(more)
        raise OSError("nothing is called here")

    monkeypatch.setattr(loop, "sock_connect", call)

    about = await post(url)

    assert about == NOT_ALLOWED or about.startswith("could not be reached")
    assert not called


class Rebinding:
    """A resolver of names that answers this machine first, and then another."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        answer = host  # an address is none to be asked for
        if host.endswith(".example"):
            answer = self.answers[min(self.asked, len(self.answers) - 1)]
            self.asked += 1
        family = socket.AF_INET6 if ":" in answer else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (answer, port))]


async def test_a_name_is_resolved_once_and_that_address_called(
    server: BaseTestServer, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Rebinding("127.0.0.1", "169.254.169.254")
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names)

    about = await post(f"http://rebinding.example:{server.port}/hook")

    assert about == ""
    assert names.asked == 1
    assert len(receiver.got) == 1


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1"])
async def test_a_name_that_means_another_address_is_not_called(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", Rebinding(address))

    assert await post("http://mdm.example/hook") == NOT_ALLOWED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_to_an_address_that_is_not_allowed(
    server: BaseTestServer, receiver: Receiver, status: int
) -> None:
    receiver.status = status
    receiver.location = "http://169.254.169.254/latest/"

    assert await post(str(server.make_url("/hook"))) == f"answered {status}, and only a 2xx counts"
