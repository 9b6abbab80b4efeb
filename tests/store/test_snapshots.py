"""Going back to a mark, and snapshots."""

from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.core.state import StoreAdmin
from simulator.store import snapshot_lines
from simulator.store.opening import open_store
from simulator.store.protocols import Journal, Store
from simulator.store.sql import going_back
from simulator.store.sqlite.store import SqliteStore

Dump = list[bytes]
Changes = list[tuple[str, str, str, int]]


def whole(state: StoreAdmin) -> Dump:
    return list(state.export_snapshot({}))


def load(state: StoreAdmin, lines: Dump) -> None:
    """Replace the state by what *lines* say."""
    state.wipe()
    for step in snapshot_lines.steps(lines):
        step(state)


def seeded(store: Store) -> Dump:
    """Write a small world, mark it, and return it."""
    with store.transaction() as state:
        root = state.of("")
        root.put("organisation", "a", {"id": "a"})
        root.put("organisation", "b", {"id": "b"})
        root.put("token", "t", {"organisation": "a"}, {"server": "a/1"})
        for org in "ab":
            own = state.of(org)
            own.put("device", "1", {"n": 1}, {"place": "x"})
            own.put("device", "2", {"n": 2}, {"place": "y"})
            own.reserve("event", 5)
        state.set_baseline()
        return whole(state)


def changed(state: StoreAdmin, org: str) -> None:
    own, root = state.of(org), state.of("")
    own.put("device", "1", {"n": 10}, {"place": "z"})
    own.put("device", "1", {"n": 11})
    own.delete("device", "2")
    own.put("device", "3", {"n": 3}, {"place": "w"})
    own.reserve("event", 3)
    root.put("token", f"of-{org}", {"organisation": org}, {"server": f"{org}/2"})
    root.put("organisation", org, {"id": org, "terms": False})


def test_what_was_changed_added_and_removed_is_as_it_was(store: Store) -> None:
    start = seeded(store)
    with store.transaction() as state:
        changed(state, "a")
        changed(state, "b")
        state.of("").delete("token", "t")
        state.of("").put("fault", "armed", {})

    with store.transaction() as state:
        state.reset()
        again = whole(state)
        found = state.of("a").find("device", "place", equals="y")
    with store.transaction() as state:
        changed(state, "a")
        state.reset()
        once_more = whole(state)

    assert start == again == once_more
    assert [one.key for one in found] == ["2"]


def test_one_organisation_goes_back_and_the_others_stay(store: Store) -> None:
    start = seeded(store)
    with store.transaction() as state:
        changed(state, "b")
        before = whole(state)
        changed(state, "a")
        state.of("").put("token", "t", {"organisation": "a", "revoked": True})

    with store.transaction() as state:
        state.reset("a")
        after = whole(state)
    with store.transaction() as state:
        state.reset()

        assert after == before
        assert whole(state) == start


def test_a_reset_says_whose_entities_it_has_changed(store: Store) -> None:
    seeded(store)
    with store.transaction() as state:
        assert set(state.reset()) == set()
        state.of("b").put("device", "3", {})
        assert set(state.reset()) == {"b"}
        state.of("").put("token", "t", {"organisation": "a", "revoked": True})
        assert set(state.reset()) == {"a"}
        state.of("").put("token", "t", {"organisation": "b"})  # it was a's
        assert set(state.reset()) == {"a", "b"}
        state.of("").put("organisation", "b", {"id": "b", "terms": False})
        assert set(state.reset()) == {"b"}
        assert set(state.reset("a")) == {"a"}


def test_what_resets_write_stays_where_nothing_else_has_changed(store: Store) -> None:
    seeded(store)
    with store.transaction() as state:
        for org in "ab":
            state.of(org).put("line", "1", {"n": 1})
        state.of("a").put("device", "3", {})
        changed = set(state.reset(settled={"line"}))

        assert changed == {"a"}
        assert not state.of("a").has("line", "1")
        assert state.of("b").has("line", "1")
        assert set(state.reset(settled={"line"})) == set()

        state.of("b").delete("device", "1")
        assert set(state.reset(settled={"line"})) == {"b"}
        assert not state.of("b").has("line", "1")
        assert state.of("b").has("device", "1")


def test_after_a_reset_nothing_is_remembered_of_what_there_was(store: Store) -> None:
    seeded(store)
    with store.transaction() as state:
        changed(state, "a")
        assert state.of("a").has("device", "3")
        assert state.of("a").get("device", "2") is None
    with store.transaction() as state:
        state.reset()

        assert state.of("a").get("device", "3") is None
        assert state.of("a").has("device", "2")
        assert state.of("a").reserve("event") == 6


