"""Reading very many exchanges, as slowly as whoever takes them."""

from collections.abc import Iterator, Sequence

from simulator.core.messages import Exchange
from simulator.journal.chain import Chain
from simulator.store.protocols import Journal

BATCH = 500
"""Exchanges that are read at a time."""


def exchanges_through(journal: Journal, last: int) -> Iterator[Exchange]:
    """Yield the exchanges up to number *last* that can be read, oldest first.

    Each batch is read at a moment of its own, so that the database can tidy up in between:
    what was recorded does not change, and what is deleted meanwhile is just not there.
    """
    chain = Chain()
    batch: Sequence[Exchange] | None = ()
    while batch is not None:
        yield from batch
        with journal.at_one_moment() as now:
            batch = next(now.walk(chain, BATCH, last), None)
