"""The streams of a connection and the requests that come in on them.

Longer than 300 lines: what comes in on a stream is one state machine.
"""

from collections import deque
from typing import NamedTuple

from simulator.core.messages import Headers
from simulator.transport.http2 import fields, frames, limits
from simulator.transport.http2.fields import RequestFields
from simulator.transport.http2.frames import WINDOW, Code
from simulator.transport.http2.frames import ConnectionFailedError as Failed
from simulator.transport.http2.heads import Heads
from simulator.transport.http2.hpack import Decoder, Fields
from simulator.transport.http2.limits import Limits, Purse
from simulator.transport.http2.sender import Sender
from simulator.transport.http2.streams import Stream

_CONTINUE = 100
_SHORT = "the body is shorter than Content-Length says"
_REMEMBERED = 1024
"""Streams reset by us whose late frames are passed over; and gaps between numbers."""
_PERSISTENT = 1000
"""Streams in a row beyond what is allowed after which it is no oversight."""
_VIOLATED = "Maximum active streams violated for this endpoint."
"""What APNs was seen to say then (apns.md 1.5)."""
_CREDIT_BELOW = WINDOW // 2
"""What is left of a window when it is opened again."""


class StreamRequest(NamedTuple):
    """A request came in: the one kind of event."""

    stream: int
    method: str
    target: str
    headers: Headers
    body: bytes
    problem: str
    """As in `simulator.core.messages.Request`."""
    about: str
    wants_response: bool
    """Whether the client still waits for an answer; else the request is for the record only."""


