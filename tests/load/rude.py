"""Every rude way to use and leave a connection, each as a function of the simulator's ports."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hpack import Encoder

from simulator.transport.http2 import frames

PATIENCE_S = 20.0
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: on, for no time, so that closing resets the connection."""
_HEAD = b"PUT /profile HTTP/1.1\r\nHost: localhost\r\nUser-Agent: rude/1\r\n"
_BEGIN = frames.PREFACE + frames.settings({})
_FIELDS = [(":method", "POST"), (":scheme", "http"), (":path", "/3/device/00"), (":authority", "x")]
BLOCK = Encoder().encode(_FIELDS)
_OPEN = frames.frame(frames.HEADERS, 4, 1, BLOCK)
"""A request whose body is to come."""
_ASK = frames.frame(frames.HEADERS, 5, 1, BLOCK)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the simulator listens."""

    tls: int
    http: int
    control: int
    proxy: int

    @classmethod
    def of(cls, ready: dict[str, Any]) -> "Ports":
        """Read them from ready.json."""
        urls = (ready["tls"][0], ready["http"], ready["control"], ready["proxy"])
        return cls(*(urlsplit(url).port or 0 for url in urls))


@contextlib.contextmanager
def connected(port: int, *, reset: bool = False) -> Iterator[socket.socket]:
    """Connect; at the end close, or *reset*, whatever is under way."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as wire:
        if reset:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        with contextlib.suppress(OSError):
            yield wire


def hello() -> bytes:
    """Return the first bytes of TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    made = ssl._create_unverified_context().wrap_bio(incoming, outgoing)  # noqa: S323 (loopback)
    with contextlib.suppress(ssl.SSLWantReadError):
        made.do_handshake()
    return outgoing.read()


def says(data: bytes, *, reset: bool = False, reads: bool = False) -> Callable[[int], None]:
    """Return what sends *data* to a port and leaves."""

    def way(port: int) -> None:
        with connected(port, reset=reset) as wire:
            wire.sendall(data)
            if reads:
                wire.recv(1)

    return way


def half_closed(port: int) -> None:
    """End our half in the middle of a body, then wait for what comes."""
    with connected(port) as wire:
        wire.sendall(_HEAD + b"Content-Length: 9\r\n\r\n{")
        wire.shutdown(socket.SHUT_WR)
        while wire.recv(4096):
            pass


def reads_nothing(port: int) -> None:
    """Ask for much, read none of it."""
    with connected(port, reset=True) as wire:
        wire.sendall((_HEAD.replace(b"PUT", b"GET") + b"\r\n") * 100)


def tls_reset(port: int) -> None:
    """Set up TLS, begin a request, reset."""
    context = ssl._create_unverified_context()  # noqa: S323 (loopback)
    context.set_alpn_protocols(["h2"])
    with connected(port, reset=True) as wire, context.wrap_socket(wire) as secure:
        secure.sendall(_BEGIN + _OPEN)
        secure.recv(1)


_CONNECT = b"CONNECT api.push.apple.com:443 HTTP/1.1\r\n"
_STREAM = b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
WAYS: dict[str, tuple[str, Callable[[int], None]]] = {
    "connects and leaves": ("http", says(b"")),
    "half a TLS hello": ("tls", says(hello()[:20])),
    "half a TLS hello, reset": ("tls", says(hello()[:20], reset=True)),
    "a TLS hello, no more": ("tls", says(hello(), reads=True)),
    "no TLS at all": ("tls", says(b"GET / HTTP/1.1\r\n\r\n", reads=True)),
    "TLS, half a request, reset": ("tls", tls_reset),
    "half a head": ("http", says(_HEAD)),
    "half a head, reset": ("http", says(_HEAD, reset=True)),
    "mid-body": ("http", says(_HEAD + b"Content-Length: 9\r\n\r\n{")),
    "mid-body, reset": ("http", says(_HEAD + b"Content-Length: 9\r\n\r\n{", reset=True)),
    "mid-chunk": ("http", says(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{")),
    "half-closed": ("http", half_closed),
    "reads nothing, reset": ("http", reads_nothing),
    "half a preface": ("http", says(frames.PREFACE[:10])),
    "HTTP/2, then nothing": ("http", says(_BEGIN, reads=True)),
    "HTTP/2 mid-frame, reset": ("http", says(_BEGIN + _OPEN[:12], reset=True)),
    "HTTP/2 mid-body": ("http", says(_BEGIN + _OPEN, reads=True)),
    "HTTP/2, RST_STREAM": ("http", says(_BEGIN + _OPEN + frames.rst_stream(1, 8), reads=True)),
    "HTTP/2, GOAWAY": (
        "http",
        says(_BEGIN + _ASK + frames.frame(frames.GOAWAY, 0, 0, bytes(8)), reads=True),
    ),
    "HTTP/2, no window, reset": (
        "http",
        says(
            frames.PREFACE + frames.settings({frames.Setting.INITIAL_WINDOW_SIZE: 0}) + _ASK,
            reset=True,
            reads=True,
        ),
    ),
    "HTTP/2, a broken frame": ("http", says(_BEGIN + frames.frame(0, 0, 0, b"x"), reads=True)),
    "half a CONNECT": ("proxy", says(_CONNECT)),
    "a tunnel, reset": ("proxy", says(_CONNECT + b"\r\n", reset=True, reads=True)),
    "a tunnel, half a hello": ("proxy", says(_CONNECT + b"\r\n" + hello()[:20], reads=True)),
    "a stream of events, reset": ("control", says(_STREAM, reset=True, reads=True)),
    "half a control call": ("control", says(_STREAM[:30])),
}
"""By name: the port that it is for, and what does it."""


def do(name: str, ports: Ports) -> None:
    """Use a connection in the way *name*."""
    port, way = WAYS[name]
    with contextlib.suppress(OSError):
        way(getattr(ports, port))
