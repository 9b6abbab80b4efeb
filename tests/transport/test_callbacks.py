"""Calls to the outside go to allowed addresses only."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from simulator.pki.authority import Authority
from simulator.protocol.operations import Inquiry
from simulator.settings import ConfigurationError, Settings
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
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((request.path, dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


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
        return await callbacks.post(Inquiry(url, "FAKE-secret", b'{"a":1}'))


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