class Intake:
    """All streams that are open, and the requests that they have brought since last asked."""

    def __init__(self, bounds: Limits, sender: Sender, purse: Purse) -> None:
        self.events: list[StreamRequest] = []
        self.streams: dict[int, Stream] = {}
        self.last = 0
        """Highest number of a stream that the client has opened."""
        self.refusing = False
        """Whether further streams are passed over, since GOAWAY has told so."""
        self.streams_allowed = self.streams_told = bounds.streams
        """Streams that may be open at once, and what the client was last told of that."""
        self._excess = 0
        """Streams in a row that were beyond that."""
        self._limits = bounds
        self._sender = sender
        self._purse = purse
        self._decoder = Decoder(bounds.block)
        self._heads = Heads(self._decoder)
        self._window = WINDOW
        self._unfinished = 0
        """Bytes of all bodies that are not complete."""
        self._ticks = 0
        """Seconds since the connection began."""
        self._reset: dict[int, int] = {}
        """Streams that we have reset, oldest first, and why: what still comes on them is no error.
        """
        self._skipped: deque[range] = deque(maxlen=_REMEMBERED)
        """Numbers that the client has left out; those were never opened."""

    def block(self, number: int, block: bytes, wrong: str, *, ended: bool) -> None:
        """Take a header block; *wrong* is what is known to be wrong with the stream, or empty."""
        if not number & 1:
            raise Failed(Code.PROTOCOL_ERROR, "clients open streams with odd numbers only")
        stream = self.streams.get(number)
        if stream is not None:
            self._trailers(stream, self._decoder.decode(block), wrong, ended=ended)
            return
        head = self._heads.read(block)
        if number > self.last:
            if number > self.last + 2:
                self._skipped.append(range((self.last + 1) | 1, number, 2))
            self.last = number
            if not self.refusing:
                self._open(number, head, wrong, ended=ended)
        elif any(number in gap for gap in self._skipped):
            raise Failed(Code.PROTOCOL_ERROR, "a stream's number is lower than an earlier one")
        elif number not in self._reset:
            raise Failed(Code.STREAM_CLOSED, "HEADERS on a stream that is closed")

    def _open(self, number: int, head: RequestFields, wrong: str, *, ended: bool) -> None:
        wrong = wrong or head.malformed or (_SHORT if ended and head.length > 0 else "")
        window = self._sender.initial_window
        stream = Stream(number, head, window, ended=ended, begun=self._ticks)
        if len(self.streams) >= self.streams_allowed:
            self.reset(number, Code.REFUSED_STREAM)
            self._note(stream, "malformed", "more streams are open than the settings allow")
            self._excess += 1
            if self._excess > _PERSISTENT:
                raise Failed(Code.REFUSED_STREAM, _VIOLATED)
        elif wrong:
            self.reset(number, Code.PROTOCOL_ERROR)
            self._note(stream, "malformed", wrong)
        else:
            self._excess = 0
            self.streams[number] = stream
            limit = self._limits.header_list
            if head.size > limit:
                about = f"the header fields are larger than {limit} bytes"
                self._ask(stream, "too-large", about)
            elif ended or head.method == "CONNECT":
                self._ask(stream)
            elif ("expect", "100-continue") in head.headers:
                self._expected(stream)

    def _expected(self, stream: Stream) -> None:
        """Let the client send its body, unless that is too large anyway."""
        if stream.head.length > self._limits.body:
            self._ask(stream, "too-large", self._too_large())
        else:
            self._sender.interim(stream.number, _CONTINUE)

    def _trailers(self, stream: Stream, said: Fields, wrong: str, *, ended: bool) -> None:
        if stream.ended:
            self.broken(stream, "HEADERS after the end of the stream", Code.STREAM_CLOSED)
            return
        trailers, about = fields.read_trailers(said)
        wrong = wrong or about or ("" if ended else "the trailers do not end the stream")
        if wrong:
            self.broken(stream, wrong)
            return
        head = stream.head
        stream.head = head._replace(headers=head.headers + trailers)
        self._end(stream)

    def data(self, number: int, flags: int, payload: bytes) -> None:
        """Take a DATA frame."""
        size = len(payload)
        self._window -= size
        if self._window < _CREDIT_BELOW:
            self._credit()
        body = frames.unpadded(flags, payload) if flags & frames.PADDED else payload
        stream = self.streams.get(number)
        if stream is None:
            self._late_data(number)
            return
        stream.receiving -= size
        if stream.ended:
            self.broken(stream, "DATA after the end of the stream", Code.STREAM_CLOSED)
            return
        if stream.receiving < 0:
            about = "more of the body came than the stream's window allows"
            self.broken(stream, about, Code.FLOW_CONTROL_ERROR)
            return
        ended = flags & frames.END_STREAM
        if not body and not ended:
            self._purse.spend(limits.COST_EMPTY_DATA)
        if not stream.asked and not self._body(stream, body):
            return
        if ended:
            self._end(stream)
        elif not stream.asked and stream.receiving < _CREDIT_BELOW:
            self._sender.put(frames.window_update(number, WINDOW - stream.receiving))
            stream.receiving = WINDOW

    def _body(self, stream: Stream, body: bytes) -> bool:
        """Keep *body*; return whether the stream is still open."""
        stream.parts.append(body)
        stream.received += len(body)
        self._unfinished += len(body)
        if stream.received > self._limits.body:
            self._ask(stream, "too-large", self._too_large())
        elif 0 <= stream.head.length < stream.received:
            self.broken(stream, "the body is longer than Content-Length says")
            return False
        elif self._unfinished > self._limits.unfinished:
            raise Failed(Code.ENHANCE_YOUR_CALM, "too many bodies are under way at once")
        return True

    def _credit(self) -> None:
        """Open the connection's window again, however little of the data was of use.

        What is left of it is always more than one frame, so nobody overruns it.
        """
        self._sender.put(frames.window_update(0, WINDOW - self._window))
        self._window = WINDOW

    def _late_data(self, number: int) -> None:
        code = self._reset.get(number)
        if code is None:
            self.must_be_open(number)
        if code == Code.REFUSED_STREAM or (code is None and not self.refusing):
            # APNs was seen to answer the data of a refused stream too (apns.md 1.5, pushy#476).
            self.reset(number, Code.STREAM_CLOSED)

    def _end(self, stream: Stream) -> None:
        """Note that the client has said all on *stream*."""
        stream.ended = True
        if stream.asked:
            return
        if stream.head.length not in {-1, stream.received}:
            self.broken(stream, _SHORT)
        else:
            self._ask(stream)

    def must_be_open(self, number: int) -> None:
        """Raise ConnectionFailedError if no stream *number* was ever opened."""
        if number > self.last or not number & 1:
            raise Failed(Code.PROTOCOL_ERROR, "a frame on a stream that was never opened")

    def reset(self, number: int, code: int) -> None:
        """Break a stream off."""
        self._forget(number)
        self._sender.put(frames.rst_stream(number, code))
        reset = self._reset
        reset[number] = code
        if len(reset) > _REMEMBERED:
            del reset[next(iter(reset))]
        self._purse.spend(limits.COST_RESET)

    def reset_by_client(self, number: int) -> None:
        """Forget a stream that the client breaks off; half a request goes on record."""
        stream = self.streams.get(number)
        self._forget(number)
        if stream is not None:
            self._truncated(stream, "the client reset the stream")
        self._purse.spend(limits.COST_RESET)

    def cut(self, *, half: bool = False) -> None:
        """Close all streams, or those only whose requests are *half*; the latter go on record."""
        for stream in list(self.streams.values()):
            self._truncated(stream, "the connection ended")
            if not half or not stream.asked:
                self._forget(stream.number)

    def tick(self) -> None:
        """Note that a second has gone by: break off streams whose bodies do not come to an end."""
        self._ticks += 1
        patience = self._limits.body_ticks
        latest = self._ticks - patience
        if patience:
            for stream in [one for one in self.streams.values() if one.begun < latest]:
                if not stream.asked:
                    self._truncated(stream, f"the client took over {patience} s and was cut off")
                    self.reset(stream.number, Code.CANCEL)

    def answered(self, stream: Stream) -> None:
        """Close *stream*, whose answer has left as a whole."""
        if stream.ended:
            del self.streams[stream.number]
        else:
            self.reset(stream.number, Code.NO_ERROR)
        self._purse.earn(limits.EARNED)

    def all_answered(self, streams: list[Stream]) -> None:
        """Close *streams*, as `answered` does."""
        for stream in streams:
            self.answered(stream)

    def _forget(self, number: int) -> None:
        stream = self.streams.pop(number, None)
        if stream is not None:
            self._sender.drop(stream)
            if not stream.asked:
                self._unfinished -= stream.received

    def broken(self, stream: Stream, about: str, code: Code = Code.PROTOCOL_ERROR) -> None:
        """Break *stream* off; a request that was not handed on yet goes on record."""
        asked = stream.asked
        self.reset(stream.number, code)
        if not asked:
            self._note(stream, "malformed", about)

    def _truncated(self, stream: Stream, about: str) -> None:
        if not stream.asked:
            self._note(stream, "truncated", f"{about} after {stream.received} bytes of the body")

    def _too_large(self) -> str:
        return f"the body is larger than {self._limits.body} bytes"

    def _ask(self, stream: Stream, problem: str = "", about: str = "") -> None:
        self._unfinished -= stream.received
        stream.asked = True
        self._note(stream, problem, about, wants_response=True)

    def _note(
        self, stream: Stream, problem: str, about: str, *, wants_response: bool = False
    ) -> None:
        head = stream.head
        body = stream.body(self._limits.body) if stream.parts else b""
        stream.parts = []
        self.events.append(
            StreamRequest(
                stream.number,
                head.method,
                head.target,
                head.headers,
                body,
                problem,
                about,
                wants_response,
            )
        )
