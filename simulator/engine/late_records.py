"""Recording a page in a transaction of its own, where making it has changed nothing.

Most of the time that a page takes is its record: the look for secrets in up to some megabytes.
So others have their turn between the two, and between pieces of the look. What has written
anything is recorded with that.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from simulator.core.messages import Exchange
from simulator.core.state import State, StoreAdmin

LARGE = 65_536
"""Bytes of an answer whose record takes long."""
Look = Callable[[bytes], Iterator[None]]
"""Looks for secrets in an answer, piece by piece."""
_READS = {"get", "has", "get_many", "missing", "indexed", "scan", "keys", "organisations_with"}
_READS |= {"find", "find_many", "changes", "count", "count_indexed"}


class LateRecord:
    """The exchange of a request that only reads, to be recorded later."""

    __slots__ = ("_looking", "exchange", "wrote")

    def __init__(self) -> None:
        self._looking: Iterator[None] | None = None
        self.exchange: Exchange | None = None
        self.wrote = False
        """Whether anything was written that the exchange has to be recorded with."""

    def noting(self, state: StoreAdmin) -> Any:
        """Return *state*, whose `record` keeps what is large, if nothing was written."""
        return _NotingState(state, self)

    def look_on(self, look: Look | None) -> bool:
        """Look at the next piece of the answer that was kept; return whether there may be more."""
        if self.exchange is None or look is None:
            return False
        if self._looking is None:
            self._looking = look(self.exchange.response.body)
        return next(self._looking, self) is None

    def write(self, state: StoreAdmin) -> bool:
        """Record what was kept; return whether there was anything."""
        if self.exchange is None:
            return False
        state.of(self.exchange.organisation).record(self.exchange)
        return True


class _NotingState:
    """A state that notes whether anything is written to it."""

    __slots__ = ("_late", "_state")

    def __init__(self, state: State, late: LateRecord) -> None:
        self._state = state
        self._late = late

    def of(self, organisation: str) -> "_NotingState":
        return _NotingState(self._state.of(organisation), self._late)

    def savepoint(self) -> AbstractContextManager[None]:
        return self._state.savepoint()

    def reserve(self, series: str, count: int = 1) -> int:
        self._late.wrote |= count > 0
        return self._state.reserve(series, count)

    def record(self, exchange: Exchange) -> int:
        if self._late.wrote or len(exchange.response.body) < LARGE:
            return self._state.record(exchange)
        self._late.exchange = exchange
        return 0

    def __getattr__(self, name: str) -> Any:
        self._late.wrote |= name not in _READS
        return getattr(self._state, name)
