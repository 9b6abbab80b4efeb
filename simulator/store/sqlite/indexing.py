"""The thread that keeps the index of texts up to date, so that no request pays for it.

It goes over the journal a piece at a time, also over one that was there before there was an
index. While requests come it waits for a pause; once many exchanges wait with it, it takes a tenth
of a processor at most, in steps of less than a millisecond, and falls behind rather than hold them
up: what is not indexed is looked through.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from time import thread_time

from simulator.core.messages import Exchange
from simulator.store.errors import StoreError
from simulator.store.records import decode
from simulator.store.sqlite import migrations, text_index
from simulator.store.sqlite.background import BackgroundWork
from simulator.store.sqlite.connection import SqliteConnection
from simulator.store.sqlite.text_index import BLOCK, PIECE, SHARD, Shard, TextIndexWriter

LOG = logging.getLogger("mdmsim")
_REST = 9
"""How many times longer it rests than it worked, while others want the processor."""
QUIET_S = 0.25
"""How long nothing is written in a pause."""
PUT_OFF = 32 * PIECE
"""Exchanges that wait for a pause; to look through so many takes a fifth of a second."""
_LAST = "SELECT seq FROM journal_head"
_OLDEST = "SELECT coalesce(min(seq), 0) FROM exchange"
_STAMP = "SELECT count(*), total(first), total(last) FROM journal_cut"
_CUTS = "SELECT first, last FROM journal_cut ORDER BY first, last"
_BLOCK = "SELECT seq, record FROM exchange WHERE seq BETWEEN ? AND ? ORDER BY seq"
_LINK = "SELECT link FROM exchange WHERE seq = ?"
Cuts = Sequence[tuple[int, int]]
"""First and last exchange of each deletion, in order."""


class TextIndexer:
    """What goes over the journal whenever there is something new."""

    def __init__(self, database: Path) -> None:
        """Look after the index of the journal in *database*."""
        self._database = database
        self._through = 0
        """The newest exchange up to which nothing is left to do."""
        self._commits = self._seen = 0
        self._stamp: object = None
        """Of the deletions that shards were last compared with; None: they never were."""
        self._cuts: Cuts = ()
        self._anew = False
        """Whether a damaged one was removed, and none was made yet."""
        about = "the index of texts cannot be kept now"
        self._thread = BackgroundWork("mdmsim-text", self._keep, about)
        self.idle = self._thread.idle
        """Whether it has done all that there was to do."""
        self._thread.tell()
        self._thread.start()

    def note(self, seq: int, *, deleted: bool) -> None:
        """Note a commit up to exchange *seq*, which may have *deleted* some."""
        self._commits += 1
        if deleted or seq - self._through >= PIECE:
            self._thread.tell()

    def close(self) -> None:
        """End the thread."""
        self._thread.close()

    def _keep(self) -> None:
        """Do all that there is to do; an index that is damaged is made anew the next time."""
        try:
            with (
                closing(migrations.readable(self._database)) as journal,
                closing(TextIndexWriter(self._database)) as index,
            ):
                self._catch_up(journal, index)
                self._anew = False
        except BaseException as error:
            self._stamp = None
            if isinstance(error, StoreError) and error.reason == "damaged":
                # It may be the journal that is: then a new index does not help.
                if not self._anew:
                    LOG.warning("the index of texts is made anew: %s", error)
                self._anew = True
                text_index.remove(self._database)
            raise

    def _catch_up(self, journal: SqliteConnection, index: TextIndexWriter) -> None:
        """Index all whole pieces, and nothing of what is deleted."""
        while not self._thread.closing.is_set():
            # Once more after the last piece: what it holds may be deleted meanwhile.
            stamp = journal.execute(_STAMP).fetchone()
            if stamp != self._stamp:
                self._stamp, self._cuts = stamp, drop_stale(journal, index)
            (last,) = journal.execute(_LAST).fetchone()
            first = _next(index.shards(), journal.execute(_OLDEST).fetchone()[0])
            self._through = first - 1
            if first + PIECE - 1 > last:
                return
            if last - self._through > PUT_OFF or self._pauses():
                self._index(journal, index, first)

    def _pauses(self) -> bool:
        """Tell whether nothing is written, or nothing was since the last piece began."""
        commits = self._commits
        if commits == self._seen:
            return True
        self._thread.closing.wait(QUIET_S)
        if commits != self._commits:
            return False
        self._seen = commits
        return True

    def _index(self, journal: SqliteConnection, index: TextIndexWriter, first: int) -> None:
        """Index the piece that begins with exchange *first*."""
        commits, seen = self._commits, self._seen
        texts: list[tuple[int, str]] = []
        for low in range(first, first + PIECE, BLOCK):
            begun = thread_time()
            rows = journal.execute(_BLOCK, (low, low + BLOCK - 1)).fetchall()
            if rows:
                texts.append((low // BLOCK, text_index.content(_decoded(rows))))
            if self._commits != seen and self._thread.closing.wait(_REST * (thread_time() - begun)):
                return
        begun = thread_time()
        through = first + PIECE - 1
        number = first // SHARD
        shard = (number, through, _link(journal, through), _deleted(self._cuts, number))
        index.add(texts, shard)
        if self._commits != seen:
            self._thread.closing.wait(_REST * (thread_time() - begun))
        self._seen = commits


def drop_stale(journal: SqliteConnection, index: TextIndexWriter) -> Cuts:
    """Drop the shards of which something was deleted since, or that are of another journal.

    Return the deletions.
    """
    cuts = [(first, last) for first, last in journal.execute(_CUTS).fetchall()]
    stale = [
        number
        for number, through, link, deleted in index.shards()
        if deleted != _deleted(cuts, number) or link != _link(journal, through)
    ]
    if stale:
        index.drop(stale)
    return cuts


def forget(database: Path) -> None:
    """Drop what is deleted from the index of *database* if there is one; nobody else grows it."""
    if not text_index.path_of(database).exists():
        return
    try:
        with (
            closing(migrations.readable(database)) as journal,
            closing(TextIndexWriter(database)) as index,
        ):
            drop_stale(journal, index)
    except StoreError:
        text_index.remove(database)


def _decoded(rows: Iterable[tuple[int, bytes]]) -> Iterator[Exchange]:
    """Yield the exchanges that can be read: to say that others are damaged is for reports."""
    for seq, record in rows:
        with suppress(StoreError):
            yield decode(seq, record)


def _link(journal: SqliteConnection, seq: int) -> bytes:
    """Return the link of exchange *seq*, by which a journal is told from others; empty: deleted."""
    row = journal.execute(_LINK, (seq,)).fetchone()
    return bytes(row[0]) if row else b""


def _deleted(cuts: Cuts, number: int) -> str:
    """Return what was deleted of a shard, so that it can be told whether that is more now."""
    low, high = number * SHARD, number * SHARD + SHARD - 1
    return " ".join(
        f"{max(first, low)}-{min(last, high)}"
        for first, last in cuts
        if first <= high and last >= low
    )


def _next(shards: Iterable[Shard], oldest: int) -> int:
    """Return the first exchange that is not indexed; before *oldest* there is none to index."""
    through = {number: last for number, last, *_ in shards}
    number = oldest // SHARD
    while through.get(number, -1) == number * SHARD + SHARD - 1:
        number += 1
    return through.get(number, number * SHARD - 1) + 1
