"""The index of texts leaves out no place where a text is, and keeps nothing of what is deleted."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.messages import Exchange
from simulator.store import search
from simulator.store.opening import open_store
from simulator.store.sqlite import indexing
from simulator.store.sqlite.store import SqliteStore
from simulator.store.sqlite.text_index import (
    BLOCK,
    PIECE,
    SHARD,
    TextIndex,
    TextIndexWriter,
    content,
    path_of,
    query_of,
)
from tests.apple import request

LAST = SHARD - 1


@contextmanager
def opened(path: Path, *, index_texts: bool | None = True) -> Iterator[SqliteStore]:
    store = open_store(path, index_texts=index_texts)
    assert isinstance(store, SqliteStore)
    with closing(store):
        yield store


def record(store: SqliteStore, count: int, special: dict[int, str]) -> None:
    """Record *count* exchanges; those with a number in *special* have that target."""
    with store.transaction() as state:
        for number in range(1, count + 1):
            target = special.get(number, f"/x{number}")
            state.record(Exchange(number, request("GET", target, [])))


def found(store: SqliteStore, text: str) -> list[int]:
    with closing(store.journal()) as journal:
        seqs = [one.seq for one in journal.read(match={"q": text})]
        assert [one.seq for one in journal.newest(match={"q": text})] == seqs[::-1]
        return seqs


def spans(path: Path, text: str, low: int = 1, high: int = LAST) -> list[tuple[int, int]]:
    return list(TextIndex(path).spans(text, low, high, newest_first=False))


def vocabulary(path: Path) -> set[str]:
    """Return all trigrams in the index."""
    with closing(sqlite3.connect(path_of(path))) as db:
        shards = [number for (number,) in db.execute("SELECT number FROM shard")]
        for number in shards:
            db.execute(
                f"CREATE VIRTUAL TABLE temp.v{number} USING fts5vocab(main, text_{number}, row)"
            )
        return {
            term
            for number in shards
            for (term,) in db.execute(f"SELECT term FROM temp.v{number}")  # noqa: S608 (a number)
        }


def test_indexing_waits_for_a_pause_unless_much_waits_with_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "QUIET_S", 3600)
    with opened(path) as store:
        record(store, PIECE, {70: "/zebra"})

        assert not store.texts_are_indexed(0.1)
        assert found(store, "zebra") == [70]
        assert spans(path, "zebra") == [(1, LAST)]

    monkeypatch.setattr(indexing, "PUT_OFF", PIECE)
    with opened(path) as store:
        record(store, PIECE, {})

        assert store.texts_are_indexed(30)
        assert found(store, "zebra") == [70]
        assert spans(path, "zebra") == [(64, 79), (2 * PIECE, LAST)]


def test_few_blocks_are_left_to_look_in(path: Path) -> None:
    with opened(path) as store:
        record(store, 2 * PIECE + 100, {70: "/zebra-1", 1500: "/zebra-2", 2100: "/zebra-3"})

        assert store.texts_are_indexed(30)
        tail = (2 * PIECE, LAST)
        assert spans(path, "zebra") == [(64, 79), (1488, 1503), tail]
        assert spans(path, "Zebra-2") == [(1488, 1503), tail]
        assert spans(path, "zebra", 75, 1490) == [(75, 79), (1488, 1490)]
        assert list(TextIndex(path).spans("zebra", 1, 1490, newest_first=True)) == [
            (1488, 1490),
            (64, 79),
        ]
        assert spans(path, "ze") == [(1, LAST)]
        assert found(store, "zebra") == [70, 1500, 2100]


def test_blocks_side_by_side_become_one_span(path: Path) -> None:
    with opened(path) as store:
        record(store, PIECE, {10: "/zebra", 16: "/zebra", 40: "/zebra", 600: "/zebra"})

        assert store.texts_are_indexed(30)
        assert spans(path, "zebra", 1, PIECE - 1) == [(1, 3 * BLOCK - 1), (592, 607)]


def test_what_is_deleted_leaves_the_index(path: Path) -> None:
    with opened(path) as store:
        record(store, 2 * PIECE, {70: "/zebra", 900: "/okapi"})
        assert store.texts_are_indexed(30)
        assert {"zeb", "oka"} <= vocabulary(path)
        with store.transaction() as state:
            state.forget({"exchange": 70}, at_ms=1, reason="test")

        assert store.texts_are_indexed(30)
        assert (found(store, "zebra"), found(store, "okapi")) == ([], [900])
        assert "oka" in vocabulary(path)
        assert "zeb" not in vocabulary(path)
    assert b"zeb" not in path_of(path).read_bytes()


def test_a_command_that_deletes_takes_it_out_of_the_index_as_well(path: Path) -> None:
    with opened(path) as store:
        record(store, PIECE, {70: "/zebra"})
        assert store.texts_are_indexed(30)
    with opened(path, index_texts=None) as store, store.transaction() as state:
        state.forget({}, at_ms=1, reason="test")

    assert vocabulary(path) == set()
    assert b"zeb" not in path_of(path).read_bytes()


def test_a_limit_that_deletes_takes_it_out_of_the_index_as_well(path: Path) -> None:
    store = open_store(path, keep=1000, index_texts=True)
    assert isinstance(store, SqliteStore)
    with closing(store):
        record(store, PIECE, {70: "/zebra"})
        assert store.texts_are_indexed(30)
        record(store, 100, {})

        assert store.texts_are_indexed(30)
        assert found(store, "zebra") == []
        assert "zeb" not in vocabulary(path)


def test_a_journal_of_earlier_times_is_indexed(path: Path) -> None:
    with opened(path, index_texts=None) as store:
        record(store, PIECE, {70: "/zebra"})
        assert not path_of(path).exists()
    with opened(path) as store:
        assert store.texts_are_indexed(30)
        assert spans(path, "zebra", 1, PIECE - 1) == [(64, 79)]
        assert path_of(path).stat().st_mode & 0o777 == 0o600


def test_an_index_of_another_journal_is_not_believed(path: Path, tmp_path: Path) -> None:
    with opened(path) as store:
        record(store, PIECE, {70: "/zebra"})
        assert store.texts_are_indexed(30)
    older = tmp_path / "older.db"
    with opened(older, index_texts=None) as store:
        record(store, PIECE, {900: "/okapi"})
    shutil.copy(older, path)
    with opened(path) as store:
        assert store.texts_are_indexed(30)
        assert (found(store, "zebra"), found(store, "okapi")) == ([], [900])
        assert "zeb" not in vocabulary(path)


def test_a_damaged_index_is_made_anew(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path_of(path).write_bytes(b"no database" * 1000)
    with opened(path) as store:
        record(store, PIECE, {70: "/zebra"})

        assert store.texts_are_indexed(30)
        assert spans(path, "zebra", 1, PIECE - 1) == [(64, 79)]
    assert "the index of texts is made anew" in caplog.text


def test_whoever_looks_is_not_held_up_by_a_damaged_index(path: Path) -> None:
    path_of(path).write_bytes(b"no database" * 1000)

    assert spans(path, "zebra", 5, 9) == [(5, 9)]


def test_an_index_that_breaks_off_leaves_the_rest_to_be_looked_through(path: Path) -> None:
    with closing(TextIndexWriter(path)) as index:
        index.add([(4, "zebra")], (0, SHARD - 1, b"", ""))
        index.add([(4096, "zebra")], (1, SHARD + PIECE - 1, b"", ""))
    with closing(sqlite3.connect(path_of(path), isolation_level=None)) as db:
        db.execute("DROP TABLE text_1")

    assert spans(path, "zebra", 1, 70_000) == [(64, 79), (80, 70_000)]


def test_without_an_index_its_file_goes(path: Path) -> None:
    with opened(path) as store:
        record(store, PIECE, {70: "/zebra"})
        assert store.texts_are_indexed(30)
    with opened(path, index_texts=False) as store:
        assert not path_of(path).exists()
        assert not store.texts_are_indexed(0)
        assert found(store, "zebra") == [70]


texts = st.text(st.characters(codec="utf-8"), min_size=3, max_size=12)


@given(texts, texts, st.data())
@settings(max_examples=100, deadline=None)
def test_no_part_of_what_is_searched_in_is_left_out(
    first: str, second: str, data: st.DataObject
) -> None:
    target = "/" + first.encode().hex()
    made = Exchange(1, request("POST", target, [("X", first)], second.encode()))
    whole = data.draw(st.sampled_from(list(search.texts(made))))
    at = data.draw(st.integers(0, len(whole)))
    part = whole[at : at + data.draw(st.integers(0, 12))]
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(
            "CREATE VIRTUAL TABLE t USING fts5(content, content='', columnsize=0, detail=none,"
            " tokenize='trigram case_sensitive 1')"
        )
        db.execute("INSERT INTO t (rowid, content) VALUES (1, ?)", (content([made]),))
        for wanted in (part, part.upper(), part.lower()):
            query = query_of(wanted)
            if query is not None and search.holds(made, wanted):
                assert db.execute("SELECT 1 FROM t WHERE t MATCH ?", (query,)).fetchone()
