"""The CONNECT proxy: clients with Apple's host names built in reach us by HTTPS_PROXY.

Rule 1: a tunnel leads to our own TLS listener and nowhere else; nothing is relayed to the internet.
Rule 2: what is refused is journalled before it is answered, so that the host is on record.
Rule 3: nothing is logged here; a head may hold a proxy password.
"""

import asyncio
import contextlib
import re
import socket
import struct
from asyncio import StreamReader, StreamWriter, Task, get_running_loop
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator

from simulator.core.messages import Peer, Request, Response
from simulator.core.settings import Port
from simulator.protocol.catalogue import APPLE
from simulator.transport import proxy_refusals as refusals
from simulator.transport.http1.malformed_requests import Salvage, salvage
from simulator.transport.listener import BACKLOG, explained
from simulator.transport.proxy_refusals import HEAD_LIMIT, ProxyRefusal

PORTS = frozenset({443, 2197})
"""Ports of Apple's hosts; the second is the alternative one of the push service."""
HEAD_S = 10.0
"""How long a client may take to send its head."""
LINGER_S = 2.0
"""How long what a client still sends is read and dropped, so that it hears the answer."""
_CHUNK = 65_536
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_TLS_RECORD = b"\x16"
"""First byte of a TLS handshake."""
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@/?#]+):([0-9]{1,5})")
_USERINFO = re.compile(r"^([a-z]+://)?[^/?#]*@", re.IGNORECASE)
"""User and password in a target, the one part of it that is masked before it is journalled."""
_LOOPBACK = {
    "": "127.0.0.1",
    "0.0.0.0": "127.0.0.1",  # noqa: S104 (not listened on: what a listener may be bound to)
    "::": "::1",
}
"""How a listener on all addresses is reached from here."""
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no time: to close is to reset."""

Answer = Callable[[Request], Awaitable[Response]]
"""Journals one request; its response is not used."""
Address = tuple[str, int]
Ends = tuple[StreamReader, StreamWriter]
"""What is read from and written to one peer."""


class Proxy:
    """An open port that makes tunnels to our own TLS listener, and the tunnels."""

    def __init__(
        self,
        answer: Answer,
        hosts: Collection[str],
        connections: Iterator[int],
        *,
        head_s: float = HEAD_S,
    ) -> None:
        """Stand in for *hosts*; have all other requests journalled by *answer*.

        *connections* numbers the connections that are journalled, *head_s* is
        the time for a head in seconds.
        """
        self._answer = answer
        self._hosts = frozenset(host.lower() for host in hosts)
        self._connections = connections
        self._head_s = head_s
        self._tls: Address | None = None
        self._http: Address | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[Task[None]] = set()

    async def open(
        self, host: str, port: Port, *, tls: Address | None, http: Address | None
    ) -> int:
        """Listen on *port* of *host* and return its number.

        *tls* is our listener that tunnels lead to, None if there is none;
        *http* is the plain one, which clients that want no tunnel are told of.
        ConfigurationError says what to change if the port cannot be opened.
        """
        self._tls, self._http = _reachable(tls), _reachable(http)
        with explained(host, port, "--proxy-port"):
            self._server = await asyncio.start_server(self._accept, host, port, backlog=BACKLOG)
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def close(self, timeout_s: float) -> None:
        """Take no more connections, and end those that do not end by themselves in *timeout_s*.

        A tunnel ends by itself once the listener behind it has closed.
        """
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        rest = list(self._tasks)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0)  # the callbacks of a task that was done before run only now

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self._server is None:  # accepted just before it closed
            writer.transport.abort()
            return
        task = self._keep(self._serve((reader, writer)))
        task.add_done_callback(lambda _: _end(writer, at_once=task.cancelled()))

    def _keep(self, work: Coroutine[None, None, None]) -> Task[None]:
        """Run *work* as a task that `close` knows of."""
        task = get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _serve(self, client: Ends) -> None:
        """Serve one connection to its end."""
        with contextlib.suppress(OSError):  # the client has gone
            data, refusal = await self._head(client[0])
            if data:  # a connection without a request is none
                await self._decide(client, salvage(data), refusal)

    async def _head(self, reader: StreamReader) -> tuple[bytes, ProxyRefusal | None]:
        """Return a head and what came with it, and the refusal if it is not whole."""
        data = b""
        try:
            async with asyncio.timeout(self._head_s):
                while not _HEAD_END.search(data, 0, HEAD_LIMIT):
                    if data.startswith(_TLS_RECORD):
                        return data, refusals.TLS
                    if len(data) >= HEAD_LIMIT:
                        return data, refusals.TOO_LARGE
                    more = await reader.read(HEAD_LIMIT)
                    if not more:
                        return data, refusals.CUT_OFF
                    data = (data + more).lstrip(b"\r\n")
        except TimeoutError:
            return data, refusals.TOO_SLOW
        return data, None

    async def _decide(self, client: Ends, found: Salvage, refusal: ProxyRefusal | None) -> None:
        """Make the tunnel that *found* asks for, or refuse it."""
        refusal = refusal or self._judge(found)
        if refusal is None and self._tls is not None:
            try:
                async with asyncio.timeout(self._head_s):
                    server = await asyncio.open_connection(*self._tls)
            except OSError:
                refusal = refusals.NO_ANSWER
            else:
                await self._tunnel(client, server, found.body)
                return
        await self._refuse(client, found, refusal or refusals.NO_LISTENER)

    def _judge(self, found: Salvage) -> ProxyRefusal | None:
        """Return why *found* gets no tunnel, or None."""
        if not found.whole:
            return refusals.GARBAGE
        if found.method != "CONNECT":
            return ProxyRefusal(405, "this proxy makes tunnels by CONNECT only", self._elsewhere())
        authority = _AUTHORITY.fullmatch(found.target)
        if authority is None:
            return refusals.NO_AUTHORITY
        host = authority[1].strip("[]").removesuffix(".")
        if host.lower() not in self._hosts:
            what = f"mdmsim stands in for Apple's hosts only: {host} is none of them"
            what = f"mdmsim does not simulate {host} yet" if host.lower().endswith(APPLE) else what
            return ProxyRefusal(403, what, "unset HTTPS_PROXY for it with NO_PROXY")
        if int(authority[2]) not in PORTS:
            what = f"mdmsim stands in for {host} at the ports 443 and 2197 only"
            return ProxyRefusal(403, what, "ask for one of them")
        return None

    def _elsewhere(self) -> str:
        """Return what to do without a tunnel."""
        if self._http is None:
            return "use https:// for Apple's hosts, and NO_PROXY for others"
        at = "[{}]:{}" if ":" in self._http[0] else "{}:{}"
        return f"send plain HTTP to http://{at.format(*self._http)}, with NO_PROXY for that host"

    async def _refuse(self, client: Ends, found: Salvage, refusal: ProxyRefusal) -> None:
        """Journal *found*, then answer and close."""
        reader, writer = client
        address, port, *_ = writer.get_extra_info("peername") or ("", 0)
        request = Request(
            method=found.method,
            target=_USERINFO.sub(r"\1***@", found.target),
            headers=found.headers,
            body=b"",
            scheme="http",
            peer=Peer(address, port, next(self._connections)),
            http=found.http,
            problem="malformed" if refusal.malformed else "",
            problem_about=refusal.what if refusal.malformed else "",
        )
        await self._answer(request)
        writer.write(refusals.encode(refusal, found.method))
        await writer.drain()
        writer.write_eof()
        await _linger(reader)

    async def _tunnel(self, client: Ends, server: Ends, early: bytes) -> None:
        """Carry bytes both ways until *server* ends; *early* is what came after the head.

        A client that ends its half still hears the rest of the answer. Our
        listener knows no halves: when it ends, nobody reads any more.
        """
        client[1].write(_ESTABLISHED)
        server[1].write(early)
        upwards = self._keep(_carry(client[0], server[1]))
        downwards = self._keep(_carry(server[0], client[1]))
        downwards.add_done_callback(lambda _: _end(server[1], at_once=downwards.cancelled()))
        downwards.add_done_callback(lambda _: upwards.cancel())
        await asyncio.wait((upwards, downwards))
        await _linger(client[0])


def _end(writer: StreamWriter, *, at_once: bool) -> None:
    """Close the connection of *writer*; unless *at_once*, what was written still goes out."""
    if at_once:
        writer.transport.abort()
    writer.close()


async def _carry(reader: StreamReader, writer: StreamWriter) -> None:
    """Write what is read, then the end; a connection that breaks is passed on as a reset."""
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if not writer.transport.is_closing():  # uvloop would raise a RuntimeError
            writer.write_eof()
    except OSError:
        with contextlib.suppress(OSError):  # its socket is closed already
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()


async def _linger(reader: StreamReader) -> None:
    """Read what still comes and drop it: unread bytes would reset the connection."""
    with contextlib.suppress(OSError):  # also a TimeoutError
        async with asyncio.timeout(LINGER_S):
            while await reader.read(_CHUNK):
                pass


def _reachable(address: Address | None) -> Address | None:
    """Return the *address* of a listener as one can connect to it from here."""
    if address is None:
        return None
    host, port = address
    return _LOOPBACK.get(host, host), port
