"""How much a client may ask of a connection, and what happens beyond that."""

from msgspec import Struct

from simulator.transport.http2.frames import Code, ConnectionFailedError

PURSE = 10_000
"""Points that a connection may spend at once."""
REFILL = 1_000
"""Points that come back each second."""
EARNED = 10
"""Points that come back with each answer sent."""

# What it costs to make us work for nothing: a purse lasts for 2,000 resets at once.
COST_RESET = 5
COST_EMPTY_DATA = 5
COST_PING = 10
COST_SETTINGS = 20
COST_SMALL_UPDATE = 2
COST_IGNORED = 1

SMALL_UPDATE = 64
"""A WINDOW_UPDATE below that many bytes makes us send tiny frames."""


class Limits(Struct, frozen=True):
    """What a connection takes."""

    streams: int = 1_000
    """Streams open at once; APNs was seen to say 1000."""
    header_list: int = 8_000
    """Size of a request's header fields as RFC 9113, 6.5.2 counts it; APNs was seen to say 8000."""
    body: int = 1_048_576
    """Largest body of a request; what comes beyond is dropped, and the request is too large."""
    unfinished: int = 8_388_608
    """Bytes of all bodies that are not complete."""
    body_ticks: int = 60
    """Seconds for a body, from the head of its request on; 0: any."""
    queued: int = 67_108_864
    """Bytes of answers that wait for the client's windows to open."""
    block: int = 65_536
    """Bytes of one header block, and of its fields decoded."""
    block_frames: int = 64
    """Frames of one header block."""
    slow_ticks: int = 10
    """Seconds for the preface, and for a header block once it has begun."""


class Purse:
    """Points that frames cost which ask for nothing; they come back with time and with answers."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = PURSE

    def spend(self, points: int) -> None:
        """Take *points*; ConnectionFailedError if there are not as many."""
        self.left -= points
        if self.left < 0:
            about = "too many frames that ask for nothing"
            raise ConnectionFailedError(Code.ENHANCE_YOUR_CALM, about)

    def earn(self, points: int) -> None:
        """Give *points* back."""
        self.left = min(PURSE, self.left + points)
