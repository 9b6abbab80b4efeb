"""What was found out before, kept for those who ask the same again: so much of it, and no more."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")
DEVICES = 32_768
"""Answers about what differs from device to device: each is pushed to again and again."""
_SLOTS = 1 << 18
"""Marks of what was asked once: more than anybody asks for in turn, in as many bytes."""
_FREE = 4
"""One of so many parts of the room is for whatever comes, so that few devices are known at once."""
_SHARE = 64
"""One of so many parts of a full memo makes room at a time."""
_TURNED_AWAY = 7
"""As many that are new are passed over for each that comes in."""


class Memo(dict[K, V]):
    """Answers by what was asked.

    Once it is full, one in eight of what is new comes in, for the oldest. So where more is asked
    for in turn than there is room for, as of many devices, what there is room for is still found:
    if each came in, each would have gone before it is asked for again. What nobody asks for any
    more has gone once eight times as much was new.
    """

    __slots__ = ("_most", "_passed_over")

    def __init__(self, most: int) -> None:
        """Hold *most* answers; 0: none."""
        super().__init__()
        self._most = most
        self._passed_over = 0

    def keep(self, asked: K, answer: V) -> V:
        """Keep *answer*, or not, and return it."""
        if self.has_room(asked):
            self[asked] = answer
        return answer

    def has_room(self, asked: K) -> bool:
        """Tell whether an answer to *asked* may be set now; the oldest have made room for it."""
        if len(self) < self._most or asked in self:
            return True
        share = max(self._most // _SHARE, 1)
        self._passed_over += 1
        if self._passed_over <= _TURNED_AWAY * share:
            return False
        self._passed_over = 0
        # Of a copy, as other threads may set some meanwhile.
        for oldest in list(self.copy())[:share]:
            self.pop(oldest, None)
        return self._most > 0


class RepeatMemo(Memo[K, V]):
    """Answers to what was asked before, once a part of the room is taken.

    A cursor or a new user's name comes once: the first time only a mark of one byte is kept then.
    Without marks each would take the room of a device.
    """

    __slots__ = ("_marks",)

    def __init__(self, most: int) -> None:
        """Hold *most* answers; 0: none."""
        super().__init__(most)
        self._marks = bytearray(_SLOTS)

    def has_room(self, asked: K) -> bool:
        """Tell whether an answer to *asked* may be set now: not before it is asked again."""
        if len(self) < self._most // _FREE or asked in self:
            return True
        # Of two that have the same slot, the later one's mark stays. Marks are not 0, as slots are.
        mark, slot = divmod(hash(asked), _SLOTS)
        mark = mark % 255 + 1
        if self._marks[slot] != mark:
            self._marks[slot] = mark
            return False
        return super().has_room(asked)
