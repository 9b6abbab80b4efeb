"""The ports of the services: HTTPS for both versions of HTTP, plain HTTP, and the proxy."""

from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from itertools import count

from simulator.core import ready_file
from simulator.core.clock import Clock
from simulator.core.settings import Settings
from simulator.engine.gateway import Gateway
from simulator.pki.authority import Authority
from simulator.services import apns
from simulator.transport.capacity import most_connections
from simulator.transport.http1.server import Http1Server
from simulator.transport.http2.server import Http2Server
from simulator.transport.listener import Certificates, Listener
from simulator.transport.proxy import Proxy

_NUMBERS = 2**32
"""Connections of one replica: JSON's numbers are exact for two million replicas."""
DRAIN_S = 1.5
"""How long a request in flight may take at the end; with all else it makes less than 5 s."""


def make_certificates(
    settings: Settings, authority: Authority, push_ca: bytes, hosts: Sequence[str], now: datetime
) -> Certificates:
    """Return what the HTTPS ports show for *hosts*, and which client certificates they ask for."""
    return Certificates(
        authority,
        now,
        push_ca,
        hosts=hosts,
        newest=settings.tls_max,
        expired=settings.bad_certificate != "apple",
        alert="" if settings.tls_alert == "apple" else settings.tls_alert,
    )


async def open_ports(
    gateway: Gateway,
    clock: Clock,
    settings: Settings,
    names: Collection[str],
    certificates: Certificates,
    stack: AsyncExitStack,
    replica: int = 0,
) -> tuple[list[str], str | None, str | None]:
    """Open the ports of the services; return the HTTPS URLs, the HTTP one and the proxy's.

    The proxy leads to the first HTTPS port and stands in for *names*. Connections are numbered
    so that those of another *replica* have other numbers.
    """
    host = settings.host
    server = Http1Server(gateway.answer, clock, settings.body_limit, settings.slow_client_s)
    server.numbers = count(replica * _NUMBERS + 1)
    server.leaves = lambda: gateway.leaving
    http2 = Http2Server(
        gateway.answer,
        clock,
        server.numbers,
        settings.body_limit,
        slow_s=settings.slow_client_s,
        submit=gateway.submit,
        first_streams=partial(apns.first_streams, settings),
        farewell=apns.END,
        idle=(settings.idle_timeout_s, apns.IDLE),
    )
    listener = Listener(server, http2, most_connections(settings.connections))
    proxy = Proxy(gateway.answer, names, server.numbers)
    # The proxy closes after the listener, which ends the tunnels to it.
    stack.push_async_callback(proxy.close, DRAIN_S)
    stack.push_async_callback(listener.close, DRAIN_S)
    tls, first = [], None
    for wanted in settings.tls_port:
        if wanted is not None:
            port = await listener.open(host, wanted, flag="--tls-port", tls=certificates.default)
            first = first or (host, port)
            tls.append(ready_file.url("https", host, port))
    plain = None
    if settings.http_port is not None:
        port = await listener.open(host, settings.http_port, flag="--http-port")
        plain = (host, port)
    http = plain and ready_file.url("http", *plain)
    if settings.proxy_port is None:
        return tls, http, None
    port = await proxy.open(host, settings.proxy_port, tls=first, http=plain)
    return tls, http, ready_file.url("http", host, port)
