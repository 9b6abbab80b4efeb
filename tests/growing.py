"""How much longer twice the input takes, measured so that a busy machine makes nothing fail.

What one comparison says is noise and truth. A comparison of twice the input that looks too slow is
therefore only a suspicion, and is settled over two doublings, where a square costs 16 times as much
and what is in proportion 4 times.
"""

import math
import time
from collections.abc import Callable

MOST = 2.6
"""How much longer twice the input may take."""
ENOUGH_S = 0.006
"""Seconds of processor time from which a run is measured."""
ROUNDS = 4


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time that this thread takes for *work*."""
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def growth(
    made: Callable[[int], Callable[[], object]],
    smallest: int,
    largest: int,
    doublings: int = 1,
    measured: Callable[[Callable[[], object]], float] = seconds,
) -> tuple[int, float]:
    """Return the size that was measured, and how much longer twice of it takes.

    The size is *smallest*, doubled until a run takes long enough, to at most *largest*. It is
    compared with the one that *doublings* lead to. *made* returns the work for a size; *measured*
    returns the seconds of a work.
    """
    size = smallest
    while measured(made(size)) < ENOUGH_S and size < largest:
        size *= 2
    factor = _per_doubling(made, size, doublings, measured)
    if factor > MOST and doublings == 1:
        factor = _per_doubling(made, size, 2, measured)
    return size, factor


def _per_doubling(
    made: Callable[[int], Callable[[], object]],
    size: int,
    doublings: int,
    measured: Callable[[Callable[[], object]], float],
) -> float:
    """Return the factor of a doubling of *size*; the fastest of some runs of each size counts."""
    factor, fast, slow = math.inf, math.inf, math.inf
    for _ in range(ROUNDS):
        fast = min(fast, measured(made(size)))
        slow = min(slow, measured(made(size << doublings)))
        factor = (slow / max(fast, ENOUGH_S / 4)) ** (1 / doublings)
        if factor <= MOST:
            break
    return factor


def assert_linear(found: dict[str, tuple[int, float]]) -> None:
    """Fail with the name of everything in *found* that grows faster than its input."""
    grown = {
        name: f"{factor:.1f} times for twice of {size}"
        for name, (size, factor) in found.items()
        if factor > MOST
    }
    assert grown == {}, grown
