"""Frames about streams and the connection: SETTINGS, WINDOW_UPDATE, PING, RST_STREAM and more."""

from collections import deque

from simulator.transport.http2 import frames, limits
from simulator.transport.http2.frames import (
    FRAME_LIMIT,
    FRAME_LIMIT_CEILING,
    PING,
    SETTINGS,
    WINDOW_CEILING,
    Code,
    Setting,
)
from simulator.transport.http2.frames import ConnectionFailedError as Failed
from simulator.transport.http2.limits import Purse
from simulator.transport.http2.receiver import Intake
from simulator.transport.http2.sender import Sender

PRIORITY_SIZE = 5
_CODE_SIZE = 4
_SETTING_SIZE = 6
_PING_SIZE = 8
_GOAWAY_SIZE = 8
_RANGES = {
    Setting.ENABLE_PUSH: (0, 1, Code.PROTOCOL_ERROR),
    Setting.INITIAL_WINDOW_SIZE: (0, WINDOW_CEILING, Code.FLOW_CONTROL_ERROR),
    Setting.MAX_FRAME_SIZE: (FRAME_LIMIT, FRAME_LIMIT_CEILING, Code.PROTOCOL_ERROR),
    Setting.ENABLE_CONNECT_PROTOCOL: (0, 1, Code.PROTOCOL_ERROR),
}
"""Least and greatest value of a setting, and what it is to be outside of them."""


class ControlFrames:
    """Takes the frames of one connection that carry no request."""

    def __init__(self, intake: Intake, sender: Sender, purse: Purse) -> None:
        self.leaving = False
        """Whether the client has said that it goes."""
        self.unacknowledged: deque[int] = deque()
        """How many streams each of our SETTINGS allows that the client has not confirmed."""
        self.began_with: str | None = None
        """The first SETTINGS of the client, such as ``3:100,4:65535``: they tell what it is."""
        self._intake = intake
        self._sender = sender
        self._purse = purse

    def settings(self, number: int, flags: int, payload: bytes) -> None:
        """Do as the client asks, and tell it so."""
        if number:
            raise Failed(Code.PROTOCOL_ERROR, "SETTINGS on a stream")
        if len(payload) % _SETTING_SIZE or (flags & frames.ACK and payload):
            raise Failed(Code.FRAME_SIZE_ERROR, "SETTINGS of a wrong size")
        self._purse.spend(limits.COST_SETTINGS)
        if flags & frames.ACK:
            if self.unacknowledged:
                self._intake.streams_allowed = self.unacknowledged.popleft()
            return
        if self.began_with is None:
            pairs = frames.read_settings(payload)
            self.began_with = ",".join(f"{name}:{value}" for name, value in pairs)
        values: dict[int, int] = {}
        for name, value in frames.read_settings(payload):
            least, greatest, code = _RANGES.get(name, (0, value, Code.NO_ERROR))
            if not least <= value <= greatest:
                raise Failed(code, "a setting has a value that is not allowed")
            values[name] = value
        self._sender.put(frames.frame(SETTINGS, frames.ACK, 0))
        window = values.get(Setting.INITIAL_WINDOW_SIZE)
        if window is not None:
            streams = self._intake.streams.values()
            self._intake.all_answered(self._sender.resize(window, list(streams)))

    def window_update(self, number: int, flags: int, payload: bytes) -> None:
        """Send what the client now takes."""
        del flags
        if len(payload) != _CODE_SIZE:
            raise Failed(Code.FRAME_SIZE_ERROR, "WINDOW_UPDATE of a wrong size")
        increment = frames.read_uint32(payload)[0] & WINDOW_CEILING
        if increment < limits.SMALL_UPDATE:
            self._purse.spend(limits.COST_SMALL_UPDATE)
        if number:
            self._open_stream(number, increment)
        elif increment:
            self._intake.all_answered(self._sender.open(increment))
        else:
            raise Failed(Code.PROTOCOL_ERROR, "WINDOW_UPDATE of nothing")

    def _open_stream(self, number: int, increment: int) -> None:
        self._intake.must_be_open(number)
        stream = self._intake.streams.get(number)
        if stream is None:
            return
        if increment == 0:
            self._intake.broken(stream, "WINDOW_UPDATE of nothing")
        elif stream.window + increment > WINDOW_CEILING:
            about = "the stream's window grew too large"
            self._intake.broken(stream, about, Code.FLOW_CONTROL_ERROR)
        else:
            stream.window += increment
            if stream.rest and self._sender.push(stream):
                self._intake.answered(stream)

    def ping(self, number: int, flags: int, payload: bytes) -> None:
        """Send the same back."""
        if number:
            raise Failed(Code.PROTOCOL_ERROR, "PING on a stream")
        if len(payload) != _PING_SIZE:
            raise Failed(Code.FRAME_SIZE_ERROR, "PING of a wrong size")
        self._purse.spend(limits.COST_PING)
        if not flags & frames.ACK:
            self._sender.put(frames.frame(PING, frames.ACK, 0, payload))

    def rst_stream(self, number: int, flags: int, payload: bytes) -> None:
        """Forget a stream."""
        del flags
        if len(payload) != _CODE_SIZE:
            raise Failed(Code.FRAME_SIZE_ERROR, "RST_STREAM of a wrong size")
        self._intake.must_be_open(number)
        self._intake.reset_by_client(number)

    def goaway(self, number: int, flags: int, payload: bytes) -> None:
        """Note that the client goes as soon as it has its answers."""
        del flags
        if number:
            raise Failed(Code.PROTOCOL_ERROR, "GOAWAY on a stream")
        if len(payload) < _GOAWAY_SIZE:
            raise Failed(Code.FRAME_SIZE_ERROR, "GOAWAY of a wrong size")
        self.leaving = True

    def priority(self, number: int, flags: int, payload: bytes) -> None:
        """Do nothing, if it is a proper one: all streams are equal."""
        del flags
        if number == 0:
            raise Failed(Code.PROTOCOL_ERROR, "PRIORITY on stream 0")
        self._purse.spend(limits.COST_IGNORED)
        if len(payload) != PRIORITY_SIZE:
            code, about = Code.FRAME_SIZE_ERROR, "PRIORITY of a wrong size"
        elif about := dependent(number, payload):
            code = Code.PROTOCOL_ERROR
        else:
            return
        stream = self._intake.streams.get(number)
        if stream is None:
            raise Failed(code, about)
        self._intake.broken(stream, about, code)

    def push_promise(self, number: int, flags: int, payload: bytes) -> None:
        """Refuse what only servers may send."""
        del number, flags, payload
        raise Failed(Code.PROTOCOL_ERROR, "clients do not push")


def dependent(number: int, payload: bytes) -> str:
    """Return what is wrong with the priority that *payload* of stream *number* starts with."""
    on = frames.read_uint32(payload)[0] & WINDOW_CEILING
    return "the stream depends on itself" if on == number else ""
