"""What every backend's journal has to do beside being read: proof, deletion, moments."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from simulator.core.messages import FaultApplication, Finding
from simulator.journal.chain import Chain, Evidence, link_of
from simulator.store import records
from simulator.store.errors import StoreError
from simulator.store.protocols import NEWEST, Journal, Store
from simulator.store.reading import exchanges_through
from tests.store.conftest import exchange


def record(store: Store, *targets: str, at_ms: int = 1_000) -> None:
    for target in targets:
        with store.transaction() as state:
            made = exchange(target)
            made.at_ms = at_ms
            state.record(made)


def proved(journal: Journal) -> tuple[list[str], Evidence]:
    """Return the targets that can be read, and what the chain says."""
    chain = Chain()
    with journal.at_one_moment() as now:
        found = [one.request.target for batch in now.walk(chain, 2) for one in batch]
        return found, now.evidence(chain)


def test_a_new_journal_is_empty_and_whole(store: Store) -> None:
    journal = store.journal()

    found, evidence = proved(journal)

    head = journal.head()
    assert found == []
    assert evidence.complete
    assert head is not None
    assert (head.seq, head.newest, head.chained_from, head.link) == (0, 0, 1, bytes(32))
    assert (journal.last(), journal.count(), journal.cuts(), journal.probed()) == (0, 0, [], 0)
    assert journal.counts() == {}
    assert journal.fitting(0) == 0
    assert list(journal.raw()) == []
    assert journal.get(1) is None
    journal.close()


def test_each_exchange_is_chained_to_the_one_before(store: Store) -> None:
    record(store, "/a", "/b", "/c")
    journal = store.journal()

    found, evidence = proved(journal)

    link = bytes(32)
    for one in journal.read():
        link = link_of(link, records.row_of(one)[-1])
    assert found == ["/a", "/b", "/c"]
    assert (evidence.complete, evidence.checked, evidence.head.link) == (True, 3, link)
    journal.close()


def test_a_walk_ends_where_it_is_told_and_goes_on_from_there(store: Store) -> None:
    record(store, "/a", "/b", "/c")
    journal, chain = store.journal(), Chain()

    first = [one.seq for batch in journal.walk(chain, through=2) for one in batch]
    second = [one.seq for batch in journal.walk(chain) for one in batch]
    checked = Chain()
    journal.check(checked, 3)

    assert (first, second) == ([1, 2], [3])
    assert chain.link == checked.link != b""
    assert [one.seq for one in exchanges_through(journal, 2)] == [1, 2]
    journal.close()


@pytest.mark.parametrize("match", [None, {"q": "/a"}, {"service": "dep"}])
def test_a_look_can_be_cut_into_pieces(store: Store, match: dict[str, str] | None) -> None:
    record(store, "/a1", "/a2", "/a3")
    journal = store.journal()

    pieces = [
        [one.seq for one in journal.read(after, 10, match, through)]
        for after, through in ((0, 2), (2, 2), (2, 3), (3, 9))
    ]

    assert pieces == [[1, 2], [], [3], []]
    journal.close()


@pytest.mark.parametrize(("text", "wanted"), [("/a", [1, 3, 5, 6]), ("/b", [2]), ("/c", [])])
@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_look_through_so_many_exchanges_for_a_text(
    store: Store,
    text: str,
    wanted: list[int],
    newest_first: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("simulator.store.sql.journal.LOOKED_THROUGH", 2)
    record(store, "/a", "/b", "/a", "/d", "/a", "/a", "/d")
    journal = store.journal()

    found, starts = list[int](), list[int | None]()
    after: int | None = NEWEST if newest_first else 0
    while after is not None:
        page, after = journal.page(after, 2, {"q": text}, newest_first=newest_first)
        found += [one.seq for one in page]
        starts.append(after)

    assert found == (wanted[::-1] if newest_first else wanted)
    assert starts == ([6, 4, 2, None] if newest_first else [2, 4, 6, None])
    journal.close()


def test_a_page_without_a_text_says_where_to_go_on(store: Store) -> None:
    record(store, "/a", "/b", "/c")
    journal = store.journal()

    pages = [journal.page(0, 2), journal.page(2, 2), journal.page(NEWEST, 3, newest_first=True)]

    assert [([one.seq for one in page], more) for page, more in pages] == [
        ([1, 2], 2),
        ([3], None),
        ([3, 2, 1], 1),
    ]
    journal.close()


def test_what_is_deleted_is_gone_and_on_record(store: Store) -> None:
    record(store, "/a", "/b", at_ms=1_000)
    record(store, "/c", "/d", "/e", at_ms=2_000)
    with store.transaction() as state:
        counts = [
            state.forget({"before_ms": 1_500}, at_ms=9, reason="prune"),
            state.forget({"exchange": 4}, at_ms=10, reason="delete"),
            state.forget({"organisation": "nobody"}, at_ms=11, reason="delete"),
        ]
    journal = store.journal()

    found, evidence = proved(journal)

    assert counts == [2, 1, 0]
    assert found == ["/c", "/e"]
    assert evidence.complete
    assert [(one.first, one.last, one.at_ms, one.reason) for one in journal.cuts()] == [
        (1, 2, 9, "prune"),
        (4, 4, 10, "delete"),
    ]
    assert (journal.last(), journal.count()) == (5, 2)
    with pytest.raises(ValueError, match="cannot be deleted by colour"), store.transaction() as s:
        s.forget({"colour": "red"}, at_ms=0, reason="delete")
    journal.close()


def test_numbers_that_were_skipped_are_known_to_be_missing(store: Store) -> None:
    record(store, "/a")
    with store.transaction() as state:
        state.skip_sequence_numbers(2, at_ms=5)
    record(store, "/d")
    journal = store.journal()

    found, evidence = proved(journal)

    assert found == ["/a", "/d"]
    assert [one.seq for one in journal.read()] == [1, 4]
    assert (evidence.complete, evidence.missing) == (False, 2)
    journal.close()


def test_the_oldest_go_so_that_the_rest_fits(store: Store) -> None:
    record(store, "/a", "/b", "/c")
    journal = store.journal()
    size = len(records.row_of(journal.read()[0])[-1])

    assert journal.fitting(10 * size) == 0
    assert journal.fitting(2 * size) == 1
    assert journal.fitting(size - 1) == 3
    journal.close()


def test_what_is_stored_can_be_looked_at_as_it_is(store: Store) -> None:
    record(store, "/needle", "/other")
    journal = store.journal()

    raw = list(journal.raw())

    assert [seq for seq, _ in raw] == [1, 2]
    assert [b"/needle" in content for _, content in raw] == [True, False]
    journal.close()


LONG = "3" * 5000
"""A key that is not stored as it is."""


def test_entities_are_scanned_over_all_organisations(store: Store) -> None:
    with store.transaction() as state:
        state.of("a").put("thing", "1", {"name": "one", "n": 1})
        state.of("b").put("thing", "2", {"name": "two"})
        state.of("b").put("thing", LONG, {"name": 4})
        newest = state.put("other", "3", {"name": "three"})
    journal = store.journal()

    assert sorted(journal.scan("thing")) == ["1", "2", LONG]
    assert sorted(journal.scan("thing", "name")) == ["one", "two"]
    assert list(journal.scan("thing", "n")) == []
    assert journal.revision() == newest
    journal.close()


DEP = ("dep", "", 200, "")


def test_exchanges_are_counted_by_what_they_are(store: Store) -> None:
    record(store, "/a", "/b")
    journal = store.journal()

    before = journal.counts()
    with store.transaction() as state:
        finding = Finding("field-unknown", "body", "a", "why")
        touched = [FaultApplication(f"f{number}", "late") for number in range(2)]
        state.record(exchange("/c", session="mine", findings=[finding], faults=touched[:1]))
        state.record(exchange("/d", session="yours", findings=[finding], faults=touched[1:]))

    assert before == {DEP: 2}
    assert journal.counts() == {DEP: 2, ("dep", "", 200, "field-unknown fault:"): 2}
    journal.close()


def test_what_was_counted_stays_whatever_is_deleted(store: Store) -> None:
    journal = store.journal()
    found = []
    for size in (900, 1300, 5):
        record(store, *["/a"] * size)
        found.append(journal.counts())
        with store.transaction() as state:
            state.forget({}, at_ms=1, reason="delete")
        found.append(journal.counts())

    assert found == [{DEP: count} for count in (900, 900, 2200, 2200, 2205, 2205)]
    journal.close()


def test_a_probe_is_read_back(store: Store) -> None:
    journal = store.journal()
    for expected in (1, 2, 3):
        with store.transaction() as state:
            number = state.probe()
        assert number == journal.probed() == expected
    with suppress(LookupError), store.transaction() as state:
        state.probe()
        raise LookupError

    assert journal.probed() == 3
    journal.close()


def test_several_calls_see_one_moment(store: Store) -> None:
    """A backend whose readers keep writers waiting, as in memory, passes too."""
    record(store, "/a")
    journal = store.journal()
    with ThreadPoolExecutor(1) as writer:
        with journal.at_one_moment() as now:
            before = now.last(), now.count(), [one.seq for one in now.read()]
            writing = writer.submit(record, store, "/b")
            with suppress(TimeoutError):
                writing.result(0.05)
            with now.at_one_moment() as same:
                after = same.last(), same.count(), [one.seq for one in same.read()]
        writing.result()

    assert before == after == (1, 1, [1])
    assert journal.last() == 2
    journal.close()


def test_a_moment_may_end_with_an_error(store: Store) -> None:
    journal = store.journal()
    with pytest.raises(LookupError), journal.at_one_moment():
        raise LookupError
    record(store, "/a")

    assert journal.last() == 1
    journal.close()


def test_an_error_says_what_can_be_done() -> None:
    error = StoreError("database or disk is full", "full")

    assert (str(error), error.reason) == ("database or disk is full", "full")
    assert error.advice == "make room on its disk"
