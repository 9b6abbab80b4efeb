"""One HTTP/2 connection of a server, by RFC 9113: bytes to requests, answers to bytes.

Rule 1: no sockets, no clock, no asyncio; time is what `Connection.tick` says.
Rule 2: whatever a client asks is handed on, also what is malformed, cut off or too large.
Rule 3: no memory and no work without bound for a client that asks for nothing.

Longer than 300 lines: the frames are one state machine.
"""

from collections.abc import Callable, Sequence

from simulator.transport.http2 import control, fields, frames, limits
from simulator.transport.http2.control import ControlFrames
from simulator.transport.http2.frames import (
    CONTINUATION,
    FRAME_LIMIT,
    HEADER_SIZE,
    HEADERS,
    SETTINGS,
    Code,
    Setting,
)
from simulator.transport.http2.frames import ConnectionFailedError as Failed
from simulator.transport.http2.limits import Limits, Purse
from simulator.transport.http2.receiver import Intake, StreamRequest
from simulator.transport.http2.sender import Sender

_ANY = -1
_STREAM_MASK = 0x7FFFFFFF
_TYPE_AT = 3
"""Where a frame's type stands."""
_BODILESS = frozenset({204, 304})


class Http2Connection:
    """The state of one connection."""

    def __init__(self, bounds: Limits | None = None) -> None:
        """Begin with our SETTINGS; *bounds* is what the client is told and held to."""
        self._limits = bounds or Limits()
        self._purse = Purse()
        self._sender = Sender()
        self._intake = Intake(self._limits, self._sender, self._purse)
        self._control = ControlFrames(self._intake, self._sender, self._purse)
        self._rest = b""
        """Received, but no whole frame yet."""
        self._greeted = False
        self._expected = SETTINGS
        """The only type of frame that may come next, or any."""
        self._block = bytearray()
        self._block_of = (0, 0, "")
        """Of the header block under way: stream, flags of its HEADERS, what is wrong with it."""
        self._block_frames = 0
        self._slow_ticks = 0
        self._failed = False
        self._handlers: tuple[Callable[[int, int, bytes], None], ...] = (
            self._on_data,
            self._on_headers,
            self._control.priority,
            self._control.rst_stream,
            self._on_settings,
            self._control.push_promise,
            self._control.ping,
            self._control.goaway,
            self._control.window_update,
            self._on_continuation,
        )
        self._told = False
        """Whether the client was sent our SETTINGS."""

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come or to be sent, but for `data_to_send`."""
        if self._failed:
            return True
        return (self._control.leaving or self._intake.refusing) and not self._intake.streams

    @property
    def open_streams(self) -> int:
        """How many streams are open."""
        return len(self._intake.streams)

    def receive(self, data: bytes) -> list[StreamRequest]:
        """Take *data* as it came; return the requests in it.

        `answer` is to be called for each of those whose client `wants_response`, in any order.
        """
        if not self._failed:
            if self._rest:
                data = self._rest + data
            try:
                at = 0 if self._greeted else self._greet(data)
                self._rest = data[self._frames(data, at) :] if self._greeted else data
            except Failed as error:
                self._fail(error.code, error.about)
        return self._events()

    def _events(self) -> list[StreamRequest]:
        events = self._intake.events
        self._intake.events = []
        return events

    def _greet(self, data: bytes) -> int:
        """Look for the preface at the start of *data*, and return where the frames start."""
        preface = frames.PREFACE
        if not data.startswith(preface[: len(data)]):
            raise Failed(Code.PROTOCOL_ERROR, "the connection does not start with HTTP/2's preface")
        self._greeted = len(data) >= len(preface)
        return len(preface)

    def _frames(self, data: bytes, at: int) -> int:
        """Take the whole frames in *data*, the first one *at*; return where the rest starts."""
        end = len(data)
        while end - at >= HEADER_SIZE:
            high, low, kind, flags, number = frames.read_header(data, at)
            size = high << 16 | low
            if size > FRAME_LIMIT:
                raise Failed(Code.FRAME_SIZE_ERROR, "a frame is larger than the settings allow")
            start = at + HEADER_SIZE
            stop = start + size
            if stop > end:
                break
            if self._expected not in {kind, _ANY}:
                raise Failed(Code.PROTOCOL_ERROR, "another type of frame has to come here")
            at = stop
            if kind <= CONTINUATION:
                self._handlers[kind](number & _STREAM_MASK, flags, data[start:stop])
            else:
                self._purse.spend(limits.COST_IGNORED)
        return at

    def answer(
        self, number: int, status: int, headers: Sequence[tuple[str, str]], body: bytes
    ) -> None:
        """Answer the request of stream *number*, unless the client has given up.

        What HTTP/2 does not have is left out of *headers*. ValueError if a
        field holds a line break.
        """
        stream = self._intake.streams.get(number)
        if stream is None or self._failed:
            return
        if status in _BODILESS:
            body = b""
        elif stream.head.method == "HEAD":
            if not any(name.lower() == "content-length" for name, _ in headers):
                headers = (*headers, ("content-length", str(len(body))))
            body = b""
        block = fields.write(status, headers)
        try:
            if self._sender.answer(stream, block, body):
                self._intake.answered(stream)
        except Failed as error:
            self._fail(error.code, error.about)
        if self._sender.queued > self._limits.queued:
            self._fail(Code.ENHANCE_YOUR_CALM, "too much waits for the client's windows to open")

    def is_open(self, number: int) -> bool:
        """Tell whether stream *number* still waits for its answer, or for more of it."""
        return number in self._intake.streams and not self._failed

    def begin(self, number: int, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Send the head of an answer whose body comes by `part` and `finish`."""
        if self.is_open(number):
            self._sender.begin(number, fields.write(status, headers))

    def part(self, number: int, data: bytes, *, last: bool) -> bool:
        """Send *data* at once if the client's windows allow all of it; return whether they did."""
        if not self.is_open(number):
            return True
        stream = self._intake.streams[number]
        sent = self._sender.part(stream, data, last=last)
        if sent and last:
            self._intake.answered(stream)
        return sent

    def finish(self, number: int, data: bytes) -> None:
        """Send *data*, the last of the body, as the client's windows open."""
        if self.is_open(number):
            stream = self._intake.streams[number]
            if self._sender.rest(stream, data):
                self._intake.answered(stream)

    def reset(self, number: int, code: int = Code.INTERNAL_ERROR) -> None:
        """Break off stream *number*, if it is open, without an answer."""
        if number not in self._intake.streams or self._failed:
            return
        try:
            self._intake.reset(number, code)
        except Failed as error:
            self._fail(error.code, error.about)

    def limit(self, streams: int, *, announced: bool = True) -> None:
        """Let the client have that many streams open at once, and tell it if that is a change.

        A lower number holds once the client has said that it knows (RFC 9113, 6.5.3); one
        that is not *announced* holds at once.
        """
        if not announced:
            self._intake.streams_allowed = streams
            return
        if streams == self._intake.streams_told or self._failed:
            return
        self._intake.streams_told = streams
        if self._told:
            self._sender.put(frames.settings({Setting.MAX_CONCURRENT_STREAMS: streams}))
            self._control.unacknowledged.append(streams)
        else:
            self._intake.streams_allowed = streams

    def data_to_send(self) -> bytes:
        """Return what is to be sent now; our SETTINGS come first."""
        if not self._told:
            self._told = True
            own = {
                Setting.HEADER_TABLE_SIZE: 4096,
                Setting.MAX_CONCURRENT_STREAMS: self._intake.streams_told,
                Setting.INITIAL_WINDOW_SIZE: frames.WINDOW,
                Setting.MAX_FRAME_SIZE: FRAME_LIMIT,
                Setting.MAX_HEADER_LIST_SIZE: self._limits.header_list,
            }
            self._control.unacknowledged.append(self._intake.streams_told)
            return frames.settings(own) + self._sender.take()
        return self._sender.take()

    def close(self, code: int = Code.NO_ERROR, debug: bytes = b"", last: int | None = None) -> None:
        """Say GOAWAY and finish the open streams; later ones are passed over.

        *last* is the stream that the client is told was the last one looked
        at; without it, the truth.
        """
        if not self._failed:
            last = self._intake.last if last is None else last
            self._sender.put(frames.goaway(last, code, debug))
            self._intake.refusing = True

    def announce_end(self) -> None:
        """Say GOAWAY for the highest stream there can be: `close` follows."""
        if not self._failed:
            self._sender.put(frames.goaway(_STREAM_MASK, Code.NO_ERROR, b""))

    def abort(self, code: int, debug: bytes = b"", last: int | None = None) -> list[StreamRequest]:
        """Say GOAWAY, as `close` does, and end at once; return half requests, for the record."""
        if not self._failed:
            self._end(code, debug, last)
        return self._events()

    def eof(self) -> list[StreamRequest]:
        """Note that the client says no more but may listen; return half requests, as `lost`."""
        self._intake.cut(half=True)
        self._control.leaving = True
        return self._events()

    def lost(self) -> list[StreamRequest]:
        """Note that the client has gone; return half requests, for the record."""
        self._intake.cut()
        self._failed = True
        return self._events()

    def tick(self) -> list[StreamRequest]:
        """Note that a second has gone by; return half requests if the client was too slow."""
        self._purse.earn(limits.REFILL)
        try:
            self._intake.tick()
        except Failed as error:
            self._fail(error.code, error.about)
        begun = len(self._rest) > _TYPE_AT and self._rest[_TYPE_AT] == HEADERS
        self._slow_ticks = self._slow_ticks + 1 if begun or self._expected != _ANY else 0
        if self._slow_ticks > self._limits.slow_ticks:
            return self.abort(Code.ENHANCE_YOUR_CALM, b"the client is too slow")
        return self._events()

    def _fail(self, code: Code, about: str) -> None:
        """End the connection because of what the client did."""
        self._end(code, about.encode())

    def _end(self, code: int, debug: bytes, last: int | None = None) -> None:
        last = self._intake.last if last is None else last
        self._sender.put(frames.goaway(last, code, debug))
        self._intake.cut()
        self._failed = True

    def _on_data(self, number: int, flags: int, payload: bytes) -> None:
        if number == 0:
            raise Failed(Code.PROTOCOL_ERROR, "DATA on stream 0")
        self._intake.data(number, flags, payload)

    def _on_headers(self, number: int, flags: int, payload: bytes) -> None:
        if number == 0:
            raise Failed(Code.PROTOCOL_ERROR, "HEADERS on stream 0")
        wrong = ""
        if flags & frames.PADDED:
            payload = frames.unpadded(flags, payload)
        if flags & frames.WITH_PRIORITY:
            if len(payload) < control.PRIORITY_SIZE:
                raise Failed(Code.FRAME_SIZE_ERROR, "HEADERS without the priority that it has")
            wrong = control.dependent(number, payload)
            payload = payload[control.PRIORITY_SIZE :]
        if flags & frames.END_HEADERS:
            self._slow_ticks = 0
            ended = bool(flags & frames.END_STREAM)
            self._intake.block(number, payload, wrong, ended=ended)
            return
        self._expected = CONTINUATION
        self._block[:] = payload
        self._block_frames = 1
        self._block_of = (number, flags, wrong)

    def _on_continuation(self, number: int, flags: int, payload: bytes) -> None:
        first, first_flags, wrong = self._block_of
        if self._expected != CONTINUATION or number != first:
            raise Failed(Code.PROTOCOL_ERROR, "CONTINUATION of nothing")
        self._block += payload
        self._block_frames += 1
        bounds = self._limits
        if len(self._block) > bounds.block or self._block_frames > bounds.block_frames:
            raise Failed(Code.ENHANCE_YOUR_CALM, "a header block goes on for too long")
        if flags & frames.END_HEADERS:
            self._expected = _ANY
            block = bytes(self._block)
            self._block.clear()
            self._slow_ticks = 0
            ended = bool(first_flags & frames.END_STREAM)
            self._intake.block(number, block, wrong, ended=ended)

    @property
    def began_with(self) -> str:
        """The client's first SETTINGS, such as ``3:100,4:65535``; empty before they are there."""
        return self._control.began_with or ""

    def _on_settings(self, number: int, flags: int, payload: bytes) -> None:
        if self._expected == SETTINGS:
            if flags & frames.ACK:
                raise Failed(Code.PROTOCOL_ERROR, "the preface has no SETTINGS")
            self._expected = _ANY
        self._control.settings(number, flags, payload)
