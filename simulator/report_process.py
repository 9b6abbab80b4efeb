"""``python -m simulator.report_process``: adds up a range of a journal for a report.

It is told which on its standard input, and writes what it added up to its standard output. It
ends with 1, and no output, unless the range is whole and each of its hashes is right: whoever
asked finds out why.
"""

import sys
from contextlib import closing

import msgspec

from simulator import services
from simulator.check_process import CheckedSpan, Span
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.report import checkpoint
from simulator.disclosure.report.ledger import Ledger
from simulator.journal.chain import Chain

MODULE = "simulator.report_process"
MADE_WITH = "part"


class Range(Span, frozen=True, kw_only=True):
    """What is to be added up."""

    key: bytes
    """That of fingerprints."""


class Part(CheckedSpan, frozen=True, kw_only=True):
    """What was added up."""

    ledger: bytes
    """As of `checkpoint.dump`."""


def add_up(wanted: Range) -> Part | None:
    """Return what the exchanges of a range add up to; None if something is wrong with them."""
    catalogue = services.load()
    ledger = Ledger(Observer(catalogue, Fingerprinter(wanted.key)), catalogue, is_part=True)
    chain = Chain.behind(wanted.after, wanted.link)
    with closing(wanted.journal()) as journal:
        for batch in journal.walk(chain, through=wanted.through):
            for exchange in batch:
                ledger.add(exchange)
    if not wanted.is_checked_by(chain):
        return None
    dumped = checkpoint.dump(ledger, MADE_WITH, chain.seq, chain.link)
    return Part(ledger=dumped, checked=chain.checked, first=chain.first, link=chain.link)


def main() -> None:
    """Add up the range on standard input."""
    part = add_up(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Range))
    if part is None:
        raise SystemExit(1)
    sys.stdout.buffer.write(msgspec.msgpack.encode(part))


if __name__ == "__main__":
    main()
