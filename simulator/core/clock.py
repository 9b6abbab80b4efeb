"""The one clock: real, moved or frozen. Everything timed asks it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

Mode = Literal["real", "offset", "frozen"]
KIND, KEY = "clock", "setting"
"""The entity, of no organisation, that keeps how time runs; the first is also what wakes."""


class Clock:
    """Tell the simulator's time, which may differ from the wall clock.

    Safe to read from any thread: one assignment swaps the whole setting.
    """

    def __init__(self) -> None:
        self._setting: tuple[Mode, int] = ("real", 0)
        self._watchers: set[Callable[[], None]] = set()

    @contextmanager
    def watched(self, moved: Callable[[], None]) -> Iterator[None]:
        """Call *moved* whenever somebody moves, stops or starts time inside the block.

        Whoever waits watches, and moves time, on the same thread.
        """
        self._watchers.add(moved)
        try:
            yield
        finally:
            self._watchers.discard(moved)

    def _become(self, mode: Mode, value: int) -> None:
        self._setting = (mode, value)
        self.tell()

    def adopt(self, mode: Mode, value: int) -> None:
        """Run as another process was set to, from any thread; `tell` then tells who waits."""
        self._setting = (mode, value)

    def tell(self) -> None:
        """Tell who waits that time was moved."""
        for moved in list(self._watchers):
            moved()

    @property
    def setting(self) -> tuple[Mode, int]:
        """The mode, and milliseconds: the difference to the wall clock, or the frozen time."""
        return self._setting

    def resume(self, mode: Mode, value: int) -> None:
        """Run as `setting` said before."""
        self._become(mode, value)

    @property
    def mode(self) -> Mode:
        """How time runs: ``real``, ``offset`` (moved, but running) or ``frozen``."""
        return self._setting[0]

    def now_ms(self) -> int:
        """Return milliseconds since the epoch."""
        mode, value = self._setting
        return value if mode == "frozen" else _wall_ms() + value

    def run(self) -> None:
        """Follow the wall clock again."""
        self._become("real", 0)

    def set(self, now_ms: int) -> None:
        """Make it *now_ms* now, and let time run on from there."""
        self._become("offset", now_ms - _wall_ms())

    def freeze(self, now_ms: int | None = None) -> None:
        """Stop time at *now_ms*, or at this moment."""
        self._become("frozen", self.now_ms() if now_ms is None else now_ms)

    def advance(self, milliseconds: int) -> None:
        """Move time by *milliseconds*; a frozen clock stays frozen."""
        mode, value = self._setting
        self._become("offset" if mode == "real" else mode, value + milliseconds)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
