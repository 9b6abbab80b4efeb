"""Long work as a generator: it yields where others may have their turn, and returns its result."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]
"""Work that returns a `T`."""


def finished(steps: Steps[T]) -> T:
    """Do all of *steps* at once; return their result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
