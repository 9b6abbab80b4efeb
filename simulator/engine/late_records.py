"""Writing out and recording a page after the transaction that read it, where it changed nothing.

Most of the time that a page takes is neither reading nor writing the database: its items are made,
cut to the version and encoded, and up to some megabytes are looked through for secrets. That is
done piece by piece, and others have their turn after each. What has written anything is made and
recorded in one transaction, always.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, cast

from msgspec.structs import replace

from simulator.core.messages import Exchange, Response
from simulator.core.state import State
from simulator.core.steps import Steps, finished
from simulator.protocol.items import PIECE, filled
from simulator.protocol.operations import Call

LARGE = 65_536
"""Bytes of an answer whose record takes long."""
Look = Callable[[bytes], Iterator[None]]
"""Looks for secrets in an answer, piece by piece."""
_READS = {"get", "has", "get_many", "missing", "indexed", "scan", "keys", "organisations_with"}
_READS |= {"find", "find_many", "changes", "count", "count_indexed"}


class PendingPage:
    """The exchange of a request for a list, all of which has been read."""

    def __init__(
        self, call: Call, seal: Callable[[], Steps[None]], fail: Callable[[Exception], Response]
    ) -> None:
        """*seal* has the exchange be as it is recorded; *fail* answers for an error of items."""
        self.exchange = call.exchange
        self.response = call.exchange.response
        """What the client gets."""
        self._call, self._seal, self._fail = call, seal, fail
        self._failed: Exception | None = None
        self._findings = tuple(call.exchange.findings)

    @property
    def is_long(self) -> bool:
        """Whether others are not to wait until it is written out and recorded."""
        items = self._call.items
        return len(self.response.body) >= LARGE if items is None else len(items) > PIECE

    def write_out(self) -> Steps[None]:
        """Make the answer, piece by piece. What that fails with is on record, as any error is."""
        items, pieces = self._call.items, list[bytes]()
        self._call.state = cast("State", _ENDED)
        try:
            if items is not None:
                for piece in items.pieces():
                    pieces.append(piece)
                    yield
                body = filled(self.response.body, pieces)
                self.response = self.exchange.response = replace(self.response, body=body)
        except Exception as error:  # noqa: BLE001 (whatever a handler's items fail with)
            self._failed = error
        else:
            yield from self._seal()

    def record(self, state: State) -> Response:
        """Record the exchange once it is written out; return what the client gets."""
        if self._failed is not None:
            self._call.state, self._call.items = state.of(self.exchange.organisation), None
            self.exchange.findings = [*self._findings]
            self.response = self.exchange.response = self._fail(self._failed)
            finished(self._seal())
        self._call.record(state)
        return self.response


class LateRecord:
    """The page of a request that only reads, to be written out and recorded later."""

    __slots__ = ("_pieces", "page", "wrote")

    def __init__(self) -> None:
        self._pieces: Iterator[None] | None = None
        self.page: PendingPage | None = None
        self.wrote = False
        """Whether anything was written that the exchange has to be recorded with."""

    def noting(self, state: State) -> Any:
        """Return *state* such that it notes what is written; it ends once a page is kept."""
        return _NotingState(state, self)

    def keep(self, page: PendingPage) -> bool:
        """Keep *page* for later, if it is long and nothing was written; return whether it is."""
        if page.is_long and not self.wrote:
            self.page = page
        return self.page is not None

    @property
    def is_begun(self) -> bool:
        """Whether the page was looked at since the transaction that read it."""
        return self._pieces is not None

    def go_on(self, look: Look | None) -> bool:
        """Do the next piece of what needs no state; return whether there may be more."""
        if self.page is None:
            return False
        if self._pieces is None:
            self._pieces = _pieces(self.page, look)
        return next(self._pieces, self) is None


def _pieces(page: PendingPage, look: Look | None) -> Iterator[None]:
    yield from page.write_out()
    if look is not None:
        yield from look(page.exchange.response.body)


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
        return self._state.record(exchange)

    def __getattr__(self, name: str) -> Any:
        if self._late.page is not None:
            return getattr(_ENDED, name)
        self._late.wrote |= name not in _READS
        return getattr(self._state, name)


class _EndedState:
    """What is there of a state after its transaction."""

    def __getattr__(self, name: str) -> Any:
        text = f"the transaction has ended: a handler has to {name} before it returns its items"
        raise RuntimeError(text)


_ENDED = _EndedState()
