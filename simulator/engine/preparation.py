"""What a large body needs before the transaction: it is read, checked and sealed beside the writer.

All of that follows from the request and the rows, so it holds whenever the request is answered.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from simulator.core.messages import Request
from simulator.protocol.wire import Decoded

LARGE = 16_384
"""Bytes of a body beyond which it is prepared: four times the largest of a push."""
TOO_SLOW = "the body takes too long to read: send less at once"
UNRECOGNISED = f"of a client that is not recognised no more than {LARGE} bytes are read"


class Prepared(Struct, frozen=True):
    """What was found out about one request."""

    decoded: Decoded
    is_refused: bool = False
    """Whether the rows refuse the body, whoever sends it: then `light` leaves out its tree."""
    sealed: Request | None = None
    """The request as it is recorded; None: it is still to be sealed."""

    @classmethod
    def unread(cls, body: bytes, about: str) -> "Prepared":
        """Return what stands for a *body* that is not read: its digest is all that is recorded."""
        return cls(Decoded(body, problem="body-unread", about=about))


class Preparer(Protocol):
    """What prepares requests, somewhere else: it may take its time."""

    def submit(self, request: Request, on_prepared: Callable[[Prepared | None], None]) -> None:
        """Call *on_prepared* from any thread; None: the request has to be answered as it is."""
        ...

    def close(self) -> None:
        """Prepare no more; what waits is told None."""
        ...


def light(prepared: Prepared, body: bytes) -> Prepared:
    """Return *prepared* without what the other side has, or does not need."""
    decoded = prepared.decoded
    if decoded.content == body:
        decoded = replace(decoded, content=b"")
    if prepared.is_refused:
        checked = replace(decoded.checked, values={})
        decoded = replace(decoded, tree=None, checked=checked)
    return replace(prepared, decoded=decoded)


def whole(prepared: Prepared, body: bytes) -> Prepared:
    """Return *prepared* with the content that `light` left out."""
    decoded = prepared.decoded
    if decoded.content:
        return prepared
    return replace(prepared, decoded=replace(decoded, content=body))
