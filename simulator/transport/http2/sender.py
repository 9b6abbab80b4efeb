"""What leaves a connection, as far as the peer's windows let it."""

from simulator.transport.http2 import frames, hpack
from simulator.transport.http2.frames import FRAME_LIMIT, WINDOW, WINDOW_CEILING, Code
from simulator.transport.http2.frames import ConnectionFailedError as Failed
from simulator.transport.http2.streams import Stream


class Sender:
    """Bytes to send, and the bodies of answers that wait until the peer takes more."""

    __slots__ = ("_begun", "_out", "_ready", "initial_window", "queued", "window")

    def __init__(self) -> None:
        self._out: list[bytes] = []
        self._begun = False
        """Whether the first header block has left."""
        self._ready: dict[int, Stream] = {}
        """Streams with something left that their own windows allow, the next one first."""
        self.window = WINDOW
        """Bytes that the peer takes on all streams together."""
        self.initial_window = WINDOW
        """Window of a new stream; the peer's SETTINGS change it."""
        self.queued = 0
        """Bytes of bodies that wait."""

    def put(self, data: bytes) -> None:
        """Send *data*, one or more whole frames."""
        self._out.append(data)

    def take(self) -> bytes:
        """Return everything that may leave now, and forget it."""
        out = self._out
        if not out:
            return b""
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data

    def interim(self, stream: int, status: int) -> None:
        """Send an informational answer."""
        self._headers(stream, hpack.status(status), end_stream=False)

    def answer(self, stream: Stream, block: bytes, body: bytes) -> bool:
        """Send header *block* and *body*; return whether all of it leaves at once."""
        size = len(body)
        if size == 0:
            self._headers(stream.number, block, end_stream=True)
            return True
        self._headers(stream.number, block, end_stream=False)
        return self.rest(stream, body)

    def rest(self, stream: Stream, body: bytes) -> bool:
        """Send *body*, the last that *stream* has to say; return whether all leaves at once."""
        stream.rest, stream.at = body, 0
        self.queued += len(body)
        return self.push(stream)

    def begin(self, stream: int, block: bytes) -> None:
        """Send header *block*; a body follows."""
        self._headers(stream, block, end_stream=False)

    def part(self, stream: Stream, data: bytes, *, last: bool) -> bool:
        """Send *data* if the windows allow all of it; return whether they did."""
        if len(data) > min(stream.window, self.window):
            return False
        for start in range(0, max(len(data), 1), FRAME_LIMIT):
            piece = data[start : start + FRAME_LIMIT]
            ends = last and start + FRAME_LIMIT >= len(data)
            flags = frames.END_STREAM if ends else 0
            self._out.append(frames.frame(frames.DATA, flags, stream.number, piece))
        stream.window -= len(data)
        self.window -= len(data)
        return True

    def push(self, stream: Stream) -> bool:
        """Send what *stream* has left, as far as possible; return whether that is all."""
        while stream.window > 0 and self.window > 0:
            if self._chunk(stream):
                return True
        if stream.window > 0:
            self._ready[stream.number] = stream
        return False

    def open(self, increment: int) -> list[Stream]:
        """Take *increment* bytes more on all streams together; return the streams now done."""
        self.window += increment
        if self.window > WINDOW_CEILING:
            raise Failed(Code.FLOW_CONTROL_ERROR, "the connection's window grew too large")
        return self._pump()

    def resize(self, window: int, streams: list[Stream]) -> list[Stream]:
        """Change the initial *window*, and with it all *streams*; return the streams now done."""
        change = window - self.initial_window
        self.initial_window = window
        for stream in streams:
            stream.window += change
            if stream.window > WINDOW_CEILING:
                raise Failed(Code.FLOW_CONTROL_ERROR, "a stream's window grew too large")
            if stream.rest and stream.window > 0:
                self._ready[stream.number] = stream
            else:
                self._ready.pop(stream.number, None)
        return self._pump()

    def drop(self, stream: Stream) -> None:
        """Forget what *stream* has left."""
        self.queued -= len(stream.rest) - stream.at
        stream.rest, stream.at = b"", 0
        self._ready.pop(stream.number, None)

    def _pump(self) -> list[Stream]:
        """Let the streams send in turns, a frame each."""
        done = []
        ready = self._ready
        while self.window > 0 and ready:
            stream = ready.pop(next(iter(ready)))
            if self._chunk(stream):
                done.append(stream)
            elif stream.window > 0:
                ready[stream.number] = stream
        return done

    def _chunk(self, stream: Stream) -> bool:
        """Send one frame of *stream*; return whether it was the last. The windows are open."""
        left = len(stream.rest) - stream.at
        size = min(left, stream.window, self.window, FRAME_LIMIT)
        last = size == left
        flags = frames.END_STREAM if last else 0
        self._out.append(frames.frame_header(size, frames.DATA, flags, stream.number))
        self._out.append(stream.rest[stream.at : stream.at + size])
        stream.window -= size
        self.window -= size
        self.queued -= size
        stream.at += size
        if last:
            stream.rest, stream.at = b"", 0
            self._ready.pop(stream.number, None)
        return last

    def _headers(self, stream: int, block: bytes, *, end_stream: bool) -> None:
        if not self._begun:
            self._begun = True
            block = hpack.NO_TABLE + block
        self._out.append(frames.header_block(stream, block, FRAME_LIMIT, end_stream=end_stream))
