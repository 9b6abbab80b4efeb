"""Pieces of requests that come again, such as header fields: counted, and added at once."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType

from simulator.core.messages import Exchange
from simulator.disclosure.observe.records import Alike, Disclosure, Records
from simulator.disclosure.report.groups import EVIDENCE, Sent
from simulator.disclosure.report.names import may_name

MOST = 2048
"""Pieces that are known at a time."""
_NONE: Mapping[int, "Repeat"] = MappingProxyType({})


class Repeat:
    """A piece of a request, such as its header fields, that comes again and again.

    Once it has been added record by record, the next times change nothing but
    how often and when: they are counted here, and added to the groups by `flush`.
    Of a piece that is `Alike`, the values are for the caller.
    """

    __slots__ = (
        "_count",
        "_first_ms",
        "_last_ms",
        "_ready",
        "_seq",
        "comes_again",
        "form",
        "groups",
        "more",
        "truncated",
        "unreadable",
    )
    comes_again: bool
    """Whether it may, with nothing else to be looked at."""
    form: Sequence[Disclosure]
    """Kept, so that its identity stays its own."""
    groups: Sequence[Sent]
    """What each of the form goes to."""
    more: list[int]
    """Records of each that were counted beside one for each exchange."""
    truncated: bool
    """Whether a part of it is missing."""
    unreadable: bool
    """Whether it is the one record of a body that could not be read."""

    def __init__(self, records: Records, groups: Sequence[Sent]) -> None:
        """Take what has just been added: each of *records* to one of *groups*."""
        if isinstance(records, Alike):
            starts = accumulate(map(len, records.numbers[:-1]), initial=0)
            self.form, self.groups = records.form, [groups[at] for at in starts]
            self.comes_again = not any(map(may_name, self.form))
        else:
            self.form, self.groups = records, groups
            self.comes_again = type(records) is tuple
        self.more = [0] * len(self.groups)
        self.unreadable = self.truncated = False
        for one in self.form:
            if one.flags:  # such a record always has some
                if one.shape == "opaque" and one.part == "body":
                    self.unreadable = True
                if "truncated" in one.flags:
                    self.truncated = True
        self._count = self._seq = self._first_ms = self._last_ms = 0
        self._ready = False

    def begin(self) -> None:
        """Count from now on, if the next times are going to change nothing else but values.

        They do while a group takes more evidence, or has no time yet.
        """
        self._ready = all(
            one.seen.first_ms and one.seen.requests >= EVIDENCE for one in self.groups
        )
        self._first_ms = max((one.seen.first_ms for one in self.groups), default=0)

    def again(self, exchange: Exchange) -> bool:
        """Count the piece in one more exchange, newer than all before; False if it cannot be."""
        at_ms = exchange.at_ms
        if not self._ready or at_ms < self._first_ms:
            return False
        self._count += 1
        self._seq = exchange.seq
        if at_ms > self._last_ms:  # noqa: PLR1730 (a call of max takes longer than all else here)
            self._last_ms = at_ms
        return True

    def flush(self) -> None:
        """Add to the groups what was counted."""
        if not self._count:
            return
        for group in {id(one): one for one in self.groups}.values():
            group.seen.later(self._count, self._seq, self._last_ms)
        for group, one, more in zip(self.groups, self.form, self.more, strict=True):
            group.seen.records += self._count + more
            for flag in one.flags:
                group.flags[flag] += self._count + more
        self._count = 0
        self.more = [0] * len(self.groups)


class Repeats:
    """The pieces that came before, each by itself and the operation that it was sent to."""

    def __init__(self) -> None:
        """Know none yet."""
        self._known: dict[tuple[str, str, int], dict[int, Repeat]] = {}
        """By service, operation and version, and the identity of the piece or its form."""
        self._number = 0

    def sent_with(self, exchange: Exchange) -> Mapping[int, Repeat]:
        """Return the pieces that were sent where *exchange* was, by the identity of their form."""
        return self._known.get(_where(exchange), _NONE)

    def note(self, exchange: Exchange, look: Repeat) -> None:
        """Count the piece of *look*, which *exchange* had, from now on."""
        if self._number >= MOST:
            self.forget()
        known = self._known.setdefault(_where(exchange), {})
        name = id(look.form)
        if name in known:
            known[name].flush()
        else:
            self._number += 1
        known[name] = look
        look.begin()

    def flush(self) -> None:
        """Add to the groups what was counted."""
        for known in self._known.values():
            for one in known.values():
                one.flush()

    def forget(self) -> None:
        """Add what was counted, and begin anew."""
        self.flush()
        self._known.clear()
        self._number = 0


def _where(exchange: Exchange) -> tuple[str, str, int]:
    return exchange.service, exchange.operation, exchange.version
