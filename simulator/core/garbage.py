"""The search for garbage, which Python begins again and again while much is made."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = (500_000, 50, 50)


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage seldom in the block, as what it imports or starts is there to stay.

    Where much is there before, as in a test suite, each search takes longer than the last.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
