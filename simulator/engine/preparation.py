"""What a large body needs before the transaction: it is read, checked and sealed beside the writer.

All of that follows from the request and the rows, so it holds whenever the request is answered.
"""

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from simulator.core.messages import Request
from simulator.protocol.wire import Decoded

LARGE = 16_384
"""Bytes of a body beyond which it is prepared: four times the largest of a push."""
TOO_SLOW = "the body takes too long to read: send less at once"
BUSY = "too many large bodies wait to be read: send it again later"
MOST_VALUES = 1_000_000
"""Values of a tree that is handed from process to process, which keeps others waiting."""
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


class BusyError(Exception):
    """A body was not read, for a reason that is not in it; the text says which."""


class Decoding(Struct, frozen=True):
    """A body of the control port that is to be read."""

    read: Callable[[bytes], Any]
    """A function of a module; ValueError says why there is nothing to be read."""
    content: bytes

    def run(self) -> "DecodedBody":
        """Read it."""
        try:
            tree = self.read(self.content)
        except ValueError as error:
            return DecodedBody(problem=str(error))
        if not _has_at_most(tree, MOST_VALUES):
            return DecodedBody(problem=f"the body has more than {MOST_VALUES} values")
        return DecodedBody(tree)


class DecodedBody(Struct, frozen=True):
    """What `Decoding` came to."""

    tree: Any = None
    problem: str = ""
    """Why there is no tree, if so."""


def _has_at_most(tree: Any, most: int) -> bool:
    """Tell whether a tree of dictionaries and lists has at most so many values."""
    remaining, count = [tree], 1
    while remaining:
        node = remaining.pop()
        if isinstance(node, dict | list):
            count += len(node)
            if count > most:  # what refers to itself has more than that
                return False
            remaining += node.values() if isinstance(node, dict) else node
    return True


class Preparer(Protocol):
    """What prepares requests, somewhere else: it may take its time."""

    wait_s: float
    """How long a request waits for that, before it is answered unread."""

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
