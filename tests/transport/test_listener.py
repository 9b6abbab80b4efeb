"""Ports, TLS and the certificate for the name asked for."""

import asyncio
import socket
import ssl
from typing import Any

import pytest
from cryptography import x509

from simulator.core.clock import Clock
from simulator.core.settings import ConfigurationError
from simulator.pki.authority import Authority
from simulator.transport.http1.server import Http1Server
from simulator.transport.http2.server import Http2Server
from simulator.transport.listener import Listener

HOST = "mdmenrollment.apple.com"
GET = b"GET /account HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


async def presented(wire: Any, trust: ssl.SSLContext, name: str) -> list[str]:
    """Ask with *name* as SNI and return the names on the certificate that was shown."""
    _, writer = await wire.connect(trust, name)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    certificate = x509.load_der_x509_certificate(der)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


@pytest.mark.parametrize(
    "name", ["mdmenrollment.apple.com", "LOCALHOST", "127.0.0.1", "mdm.example"]
)
async def test_expected_names_share_one_certificate(
    wire: Any, trust: ssl.SSLContext, authority: Authority, name: str
) -> None:
    assert await presented(wire, trust, name) == [HOST, *authority.names]


async def test_a_further_name_of_apple_gets_its_own_certificate(
    wire: Any, trust: ssl.SSLContext
) -> None:
    assert await presented(wire, trust, "new.apple.com") == ["new.apple.com"]
    assert await presented(wire, trust, "new.apple.com") == ["new.apple.com"]


async def test_a_foreign_name_gets_the_default_certificate(
    wire: Any, trust: ssl.SSLContext, authority: Authority
) -> None:
    trust.check_hostname = False
    try:
        assert await presented(wire, trust, "bank.example") == [HOST, *authority.names]
    finally:
        trust.check_hostname = True


async def test_a_client_that_does_not_trust_the_ca_is_no_trouble(
    wire: Any, trust: ssl.SSLContext
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await wire.connect(ssl.create_default_context(), "localhost")

    assert await presented(wire, trust, "localhost")


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        pytest.param(ssl.TLSVersion.TLSv1_2, "TLSv1.2", id="1.2"),
        pytest.param(ssl.TLSVersion.TLSv1_3, "TLSv1.3", id="1.3"),
    ],
)
@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        pytest.param([], "", id="none"),
        pytest.param(["http/1.1"], "http/1.1", id="http1"),
        pytest.param(["spdy/3", "http/1.1"], "http/1.1", id="http1-among-others"),
    ],
)
async def test_what_tls_showed_is_handed_on(
    wire: Any,
    authority: Authority,
    version: ssl.TLSVersion,
    shown: str,
    offer: list[str],
    agreed: str,
) -> None:
    trust = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    trust.minimum_version = trust.maximum_version = version
    if offer:
        trust.set_alpn_protocols(offer)

    reader, writer = await wire.connect(trust, "vpp.itunes.apple.com")
    writer.write(GET)
    await reader.read()
    writer.close()

    (seen,) = wire.requests
    tls = seen.peer.tls
    assert seen.scheme == "https"
    assert (tls.version, tls.sni, tls.alpn) == (shown, "vpp.itunes.apple.com", agreed)
    assert tls.cipher
    assert tls.client_certificate == b""


async def test_a_client_may_name_no_server(wire: Any, trust: ssl.SSLContext) -> None:
    trust.check_hostname = False
    reader, writer = await wire.connect(trust, "")
    writer.write(GET)
    await reader.read()
    writer.close()
    trust.check_hostname = True

    assert wire.requests[0].peer.tls.sni == ""


async def test_tls_1_1_is_refused(wire: Any, trust: ssl.SSLContext) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises((ssl.SSLError, ConnectionError)):
        await wire.connect(old, "localhost")


async def test_many_connections_at_once_are_taken(wire: Any) -> None:
    opened = await asyncio.gather(*(wire.connect() for _ in range(150)))

    for _, writer in opened:
        writer.write(GET)
    answers = await asyncio.gather(*(reader.read() for reader, _ in opened))
    for _, writer in opened:
        writer.close()

    assert all(answer.startswith(b"HTTP/1.1 200 OK\r\n") for answer in answers)
    assert len({seen.peer.connection for seen in wire.requests}) == 150


@pytest.fixture
async def listener(wire: Any) -> Listener:
    server = Http1Server(wire.answer, Clock(), 100)
    return Listener(server, Http2Server(wire.answer, Clock(), server.numbers, 100))


async def test_a_port_in_use_is_said_with_its_remedy(listener: Listener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(ConfigurationError) as raised:
            await listener.open("127.0.0.1", port, flag="--tls-port")

    assert str(raised.value) == (
        f"port {port} is in use: stop the other program or choose another with --tls-port"
    )


@pytest.mark.parametrize(
    ("host", "said"),
    [
        pytest.param("192.0.2.1", "192.0.2.1 is no address of this machine", id="foreign"),
        pytest.param("nowhere.invalid", "nowhere.invalid port 0 cannot be opened", id="unknown"),
    ],
)
async def test_a_host_that_cannot_be_is_said_with_its_remedy(
    listener: Listener, host: str, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        await listener.open(host, 0, flag="--tls-port")

    assert str(raised.value).endswith("choose another with --host")


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.mark.parametrize("pieces", [1, 3, 24], ids=["bytewise", "by-three", "whole"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls-without-alpn"])
async def test_a_preface_is_enough_to_be_answered_in_http2(
    wire: Any, trust: ssl.SSLContext, tls: bool, pieces: int
) -> None:
    reader, writer = await (wire.connect(trust, "api.push.apple.com") if tls else wire.connect())
    for at in range(0, len(PREFACE), pieces):
        writer.write(PREFACE[at : at + pieces])
        await writer.drain()
    head = await reader.readexactly(9)
    writer.close()

    assert head[3:] == b"\x04\x00\x00\x00\x00\x00"  # SETTINGS, of the connection


async def test_alpn_settles_on_http2_where_both_are_offered(
    wire: Any, authority: Authority
) -> None:
    trust = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    trust.set_alpn_protocols(["http/1.1", "h2"])

    reader, writer = await wire.connect(trust, "api.push.apple.com")
    head = await reader.readexactly(9)
    agreed = writer.get_extra_info("ssl_object").selected_alpn_protocol()
    writer.close()

    assert agreed == "h2"
    assert head[3] == 4
