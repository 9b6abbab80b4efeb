"""``python -m simulator.check_process``: checks the hashes of a range of a journal.

It is told which on its standard input, and writes what it found to its standard output. It ends
with 1, and no output, unless the range is whole and each of its hashes is right: whoever asked
finds out why. It imports little, so that it starts quickly.
"""

import sys
from contextlib import closing
from pathlib import Path

import msgspec

from simulator.journal.chain import Chain
from simulator.store.opening import is_url, open_journal
from simulator.store.protocols import Journal

MODULE = "simulator.check_process"
LENGTH = 8
"""Bytes of the length of an answer."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A range of a journal."""

    place: str
    """The file or URL of the database."""
    after: int
    link: bytes
    """Of exchange *after*."""
    through: int

    def journal(self) -> Journal:
        """Open the journal that it is a range of."""
        return open_journal(self.place if is_url(self.place) else Path(self.place))

    def is_checked_by(self, chain: Chain) -> bool:
        """Tell whether *chain* got to the end and found all well."""
        return chain.seq == self.through and bool(chain.link)


class CheckedSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A range that is whole."""

    checked: int
    """Hashes."""
    first: int
    """Number of the first exchange."""
    link: bytes
    """Of the last exchange."""


def send(found: CheckedSpan) -> None:
    """Write what was found to the standard output, behind its length."""
    answer = msgspec.msgpack.encode(found)
    sys.stdout.buffer.write(len(answer).to_bytes(LENGTH) + answer)
    sys.stdout.buffer.flush()


def main() -> None:
    """Check the range on standard input."""
    wanted = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Span)
    chain = Chain.behind(wanted.after, wanted.link)
    with closing(wanted.journal()) as journal:
        journal.check(chain, wanted.through)
    if not wanted.is_checked_by(chain):
        raise SystemExit(1)
    send(CheckedSpan(checked=chain.checked, first=chain.first, link=chain.link))


if __name__ == "__main__":
    main()