def test_without_a_mark_there_is_nothing_to_go_back_to(store: Store) -> None:
    with store.transaction() as state:
        assert not state.has_baseline()
        with pytest.raises(ValueError, match="no state to go back to"):
            state.reset()


def test_a_failed_reset_changes_nothing(store: Store) -> None:
    seeded(store)
    with store.transaction() as state:
        changed(state, "a")
        before = whole(state)

    with store.transaction() as state:
        with suppress(RuntimeError), state.savepoint():
            state.reset()
            raise RuntimeError
        assert whole(state) == before


def test_a_snapshot_is_loaded_as_it_was(store: Store) -> None:
    seeded(store)
    with store.transaction() as state:
        changed(state, "a")
        lines = whole(state)
        state.wipe()
        state.of("c").put("other", "x", {})

    with store.transaction() as state:
        snapshot_lines.head(lines[0])
        load(state, lines[1:])

        assert whole(state) == lines
        assert state.of("a").reserve("event", 0) == 9
        assert state.of("a").find("device", "place", equals="w")[0].body == {"n": 3}


@pytest.mark.parametrize("organisation", [None, "x"])
def test_a_text_with_nul_is_no_hindrance(store: Store, organisation: str | None) -> None:
    with store.transaction() as state:
        state.put("thing", "a", {"organisation": "x", "note": "a\0\\u0000"})
        state.set_baseline()
        state.put("thing", "a", {"organisation": "x", "note": "b\0\\u0000"})
        state.reset(organisation)
        found = state.get("thing", "a")

    assert found is not None
    assert found.body["note"] == "a\0\\u0000"


def test_a_long_key_stays_through_resets_and_snapshots(store: Store, journal: Journal) -> None:
    key = "".join(sha256(bytes([number])).hexdigest() for number in range(60))
    with store.transaction() as state:
        state.put("thing", key, {"n": 1}, {"by": key})
        state.set_baseline()
        state.put("thing", key, {"n": 2}, {})
        state.reset()
        lines = whole(state)
        load(state, lines[1:])
        assert whole(state) == lines

        (found,) = state.find("thing", "by", equals=key)

    assert (found.key, found.body) == (key, {"n": 1})
    assert list(journal.scan("thing")) == [key]


def test_a_snapshot_of_nothing_is_one(store: Store) -> None:
    with store.transaction() as state:
        lines = whole(state)
        load(state, lines[1:])

    assert len(lines) == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param(b"{", "no snapshot", id="broken"),
        pytest.param(b"\xff", "no snapshot", id="bytes"),
        pytest.param(b"[]", "no snapshot", id="array"),
        pytest.param(b'{"other": 1}', "no snapshot", id="other"),
        pytest.param(b'{"mdmsim_snapshot": 99}', "of format 99, this mdmsim reads 1", id="newer"),
    ],
)
def test_what_is_no_snapshot_of_this_format_is_refused(line: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        snapshot_lines.head(line)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        pytest.param([], "ends early, after line 1", id="nothing"),
        pytest.param([b'["","k","x",{},{}]'], "ends early, after line 2", id="no-end"),
        pytest.param([b'{"lines":7}'], "ends early", id="other-end"),
        pytest.param([b'["","k","x",{}]'], "line 2 of the snapshot is damaged", id="short"),
        pytest.param([b'["","k","",{},{}]'], "line 2", id="no-key"),
        pytest.param([b'["","k","x",{},{"a":1}]'], "line 2", id="index"),
        pytest.param([b"["], "line 2", id="json"),
        pytest.param([b"\xff"], "line 2", id="bytes"),
    ],
)
def test_a_damaged_snapshot_is_refused(store: Store, lines: list[bytes], says: str) -> None:
    start = seeded(store)

    with store.transaction() as state:
        with pytest.raises(ValueError, match=says), state.savepoint():
            load(state, lines)
        assert whole(state) == start


NAMES = st.sampled_from(["a", "b", "c"])
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["put", "plain", "delete", "reserve"]),
        st.sampled_from(["", "a", "b"]),
        NAMES,
        st.integers(0, 3),
    ),
    max_size=12,
)


def apply(state: StoreAdmin, changes: Changes) -> None:
    for what, org, key, number in changes:
        own = state.of(org)
        body: Any = {"n": number, "organisation": "a" if number % 2 else "b"}
        if what == "put":
            own.put("thing", key, body, {"i": str(number)})
        elif what == "plain":
            own.put("thing", key, body)
        elif what == "delete":
            own.delete("thing", key)
        else:
            own.reserve("thing", number)


