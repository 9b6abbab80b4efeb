"""Listeners: TLS with the certificate for the name asked for, and plain HTTP."""

import asyncio
import contextlib
import errno
import logging
import os
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from simulator.core.settings import ConfigurationError, Port
from simulator.pki.authority import Authority, ServerCertificate
from simulator.transport.handshake import ALERTS, Handshake
from simulator.transport.http1.server import Http1Server
from simulator.transport.http2.frames import PREFACE
from simulator.transport.http2.server import Http2Server

LOG = logging.getLogger("mdmsim")
BACKLOG = 1024
"""Connections that wait to be accepted; some clients open hundreds at once."""
TLS_SHUTDOWN_S = 1.0
"""How long a client may take to confirm the end of TLS."""
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_ANY_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which Python has no name."""
TLS_HANDSHAKE_S = 10.0
"""How long a client may take to set up TLS, or to close after it was refused."""
HTTP1, HTTP2 = "http/1.1", "h2"
CHOICE_S = 10.0
"""How long a client may take to show which protocol it speaks."""
_SPARE_LEAVES = 256
"""Most names that get a certificate of their own while running."""


class Certificates:
    """The TLS settings by server name; each connection remembers the name that it asked for."""

    def __init__(
        self,
        authority: Authority,
        now: datetime,
        clients: bytes,
        *,
        hosts: Iterable[str] = (),
        newest: str = "1.3",
        expired: bool = False,
        alert: str = "",
    ) -> None:
        """Make the default certificate. *now* is the wall clock's, as clients will check it.

        It is for *hosts*, those of the services, and for this machine. *clients*
        is the chain (PEM) that client certificates are verified with,
        *newest* the newest version of TLS; *expired* says whether TLS lets
        expired client certificates through, for the service to judge; *alert*, one of
        `ALERTS`, is what a refused one gets, in TLS 1.2 then. Empty: as OpenSSL has it.
        """
        facts = {"alert": ALERTS.get(alert)}
        self._handshake = type("Handshake", (Handshake,), facts) if alert else Handshake
        self._newest = _VERSIONS["1.2" if alert else newest]
        self._expired = expired
        self._authority = authority
        self._now = now
        self._clients = clients.decode()
        names = tuple(dict.fromkeys((*hosts, *authority.names)))
        self.default = self._context(names)
        self._by_name: dict[str, ssl.SSLContext] = dict.fromkeys(names, self.default)

    def _context(self, names: tuple[str, ...]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = self._newest
        context.sslobject_class = self._handshake
        context.set_alpn_protocols([HTTP2, HTTP1])
        # Asked for, but optional: the same port serves those who log in otherwise.
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=self._clients)
        if self._expired:
            context.verify_flags |= _ANY_TIME
        load_leaf(context, self._authority.leaf(names, self._now))
        context.sni_callback = self._choose
        return context

    def _choose(self, connection: Any, name: str | None, _: ssl.SSLContext) -> None:
        """Note *name* on the *connection* and give it the certificate for it."""
        if name is None:
            return
        connection.sni = name
        host = name.lower()
        context = self._by_name.get(host)
        if context is None and len(self._by_name) < _SPARE_LEAVES and self._authority.covers(host):
            context = self._by_name[host] = self._context((host,))
        connection.foreign = context is None
        connection.context = context or self.default


def load_leaf(context: ssl.SSLContext, leaf: ServerCertificate) -> None:
    """Give *context* the chain and key of *leaf*.

    OpenSSL reads them from a file only: it stands in a private directory for
    as long as that takes.
    """
    with tempfile.TemporaryDirectory(prefix="mdmsim-") as directory:
        path = Path(directory) / "leaf.pem"
        path.write_bytes(leaf.key_pem + leaf.chain_pem)
        context.load_cert_chain(path)


class Chooser(asyncio.Protocol):
    """A connection whose protocol is yet to be known: by ALPN, or else by its first bytes.

    Some APNs clients offer no protocol and start HTTP/2 straight away (apns.md 1.2).
    """

    def __init__(
        self, http1: Http1Server, http2: Http2Server, undecided: "set[Chooser]", most: int
    ) -> None:
        """Hand over to *http1* or *http2*; until then be one of the *undecided*.

        Where there are *most* connections already, this one ends.
        """
        self._most = most
        self._http1 = http1
        self._http2 = http2
        self._undecided = undecided
        self._transport: Any = None
        self._first = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection over if TLS has settled it."""
        self._transport = transport
        held = self._http1.held + len(self._http2.connections) + len(self._undecided)
        if held >= self._most:
            _warn_full(self._most)
            self._transport.abort()
            return
        handshake = transport.get_extra_info("ssl_object")
        if handshake is not None and handshake.selected_alpn_protocol() == HTTP2:
            self._hand_over(self._http2())
        elif handshake is not None and handshake.selected_alpn_protocol() == HTTP1:
            self._hand_over(self._http1())
        else:
            self._undecided.add(self)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(CHOICE_S, transport.close)

    def close(self) -> None:
        """End a connection on which nothing was asked yet."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Look at the first bytes for as long as they could be HTTP/2's preface."""
        self._first += data
        if not PREFACE.startswith(self._first[: len(PREFACE)]):
            self._hand_over(self._http1())
        elif len(self._first) >= _TELLING:
            self._hand_over(self._http2())

    def eof_received(self) -> None:
        """Let HTTP/1.1 make what it can of a connection that ends this early."""
        if self._first:
            self._hand_over(self._http1())

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        del exc
        self._decide()

    def _decide(self) -> None:
        self._undecided.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def _hand_over(self, protocol: Any) -> None:
        self._decide()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if self._first:
            protocol.data_received(self._first)


