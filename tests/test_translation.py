"""What a block of code held is let go of with its error, garbage collected or not."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from simulator.core.translation import Translated


class _Body:
    """Stands for what a client has sent."""


@pytest.fixture
def _no_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def _translating(known: list["weakref.ref[_Body]"]) -> None:
    body = _Body()
    known.append(weakref.ref(body))
    with Translated(OSError, lambda error: ValueError(f"no file: {error}")):
        raise OSError("gone")


@pytest.mark.usefixtures("_no_collection")
def test_nothing_of_the_block_is_kept_once_the_error_was_seen() -> None:
    known: list[weakref.ref[_Body]] = []

    with pytest.raises(ValueError, match="no file: gone") as found:
        _translating(known)

    assert isinstance(found.value.__cause__, OSError)
    del found
    assert known[0]() is None


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), Translated(OSError, lambda _: ValueError("not this one")):
        raise KeyError("other")
