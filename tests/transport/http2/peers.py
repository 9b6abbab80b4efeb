"""An HTTP/2 client in memory: python-hyper's h2, or frames by hand, in front of our connection."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import hpack

from simulator.transport.http2 import frames
from simulator.transport.http2.connection import Http2Connection
from simulator.transport.http2.frames import Code
from simulator.transport.http2.limits import Limits
from simulator.transport.http2.receiver import StreamRequest

REQUEST = ((":method", "GET"), (":scheme", "https"), (":path", "/a"), (":authority", "x.example"))
POST = ((":method", "POST"), *REQUEST[1:])


def split(data: bytes, chance: random.Random | None) -> Iterable[bytes]:
    """Yield *data* in pieces: byte by byte, or as *chance* has it."""
    if chance is None:
        yield from (data[at : at + 1] for at in range(len(data)))
        return
    while data:
        size = chance.choice((1, 3, 9, 24, 100, 1000, len(data)))
        yield data[:size]
        data = data[size:]


@dataclass
class Hyper:
    """The client of python-hyper's h2, wired to our connection."""

    ours: Http2Connection = field(default_factory=Http2Connection)
    chance: random.Random | None = field(
        default_factory=lambda: random.Random(1)  # noqa: S311 (the same pieces in each run)
    )
    asked: list[StreamRequest] = field(default_factory=list)
    heard: list[h2.events.Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = h2.config.H2Configuration(
            client_side=True,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.client = h2.connection.H2Connection(config)
        self.client.initiate_connection()
        self.exchange()

    def exchange(self) -> None:
        """Carry bytes both ways until nobody has anything to say."""
        while True:
            sent = self.client.data_to_send()
            for piece in split(sent, self.chance):
                self.asked += self.ours.receive(piece)
            answered = self.ours.data_to_send()
            for piece in split(answered, self.chance):
                self.heard += self.client.receive_data(piece)
            if not sent and not answered:
                return

    def of(self, kind: type[h2.events.Event]) -> list[h2.events.Event]:
        """Return the events of one *kind*."""
        return [event for event in self.heard if isinstance(event, kind)]

    def body(self, stream: int) -> bytes:
        """Return what came of the answer on *stream*."""
        return b"".join(
            event.data or b""
            for event in self.heard
            if isinstance(event, h2.events.DataReceived) and event.stream_id == stream
        )


@dataclass
class Sent:
    """One frame that our connection sent."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frames_in(data: bytes) -> list[Sent]:
    """Return the frames in *data*, which holds whole ones only."""
    found = []
    while data:
        high, low, kind, flags, stream = frames.read_header(data, 0)
        end = 9 + (high << 16 | low)
        found.append(Sent(kind, flags, stream, data[9:end]))
        data = data[end:]
    return found


class Raw:
    """A client that sends whatever frames it is told to, right or wrong."""

    def __init__(self, limits: Limits | None = None, *, greet: bool = True) -> None:
        self.ours = Http2Connection(limits)
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.asked: list[StreamRequest] = []
        if greet:
            self.send(frames.PREFACE + frames.settings({}))

    def send(self, data: bytes) -> list[Sent]:
        """Send *data*; return the frames that come back."""
        self.asked += self.ours.receive(data)
        return frames_in(self.ours.data_to_send())

    def block(self, fields: Sequence[tuple[str, str]]) -> bytes:
        """Return *fields* as a header block."""
        encoded: bytes = self.encoder.encode(fields)
        return encoded

    def headers(
        self, stream: int, fields: Sequence[tuple[str, str]] = REQUEST, flags: int = 5
    ) -> bytes:
        """Return HEADERS; by default of a whole request without a body."""
        return frames.frame(frames.HEADERS, flags, stream, self.block(fields))

    def fields(self, sent: Sent) -> list[tuple[str, str]]:
        """Return the fields of a header block that our connection sent."""
        return [(str(name), str(value)) for name, value in self.decoder.decode(sent.payload)]


def data(stream: int, body: bytes, flags: int = 0) -> bytes:
    """Return DATA."""
    return frames.frame(frames.DATA, flags, stream, body)


def goaway(sent: Iterable[Sent]) -> tuple[Code, str] | None:
    """Return code and debug data of the GOAWAY in *sent*, or None."""
    for one in sent:
        if one.kind == frames.GOAWAY:
            return Code(int.from_bytes(one.payload[4:8])), one.payload[8:].decode()
    return None


def resets(sent: Iterable[Sent]) -> list[tuple[int, Code]]:
    """Return stream and code of each RST_STREAM in *sent*."""
    return [
        (one.stream, Code(int.from_bytes(one.payload)))
        for one in sent
        if one.kind == frames.RST_STREAM
    ]
