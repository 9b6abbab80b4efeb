"""An index of the texts in the journal, in a file of its own beside the database.

It says where a text may stand, and never leaves out a place where it does; whoever looks there
has the last word (`simulator.store.search`). What is searched in is cut into trigrams by SQLite's
FTS5, block by block of the journal: exchanges that follow each other have nearly everything in
common, and what they have in common is indexed once. It holds nothing that the journal does not,
and it may be deleted at any time.

Blocks come in shards, each a table of its own: where exchanges of a shard are deleted, its whole
table is, and it is made anew of what is left.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from simulator.core.messages import Exchange
from simulator.store import search
from simulator.store.errors import StoreError
from simulator.store.sqlite.connection import SqliteConnection, connect

BLOCK = 16
"""Exchanges that are indexed as one."""
PIECE = 64 * BLOCK
"""Exchanges that are indexed in one transaction, once there are so many."""
SHARD = 64 * PIECE
"""Exchanges of a table."""
SUFFIX = "-text"
"""What is behind the name of the database in that of the index."""
_VERSION = 1
"""Of the tables, and of what is searched in: an index with another one is made anew."""
_SHORTEST = 3
_MOST = 48
"""Trigrams of a text that are looked up: more tell little more."""
_PERMISSION = 0o600
_TABLES = (
    # What was known of the journal: the newest exchange that is indexed, its link, and the
    # deletions that the shard was made after.
    """CREATE TABLE shard (number INTEGER PRIMARY KEY, through INTEGER NOT NULL,
      link BLOB NOT NULL, deleted TEXT NOT NULL)""",
    f"PRAGMA user_version = {_VERSION}",
)
_TABLE = (
    "CREATE VIRTUAL TABLE text_{} USING fts5(content, content='', columnsize=0, detail=none,"
    " tokenize='trigram case_sensitive 1')"
)
_SET = (
    "INSERT INTO shard VALUES (?,?,?,?)"
    " ON CONFLICT (number) DO UPDATE SET through = excluded.through, link = excluded.link"
)
_SHARDS = "SELECT number, through, link, deleted FROM shard"
Shard = tuple[int, int, bytes, str]
"""Number, newest exchange, its link, and the deletions."""
Span = tuple[int, int]
"""The first and the last of some exchanges."""


def path_of(database: Path) -> Path:
    """Return where the index of the journal in *database* is."""
    return database.with_name(database.name + SUFFIX)


def remove(database: Path) -> None:
    """Remove the index of the journal in *database*, if there is one."""
    path = path_of(database)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def is_possible() -> bool:
    """Tell whether this SQLite can make an index: FTS5 is a part that may be left out."""
    with closing(connect(":memory:")) as db:
        try:
            db.execute(_TABLE.format(0))
        except StoreError:
            return False
    return True


class TextIndex:
    """The index as it is read, from any thread, also while it grows."""

    def __init__(self, database: Path) -> None:
        """Look beside *database*; there need not be an index yet."""
        self._path = path_of(database)

    def spans(self, text: str, low: int, high: int, *, newest_first: bool) -> Iterator[Span]:
        """Yield the spans of the exchanges from *low* to *high* that may hold *text*, in order.

        What is not indexed yet is among them.
        """
        wanted = query_of(text)
        left = (low, high)
        if wanted is None or not self._path.exists():
            yield left
            return
        try:
            with closing(connect(f"{self._path.absolute().as_uri()}?mode=ro")) as db:
                db.execute("BEGIN")
                for span in self._found(db, wanted, left, newest_first=newest_first):
                    yield span
                    left = (low, span[0] - 1) if newest_first else (span[1] + 1, high)
        except StoreError:
            # It is removed, or damaged, which whoever writes it finds as well.
            if left[0] <= left[1]:
                yield left

    def _found(
        self, db: SqliteConnection, wanted: str, within: Span, *, newest_first: bool
    ) -> Iterator[Span]:
        order = -1 if newest_first else 1
        known = {number: through for number, through, *_ in db.execute(_SHARDS)}
        for number in range(within[0] // SHARD, within[1] // SHARD + 1)[::order]:
            low = max(within[0], number * SHARD)
            high = min(within[1], number * SHARD + SHARD - 1)
            through = min(known.get(number, -1), high)
            spans = [(max(low, through + 1), high)]
            if low <= through:
                rows = db.execute(
                    f"SELECT rowid FROM text_{number} WHERE text_{number} MATCH ?"  # noqa: S608 (a number)
                    " AND rowid BETWEEN ? AND ? ORDER BY rowid",
                    (wanted, low // BLOCK, through // BLOCK),
                )
                spans = [*_joined((row[0] for row in rows), low, through), *spans]
            yield from (span for span in spans[::order] if span[0] <= span[1])


class TextIndexWriter:
    """The index as it is written, by one thread at a time."""

    def __init__(self, database: Path) -> None:
        """Open the index beside *database*, or make it; StoreError if that cannot be."""
        path = path_of(database)
        if not path.exists():
            path.touch(_PERMISSION)
        self._db = connect(path)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA secure_delete = ON")
            if self._db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                self._begin_anew()
        except BaseException:
            self._db.close()
            raise

    def _begin_anew(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        names = "SELECT name FROM sqlite_schema WHERE name = 'shard' OR sql LIKE 'CREATE VIRTUAL%'"
        for (name,) in self._db.execute(names).fetchall():
            self._db.execute(f"DROP TABLE {name}")
        for statement in _TABLES:
            self._db.execute(statement)
        self._db.execute("COMMIT")

    def shards(self) -> list[Shard]:
        """Return what there is."""
        return self._db.execute(_SHARDS).fetchall()

    def add(self, texts: Sequence[tuple[int, str]], shard: Shard) -> None:
        """Add the *texts* of blocks, each with its number; they are of *shard*, as it is then."""
        number, *_ = shard
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            if not db.execute("SELECT 1 FROM shard WHERE number = ?", (number,)).fetchone():
                db.execute(_TABLE.format(number))
            db.write_many(f"INSERT INTO text_{number} (rowid, content) VALUES (?,?)", texts)  # noqa: S608 (a number)
            db.execute(_SET, shard)
            db.execute("COMMIT")
        except BaseException:
            with suppress(StoreError):
                db.execute("ROLLBACK")
            raise

    def drop(self, numbers: Iterable[int]) -> None:
        """Delete shards, and leave nothing of them on the disk."""
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            for number in numbers:
                db.execute(f"DROP TABLE text_{number}")
                db.execute("DELETE FROM shard WHERE number = ?", (number,))
            db.execute("COMMIT")
        except BaseException:
            with suppress(StoreError):
                db.execute("ROLLBACK")
            raise
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def content(exchanges: Iterable[Exchange]) -> str:
    """Return what is searched in in *exchanges*, each text once, for `TextIndexWriter.add`."""
    texts = dict.fromkeys(text for one in exchanges for text in search.texts(one))
    return "\n".join(_indexed(text) for text in texts)


def _indexed(text: str) -> str:
    """Return *text* as SQLite takes it, so that a part of it is a part of that as well."""
    return text.lower().replace("\0", "\1").encode(errors="replace").decode()


def query_of(text: str) -> str | None:
    """Return the query of FTS5 for blocks with all trigrams of *text*; None if there are none."""
    wanted = _indexed(text)
    if len(wanted) < _SHORTEST:
        return None
    grams = dict.fromkeys(wanted[at : at + 3] for at in range(len(wanted) - 2))
    chosen = list(grams)[:: len(grams) // _MOST + 1]
    return " AND ".join('"' + gram.replace('"', '""') + '"' for gram in chosen)


def _joined(blocks: Iterable[int], low: int, high: int) -> list[Span]:
    """Return the exchanges of *blocks* from *low* to *high*, neighbours as one span."""
    spans: list[Span] = []
    for block in blocks:
        first, last = max(low, block * BLOCK), min(high, block * BLOCK + BLOCK - 1)
        if spans and spans[-1][1] == first - 1:
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((first, last))
    return spans
