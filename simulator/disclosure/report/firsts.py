"""Very many different values, each with the number that came with it first, in little memory.

Values are numbers of 64 bits that are spread evenly, as those of hashes are. The latest stand in
a dictionary. Once they are many they become a run: two arrays, the values in order and their
numbers. Where arrays are kept is for whoever makes them, such as in a file.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import nsmallest
from itertools import chain, pairwise
from typing import Protocol, TypeAlias

from simulator.core.memory_spool import MemorySpool

_LATEST = 65_536
"""Values that are in a dictionary."""
_RUNS = 4
"""Runs of about the same length that become one."""
_SLOTS = 1 << 22
"""Ranges of values of which it is known whether any run has one: most that are new need no look."""
_AT_A_TIME = 65_536
"""Values of runs that are in memory as they become one."""
_END = 1 << 64
_Run = tuple[memoryview, memoryview]
_Array: TypeAlias = "array[int] | memoryview"
Fold = Callable[[int, int, dict[int, int]], None]
"""Takes a range of values, its first and the one behind its last, and those that are new in it."""


class Spool(Protocol):
    """Where an array is kept: it is written once, piece by piece, and then read."""

    def write(self, data: "array[int] | memoryview", /) -> object:
        """Add to the end."""
        ...

    def getbuffer(self) -> memoryview:
        """Return all that was written."""
        ...


class Firsts:
    """Different values, each with the number that came with it first."""

    __slots__ = ("_latest", "_runs", "_settled", "_slots", "_spool")

    def __init__(self, spool: Callable[[], Spool] = MemorySpool) -> None:
        """Start empty. *spool* makes what an array is kept in."""
        self._spool = spool
        self._latest: dict[int, int] = {}
        self._runs: list[_Run] = []
        """Oldest first; those that are settled have no value in common."""
        self._settled = 0
        """How many are settled."""
        self._slots: bytearray | None = None
        """Of each range whether a run has a value in it; None: that was not looked up."""

    def __len__(self) -> int:
        if self._settled < len(self._runs):
            self.settle()
        return len(self._latest) + sum(len(values) for values, _ in self._runs)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Firsts):
            return NotImplemented
        return self.between(0, _END) == other.between(0, _END)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __contains__(self, value: int) -> bool:
        return self.get(value) is not None

    def get(self, value: int) -> int | None:
        """Return the number that came with *value* first; None if it has not come."""
        for values, numbers in self._runs:
            at = bisect_left(values, value)
            if at < len(values) and values[at] == value:
                return int(numbers[at])
        return self._latest.get(value)

    def add(self, value: int, number: int) -> bool:
        """Take a value with its number; tell whether it had not come before."""
        latest, slots = self._latest, self._slots
        if value in latest:
            return False
        if self._runs and (slots is None or slots[value * _SLOTS >> 64]) and value in self:
            return False
        latest[value] = number
        if len(latest) >= _LATEST:
            self._grow()
        return True

    def note(self, values: Iterable[int], number: int) -> None:
        """Take *values* with one number, as `add` does."""
        if self._runs:
            for value in values:
                self.add(value, number)
            return
        take = self._latest.setdefault
        for value in values:
            take(value, number)
        if len(self._latest) >= _LATEST:
            self._grow()

    def _grow(self) -> None:
        """Make a run of the latest, and one run of some that are about as long."""
        self._pack()
        runs = self._runs
        if self._slots is None:
            self._slots = bytearray(_SLOTS)
            for values, _ in runs:
                self._fill(self._slots, values)
        else:
            self._fill(self._slots, runs[-1][0])
        while len(runs) >= _RUNS and len(runs[-_RUNS][0]) < _RUNS * len(runs[-1][0]):
            runs[-_RUNS:] = [self._merged(runs[-_RUNS:])]
        self._settled = len(runs)

    @staticmethod
    def _fill(slots: bytearray, values: memoryview) -> None:
        for at in range(0, len(values), _AT_A_TIME):
            for value in values[at : at + _AT_A_TIME].tolist():
                slots[value * _SLOTS >> 64] = 1

    def extend(self, later: "Firsts") -> None:
        """Take all of *later*, whose values came after those of this; see `settle`."""
        if self._latest:
            self._pack()
        if (run := later.arrays()) is not None:
            self._runs.append(self._kept(*run))
            self._slots = None

    def extend_by(self, values: memoryview) -> None:
        """Take *values*, which are in order and came after those of this, each with number 0."""
        if self._latest:
            self._pack()
        if values:
            self._runs.append((values, self._zeros(len(values))))
            self._slots = None

    def settle(self, fold: Fold | None = None) -> None:
        """Make it one run; *fold* is told of the values that were new with `extend`."""
        if self._latest:
            self._pack()
        runs, old = self._runs, self._runs[: self._settled]
        if len(runs) == 1 and (old or fold is None):
            self._settled = 1
        if len(runs) == self._settled < 2:  # noqa: PLR2004 (one, or none)
            return
        self._runs = [self._merged(runs, old, fold)]
        self._settled = 1

    def _merged(
        self, runs: Sequence[_Run], old: Sequence[_Run] = (), fold: Fold | None = None
    ) -> _Run:
        """Return one run of several; *fold* is told of the values that *old* ones have not."""
        values, numbers = self._spool(), self._spool()
        for low, high in _ranges(runs):
            found = _between(runs, low, high)
            if fold is not None:
                known = _between(old, low, high)
                fold(
                    low, high, {one: found[one] for one in found.keys() - known} if known else found
                )
            ordered = sorted(found)
            values.write(array("Q", ordered))
            numbers.write(array("Q", map(found.__getitem__, ordered)))
        return values.getbuffer().cast("Q"), numbers.getbuffer().cast("Q")

    def between(self, low: int, high: int) -> dict[int, int]:
        """Return the values from *low* to the one before *high*, with their numbers."""
        if self._latest:
            self._pack()
        return _between(self._runs, low, high)

    def smallest(self, count: int) -> list[int]:
        """Return the *count* smallest values, in order."""
        runs = (values[:count].tolist() for values, _ in self._runs)
        return nsmallest(count, set(chain(self._latest, *runs)))

    def arrays(self) -> _Run | None:
        """Return all values in order and their numbers; None if it is empty."""
        self.settle()
        return self._runs[0] if self._runs else None

    def take(self, values: memoryview, numbers: memoryview) -> None:
        """Begin with what `arrays` gave."""
        self._runs, self._settled = [(values, numbers)], 1

    def _pack(self) -> None:
        ordered = sorted(self._latest)
        numbers = array("Q", map(self._latest.__getitem__, ordered))
        self._settled += self._settled == len(self._runs)
        self._runs.append(self._kept(array("Q", ordered), numbers))
        self._latest = {}

    def _zeros(self, count: int) -> memoryview:
        spool = self._spool()
        for at in range(0, count, _AT_A_TIME):
            spool.write(array("Q", bytes(8 * min(_AT_A_TIME, count - at))))
        return spool.getbuffer().cast("Q")

    def _kept(self, *arrays: _Array) -> _Run:
        """Return two arrays as they are kept."""
        spools = self._spool(), self._spool()
        for spool, one in zip(spools, arrays, strict=True):
            spool.write(one)
        values, numbers = (spool.getbuffer().cast("Q") for spool in spools)
        return values, numbers


def together(maps: Sequence[Firsts]) -> int:
    """Return how many different values there are in all of *maps*."""
    if len(maps) == 1:
        return len(maps[0])
    runs = [run for one in maps if (run := one.arrays())]
    return sum(len(_between(runs, low, high)) for low, high in _ranges(runs))


def _between(runs: Sequence[_Run], low: int, high: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for values, numbers in reversed(runs):  # of what comes twice, the older counts
        start, end = bisect_left(values, low), bisect_left(values, high)
        found.update(zip(values[start:end].tolist(), numbers[start:end].tolist(), strict=True))
    return found


def _ranges(runs: Iterable[_Run]) -> Iterator[tuple[int, int]]:
    """Yield ranges of values, of which each holds so few that they fit into memory."""
    pieces = sum(len(values) for values, _ in runs) // _AT_A_TIME + 1
    return pairwise(_END * at // pieces for at in range(pieces + 1))
