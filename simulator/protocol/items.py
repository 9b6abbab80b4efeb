"""The items of a list that a handler returns: read in its transaction, made when written out.

A page of a thousand devices takes a hundred times as long as a push. To read them needs the state;
to make of each what is sent does not, so others have their turn in between.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")
PIECE = 50
"""Items that are made at once: they take a millisecond or two."""
_HOLE = b"\0"
"""Stands for the items in JSON, which holds no such byte."""


def _same(found: T) -> T:
    return found


class Items(Generic[T]):
    """The items of one list."""

    __slots__ = ("_found", "_show")

    def __init__(self, found: Sequence[T], show: Callable[[T], Any] = _same) -> None:
        """*show* makes what is sent of one of *found*, by nothing but that: not by the state."""
        self._found, self._show = found, show

    def then(self, change: Callable[[Any], Any]) -> "Items[T]":
        """Return items that are changed by *change* once they are made."""
        show = self._show
        return Items(self._found, lambda one: change(show(one)))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._found)

    def pieces(self) -> Iterator[bytes]:
        """Make the items, some at a time; yield their JSON, without what is around or between."""
        for start in range(0, len(self._found), PIECE):
            made = [self._show(one) for one in self._found[start : start + PIECE]]
            yield msgspec.json.encode(made)[1:-1]


def held_back(message: Any) -> tuple[Any, Items[Any] | None]:
    """Return *message* to be encoded without the items of its one such list, and those, or None."""
    if type(message) is dict:
        for name, value in message.items():
            if type(value) is Items:
                return message | {name: msgspec.Raw(_HOLE)}, value
    return message, None


def filled(body: bytes, pieces: Sequence[bytes]) -> bytes:
    """Return the JSON *body* with *pieces* where the items were held back."""
    before, _, after = body.partition(_HOLE)
    return b"".join((before, b"[", b",".join(pieces), b"]", after))
