"""A server of HTTP/2 alone, TLS and plain, that answers with what it was asked: a script for tests.

It prints its two ports and its CA, as JSON, and serves until its input ends.
"""

import asyncio
import itertools
import json
import ssl
import sys
from datetime import UTC, datetime

import uvloop

from simulator.core.clock import Clock
from simulator.core.messages import Request, Response
from simulator.pki.authority import Authority
from simulator.transport.handshake import Handshake
from simulator.transport.http2.server import Http2Server
from simulator.transport.listener import load_leaf

BODY_LIMIT = 1_000_000
NOW = datetime.now(UTC)  # noqa: TID251 (real clients check real certificates against real time)


async def answer(request: Request) -> Response:
    """Answer with the method, the path and the size of the body."""
    await asyncio.sleep(0)
    said = f"{request.method} {request.target} {len(request.body)} {request.problem}\n"
    return Response(200, (("content-type", "text/plain"),), said.encode())


def context(authority: Authority) -> ssl.SSLContext:
    """Return TLS settings with HTTP/2 by ALPN; also without, if the client knows it anyway."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.sslobject_class = Handshake
    made.set_alpn_protocols(["h2"])
    load_leaf(made, authority.leaf(authority.names, NOW))
    return made


async def serve() -> None:
    """Serve on free ports of this machine until the input ends."""
    authority = Authority.create(NOW)
    http2 = Http2Server(answer, Clock(), itertools.count(1), BODY_LIMIT)
    loop = asyncio.get_running_loop()
    plain = await loop.create_server(http2, "127.0.0.1", 0)
    tls = await loop.create_server(http2, "127.0.0.1", 0, ssl=context(authority))
    ready = {
        "http": plain.sockets[0].getsockname()[1],
        "tls": tls.sockets[0].getsockname()[1],
        "ca": authority.certificate_pem.decode(),
    }
    print(json.dumps(ready), flush=True)  # noqa: T201 (read by the test that started this)
    await asyncio.to_thread(sys.stdin.read)
    plain.close()
    tls.close()
    await http2.close(timeout_s=2)


if __name__ == "__main__":
    uvloop.run(serve())
