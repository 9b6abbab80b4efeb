"""What is done to a journal behind its back shows."""

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.core.settings import ConfigurationError
from simulator.core.state import State
from simulator.journal.chain import Chain, Evidence
from simulator.store.errors import StoreError
from simulator.store.opening import open_journal, open_store
from simulator.store.sqlite import migrations
from simulator.store.sqlite.store import SqliteStore
from tests.store.conftest import exchange

COUNT = 10
VALUE = (
    "UPDATE exchange SET record = CAST(replace(CAST(record AS TEXT), 'n=3', 'n=9') AS BLOB)"
    " WHERE seq = 4"
)


def filled(path: Path, count: int = COUNT) -> None:
    with closing(open_store(path)) as store:
        for number in range(0, count, 2):
            with store.transaction() as state:
                for one in range(number, min(number + 2, count)):
                    state.record(exchange(f"/account?n={one}"))


def evidence_of(path: Path, batch: int = 3) -> tuple[list[int], Evidence]:
    with closing(open_journal(path)) as journal:
        chain = Chain()
        found = [one.seq for batch_ in journal.walk(chain, batch) for one in batch_]
        return found, journal.evidence(chain)


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def problems(path: Path) -> list[tuple[str, int, int]]:
    return [(one.kind, one.first, one.last) for one in evidence_of(path)[1].problems]


def test_an_untouched_journal_is_whole(path: Path) -> None:
    filled(path)

    found, evidence = evidence_of(path)

    assert found == list(range(1, COUNT + 1))
    assert (evidence.complete, evidence.checked, evidence.missing) == (True, COUNT, 0)
    assert (evidence.head.seq, evidence.head.newest) == (COUNT, COUNT)


def test_an_empty_journal_is_whole(path: Path) -> None:
    filled(path, 0)

    assert evidence_of(path)[1].complete


