"""``python -m simulator.report_process``: adds up a range of a journal for a report.

It is told which on its standard input, and writes what it added up to its standard output. It
ends with 1, and no output, unless the range is whole and each of its hashes is right: whoever
asked finds out why.
"""

import sys
from contextlib import closing
from pathlib import Path

import msgspec

from simulator import services
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.report import checkpoint
from simulator.disclosure.report.ledger import Ledger
from simulator.journal.chain import Chain
from simulator.store.opening import is_url, open_journal

MODULE = "simulator.report_process"
MADE_WITH = "part"


class Range(msgspec.Struct, frozen=True):
    """What is to be added up."""

    place: str
    """The file or URL of the database."""
    key: bytes
    """That of fingerprints."""
    after: int
    link: bytes
    """Of exchange *after*."""
    through: int


class Part(msgspec.Struct, frozen=True):
    """What was added up."""

    ledger: bytes
    """As of `checkpoint.dump`."""
    checked: int
    """Hashes."""
    first: int
    """Number of the first exchange."""
    link: bytes
    """Of the last exchange."""


def add_up(wanted: Range) -> Part | None:
    """Return what the exchanges of a range add up to; None if something is wrong with them."""
    catalogue = services.load()
    ledger = Ledger(Observer(catalogue, Fingerprinter(wanted.key)), catalogue, is_part=True)
    chain = Chain.behind(wanted.after, wanted.link)
    place = wanted.place if is_url(wanted.place) else Path(wanted.place)
    with closing(open_journal(place)) as journal:
        for batch in journal.walk(chain, through=wanted.through):
            for exchange in batch:
                ledger.add(exchange)
    if chain.seq != wanted.through or not chain.link:
        return None
    dumped = checkpoint.dump(ledger, MADE_WITH, chain.seq, chain.link)
    return Part(dumped, chain.checked, chain.first, chain.link)


def main() -> None:
    """Add up the range on standard input."""
    part = add_up(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Range))
    if part is None:
        raise SystemExit(1)
    sys.stdout.buffer.write(msgspec.msgpack.encode(part))


if __name__ == "__main__":
    main()
