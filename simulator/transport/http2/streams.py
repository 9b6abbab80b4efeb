"""One stream: a request as it comes in, and its answer as it goes out."""

from simulator.transport.http2.fields import RequestFields
from simulator.transport.http2.frames import WINDOW


class Stream:
    """What is known of an open stream."""

    __slots__ = (
        "asked",
        "at",
        "begun",
        "ended",
        "head",
        "number",
        "parts",
        "received",
        "receiving",
        "rest",
        "window",
    )

    def __init__(
        self, number: int, head: RequestFields, window: int, *, ended: bool, begun: int = 0
    ) -> None:
        """Open stream *number* with its *head*; the peer takes *window* bytes of the answer."""
        self.number = number
        self.begun = begun
        """When, in seconds of the connection."""
        self.head = head
        self.window = window
        """Bytes of the answer that the peer takes; SETTINGS can make it negative."""
        self.ended = ended
        """Whether the peer has said all."""
        self.asked = ended
        """Whether the request was handed on; what comes of it later is dropped."""
        self.parts: list[bytes] = []
        """The body so far."""
        self.received = 0
        self.receiving = WINDOW
        """Bytes of the body that we have allowed."""
        self.rest = b""
        """The body of the answer, while it waits."""
        self.at = 0
        """How many bytes of `rest` have left."""

    def body(self, limit: int) -> bytes:
        """Return what has come of the body, cut at *limit*."""
        parts = self.parts
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        return data[:limit] if len(data) > limit else data