def rows_of(path: Path) -> list[tuple[bytes, bytes]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT record, link FROM exchange ORDER BY seq").fetchall()


def chained(records: Iterable[bytes]) -> list[bytes]:
    """Return the links of *records*, by the words of the documentation and none of our code."""
    links = [bytes(32)]
    for record in records:
        links.append(hashlib.sha256(links[-1] + record).digest())
    return links[1:]


def test_each_link_is_the_hash_of_the_one_before_and_the_record(path: Path) -> None:
    filled(path)

    rows = rows_of(path)
    links = [link for _, link in rows]

    assert links == chained(record for record, _ in rows)
    assert evidence_of(path)[1].head.link == links[-1]


def test_a_journal_whose_chain_was_computed_anew_is_told_by_the_head_that_was_kept(
    path: Path,
) -> None:
    filled(path)
    kept = evidence_of(path)[1].head
    records = [record.replace(b"truncated", b"too-large") for record, _ in rows_of(path)]
    links = chained(records)
    with closing(sqlite3.connect(path)) as connection, connection:
        forged_rows = zip(records, links, range(1, COUNT + 1), strict=True)
        connection.executemany(
            "UPDATE exchange SET record = ?, link = ? WHERE seq = ?", forged_rows
        )
        connection.execute("UPDATE journal_head SET link = ?", (links[-1],))

    forged = evidence_of(path)[1]

    # Whoever computes the chain anew is not found by it, and only by what was kept elsewhere.
    assert forged.complete
    assert (forged.head.seq, kept.seq) == (COUNT, COUNT)
    assert forged.head.link != kept.link


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        pytest.param(
            [VALUE],
            [("altered", 4, 4)],
            id="value",
        ),
        pytest.param(
            ["UPDATE exchange SET record = x'00' WHERE seq IN (4, 5)"],
            [("altered", 4, 5)],
            id="unreadable",
        ),
        pytest.param(
            ["UPDATE exchange SET link = x'00' WHERE seq = 4"], [("altered", 4, 4)], id="link"
        ),
        pytest.param(
            ["UPDATE exchange SET status = 500 WHERE seq = 4"], [("altered", 4, 4)], id="column"
        ),
        pytest.param(["DELETE FROM exchange WHERE seq IN (4, 5)"], [("gap", 4, 5)], id="gap"),
        pytest.param(["DELETE FROM exchange WHERE seq < 3"], [("gap", 1, 2)], id="oldest"),
        pytest.param(["DELETE FROM exchange WHERE seq > 7"], [("truncated", 8, 10)], id="newest"),
        pytest.param(["DELETE FROM exchange"], [("truncated", 1, 10)], id="all"),
        pytest.param(["DELETE FROM journal_head"], [("damaged", 11, 11)], id="head"),
        pytest.param(
            ["UPDATE journal_head SET link = x'00'"], [("altered", 10, 10)], id="head-altered"
        ),
        pytest.param(
            [
                "DELETE FROM exchange WHERE seq IN (2, 9)",
                "UPDATE exchange SET link = x'00' WHERE seq = 6",
            ],
            [("gap", 2, 2), ("altered", 6, 6), ("gap", 9, 9)],
            id="three-places",
        ),
    ],
)
def test_what_was_done_is_found_where_it_was_done(
    path: Path, statements: list[str], found: list[tuple[str, int, int]]
) -> None:
    filled(path)
    tamper(path, *statements)

    assert problems(path) == found
    assert not evidence_of(path)[1].complete


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seq=st.integers(1, COUNT), place=st.floats(0, 0.999), mask=st.integers(1, 255))
def test_any_altered_byte_of_any_record_is_found(
    tmp_path: Path, seq: int, place: float, mask: int
) -> None:
    path = tmp_path / "any.db"
    if not path.exists():
        filled(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        query = "SELECT record FROM exchange WHERE seq = ?"
        (record,) = connection.execute(query, (seq,)).fetchone()
        altered = bytearray(record)
        altered[int(place * len(record))] ^= mask
        change = "UPDATE exchange SET record = ? WHERE seq = ?"
        connection.execute(change, (bytes(altered), seq))
        connection.commit()

        assert problems(path)[0] == ("altered", seq, seq)

        connection.execute(change, (record, seq))
    assert evidence_of(path)[1].complete


def test_a_database_with_a_broken_page_is_no_whole_journal(path: Path) -> None:
    filled(path, 400)
    content = bytearray(path.read_bytes())
    page = 4096
    middle = content.index(b"n=200") // page * page
    content[middle : middle + 8] = b"\xff" * 8
    path.write_bytes(content)

    _, evidence = evidence_of(path, 50)

    assert "damaged" in [one.kind for one in evidence.problems]
    assert not evidence.complete


def test_a_row_that_the_head_does_not_know_is_found(path: Path) -> None:
    filled(path)
    tamper(
        path,
        "UPDATE journal_head SET seq = 9, link = (SELECT link FROM exchange WHERE seq = 9)",
    )

    assert ("added", 10, 10) in problems(path)


def _record_and_fail(state: State, target: str) -> None:
    state.record(exchange(target))
    raise LookupError


def test_looking_at_many_takes_no_longer_for_each(path: Path) -> None:
    filled(path, 300)
    tamper(path, "UPDATE exchange SET record = x'00' WHERE seq BETWEEN 50 AND 250")

    chain = Chain()
    with closing(open_journal(path)) as journal:
        for _ in journal.walk(chain):
            pass

    assert len(chain._links) <= 2
    assert problems(path) == [("altered", 50, 250)]


def test_what_was_undone_is_not_in_the_chain(path: Path) -> None:
    with closing(open_store(path)) as store:
        with store.transaction() as state:
            state.record(exchange())
            with suppress(LookupError), state.savepoint():
                _record_and_fail(state, "/undone")
            state.record(exchange("/kept"))
        with suppress(LookupError), store.transaction() as state:
            _record_and_fail(state, "/lost")
        with store.transaction() as state:
            state.record(exchange("/last"))

    found, evidence = evidence_of(path)
    assert (found, evidence.complete) == ([1, 2, 3], True)


def test_two_writers_make_one_chain(path: Path) -> None:
    with closing(open_store(path)) as one, closing(open_store(path)) as other:
        for store in (one, other, other, one):
            with store.transaction() as state:
                state.record(exchange())

    assert evidence_of(path)[1].complete


def test_a_chain_is_gone_on_with_where_it_stopped(path: Path) -> None:
    filled(path)
    with closing(open_journal(path)) as journal, closing(open_store(path)) as store:
        chain = Chain()
        first = [one.seq for batch in journal.walk(chain) for one in batch]
        with store.transaction() as state:
            state.record(exchange())
        second = [one.seq for batch in journal.walk(chain) for one in batch]

        assert (len(first), second) == (COUNT, [COUNT + 1])
        assert journal.evidence(chain).complete


def downgrade(path: Path) -> None:
    """Make a database of format 1 of one of format 2."""
    tamper(
        path,
        "ALTER TABLE exchange DROP COLUMN link",
        "DROP TABLE journal_head",
        "DROP TABLE journal_cut",
        "PRAGMA user_version = 1",
    )


@pytest.mark.parametrize("count", [0, COUNT])
def test_an_older_database_is_chained_when_it_is_opened_to_be_written(
    path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(migrations, "_CHUNK", 3)
    filled(path, count)
    downgrade(path)

    with pytest.raises(ConfigurationError, match="older mdmsim"):
        open_journal(path)
    with closing(open_store(path)) as store, store.transaction() as state:
        state.record(exchange())

    found, evidence = evidence_of(path)
    assert found == list(range(1, count + 2))
    assert evidence.complete
    assert evidence.head.chained_from == count + 1


def test_a_journal_that_lost_its_head_is_not_written_to(path: Path) -> None:
    filled(path)
    tamper(path, "DELETE FROM journal_head")

    with pytest.raises(ConfigurationError, match="lost the head of its journal"):
        open_store(path)


def unseen(path: Path, count: int) -> None:
    with closing(open_store(path)) as store:
        with store.transaction() as state:
            state.skip_sequence_numbers(count, at_ms=1)
        with store.transaction() as state:
            state.record(exchange("/account?n=after"))


def test_what_was_answered_unrecorded_is_known_to_be_missing(path: Path) -> None:
    filled(path)
    unseen(path, 3)

    found, evidence = evidence_of(path)

    assert found == [*range(1, COUNT + 1), COUNT + 4]
    assert (evidence.complete, evidence.missing) == (False, 3)
    assert [(one.kind, one.first, one.last) for one in evidence.problems] == [
        ("unseen", COUNT + 1, COUNT + 3)
    ]


def test_what_is_left_after_all_before_it_was_deleted_is_whole(path: Path) -> None:
    filled(path)
    unseen(path, 3)
    with closing(open_store(path)) as store, store.transaction() as state:
        state.forget({"through": COUNT}, at_ms=2, reason="delete")

    found, evidence = evidence_of(path)

    assert found == [COUNT + 4]
    assert evidence.complete


def test_there_is_room_until_there_is_none(path: Path) -> None:
    with closing(SqliteStore.open(path)) as store:
        (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="full"), store.transaction() as state:
            state.record(exchange(f"/{'x' * 40_000}"))
        with pytest.raises(StoreError, match="full"), store.transaction() as state:
            state.probe()
        store._connection.execute("PRAGMA max_page_count = 100000")
        with store.transaction() as state:
            state.probe()
            state.record(exchange("/at-last"))

    assert evidence_of(path)[1].complete
