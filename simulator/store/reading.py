"""Reading very many exchanges, as slowly as whoever takes them."""

from collections.abc import Iterator, Sequence

from simulator.core.messages import Exchange
from simulator.journal.chain import Chain
from simulator.store.protocols import Journal

BATCH = 500
"""Exchanges that are read at a time."""
PIECE = 64
"""Exchanges that are read at a time where each takes long."""


def exchanges_through(journal: Journal, last: int) -> Iterator[Exchange]:
    """Yield the exchanges up to number *last* that can be read, oldest first; see `in_pieces`."""
    for batch in in_pieces(journal, Chain(), last, BATCH):
        yield from batch


def in_pieces(
    journal: Journal, chain: Chain, last: int, batch: int = PIECE
) -> Iterator[Sequence[Exchange]]:
    """Yield the exchanges after those that *chain* has looked at, up to number *last*.

    Each piece is read at a moment of its own, so that the database can tidy up in between:
    what was recorded does not change, and what is deleted meanwhile is just not there.
    """
    piece: Sequence[Exchange] | None = ()
    while piece is not None:
        yield piece
        with journal.at_one_moment() as now:
            piece = next(now.walk(chain, batch, last), None)