@lru_cache(maxsize=1)
def _warn_full(most: int) -> None:
    """Log, once, that connections are turned away."""
    LOG.warning("there are %d connections: more are closed (--connections)", most)


_TELLING = 3
"""Bytes of the preface that no HTTP/1.1 request starts with."""


class Listener:
    """The open ports of the simulated services."""

    def __init__(self, http1: Http1Server, http2: Http2Server, most: int = 1 << 30) -> None:
        """Open ports for *http1* and *http2*, and take *most* connections at once."""
        self._most = most
        self._http1 = http1
        self._http2 = http2
        self._servers: list[asyncio.Server] = []
        self._undecided: set[Chooser] = set()

    def _choose(self) -> Chooser:
        return Chooser(self._http1, self._http2, self._undecided, self._most)

    async def open(
        self, host: str, port: Port, *, flag: str, tls: ssl.SSLContext | None = None
    ) -> int:
        """Listen on *port* of *host* and return its number; *flag* is the setting it comes from.

        ConfigurationError says what to change if that cannot be.
        """
        with explained(host, port, flag):
            server = await asyncio.get_running_loop().create_server(
                self._choose,
                host,
                port,
                ssl=tls,
                backlog=BACKLOG,
                ssl_shutdown_timeout=None if tls is None else TLS_SHUTDOWN_S,
                ssl_handshake_timeout=None if tls is None else TLS_HANDSHAKE_S,
            )
        self._servers.append(server)
        number: int = server.sockets[0].getsockname()[1]
        return number

    async def close(self, timeout_s: float) -> None:
        """Take no more connections, answer what was asked, and close, all in *timeout_s*."""
        for server in self._servers:
            server.close()
        for connection in list(self._undecided):
            connection.close()
        await asyncio.gather(self._http1.close(timeout_s), self._http2.close(timeout_s))
        self._servers.clear()


@contextlib.contextmanager
def explained(host: str, port: Port, flag: str) -> Iterator[None]:
    """Turn an error of listening inside the block into a ConfigurationError."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(_why(error, host, port, flag)) from error


def _why(error: OSError, host: str, port: Port, flag: str) -> str:
    other = f"choose another with {flag}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} is in use: stop the other program or {other}"
        case errno.EACCES | errno.EPERM:
            return f"port {port} may not be opened by this user: {other}"
        case errno.EADDRNOTAVAIL | None:  # from Python 3.13 on, asyncio leaves the number out
            return f"{host} is no address of this machine: choose another with --host"
        case code:
            said = os.strerror(code) if code > 0 else error.strerror  # below 0: the resolver's
            return f"{host} port {port} cannot be opened ({said}): choose another with --host"
