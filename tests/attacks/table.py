"""What is done to the files of a data directory behind the simulator's back.

`test_attacks.py`, `test_heads.py` and `test_journals.py` hold each to its outcome; the command
``python -m tests.attacks`` shows them all.
"""

import os
import random
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from simulator.core.data_directory import DATABASE, LEDGER, Directory
from simulator.core.sealed_file import seal
from simulator.journal.chain import link_of
from simulator.store.opening import open_store
from tests.store.conftest import exchange

PAGE = 4096
FLIPS = 40
"""Bits of a kept ledger that are turned over, one at a time."""
LEAF = 0x0D
"""First byte of a page of SQLite that holds rows of a table."""
_COPY = (
    "INSERT INTO exchange SELECT {seq}, at_ms, organisation, client, service, operation, status,"
    " error, rules, route, target, record, link FROM exchange WHERE seq = 4"
)
_CUT = (
    "INSERT INTO journal_cut (first, last, link, at_ms, reason)"
    " VALUES ({first}, {last}, x'00', 1, 'limit')"
)
_AWAY = "ALTER TABLE exchange RENAME TO theirs"
_ENDLESS_EXCHANGES = """CREATE VIEW exchange AS
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
  SELECT i AS seq, at_ms, organisation, client, service, operation, status, error, rules, route,
    target, record, link FROM n, theirs WHERE theirs.seq = 4"""
_ENDLESS_CUTS = """CREATE VIEW journal_cut AS
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
  SELECT i AS number, i AS first, i AS last, x'00' AS link, 1 AS at_ms, 'limit' AS reason FROM n"""
_TRIGGER = """CREATE TRIGGER theirs AFTER INSERT ON exchange BEGIN
  DELETE FROM exchange WHERE seq = new.seq; END"""
STATEMENTS = {
    "number-0": [_COPY.format(seq=0)],
    "negative-number": [_COPY.format(seq=-7)],
    "no-head": ["DROP TABLE journal_head"],
    "empty-head": ["DELETE FROM journal_head"],
    "no-cuts": ["DROP TABLE journal_cut"],
    "no-exchanges": ["DROP TABLE exchange"],
    "text-for-record": ["UPDATE exchange SET record = 'text' WHERE seq = 4"],
    "text-for-link": ["UPDATE exchange SET link = 'text' WHERE seq = 4"],
    "number-for-link": ["UPDATE exchange SET link = 7 WHERE seq = 4"],
    "text-for-status": ["UPDATE exchange SET status = 'text' WHERE seq = 4"],
    "bytes-for-rules": ["UPDATE exchange SET rules = x'ff' WHERE seq = 4"],
    "text-that-is-none": ["UPDATE exchange SET route = CAST(x'ff' AS TEXT) WHERE seq = 4"],
    "text-for-head-number": ["UPDATE journal_head SET seq = 'text'"],
    "text-for-head-link": ["UPDATE journal_head SET link = 'text'"],
    "text-for-cut-number": ["UPDATE journal_cut SET last = 'text'"],
    "text-for-cut-link": ["UPDATE journal_cut SET link = 'text'"],
    "number-for-cut-reason": ["UPDATE journal_cut SET reason = x'07'"],
    "nothing-for-records": ["UPDATE exchange SET record = x''"],
    "view-for-exchanges": [_AWAY, "CREATE VIEW exchange AS SELECT * FROM theirs"],
    "endless-view-for-exchanges": [_AWAY, _ENDLESS_EXCHANGES],
    "endless-view-for-cuts": ["DROP TABLE journal_cut", _ENDLESS_CUTS],
    "trigger": [_TRIGGER],
    "cut-before-the-first": [_CUT.format(first=-5, last=-1)],
    "cut-backwards": [_CUT.format(first=9, last=3)],
    "cut-behind-the-head": [_CUT.format(first=1, last=2**63 - 1)],
}
"""By SQL; the journal has 4 exchanges at least, and one of them is deleted."""


def journal(data: Path, count: int) -> Path:
    """Make a data directory with *count* exchanges, and return it."""
    directory = Directory(str(data))
    directory.keys("")
    assert directory.database is not None
    with closing(open_store(directory.database)) as store, store.transaction() as state:
        for number in range(count):
            state.record(exchange(f"/account?n={number}"))
    directory.release()
    return directory.path


def delete(data: Path, seq: int) -> None:
    """Delete one exchange as users do: on record."""
    with closing(open_store(data / DATABASE)) as store, store.transaction() as state:
        state.forget({"exchange": seq}, at_ms=5, reason="delete")


