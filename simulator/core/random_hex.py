"""Chance that follows from a seed: the same digits each time, and no credentials."""

from collections.abc import Callable
from hashlib import shake_256

RandomHex = Callable[[int], str]
"""Return as many random hex digits as asked for."""


def seeded_hex(seed: int, *names: str) -> RandomHex:
    """Return a source of hex digits that follow from *seed* and *names*."""
    stream = shake_256(repr((seed, *names)).encode())
    given = 0

    def draw(digits: int) -> str:
        nonlocal given
        given += digits
        return stream.hexdigest((given + 1) // 2)[given - digits : given]

    return draw
