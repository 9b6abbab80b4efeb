"""Errors of a library in a block of code, raised as our own."""

from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

E = TypeVar("E", bound=Exception)


class Translated(Generic[E]):
    """Raise what a function makes of an error of some kinds; others pass.

    As a generator (`contextlib.contextmanager`) it would keep all that the block held, such as the
    body of a request, until garbage is looked for: from Python 3.12 on, the generator's frame and
    the error that is thrown into it refer to each other.
    """

    def __init__(
        self,
        kinds: type[E] | tuple[type[E], ...],
        translation: Callable[[E], Exception],
    ) -> None:
        """Raise what *translation* returns in the place of an error of *kinds*."""
        self._kinds, self._translation = kinds, translation

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Raise the translation of *error*, if it is of the kinds."""
        if isinstance(error, self._kinds):
            raise self._translation(error) from error
