"""The storage seam: what a backend has to offer, whatever database is behind it.

`State` and `StoreAdmin` (`simulator.core.state`) are what one transaction offers.
`tests/store/test_conformance.py` and `test_journal.py` are what a backend has to pass.

For a backend that several processes share:

- **Time** is never the database's: each call that needs it is given ``at_ms``, by the
  simulator's clock. That clock's setting is itself an entity, so all processes agree on it.
- **Connections** are not part of an identity. A transaction belongs to the thread that
  began it; a journal may be read from any thread. Who wrote is told by revision and by the
  number of the exchange only, both of which the database gives out: gap-free over all
  processes, in the order of the commits.
- **Listeners** (`simulator.core.notifier`) are woken in their own process by the gateway, and
  in others by what a transaction announced (`StoreAdmin.announce`, `Peers.listen`). A notice
  may be late or missed while the database cannot be reached, and is then one of everything.
- **Keys** for fingerprints, tokens and cursors are files of the data directory, of which the
  database may keep sealed copies (`shared_files`); `open_store` takes their mark.
- **Caches** hold only as long as the database says that nobody else wrote.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from simulator.core.messages import Exchange
from simulator.core.state import Body, StoreAdmin
from simulator.journal.chain import Chain, ChainHead, Cut, Evidence

Match = Mapping[str, str]
"""What exchanges are narrowed by: name of a filter -> wanted value. They are ``service``,
``operation``, ``organisation``, ``client``, ``session``, ``status``, ``error``, ``finding``
(a rule), ``fault`` (an id) and ``q`` (a text: see `simulator.store.search`)."""
NEWEST = 2**63 - 1
"""Above the number of any exchange."""


class Journal(Protocol):
    """The recorded exchanges, read from outside any transaction, from any thread.

    Each call sees one moment of the database; `at_one_moment` has several calls see the
    same one. What a call cannot read raises StoreError.
    """

    def at_one_moment(self) -> AbstractContextManager["Journal"]:
        """Return a journal all of whose calls see the database as it is now.

        It is for the thread that asked for it, and keeps the database from tidying up
        after itself: leave the block soon.
        """
        ...

    def limit_put_off(self) -> AbstractContextManager[None]:
        """Return a block in which the size limit of the store deletes nothing.

        For who reads the whole journal piece by piece; a journal of twice that size is cut even so.
        """
        ...

    def read(
        self,
        after: int = 0,
        limit: int = 100,
        match: Match | None = None,
        through: int = NEWEST,
    ) -> list[Exchange]:
        """Return up to *limit* exchanges with a number above *after*, oldest first.

        None has a number above *through*: so a look for what is rare can be cut into pieces.
        ValueError if *match* has another name than those of `Match`.
        """
        ...

    def newest(
        self, before: int = NEWEST, limit: int = 100, match: Match | None = None
    ) -> list[Exchange]:
        """Return up to *limit* exchanges with a number below *before*, newest first."""
        ...

    def page(
        self, start: int, limit: int, match: Match | None = None, *, newest_first: bool = False
    ) -> tuple[list[Exchange], int | None]:
        """Return what `read` or `newest` does, and the number to go on behind; None at the end.

        The time is bounded: behind *start* so many exchanges are looked through for a text, and
        what stands further on is for the next page. So a page may hold few of them, or none.
        """
        ...

    def get(self, seq: int) -> Exchange | None:
        """Return one exchange, or None."""
        ...

    def link(self, seq: int) -> bytes | None:
        """Return the link of one exchange; None if there is none, or it is damaged."""
        ...

    def last(self) -> int:
        """Return the number of the newest exchange, deleted or not; 0 if there was none."""
        ...

    def count(self, match: Match | None = None) -> int:
        """Return how many exchanges there are, or how many match as in `read`."""
        ...

    def counts(self) -> Mapping[tuple[str, str, int, str], int]:
        """Return how many exchanges were recorded, deleted since or not, by what they are.

        That is service, operation, status, and the words that they are found by: rules, and
        ``fault:`` where one has touched them.
        """
        ...

    def head(self) -> ChainHead | None:
        """Return where the hash chain has got to; None if somebody took that away."""
        ...

    def cuts(self) -> list[Cut]:
        """Return what was deleted on purpose, or never recorded, oldest first."""
        ...

    def walk(
        self, chain: Chain, batch: int = ..., through: int | None = None
    ) -> Iterator[Sequence[Exchange]]:
        """Yield the exchanges after those that *chain* has looked at, and let it look.

        It ends with exchange *through*, or where the journal does when it begins. An exchange
        that cannot be read any more is left out, and so is all that follows a place where the
        database is damaged; the chain notes both.
        """
        ...

    def check(self, chain: Chain, last: int) -> None:
        """Let *chain* look at the hashes up to exchange *last*, and at nothing else."""
        ...

    def evidence(self, chain: Chain) -> Evidence:
        """Return what *chain* found, laid beside the head.

        Of use in the same block of `at_one_moment` as the walk that came before.
        """
        ...

    def export_snapshot(self, header: Body) -> Iterator[bytes]:
        """Yield the state as the lines of a snapshot, as `StoreAdmin` does in a transaction."""
        ...

    def raw(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of each exchange as it is stored, with what it is found by."""
        ...

    def fitting(self, size: int) -> int:
        """Return the number of the newest exchange that is to go so that *size* bytes are left.

        0 if all fit.
        """
        ...

    def revision(self) -> int:
        """Return the number of the newest change of the state."""
        ...

    def scan(self, kind: str, name: str = "") -> Iterator[str]:
        """Yield the keys of all entities of *kind*, or the texts under *name* in their bodies."""
        ...

    def probed(self) -> int:
        """Return the number that the newest `StoreAdmin.probe` gave; 0 if there was none."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


class Peers(Protocol):
    """The other processes that serve the same database, as one of them sees them."""

    number: int
    """Of this process, among all that ever served the database."""

    def listen(self, heard: Callable[[list[str] | None], None], /) -> None:
        """Call *heard* with what others announced until the store is closed; None: all."""
        ...

    def leads(self) -> bool:
        """Tell whether this process does now what only one of all may do."""
        ...

    def close(self) -> None:
        """Listen and lead no longer."""
        ...


class Copied(Protocol):
    """A database that can be copied as a whole."""

    def write_copy(self, path: Path) -> None:
        """Write it to the file *path*; StoreError if that fails."""
        ...

    def read_copy(self, path: Path) -> None:
        """Replace it by what is in the file *path*; StoreError if that fails."""
        ...


class Store(Protocol):
    """State and journal in one database."""

    @property
    def peers(self) -> Peers | None:
        """The other processes that serve it; None if it is for one alone."""
        ...

    @property
    def commits_without_blocking(self) -> bool:
        """Whether a small transaction waits neither for a disk nor for a reader."""
        ...

    def transaction(self) -> AbstractContextManager[StoreAdmin]:
        """Begin a transaction; commit it at the end, or undo it on an exception.

        The state is of use inside only. Transactions do not nest; those of other threads
        and processes wait for each other. StoreError if the database failed: it is then as
        before, and the next transaction begins with what it holds.
        """
        ...

    def journal(self) -> Journal:
        """Return a reader of the journal."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...
