"""Our HTTP/2 over TLS with nothing behind it: what of a push is the transport's alone.

``python -m tests.bench.transport CERTIFICATE`` prints its port, and answers every request with
200 and an apns-id. It checks and stores nothing, as the bare servers in Go and Node.js.
"""

import asyncio
import itertools
import ssl
import sys
from collections.abc import Callable

import uvloop

from simulator.core.clock import Clock
from simulator.core.messages import Request, Response
from simulator.transport.http2.server import Http2Server

_BODY_LIMIT = 1 << 20
_RESPONSE = Response(200, (("apns-id", "9CC486EA-EA83-9351-40DF-557A308816D8"),))


async def serve(certificate: str) -> None:
    """Answer for ever."""

    async def answer(_: Request) -> Response:
        return _RESPONSE

    def submit(_: Request, on_response: Callable[[Response], None]) -> None:
        on_response(_RESPONSE)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2"])
    protocols = Http2Server(answer, Clock(), itertools.count(1), _BODY_LIMIT, submit=submit)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocols, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