def execute(data: Path, *statements: str) -> None:
    """Run *statements* on the database."""
    with closing(sqlite3.connect(data / DATABASE)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def zeroed(content: bytearray, page: int) -> None:
    """Write zeros over a page."""
    content[page * PAGE : (page + 1) * PAGE] = bytes(PAGE)


def swapped(content: bytearray, page: int) -> None:
    """Put the rows of a leaf out of order, which SQLite's own check calls "rowid out of order"."""
    start = page * PAGE
    if content[start] != LEAF:
        return
    (count,) = struct.unpack_from(">H", content, start + 3)
    first, last = start + 8, start + 8 + 2 * (count - 1)
    content[first : first + 2], content[last : last + 2] = (
        content[last : last + 2],
        content[first : first + 2],
    )


def flipped(content: bytearray, page: int) -> None:
    """Turn three bits of a page over."""
    chance = random.Random(page)  # noqa: S311 (the same damage in each run)
    for _ in range(3):
        content[page * PAGE + chance.randrange(PAGE)] ^= 1 << chance.randrange(8)


PAGES: tuple[Callable[[bytearray, int], None], ...] = (zeroed, swapped, flipped)
"""To each page of the database in turn."""


def head(data: Path, seq: int) -> str:
    """Return the head of the journal as it was after exchange *seq*."""
    with closing(sqlite3.connect(data / DATABASE)) as connection:
        row = connection.execute("SELECT link FROM exchange WHERE seq = ?", (seq,)).fetchone()
        return str(row[0].hex())


def forge(data: Path, seq: int, through: int | None = None) -> None:
    """Write exchange *seq* anew, and the chain from it *through* another, as an expert would."""
    with closing(sqlite3.connect(data / DATABASE)) as connection, connection:
        rows = connection.execute("SELECT seq, record, link FROM exchange ORDER BY seq").fetchall()
        link = bytes(32)
        for number, record, was in rows:
            if number < seq or (through is not None and number > through):
                link = was
                continue
            made = record.replace(b"n=", b"m=") if number == seq else record
            link = link_of(link, made)
            connection.execute(
                "UPDATE exchange SET record = ?, link = ?, target = replace(target, 'n=', 'm=')"
                " WHERE seq = ?" if number == seq else
                "UPDATE exchange SET record = ?, link = ? WHERE seq = ?",
                (made, link, number),
            )  # fmt: skip
        if through is None:
            connection.execute("UPDATE journal_head SET link = ?", (link,))


def cut_off(data: Path, last: int) -> None:
    """Take away what came after exchange *last*, and have the head say that it is the newest."""
    kept = bytes.fromhex(head(data, last))
    with closing(sqlite3.connect(data / DATABASE)) as connection, connection:
        connection.execute("DELETE FROM exchange WHERE seq > ?", (last,))
        connection.execute("UPDATE journal_head SET seq = ?, link = ?", (last, kept))


FORGERIES: dict[str, Callable[[Path], None]] = {
    "first-exchange-and-chain": lambda data: forge(data, 1),
    "another-exchange-and-chain": lambda data: forge(data, 4),
    "newest-cut-off-and-head": lambda data: cut_off(data, 6),
}
"""The chain is right after them: only a head that was kept elsewhere finds them."""


def turned(data: Path) -> None:
    """Turn a bit of a record over in the file itself, and give the file its mtime back."""
    path = data / DATABASE
    before, content = path.stat(), bytearray(path.read_bytes())
    content[content.index(b"\xa6target") + len("/account?n=")] ^= 1
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(data: Path) -> None:
    """Put an altered copy in the place of the database, with all times that can be set."""
    path, copy = data / DATABASE, data / "copy"
    shutil.copytree(data, copy)
    turned(copy)
    shutil.copystat(path, copy / DATABASE)
    (copy / DATABASE).replace(path)


def in_the_log(data: Path) -> None:
    """Alter a record in a write-ahead log beside the database, which itself stays as it is."""
    copy = data / "copy"
    shutil.copytree(data, copy)
    with closing(sqlite3.connect(copy / DATABASE)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE exchange SET record = x'00' WHERE seq = 4")
        connection.commit()
        shutil.copy(copy / f"{DATABASE}-wal", data)


CHANGES: dict[str, Callable[[Path], None]] = {
    "bit-turned-mtime-restored": turned,
    "file-replaced-times-restored": replaced,
    "altered-in-the-log": in_the_log,
}
"""Of the database, once a report has noted that all its hashes are right."""


def spoiled(kept: bytes, another: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what may become of a kept ledger; *another* is that of another directory."""
    yield "cut-short", kept[:-1]
    yield "longer", kept + b"\0"
    yield "empty", b""
    yield "of-another-directory", another
    yield "without-its-proof", kept[32:]
    for name in ("sent", "received", "origins"):
        end = 40 + int.from_bytes(kept[32:40])
        lists = msgspec.msgpack.decode(kept[40:end])
        lists[name] = type(lists[name])()
        head = msgspec.msgpack.encode(lists)
        dropped = len(head).to_bytes(8) + head + kept[end:]
        yield f"nothing-{name}-with-the-old-proof", kept[:32] + dropped
        yield f"nothing-{name}-proved-by-another-key", seal(bytes(32), LEDGER, (dropped,)) + dropped
    for number, place in enumerate(range(0, len(kept), max(len(kept) // FLIPS, 1))):
        turned = bytearray(kept)
        turned[place] ^= 1 << number % 8
        yield f"bit-{number % 8}-of-byte-{place}", bytes(turned)
