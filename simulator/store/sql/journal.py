"""The journal as it is read: each call in one read transaction, or several in the same.

Longer than 300 lines: each method is one call of the protocol, a few lines long.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import reduce
from itertools import islice
from typing import Any

import msgspec

from simulator.core.messages import Exchange
from simulator.core.state import Body
from simulator.journal.chain import Chain, ChainHead, Cut, Evidence
from simulator.store import search
from simulator.store.errors import StoreError
from simulator.store.protocols import NEWEST, Match
from simulator.store.records import columns_of, decode
from simulator.store.sql import counting, long_texts, snapshots, statements
from simulator.store.sql.connection import Readers, SqlConnection, Texts
from simulator.store.sql.filters import condition
from simulator.store.sql.retention import SizeLimit

_NEWEST = "SELECT coalesce(max(seq), 0) FROM exchange"
_LAST = f"SELECT ({_NEWEST}), (SELECT seq FROM journal_head)"  # noqa: S608 (ours)
_WHOLE_HEAD = (
    f"SELECT seq, link, ({_NEWEST}), chained_from, ({statements.OLDEST}) FROM journal_head"  # noqa: S608 (ours)
)
_LINKS = "SELECT seq, record, link FROM exchange WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
_LENGTHS = "SELECT seq, length(record) FROM exchange ORDER BY seq DESC"
_CUTS = "SELECT first, last, link, at_ms, reason FROM journal_cut ORDER BY number"
_CUTS_WITHIN = (
    "SELECT first, last, link, at_ms, reason FROM journal_cut"
    " WHERE last > ? AND first < ? ORDER BY number"
)
_ROWS = "SELECT * FROM exchange WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
_WINDOW = 5000
"""Exchanges among which a text is looked for in one statement."""
LOOKED_THROUGH = 8192
"""Exchanges that are looked through for a text before a page ends: a twentieth of a second."""
_SOME = 200
"""Exchanges that are in memory at a time as a text is looked for, or hashes are checked."""
_NEAR = 64
"""Exchanges that are decoded at a time as all are walked over.