def marked(before: Changes, after: Changes) -> tuple[Store, Dump]:
    """Return a store that was marked after the first changes, and what it held then."""
    store = open_store(None)
    with store.transaction() as state:
        for org in "ab":
            state.of("").put("organisation", org, {"id": org})
        apply(state, before)
        state.set_baseline()
        start = whole(state)
        apply(state, after)
    return store, start


def assert_found_again(state: StoreAdmin, start: Dump) -> None:
    """Compare the state with *start*, and look for what it holds by all index values."""
    assert whole(state) == start
    for line in start[1:-1]:
        row = msgspec.json.decode(line)
        for name, value in row[4].items() if len(row) == 5 else ():
            found = state.of(row[0]).find(row[1], name, equals=value)
            assert row[2] in [one.key for one in found]


@given(before=CHANGES, after=CHANGES, more=CHANGES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_happened_a_reset_undoes_it(
    before: Changes, after: Changes, more: Changes
) -> None:
    store, start = marked(before, after)
    with store.transaction() as state:
        state.reset("a")
        apply(state, more)
        state.reset()

        assert_found_again(state, start)
    store.close()


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have resets be made by a copy, of two entities at a time."""
    monkeypatch.setattr(going_back, "MANY", -1)
    monkeypatch.setattr(going_back, "LOT", 2)


def copy(store: Store, meanwhile: Iterable[Callable[[StoreAdmin], object]] = ()) -> int:
    """Copy what a reset goes back to, and do something *meanwhile* after each piece.

    Return the number of the copy.
    """
    between = iter(meanwhile)
    after: tuple[str, str, str] | None = ("", "", "")
    with store.transaction() as state:
        number = state.begin_reset()
    while after is not None:
        with store.transaction() as state:
            after = state.copy_reset(number, after)
        with store.transaction() as state:
            next(between, lambda _: None)(state)
    return number


@given(before=CHANGES, after=CHANGES, more=CHANGES)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@pytest.mark.usefixtures("copied")
def test_whatever_happens_meanwhile_a_copy_is_what_there_was(
    before: Changes, after: Changes, more: Changes
) -> None:
    store, start = marked(before, after)
    with store.transaction() as state:
        state.of("b").put("thing", "changed", {})

    number = copy(store, [partial(apply, changes=[one]) for one in more])
    with store.transaction() as state:
        state.take_reset(number, ())
        assert_found_again(state, start)
        apply(state, after)
        state.reset()
        assert whole(state) == start
    store.close()


@pytest.mark.usefixtures("copied")
def test_a_copy_says_whose_entities_have_changed_and_leaves_what_resets_write(
    store: Store,
) -> None:
    start = seeded(store)
    with store.transaction() as state:
        state.of("b").put("line", "1", {"n": 1})
    number = copy(store, [lambda state: changed(state, "a")])

    with store.transaction() as state:
        assert set(state.take_reset(number, {"line"})) == {"a"}
        assert state.of("b").delete("line", "1")
        assert whole(state) == start
        changed(state, "b")
        assert "b" in set(state.reset(settled={"line"}))


def test_little_is_put_back_in_place_and_nothing_without_a_mark(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(going_back, "MANY", 2)
    with store.transaction() as state, pytest.raises(ValueError, match="no state to go back to"):
        state.begin_reset()
    seeded(store)
    with store.transaction() as state:
        for key, copies in (("1", False), ("2", False), ("3", True)):
            state.of("a").put("other", key, {})
            assert bool(state.begin_reset()) is copies


@pytest.mark.usefixtures("copied")
def test_a_copy_takes_its_place_by_the_same_few_rows_however_much_has_changed() -> None:
    written = []
    for count in (3, 30):
        with closing(SqliteStore.open(None)) as store:
            seeded(store)
            with store.transaction() as state:
                state.of("a").put_many("other", ((f"{n}", {}, None) for n in range(count)))
            number, before = copy(store), store._connection.total_changes
            with store.transaction() as state:
                state.take_reset(number, ())
            written.append(store._connection.total_changes - before)

    assert written[0] == written[1]


def test_a_snapshot_shows_one_moment_and_keeps_no_transaction_waiting(tmp_path: Path) -> None:
    store = open_store(tmp_path / "mdmsim.db")
    start, journal = seeded(store), store.journal()
    lines = journal.export_snapshot({})
    found = [next(lines)]

    with store.transaction() as state:
        changed(state, "a")
    found += lines

    assert found == start
    journal.close()
    store.close()
