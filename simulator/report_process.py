"""``python -m simulator.report_process``: adds up ranges of a journal for a report.

It is told which on its standard input, and writes what each adds up to on its standard output,
behind its length. It ends with 1 at the first range that is not whole, or has a hash that is not
right: whoever asked finds out why. So it holds the different values of one range at a time.
"""

import sys
from contextlib import closing

import msgspec

from simulator import services
from simulator.check_process import CheckedSpan, Span, send
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.report import checkpoint
from simulator.disclosure.report.ledger import Ledger
from simulator.journal.chain import Chain
from simulator.protocol.catalogue import Catalogue
from simulator.store.protocols import Journal

MODULE = "simulator.report_process"
MADE_WITH = "part"


class Ranges(msgspec.Struct, frozen=True):
    """What is to be added up, each range apart."""

    key: bytes
    """That of fingerprints."""
    spans: list[Span]


class Part(CheckedSpan, frozen=True, kw_only=True):
    """What was added up."""

    ledger: bytes
    """As of `checkpoint.dump`."""


def add_up(wanted: Span, journal: Journal, observer: Observer, catalogue: Catalogue) -> Part | None:
    """Return what the exchanges of a range add up to; None if something is wrong with them."""
    ledger = Ledger(observer, catalogue, is_part=True)
    chain = Chain.behind(wanted.after, wanted.link)
    for batch in journal.walk(chain, through=wanted.through):
        for exchange in batch:
            ledger.add(exchange)
    if not wanted.is_checked_by(chain):
        return None
    dumped = checkpoint.dump(ledger, MADE_WITH, chain.seq, chain.link)
    return Part(ledger=dumped, checked=chain.checked, first=chain.first, link=chain.link)


def main() -> None:
    """Add up the ranges on standard input."""
    wanted = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Ranges)
    catalogue = services.load()
    observer = Observer(catalogue, Fingerprinter(wanted.key))
    with closing(wanted.spans[0].journal()) as journal:
        for span in wanted.spans:
            part = add_up(span, journal, observer, catalogue)
            if part is None:
                raise SystemExit(1)
            send(part)


if __name__ == "__main__":
    main()
