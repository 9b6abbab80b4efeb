"""Parts of one journal, from moment to moment, and what was disclosed in each.

A span is written ``FROM..TO``. A moment is the number of an exchange, which both
ends include, or a time, which the end does not include. Either may be left
out: ``..120`` is all up to exchange 120, ``2026-03-01T12:00:00Z..`` all since then.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Self

from msgspec import Struct

from simulator.core.messages import Exchange
from simulator.core.timestamps import milliseconds
from simulator.disclosure.judge.lock import DisclosureLock
from simulator.disclosure.judge.manifest import Manifest
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.rendering import as_dict
from simulator.disclosure.report.report import Report

BATCH = 500
"""Exchanges that are read at a time."""
_MOST = 2**62
Read = Callable[[int, int], Sequence[Exchange]]
"""Returns exchanges behind a number, oldest first, up to a count of them."""


class JournalRange(Struct, frozen=True):
    """A part of a journal."""

    first: int = 0
    last: int = _MOST
    since_ms: int | None = None
    before_ms: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``FROM..TO``; ValueError says what is wrong with it."""
        begin, dots, end = text.strip().partition("..")
        if not dots:
            raise ValueError(f"{text!r} is no span: write FROM..TO, such as ..120 or 121..")
        first, since_ms = _moment(begin)
        last, before_ms = _moment(end)
        return cls(first or 0, _MOST if last is None else last, since_ms, before_ms)

    def holds(self, exchange: Exchange) -> bool:
        """Tell whether *exchange* is of this part."""
        return (
            self.first <= exchange.seq <= self.last
            and (self.since_ms is None or exchange.at_ms >= self.since_ms)
            and (self.before_ms is None or exchange.at_ms < self.before_ms)
        )

    def of(self, read: Read) -> Iterator[Exchange]:
        """Yield the exchanges of this part. Times may lie in any order: the clock can be set."""
        after = max(self.first - 1, 0)
        while batch := read(after, BATCH):
            yield from filter(self.holds, batch)
            after = batch[-1].seq
            if after >= self.last:
                return


def _moment(text: str) -> tuple[int | None, int | None]:
    """Return the number of an exchange, or the time in milliseconds."""
    text = text.strip()
    if not text:
        return None, None
    if text.isascii() and text.isdecimal():
        return min(int(text[:19]), _MOST), None
    try:
        return None, milliseconds(text)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no position: write the number of an exchange, or 2026-03-01T12:00:00Z"
        ) from None


class RangeDisclosures(Struct, frozen=True):
    """What was disclosed in a part of a journal."""

    lock: DisclosureLock
    exchanges: int
    first: int
    """Number of its first exchange; 0 if there is none."""
    last: int

    @classmethod
    def of(
        cls, span: JournalRange, read: Read, ledger: Ledger, manifest: Manifest, tool: str
    ) -> Self:
        """Add up *span* into the empty *ledger*, and judge it by *manifest*."""
        for exchange in span.of(read):
            ledger.add(exchange)
        report = Report.build(ledger, manifest, ledger.catalogue, tool=tool, redact="names")
        lock = DisclosureLock.of(as_dict(report))
        return cls(lock, ledger.exchanges, ledger.first[0], ledger.last[0])
