"""Pieces of requests that come again, such as header fields: counted, and added at once."""

from collections.abc import Sequence

from simulator.core.messages import Exchange
from simulator.disclosure.observe.observation import Records
from simulator.disclosure.report.groups import EVIDENCE, Sent

MOST = 2048
"""Pieces that are known at a time."""


class Repeat:
    """A piece of a request, such as its header fields, that comes again and again.

    Once it has been added record by record, the next times change nothing but
    how often and when: they are counted here, and added to the groups by `flush`.
    """

    __slots__ = (
        "_count",
        "_first_ms",
        "_groups",
        "_last_ms",
        "_ready",
        "_seq",
        "records",
        "truncated",
        "unreadable",
    )
    truncated: bool
    """Whether a part of it is missing."""
    unreadable: bool
    """Whether it is the one record of a body that could not be read."""

    def __init__(self, records: Records, groups: Sequence[Sent]) -> None:
        """Take what has just been added: each of *records* to one of *groups*."""
        self.records = records
        """Kept, so that its identity stays its own."""
        self._groups = groups
        self.unreadable = self.truncated = False
        for one in records:
            if one.flags:  # such a record always has some
                if one.shape == "opaque" and one.part == "body":
                    self.unreadable = True
                if "truncated" in one.flags:
                    self.truncated = True
        self._count = self._seq = self._first_ms = self._last_ms = 0
        self._ready = False

    def begin(self) -> None:
        """Count from now on, if the next times are going to change nothing else.

        They do while a group takes more evidence, or has no time yet.
        """
        self._ready = all(
            one.seen.first_ms and one.seen.requests >= EVIDENCE for one in self._groups
        )
        self._first_ms = max((one.seen.first_ms for one in self._groups), default=0)

    def again(self, exchange: Exchange) -> bool:
        """Count the piece in one more exchange, newer than all before; False if it cannot be."""
        at_ms = exchange.at_ms
        if not self._ready or at_ms < self._first_ms:
            return False
        self._count += 1
        self._seq = exchange.seq
        self._last_ms = max(self._last_ms, at_ms)
        return True

    def flush(self) -> None:
        """Add to the groups what was counted."""
        if not self._count:
            return
        for group in {id(one): one for one in self._groups}.values():
            group.seen.later(self._count, self._seq, self._last_ms)
        for group, one in zip(self._groups, self.records, strict=True):
            group.seen.records += self._count
            for flag in one.flags:
                group.flags[flag] += self._count
        self._count = 0


class Repeats:
    """The pieces that came before, each by itself and the operation that it was sent to."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known: dict[tuple[int, str, str, int], Repeat] = {}
        """By identity of the piece, service, operation and version."""

    def again(self, part: Records, exchange: Exchange) -> Repeat | None:
        """Count *part* in one more exchange; None if it has to be added record by record."""
        known = self._known.get(_name(part, exchange))
        return known if known is not None and known.again(exchange) else None

    def note(self, exchange: Exchange, look: Repeat) -> None:
        """Count the piece of *look*, which *exchange* had, from now on."""
        if len(self._known) >= MOST:
            self.forget()
        name = _name(look.records, exchange)
        if name in self._known:
            self._known[name].flush()
        self._known[name] = look
        look.begin()

    def flush(self) -> None:
        """Add to the groups what was counted."""
        for one in self._known.values():
            one.flush()

    def forget(self) -> None:
        """Add what was counted, and begin anew."""
        self.flush()
        self._known.clear()


def _name(part: Records, exchange: Exchange) -> tuple[int, str, str, int]:
    return id(part), exchange.service, exchange.operation, exchange.version
