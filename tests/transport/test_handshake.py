"""What a client is told that cannot get through to TLS, and what the log tells of it."""

import asyncio
import logging
import socket
import ssl
from typing import Any

import pytest

from simulator.transport import handshake


class Log(logging.Handler):
    """Keeps the lines of the log, and says when there are some."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.written = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.written.set()


@pytest.fixture(autouse=True)
def untold() -> None:
    """Nobody has been warned of anything yet."""
    handshake._warn.cache_clear()


async def test_plain_http_on_the_tls_port_is_told_so(wire: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.tls)
    writer.write(b"GET /session HTTP/1.1\r\nHost: localhost\r\n\r\n")

    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        text = await reader.readline()
    writer.close()

    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Content-Length: %d\r\n" % len(text) in head
    assert b"this port speaks HTTPS" in text
    assert wire.requests == []


async def test_tls_on_the_plain_port_is_told_so(wire: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.http)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    writer.write(outgoing.read())

    async with asyncio.timeout(10):
        await reader.read()
    writer.close()

    (seen,) = wire.requests
    assert seen.problem == "malformed"
    assert seen.problem_about.startswith("this port speaks plain HTTP")


def distrust(stranger: ssl.SSLContext, port: int, name: str = "mdmenrollment.apple.com") -> None:
    """Refuse the certificate as most clients do, with an alert; asyncio's just go away."""
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        stranger.wrap_socket(plain, server_hostname=name)


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(ssl.TLSVersion.TLSv1_2, id="1.2"),
        pytest.param(ssl.TLSVersion.TLSv1_3, id="1.3"),
    ],
)
async def test_a_client_that_does_not_trust_the_ca_is_logged_once_by_the_name_it_asked_for(
    wire: Any, version: ssl.TLSVersion
) -> None:
    log = Log()
    logging.getLogger("mdmsim").addHandler(log)
    stranger = ssl.create_default_context()
    stranger.minimum_version = stranger.maximum_version = version

    for _ in range(3):
        await asyncio.to_thread(distrust, stranger, wire.tls)
    async with asyncio.timeout(10):
        await log.written.wait()
    logging.getLogger("mdmsim").removeHandler(log)

    (line,) = log.lines
    assert "asked for mdmenrollment.apple.com does not trust our CA" in line
    assert "mdmsim ca install-hint" in line


async def test_a_client_that_asked_for_a_foreign_name_is_told_which_names_there_are(
    wire: Any, trust: ssl.SSLContext
) -> None:
    log = Log()
    logging.getLogger("mdmsim").addHandler(log)

    await asyncio.to_thread(distrust, trust, wire.tls, "apns.example.com")
    async with asyncio.timeout(10):
        await log.written.wait()
    logging.getLogger("mdmsim").removeHandler(log)

    (line,) = log.lines
    assert line.startswith("a client that asked for apns.example.com took no certificate")
    assert "--san" in line
