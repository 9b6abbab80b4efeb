"""Many clients in one process: connections that are held, slow ones, and one that takes the time.

The server is another process, so that its memory and descriptors are its own.
"""

import asyncio
import resource
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import TypeVar

from hpack import Encoder, NeverIndexedHeaderTuple

from simulator.transport.http2 import frames

WANTED_FILES = 50_000
AT_ONCE = 100
"""Connections that are being set up at the same time."""
PATIENCE_S = 60.0
T = TypeVar("T")


def raise_limit() -> int:
    """Allow this process and its children as many open files as may be; return how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(most, WANTED_FILES),) * 2)
    except (OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def memory(process: int) -> int:
    """Return the bytes of memory that *process* has to itself."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this kernel does not tell how much memory a process has")


def files(process: int) -> int:
    """Return how many files *process* has open."""
    return len(opened(process))


def opened(process: int) -> list[str]:
    """Return what the open descriptors of *process* lead to."""
    paths = []
    for one in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile, such as the one that lists them
            paths.append(str(one.readlink()))
    return paths


def threads(process: int) -> int:
    """Return how many threads *process* has."""
    return len(list(Path(f"/proc/{process}/task").iterdir()))


class Apns(asyncio.Protocol):
    """One connection to APNs, held open."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.greeted = asyncio.get_running_loop().create_future()
        """Done when the server has said its SETTINGS."""
        self.answered = asyncio.get_running_loop().create_future()
        """Done when the last push was answered; its result is the first byte of its headers."""
        self.lost = False
        self._data = b""
        self._stream = 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin HTTP/2."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]  # uvloop has its own
        self._write(frames.PREFACE + frames.settings({}))

    def data_received(self, data: bytes) -> None:
        """Read frames; acknowledge SETTINGS, note the end of a stream."""
        self._data += data
        while len(self._data) >= frames.HEADER_SIZE:
            size = int.from_bytes(self._data[:3], "big")
            kind, flags = self._data[3], self._data[4]
            if len(self._data) < frames.HEADER_SIZE + size:
                return
            payload = self._data[frames.HEADER_SIZE : frames.HEADER_SIZE + size]
            self._data = self._data[frames.HEADER_SIZE + size :]
            if kind == frames.SETTINGS and not flags & 1:
                self._write(frames.frame(frames.SETTINGS, 1, 0, b""))
                if not self.greeted.done():
                    self.greeted.set_result(None)
            elif kind == frames.HEADERS and not self.answered.done():
                self.answered.set_result(payload.lstrip(b"\x20")[:1])

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits."""
        self.lost = True
        for waiting in (self.greeted, self.answered):
            if not waiting.done():
                waiting.set_exception(exc or ConnectionResetError())
                waiting.exception()  # retrieved: who waits hears it all the same

    async def push(self, topic: str, token: str) -> bytes:
        """Push; return the first byte of the answer's header block: 0x88 is 200."""
        self.answered = asyncio.get_running_loop().create_future()
        fields = [
            (":method", "POST"),
            (":scheme", "https"),
            (":path", f"/3/device/{token}"),
            (":authority", "localhost"),
            ("apns-topic", topic),
            ("apns-push-type", "mdm"),
        ]
        block = Encoder().encode([NeverIndexedHeaderTuple(*one) for one in fields])
        body = b'{"mdm":"magic"}'
        self._write(
            frames.frame(frames.HEADERS, 4, self._stream, block)
            + frames.frame(frames.DATA, 1, self._stream, body)
        )
        self._stream += 2
        return bytes(await self.answered)

    def _write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)


class Stream(asyncio.Protocol):
    """One device that listens for its pushes by server-sent events."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.begun = asyncio.get_running_loop().create_future()
        """Done when the server has answered."""
        self.heard = asyncio.get_running_loop().create_future()
        """Done when a push has come."""
        self.transport: asyncio.Transport | None = None
        self.lost = False
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport = transport  # type: ignore[assignment]  # uvloop has its own
        transport.write(f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())  # type: ignore[attr-defined]  # uvloop's is no WriteTransport

    def data_received(self, data: bytes) -> None:
        """Note the answer, and the first event."""
        self._data = (self._data + data)[-4096:]
        if not self.begun.done() and b"\r\n\r\n" in self._data:
            self.begun.set_result(self._data.split(b"\r\n")[0])
        if not self.heard.done() and b"event: push" in self._data:
            self.heard.set_result(perf_counter())

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what waits."""
        self.lost = True
        for waiting in (self.begun, self.heard):
            if not waiting.done():
                waiting.set_exception(exc or ConnectionResetError())
                waiting.exception()


async def many(count: int, make: Callable[[int], Awaitable[T]]) -> list[T]:
    """Return what *make* made of each number below *count*, some at a time."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> T:
        async with gate, asyncio.timeout(PATIENCE_S):
            return await make(number)

    return list(await asyncio.gather(*(one(number) for number in range(count))))


async def hold_apns(port: int, count: int) -> list[Apns]:
    """Open *count* connections to APNs by TLS; return them once each was greeted."""
    context = ssl._create_unverified_context()  # noqa: S323 (loopback, both our own)
    context.set_alpn_protocols(["h2"])
    loop = asyncio.get_running_loop()

    async def make(_: int) -> Apns:
        held = (await loop.create_connection(Apns, "127.0.0.1", port, ssl=context))[1]
        await held.greeted
        return held

    return await many(count, make)


async def hold_streams(port: int, tokens: Sequence[str]) -> list[Stream]:
    """Open a stream for each of *tokens*; return them once each was answered with 200."""
    loop = asyncio.get_running_loop()

    async def make(number: int) -> Stream:
        path = f"/api/v1/push-tokens/{tokens[number]}/events"
        _, protocol = await loop.create_connection(lambda: Stream(path), "127.0.0.1", port)
        line = await protocol.begun
        if line != b"HTTP/1.1 200 OK":
            raise SystemExit(f"a stream was answered {line!r}")
        return protocol

    return await many(len(tokens), make)


async def slow_reader(port: int, request: bytes) -> asyncio.StreamWriter:
    """Send *request* once, and stop reading its answer where it begins.

    The answer has to be longer than what buffers take.
    """
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
    writer.write(request)
    await reader.readexactly(1)
    return writer


async def slow_sender(port: int) -> asyncio.StreamWriter:
    """Announce a body and send one byte of it."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"PUT /profile HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{")
    return writer


async def times_ms(port: int, request: bytes, count: int) -> list[float]:
    """Send *request* again and again on one plain connection; return how long each took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    for _ in range(count):
        started = perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        found.append((perf_counter() - started) * 1000)
    writer.close()
    return sorted(found)
