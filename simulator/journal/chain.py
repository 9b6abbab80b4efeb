"""Evidence: a hash chain over the journal, so that what is missing or altered can be told.

Each exchange has a link: SHA-256 over the link before it and its own record.
The head holds the number and link of the newest one, so that rows cut off at
the end are missed too. What is deleted on purpose leaves a cut: the span, and
the link that it ended with, from which the chain goes on. What was answered
while the journal could not be written leaves one too, and counts as missing.

The chain needs no key: it finds accidents, and changes by whoever does not
compute it anew. Against those who do, keep the head of a report elsewhere.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct

from simulator.journal.heads import GivenHeads

START = bytes(32)
"""The link before the first exchange."""
SHOWN = 20
"""Problems that are named; the others are counted."""
UNSEEN = "unseen"
"""Reason of a cut for exchanges that were answered and never recorded."""
_MISSING = ("gap", "truncated", "unseen")
Kind = Literal["gap", "altered", "truncated", "added", "damaged", "unseen", "unproved"]


def link_of(previous: bytes, record: bytes) -> bytes:
    """Return the link of *record* behind the link *previous*."""
    return hashlib.sha256(previous + record).digest()


class ChainHead(Struct, frozen=True):
    """Where the chain has got to."""

    seq: int = 0
    """Number of the newest exchange that was committed."""
    link: bytes = START
    newest: int = 0
    """Number of the newest exchange that is there."""
    chained_from: int = 1
    """First exchange whose link was made when it was recorded; earlier ones were there before."""
    oldest: int = 0
    """Number of the oldest exchange that is there; 0 if there is none."""


class Cut(Struct, frozen=True):
    """Exchanges that are missing on record: deleted on purpose, or never recorded."""

    first: int
    last: int
    link: bytes
    """That of the last of them."""
    at_ms: int
    reason: str
    """``prune``, ``delete`` or ``limit``; ``unseen`` if they were never recorded."""


class ChainProblem(Struct, frozen=True):
    """A place where the evidence does not hold."""

    kind: Kind
    first: int
    last: int
    """Exchanges that it is about."""
    about: str


class Evidence(Struct, frozen=True):
    """What a look at the whole chain found."""

    checked: int = 0
    """Exchanges whose link was computed and compared."""
    head: ChainHead = ChainHead()
    cuts: tuple[Cut, ...] = ()
    problems: tuple[ChainProblem, ...] = ()
    """The first of them; see `found`."""
    found: int = 0
    """How many problems there are."""
    earlier: int = 0
    """Of *checked*, those whose record nobody has written to since they were; see `earlier_ms`."""
    earlier_ms: int = 0
    """When those were checked; 0: all were now."""

    @property
    def complete(self) -> bool:
        """Whether nothing is missing but what was deleted on record, and nothing is altered."""
        return not self.found

    @property
    def missing(self) -> int:
        """How many exchanges are missing."""
        return sum(one.last - one.first + 1 for one in self.problems if one.kind in _MISSING)


class Chain:
    """Check the links of a journal, row by row in order; it can be gone on with later."""

    def __init__(self, heads: Collection[bytes] = ()) -> None:
        """Look for the links *heads* as well, which were kept elsewhere."""
        self.heads = GivenHeads(heads)
        self.seq = 0
        """Number of the last exchange that was looked at."""
        self.checked = 0
        self.earlier = self.earlier_ms = 0
        """As of `Evidence`."""
        self._first = 0
        """Number of the first exchange that was there."""
        self._links: tuple[bytes, ...] = (START,)
        """What the link before may be; none: it is missing, so the next cannot be told."""
        self._problems: list[ChainProblem] = []
        self._found = 0

    @classmethod
    def behind(cls, seq: int, link: bytes) -> "Chain":
        """Return what goes on behind exchange *seq*, whose link is *link*."""
        chain = cls()
        chain.seq, chain._links = seq, (link,)
        return chain

    def joined(self, checked: int, first: int, seq: int, link: bytes) -> None:
        """Take what another one checked behind where this one got to, and found all well.

        So many exchanges from *first* on, the last of them *seq* with *link*.
        """
        self._first = self._first or first
        self.checked += checked
        self.seq, self._links = seq, (link,)

    @property
    def first(self) -> int:
        """Number of the first exchange that was there; 0 if there was none."""
        return self._first

    def follow(self, rows: Sequence[Sequence[Any]]) -> int:
        """Look at *rows*, (seq, ..., record, link), while all is well; return how many those were.

        What `check` says of the next one is for the caller. It says the same of all of them, but
        takes three times as long.
        """
        if not rows or self.heads.are_given or len(self._links) != 1:
            return 0
        seq, (before,) = self.seq, self._links
        done, sha256 = 0, hashlib.sha256
        for row in rows:
            number, record, link = row[0], row[-2], row[-1]
            if (
                number != seq + 1
                or type(record) is not bytes
                or sha256(before + record).digest() != link
            ):
                break
            seq, before = number, link
            done += 1
        if done:
            self._first = self._first or rows[0][0]
            self.checked += done
            self.seq, self._links = seq, (before,)
        return done

    def check(self, seq: int, record: object, link: object, cuts: Iterable[Cut]) -> bool:
        """Look at one row; tell whether it is what was recorded, as far as can be told."""
        if seq <= self.seq:
            self.note("damaged", seq, seq, "is out of order: the database is damaged")
            return False
        if seq != self.seq + 1:
            self._pass_over(seq, cuts)
        self._first = self._first or seq
        self.checked += 1
        if not (isinstance(record, bytes) and isinstance(link, bytes)):
            self.note("altered", seq, seq, "is not what was recorded: it holds no bytes")
            self.seq, self._links = seq, ()
            return False
        made = [link_of(before, record) for before in self._links]
        fits = not made or link in made
        if not fits:
            self.note("altered", seq, seq, "is not what was recorded: it does not fit its hash")
        self.heads.note(seq, link if link in made else None)
        # If it does not fit, the record or its link was altered: the next one tells which.
        self._links = (link,) if fits else (link, made[0])
        self.seq = seq
        return fits

    def _pass_over(self, seq: int, cuts: Iterable[Cut]) -> None:
        """Go from the last row to the one before *seq*, over what was deleted on record."""
        for cut in _widest(cuts, self.seq):
            if cut.first > self.seq + 1 or not self.seq < cut.last < seq:
                continue
            self.seq, self._links = cut.last, (cut.link,)
        if seq > self.seq + 1:
            self.note("gap", self.seq + 1, seq - 1, "is missing from the journal")
            self._links = ()

    @property
    def link(self) -> bytes:
        """That of the last exchange, if all is well so far; else nothing."""
        return b"" if self._found or not self._links else self._links[0]

    def note(self, kind: Kind, first: int, last: int, about: str) -> None:
        """Note a problem; neighbours of the same kind become one."""
        before = self._problems[-1] if self._problems else None
        if before == ChainProblem(kind, first, last, about):
            return  # it is looked at again
        if before and (before.kind, before.about, before.last) == (kind, about, first - 1):
            self._problems[-1] = ChainProblem(kind, before.first, last, about)
            return
        self._found += 1
        if len(self._problems) < SHOWN:
            self._problems.append(ChainProblem(kind, first, last, about))

    def evidence(self, head: ChainHead | None, cuts: Sequence[Cut] | None) -> Evidence:
        """Return what was found, once all rows have been looked at; None: it cannot be read."""
        end: list[ChainProblem] = []
        if cuts is None:
            cuts, about = (), "and the rest cannot be told from deletions: their list is damaged"
            end.append(ChainProblem("damaged", self.seq + 1, self.seq + 1, about))
        end += [*self._unseen(cuts), *self._invented(head, cuts)]
        end += [*self._at_end(head, cuts), *self._unproved(cuts)]
        return Evidence(
            self.checked,
            head or ChainHead(),
            tuple(cuts),
            (*self._problems, *end)[:SHOWN],
            self._found + len(end),
            self.earlier,
            self.earlier_ms,
        )

    def _unseen(self, cuts: Iterable[Cut]) -> Iterator[ChainProblem]:
        """Yield what was never recorded after the oldest exchange that is still there."""
        for cut in cuts:
            if cut.reason == UNSEEN and 0 < self._first < cut.first:
                about = "was answered while the journal could not be written"
                yield ChainProblem("unseen", cut.first, cut.last, about)

    def _invented(self, head: ChainHead | None, cuts: Iterable[Cut]) -> Iterator[ChainProblem]:
        """Yield the deletions that nobody can have made."""
        for cut in cuts:
            behind = head is not None and cut.last > head.seq and cut.reason != UNSEEN
            if not 0 < cut.first <= cut.last or behind:
                about = "are on record as deleted: nobody can have done that"
                yield ChainProblem("added", cut.first, cut.last, about)

    def _unproved(self, cuts: Iterable[Cut]) -> Iterator[ChainProblem]:
        """Yield what the heads that were given do not prove."""
        for link in self.heads.missing():
            cut = next((one for one in cuts if one.link == link), None)
            if cut is not None and self._first > cut.last:
                continue  # nothing of what it would prove is left
            about = "the chain does not go through it: what it stood for was written anew"
            if cut is not None:
                about = "its exchange was deleted, so that it proves nothing"
            yield ChainProblem("unproved", 1, self.seq, f"(head {link.hex()[:16]}): {about}")
        for first, last in self.heads.unproved():
            about = "is before a deletion, and no head that was given proves it"
            yield ChainProblem("unproved", first, last, about)

    def _at_end(self, head: ChainHead | None, cuts: Iterable[Cut]) -> Iterator[ChainProblem]:
        if head is None:
            about = "the journal has lost its head: nobody can tell how many there were"
            yield ChainProblem("damaged", self.seq + 1, self.seq + 1, about)
            return
        if any(one.last >= head.seq for one in self._problems if one.kind == "damaged"):
            return
        seq, links = self.seq, self._links
        for cut in _widest(cuts, seq):
            if cut.first <= seq + 1 <= cut.last <= head.seq:
                seq, links = cut.last, (cut.link,)
        if seq < head.seq:
            about = "is missing: the newest exchanges were cut off"
            yield ChainProblem("truncated", seq + 1, head.seq, about)
        elif seq == head.seq and links and head.link not in links:
            yield ChainProblem("altered", seq, seq, "does not fit the head of the journal")
        if head.oldest < 0 or (head.newest and not head.oldest):
            about = "was put there by somebody else: exchanges are numbered from 1"
            yield ChainProblem("added", head.oldest, min(head.newest, 0), about)
        if head.newest > head.seq:
            about = "was put there by somebody else: the head does not know it"
            yield ChainProblem("added", head.seq + 1, head.newest, about)


def _widest(cuts: Iterable[Cut], seq: int) -> list[Cut]:
    """Return the cuts that end after *seq*, by where they start; of nested ones the widest first.

    A later, wider cut may hold an earlier one.
    """
    return sorted((cut for cut in cuts if cut.last > seq), key=lambda cut: (cut.first, -cut.last))