So few fit into the cache of a processor; of 500, each costs three times as much.
"""
_HEAD_TYPES = (int, bytes, int, int, int)
_CUT_TYPES = (int, int, bytes, int, str)


class SqlJournal:
    """Read the journal, from any thread, also while it is being written.

    See `simulator.store.protocols.Journal` for what each call does.
    """

    def __init__(
        self,
        readers: Readers,
        texts: Texts | None = None,
        *,
        moment: SqlConnection | None = None,
        size: SizeLimit | None = None,
    ) -> None:
        """Borrow from *readers*, or read the *moment* that one of their connections sees.

        *texts* spares looking everywhere for a text; *size* is the limit of the store that writes.
        """
        self._readers = readers
        self._texts = texts
        self._moment = moment
        self._size = size or SizeLimit(0)

    def limit_put_off(self) -> AbstractContextManager[None]:
        """Return a block in which the store deletes nothing by its limit, up to a point."""
        return self._size.put_off()

    @contextmanager
    def at_one_moment(self) -> Iterator["SqlJournal"]:
        """Yield a journal all of whose calls see the database as it is now."""
        with self._reading() as db:
            yield SqlJournal(self._readers, self._texts, moment=db)

    @contextmanager
    def _reading(self) -> Iterator[SqlConnection]:
        if self._moment is not None:
            yield self._moment
            return
        with self._readers.lend() as db:
            yield db

    def read(
        self,
        after: int = 0,
        limit: int = 100,
        match: Match | None = None,
        through: int = NEWEST,
    ) -> list[Exchange]:
        """Return up to *limit* exchanges with a number above *after*, oldest first."""
        return self._page(after, limit, match, through, newest_first=False)

    def newest(
        self, before: int = NEWEST, limit: int = 100, match: Match | None = None
    ) -> list[Exchange]:
        """Return up to *limit* exchanges with a number below *before*, newest first."""
        return self._page(before, limit, match, NEWEST, newest_first=True)

    def _page(
        self, start: int, limit: int, match: Match | None, through: int, *, newest_first: bool
    ) -> list[Exchange]:
        with self._reading() as db:
            where, values = condition(match, db.dialect)
            if match and "q" in match:
                found = self._with_text(db, match, start, through, newest_first=newest_first)
                return list(islice(found, max(limit, 0)))
            behind, order = ("<", "DESC") if newest_first else (">", "ASC")
            rows = db.execute(
                f"SELECT seq, record FROM exchange WHERE seq {behind} :start AND seq <= :through"  # noqa: S608 (conditions of the table)
                f"{where} ORDER BY seq {order} LIMIT :limit",
                {
                    **values,
                    "start": min(start, NEWEST),
                    "through": min(through, NEWEST),
                    "limit": max(limit, 0),
                },
            ).fetchall()
        _must_be_in_order(rows, start, newest_first=newest_first)
        return [decode(seq, record) for seq, record in rows]

    def page(
        self, start: int, limit: int, match: Match | None = None, *, newest_first: bool = False
    ) -> tuple[list[Exchange], int | None]:
        """Return what `read` or `newest` does, and the number to go on behind; None at the end."""
        if not match or "q" not in match:
            found = self._page(start, limit, match, NEWEST, newest_first=newest_first)
            return found, found[-1].seq if found and len(found) == limit else None
        with self._reading() as db:
            found, left = [], LOOKED_THROUGH
            conditions = condition(match, db.dialect)
            for low, high in self._spans(db, match, start, NEWEST, newest_first=newest_first):
                first = max(low, high - left + 1) if newest_first else low
                last = high if newest_first else min(high, low + left - 1)
                span = (first, last)
                some = _within(db, match, conditions, span, newest_first=newest_first)
                found += islice(some, limit - len(found))
                left -= last - first + 1
                if len(found) == limit:
                    return found, found[-1].seq
                if not left:
                    return found, first if newest_first else last
        return found, None

    def get(self, seq: int) -> Exchange | None:
        """Return one exchange, or None."""
        rows = self._all("SELECT record FROM exchange WHERE seq = ?", (min(seq, NEWEST),))
        return decode(seq, rows[0][0]) if rows else None

    def link(self, seq: int) -> bytes | None:
        """Return the link of one exchange; None if there is none, or it is damaged."""
        rows = self._all("SELECT link FROM exchange WHERE seq = ?", (min(seq, NEWEST),))
        return rows[0][0] if rows and isinstance(rows[0][0], bytes) else None

    def last(self) -> int:
        """Return the number of the newest exchange, deleted or not; 0 if there was none."""
        with self._reading() as db:
            return _last(db)

    def count(self, match: Match | None = None) -> int:
        """Return how many exchanges there are, or how many match as in `read`."""
        with self._reading() as db:
            if match and "q" in match:
                return sum(1 for _ in self._with_text(db, match, 0, NEWEST, newest_first=False))
            where, values = condition(match, db.dialect)
            sql = f"SELECT count(*) FROM exchange WHERE true{where}"  # noqa: S608 (conditions of the table)
            return int(db.execute(sql, values).fetchone()[0])

    def counts(self) -> Mapping[tuple[str, str, int, str], int]:
        """Count what was recorded, by what it is."""
        with self.at_one_moment() as now, now._reading() as db:  # noqa: SLF001 (of this class)
            return counting.counts(db, now.last())

    def export_snapshot(self, header: Body) -> Iterator[bytes]:
        """Yield the state as the lines of a snapshot."""
        with self._reading() as db:
            yield from snapshots.export_lines(db, header)

    def head(self) -> ChainHead | None:
        """Return where the hash chain has got to; None if somebody took that away."""
        try:
            rows = self._all(_WHOLE_HEAD, ())
        except StoreError:
            return None
        return ChainHead(*rows[0]) if rows and _are(rows[0], _HEAD_TYPES) else None

    def cuts(self) -> list[Cut]:
        """Return what was deleted on purpose, or never recorded; StoreError if that is damaged."""
        return _cuts(self._all(_CUTS, ()))

    def walk(
        self, chain: Chain, batch: int = _NEAR, through: int | None = None
    ) -> Iterator[Sequence[Exchange]]:
        """Yield the exchanges after those that *chain* has looked at, and let it look."""
        with self.at_one_moment() as now, now._reading() as db:  # noqa: SLF001 (of this class)
            try:
                end = now.last() if through is None else through
                while chain.seq < end:
                    before = chain.seq
                    rows = now._all(_ROWS, (before, end, batch))  # noqa: SLF001 (of this class)
                    if not rows:
                        return
                    cuts = _cuts_between(db, before, rows)
                    well = chain.follow(rows)
                    found = [
                        _checked(
                            row,
                            chain,
                            fits=at < well or chain.check(row[0], row[-2], row[-1], cuts),
                        )
                        for at, row in enumerate(rows)
                    ]
                    if chain.seq <= before:
                        raise StoreError("rows out of order", "damaged")  # noqa: TRY301 (noted below)
                    yield [one for one in found if one is not None]
            except StoreError as error:
                about = f"and what follows cannot be read: the database is damaged ({error})"
                chain.note("damaged", chain.seq + 1, chain.seq + 1, about)

    def check(self, chain: Chain, last: int, batch: int = _SOME) -> None:
        """Let *chain* look at the hashes up to exchange *last*, and at nothing else."""
        with self._reading() as db:
            while chain.seq < last:
                before = chain.seq
                rows = db.execute(_LINKS, (before, last, batch)).fetchall()
                cuts = _cuts_between(db, before, rows)
                for seq, record, link in rows[chain.follow(rows) :]:
                    chain.check(seq, record, link, cuts)
                if chain.seq <= before:
                    return

    def evidence(self, chain: Chain) -> Evidence:
        """Return what *chain* found, laid beside the head."""
        with self.at_one_moment() as now:
            cuts: list[Cut] | None = None
            with suppress(StoreError):
                cuts = now.cuts()
            return chain.evidence(now.head(), cuts)

    def raw(self) -> Iterator[tuple[int, bytes]]:
        """Yield number and bytes of each exchange as it is stored, with what it is found by."""
        with self._reading() as db:
            seq = -NEWEST
            while rows := db.execute(_ROWS, (seq, NEWEST, 500)).fetchall():
                _must_be_in_order(rows, seq)
                for row in rows:
                    seq = row[0]
                    texts = " ".join(str(one) for one in row[1:-2]).encode()
                    yield seq, texts + b" " + (row[-2] if isinstance(row[-2], bytes) else b"")

    def fitting(self, size: int) -> int:
        """Return the number of the newest exchange that is to go so that *size* bytes are left."""
        with self._reading() as db:
            for seq, length in db.stream(_LENGTHS):
                size -= length
                if size < 0:
                    return int(seq)
        return 0

    def revision(self) -> int:
        """Return the number of the newest change of the state."""
        return int(self._all(statements.REVISION, ())[0][0])

    def probed(self) -> int:
        """Return the number that the newest probe gave; 0 if there was none."""
        return int(self._all(statements.PROBED, ())[0][0])

    def scan(self, kind: str, name: str = "") -> Iterator[str]:
        """Yield the keys of all entities of *kind*, or the texts under *name* in their bodies.

        A name with ``/`` leads into an object of the body.
        """
        try:
            with self._reading() as db:
                found = _texts(db, kind, name) if name else _keys(db, kind)
        except (msgspec.DecodeError, UnicodeDecodeError, TypeError, AttributeError):
            raise StoreError(f"a {kind} cannot be read: it is damaged", "damaged") from None
        return (one for one in found if isinstance(one, str))

    def close(self) -> None:
        """Close the connections, unless they are a store's."""
        self._readers.close()

    def _with_text(
        self, db: SqlConnection, match: Match, start: int, through: int, *, newest_first: bool
    ) -> Iterator[Exchange]:
        """Yield the exchanges behind *start* that match, with the text ``q`` among the rest."""
        conditions = condition(match, db.dialect)
        for span in self._spans(db, match, start, through, newest_first=newest_first):
            yield from _within(db, match, conditions, span, newest_first=newest_first)

    def _spans(
        self, db: SqlConnection, match: Match, start: int, through: int, *, newest_first: bool
    ) -> Iterable[tuple[int, int]]:
        """Return the spans of exchanges behind *start* that may hold the text ``q``, in order."""
        first = db.execute(statements.OLDEST).fetchone()[0]
        last = min(_last(db), through)
        low, high = (first, min(start - 1, last)) if newest_first else (max(start + 1, first), last)
        if low > high:
            return ()
        if self._texts is None:
            return ((low, high),)
        return self._texts.spans(match["q"], low, high, newest_first=newest_first)

    def _all(self, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        with self._reading() as db:
            return db.execute(sql, values).fetchall()


def _texts(db: SqlConnection, kind: str, name: str) -> list[Any]:
    """Return what stands under *name* in the body of each entity of *kind*."""
    path, rows = name.split("/"), db.execute(statements.BODIES_OF_KIND, (kind,))
    return [reduce(dict.get, path, msgspec.json.decode(body)) for _, body in rows.fetchall()]


def _keys(db: SqlConnection, kind: str) -> list[Any]:
    """Return the key of each entity of *kind*, for which an index will do without the bodies."""
    return [
        key if len(key) <= long_texts.SURELY_SHORT else _whole(db, organisation, kind, key)
        for organisation, key in db.execute(statements.KEYS_OF_KIND, (kind,)).fetchall()
    ]


def _whole(db: SqlConnection, organisation: str, kind: str, key: str) -> str:
    _, body = db.execute(statements.GET, (organisation, kind, key)).fetchone()
    return long_texts.whole(key, msgspec.json.decode(body, type=dict[str, Any]))


def _last(db: SqlConnection) -> int:
    """Return the number of the newest exchange, by the rows or, if it is deleted, by the head."""
    newest, head = db.execute(_LAST).fetchone()
    return max(int(newest), head) if isinstance(head, int) else int(newest)


def _within(
    db: SqlConnection,
    match: Match,
    conditions: tuple[str, Mapping[str, Any]],
    span: tuple[int, int],
    *,
    newest_first: bool,
) -> Iterator[Exchange]:
    """Yield the exchanges of *span* that match, with the text ``q`` among the rest."""
    where, values = conditions
    first, last = span
    order = "DESC" if newest_first else "ASC"
    sql = (
        "SELECT seq, record FROM exchange WHERE seq BETWEEN :low AND :high"  # noqa: S608 (conditions of the table)
        f"{where} ORDER BY seq {order} LIMIT {_SOME}"
    )
    step = -1 if newest_first else 1
    at = last if newest_first else first
    while first <= at <= last:
        low, high = (
            (max(at - _WINDOW, first), at) if newest_first else (at, min(at + _WINDOW, last))
        )
        rows = db.execute(sql, {**values, "low": low, "high": high}).fetchall()
        _must_be_in_order(rows, at - step, newest_first=newest_first)
        for seq, record in rows:
            exchange = decode(seq, record)
            if search.holds(exchange, match["q"]):
                yield exchange
        whole = len(rows) < _SOME
        at = ((low if newest_first else high) if whole else rows[-1][0]) + step


def _must_be_in_order(
    rows: Sequence[Sequence[Any]], start: int, *, newest_first: bool = False
) -> None:
    """Refuse *rows* that do not go on from *start*: a damaged index can lead in circles."""
    for row in rows:
        if not (row[0] < start if newest_first else row[0] > start):
            raise StoreError(f"exchange {row[0]} is out of order: it is damaged", "damaged")
        start = row[0]


def _are(row: Sequence[Any], types: Sequence[type]) -> bool:
    """Tell whether a row holds what its columns are for: SQLite takes any value in any column."""
    return all(isinstance(value, kind) for value, kind in zip(row, types, strict=True))


def _cuts(rows: Sequence[Sequence[Any]]) -> list[Cut]:
    if not all(_are(row, _CUT_TYPES) for row in rows):
        raise StoreError("the list of deletions holds what nobody wrote there", "damaged")
    return [Cut(*row) for row in rows]


def _cuts_between(db: SqlConnection, before: int, rows: Sequence[Sequence[Any]]) -> Sequence[Cut]:
    """Return the deletions that *rows*, which follow exchange *before*, may pass over."""
    if not rows or rows[-1][0] - before == len(rows):
        return ()
    return _cuts(db.execute(_CUTS_WITHIN, (before, rows[-1][0])).fetchall())


def _checked(row: Sequence[Any], chain: Chain, *, fits: bool) -> Exchange | None:
    """Return the exchange of *row*, which *fits* or not; *chain* notes if it cannot be read."""
    seq = row[0]
    try:
        exchange = decode(seq, row[-2])
    except StoreError:
        if fits:
            chain.note("damaged", seq, seq, "cannot be read by this mdmsim")
        return None
    if fits and columns_of(exchange) != row[:-2]:
        chain.note("altered", seq, seq, "is found by other values than were recorded")
    return exchange
