"""Recording a page in a transaction of its own, where making it has changed nothing.

Half of the time that a page takes is its record: the look for secrets in a third of a megabyte.
So others have their turn between the two. What has written anything is recorded with that.
"""

from contextlib import AbstractContextManager
from typing import Any

from simulator.core.messages import Exchange
from simulator.core.state import State, StoreAdmin

LARGE = 65_536
"""Bytes of an answer whose record takes long."""
_READS = {"get", "has", "get_many", "missing", "indexed", "scan", "keys", "organisations_with"}
_READS |= {"find", "find_many", "changes", "count", "count_indexed"}


class LateRecord:
    """The exchange of a request that only reads, to be recorded later."""

    __slots__ = ("exchange", "wrote")

    def __init__(self) -> None:
        self.exchange: Exchange | None = None
        self.wrote = False
        """Whether anything was written that the exchange has to be recorded with."""

    def noting(self, state: StoreAdmin) -> Any:
        """Return *state*, whose `record` keeps what is large, if nothing was written."""
        return _NotingState(state, self)

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
