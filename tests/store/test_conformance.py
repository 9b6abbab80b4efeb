"""One battery that every backend has to pass."""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256

import pytest

from simulator.core.state import State
from simulator.store.protocols import Journal, Store
from tests.store.conftest import exchange


def fill(state: State) -> None:
    for key in ("b/2", "a/1", "b/1", "b/3", "c/1"):
        state.put("thing", key, {"key": key}, {"by": key[::-1]})
    state.put("other", "a/1", {})
    state.of("elsewhere").put("thing", "b/2", {"key": "elsewhere"})


def test_what_is_put_is_there_and_what_is_deleted_is_not(store: Store) -> None:
    with store.transaction() as state:
        first = state.put("thing", "a", {"n": 1, "å": [None, True, 1.5]})
        second = state.put("thing", "a", {"n": 2})
        found = state.get("thing", "a")
        assert found is not None
        assert (found.body, found.revision) == ({"n": 2}, second)
        assert second > first
        assert state.get("other", "a") is None
        assert state.has("thing", "a")
        assert not state.has("other", "a")
        assert state.of("elsewhere").get("thing", "a") is None

        assert state.delete("thing", "a")
        assert not state.has("thing", "a")
        assert not state.delete("thing", "a")
        assert state.get("thing", "a") is None


@pytest.mark.parametrize(
    "write",
    [
        lambda state: state.put("thing", "a", {"n": 1}),
        lambda state: state.put_many("thing", [("a", {"n": 1}, None)]),
        lambda state: state.add_many("thing", [("a", {"n": 1})]),
    ],
    ids=["put", "put many", "add many"],
)
def test_what_was_asked_for_in_vain_is_found_once_it_is_there(
    store: Store, write: Callable[[State], object]
) -> None:
    def is_there(state: State) -> bool:
        found = state.get("thing", "a")
        assert found is None or found.body == {"n": 1}
        assert state.has("thing", "a") is (found is not None)
        return found is not None

    with store.transaction() as state:
        assert not is_there(state)
        with suppress(KeyError), state.savepoint():
            write(state)
            assert is_there(state)
            raise KeyError
        assert not is_there(state)
        write(state)
        assert is_there(state)
        state.delete("thing", "a")
        assert not is_there(state)
    with suppress(KeyError), store.transaction() as state:
        write(state)
        assert is_there(state)
        raise KeyError
    with store.transaction() as state:
        assert not is_there(state)
        write(state)
    with store.transaction() as state:
        assert is_there(state)


def test_many_are_deleted_at_once(store: Store) -> None:
    with store.transaction() as state:
        rows = ((f"{n:05d}", {"n": n}, {"colour": "red"}) for n in range(2500))
        state.put_many("thing", rows)
        state.put("other", "00001", {})
        state.of("elsewhere").put("thing", "00001", {})
        state.put("thing", "waits", {}, {"colour": "red"})
        keys = [f"{n:05d}" for n in range(2499)]

        assert state.delete_many("thing", [*keys, "waits", keys[0], "nothing"]) == 2500

        assert [one.key for one in state.scan("thing")] == ["02499"]
        assert [one.key for one in state.find("thing", "colour", equals="red")] == ["02499"]
        assert state.get("thing", "00001") is None
        assert not state.has("thing", "waits")
        assert state.get("other", "00001") is not None
        assert state.of("elsewhere").get("thing", "00001") is not None
        assert state.delete_many("thing", []) == 0


def test_what_was_deleted_at_once_is_there_again_if_that_is_undone(store: Store) -> None:
    with store.transaction() as state:
        state.put_many("thing", ((key, {"key": key}, {"n": key}) for key in "abc"))
        with suppress(ZeroDivisionError), state.savepoint():
            assert state.delete_many("thing", "ab") == 2
            raise ZeroDivisionError

        assert [one.key for one in state.scan("thing")] == ["a", "b", "c"]
        assert state.find("thing", "n", equals="a")[0].body == {"key": "a"}


def test_what_was_deleted_at_once_comes_back_by_a_reset(store: Store) -> None:
    with store.transaction() as state:
        state.put_many("thing", ((key, {"key": key}, {"n": key}) for key in "abc"))
        state.set_baseline()
    with store.transaction() as state:
        state.delete_many("thing", "ab")
    with store.transaction() as state:
        state.reset()

        assert [one.key for one in state.scan("thing")] == ["a", "b", "c"]
        assert state.find("thing", "n", equals="b")[0].body == {"key": "b"}


def test_keys_come_in_order_without_what_they_stand_for(store: Store) -> None:
    with store.transaction() as state:
        state.put_many("thing", ((key, {}, None) for key in "cab"))
        state.put("other", "d", {})
        state.of("acme").put("thing", "e", {})

        assert state.keys("thing") == ["a", "b", "c"]
        assert state.keys("thing", after="a", limit=1) == ["b"]
        assert state.keys("nothing") == []


def test_organisations_are_found_by_what_they_have(store: Store) -> None:
    with store.transaction() as state:
        for name in ("acme", "school", "zoo"):
            state.of("").put("organisation", name, {})
        state.of("zoo").put("thing", "a", {})
        state.of("acme").put("thing", "b", {})
        state.of("nobody").put("thing", "a", {})

        assert state.of("zoo").organisations_with("thing") == ["acme", "zoo"]
        assert state.organisations_with("thing", "a") == ["zoo"]
        assert state.organisations_with("thing", "c") == []


def test_many_are_found_by_key(store: Store) -> None:
    with store.transaction() as state:
        state.put_many("thing", ((f"{n:05d}", {"n": n}, None) for n in range(2500)))

        found = state.get_many("thing", [f"{n:05d}" for n in range(0, 5000, 2)])

    assert len(found) == 1250
    assert found["02498"].body == {"n": 2498}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({}, ["a/1", "b/1", "b/2", "b/3", "c/1"], id="all"),
        pytest.param({"prefix": "b/"}, ["b/1", "b/2", "b/3"], id="prefix"),
        pytest.param({"prefix": "b/", "after": "b/1"}, ["b/2", "b/3"], id="after"),
        pytest.param({"prefix": "b/", "limit": 2}, ["b/1", "b/2"], id="limit"),
        pytest.param({"prefix": "b/", "after": "a/9"}, ["b/1", "b/2", "b/3"], id="after-is-before"),
        pytest.param({"prefix": "b/", "after": "c"}, [], id="after-is-behind"),
        pytest.param({"prefix": "d/"}, [], id="none"),
        pytest.param({"limit": 0}, [], id="no-room"),
    ],
)
def test_a_scan_goes_by_key(store: Store, arguments: dict[str, str], expected: list[str]) -> None:
    with store.transaction() as state:
        fill(state)

        assert [one.key for one in state.scan("thing", **arguments)] == expected  # type: ignore[arg-type]  # a table of keywords


@pytest.mark.parametrize("last", ["z", "\ud7ff", "\uffff", "\U0010ffff"])
def test_a_prefix_ends_where_it_ends(store: Store, last: str) -> None:
    prefix = f"a{last}"
    inside = [prefix, f"{prefix}\0", f"{prefix}\U0010ffff\U0010ffff"]
    with store.transaction() as state:
        for key in ("a", "b", "\U0010ffff", *inside):
            state.put("thing", key, {}, {"by": key})

        assert [one.key for one in state.scan("thing", prefix=prefix)] == inside
        assert [one.key for one in state.find("thing", "by", prefix=prefix)] == inside
        assert [one.key for one in state.scan("thing", prefix="\U0010ffff")] == ["\U0010ffff"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({"equals": "1/b"}, ["b/1"], id="equals"),
        pytest.param({"equals": "1"}, [], id="equals-is-no-prefix"),
        pytest.param({"prefix": "1/"}, ["a/1", "b/1", "c/1"], id="prefix"),
        pytest.param({"prefix": "1/", "after": "1/a", "limit": 1}, ["b/1"], id="page"),
    ],
)
def test_a_find_goes_by_index_value(
    store: Store, arguments: dict[str, str], expected: list[str]
) -> None:
    with store.transaction() as state:
        fill(state)

        assert [one.key for one in state.find("thing", "by", **arguments)] == expected  # type: ignore[arg-type]  # a table of keywords


def test_index_values_are_replaced_kept_or_dropped(store: Store) -> None:
    with store.transaction() as state:
        state.put("thing", "a", {}, {"by": "1"})
        state.put("thing", "a", {"n": 2})
        assert state.find("thing", "by", equals="1")[0].body == {"n": 2}

        state.put("thing", "a", {}, {"by": "2"})
        assert state.find("thing", "by", equals="1") == []
        assert len(state.find("thing", "by", equals="2")) == 1

        state.put("thing", "a", {}, {})
        assert state.find("thing", "by", equals="2") == []
        state.put("thing", "a", {}, {"by": "3"})
        state.delete("thing", "a")
        assert state.find("thing", "by", equals="3") == []


def test_of_a_key_that_is_put_twice_at_once_the_later_counts(store: Store) -> None:
    rows = [("a", {"n": 1}, {"by": "1"}), ("a", {"n": 2}, {"by": "2"}), ("a", {"n": 3}, None)]
    with store.transaction() as state:
        state.put_many("thing", rows)

        assert state.find("thing", "by", equals="1") == []
        assert [one.body for one in state.find("thing", "by", equals="2")] == [{"n": 3}]


def test_an_entity_needs_a_key(store: Store) -> None:
    with store.transaction() as state:
        with pytest.raises(ValueError, match="a thing needs a key"):
            state.put("thing", "", {})
        with pytest.raises(ValueError, match="a thing needs a key"):
            state.put_many("thing", [("a", {}, None), ("", {}, None)])

        assert state.count("thing") == 0


def test_many_new_entities_are_added_and_found_by_values_that_are_added_later(
    store: Store,
) -> None:
    with store.transaction() as state:
        state.put("other", "x", {})
        state.add_many("thing", ((f"{n:05d}", {"n": n}) for n in range(2500)))
        state.index_many("thing", "by", ((f"{n:05d}", f"{2499 - n:05d}") for n in range(2500)))

        assert state.count("thing") == 2500
        assert [one.key for one in state.find("thing", "by", limit=2)] == ["02499", "02498"]
        assert len(state.changes("thing", 0, limit=3000)) == 2500
        state.put("thing", "02499", {}, {"by": "99999"})
        assert [one.key for one in state.find("thing", "by", limit=1)] == ["02498"]


@pytest.mark.parametrize(
    ("keys", "about"),
    [
        pytest.param(["a", "there", "b"], "there is a thing there already", id="is-there"),
        pytest.param(["a", "b", "a"], "there is a thing a already", id="comes-twice"),
        pytest.param(["a", ""], "a thing needs a key", id="no-key"),
    ],
)
def test_what_is_added_must_be_new(store: Store, keys: list[str], about: str) -> None:
    with store.transaction() as state:
        state.put("thing", "there", {"n": 1})

        with pytest.raises(ValueError, match=about), state.savepoint():
            state.add_many("thing", ((key, {}) for key in keys))

        assert [one.body for one in state.scan("thing")] == [{"n": 1}]
        assert state.put("thing", "c", {}) == 2


@pytest.mark.parametrize("ended", [False, True])
def test_index_values_hold_while_the_store_fills(store: Store, *, ended: bool) -> None:
    with store.transaction() as state:
        state.begin_bulk_load()
        state.put("thing", "a", {}, {"by": "1"})
        if ended:
            state.end_bulk_load()
        state.put("thing", "a", {}, {"by": "2"})
        state.put("thing", "b", {}, {"by": "1"})
        state.delete("thing", "b")
        state.end_bulk_load()

        assert [one.key for one in state.find("thing", "by")] == ["a"]
        assert not state.find("thing", "by", equals="1")


def test_several_entities_may_have_one_index_value(store: Store) -> None:
    with store.transaction() as state:
        for key in ("c", "a", "b"):
            state.put("thing", key, {}, {"by": "x"})

        assert [one.key for one in state.find("thing", "by", equals="x", limit=2)] == ["a", "b"]
        assert [one.key for one in state.find("thing", "by", equals="x", after="b")] == ["c"]


def test_changes_come_in_the_order_in_which_they_were_made(store: Store) -> None:
    with store.transaction() as state:
        fill(state)
        since = state.put("thing", "z", {})
        state.put("thing", "c/1", {})
        state.put_many("thing", [("a/1", {}, None), ("b/1", {}, None)])

        assert [one.key for one in state.changes("thing", since)] == ["c/1", "a/1", "b/1"]
        assert [one.key for one in state.changes("thing", since, 1)] == ["c/1"]
        assert len(state.changes("thing", 0)) == 6


def test_a_number_from_outside_may_be_too_large(store: Store, journal: Journal) -> None:
    with store.transaction() as state:
        assert state.changes("thing", 10**30) == []
    assert journal.get(10**30) is None
    assert journal.read(10**30) == []


def test_a_revision_is_used_once(store: Store) -> None:
    with store.transaction() as state:
        state.put("thing", "a", {})
        newest = state.put("thing", "b", {})
        state.delete("thing", "b")
        state.wipe()

    with store.transaction() as state:
        assert state.put("thing", "c", {}) > newest


def test_counts_and_numbers_belong_to_the_organisation(store: Store) -> None:
    with store.transaction() as state:
        fill(state)

        assert (state.count("thing"), state.of("elsewhere").count("thing")) == (5, 1)
        assert state.reserve("n", 0) == 1
        assert (state.reserve("n"), state.reserve("n", 10), state.reserve("n")) == (1, 2, 12)
        assert state.of("elsewhere").reserve("n") == 1
        assert state.reserve("m") == 1


def undone(state: State) -> None:
    state.put("thing", "a", {"n": 2}, {"by": "2"})
    state.reserve("n", 5)
    state.record(exchange())
    with state.savepoint():
        state.delete("thing", "a")
    raise LookupError


def test_a_savepoint_undoes_everything_inside_it(store: Store) -> None:
    with store.transaction() as state:
        state.put("thing", "a", {"n": 1}, {"by": "1"})
        before = state.reserve("n", 0)

        with pytest.raises(LookupError), state.savepoint():
            undone(state)

        assert state.find("thing", "by", equals="1")[0].body == {"n": 1}
        assert state.reserve("n", 0) == before


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda state: state.put("thing", "a", {"n": 2}), id="put"),
        pytest.param(lambda state: state.put_many("thing", [("a", {}, {})]), id="put-many"),
        pytest.param(lambda state: state.delete("thing", "a"), id="delete"),
        pytest.param(lambda state: state.reserve("n"), id="reserve"),
        pytest.param(lambda state: state.wipe(), id="wipe"),
        pytest.param(lambda state: state.wipe(""), id="wipe-one"),
    ],
)
def test_the_only_write_in_a_savepoint_is_undone(
    store: Store, write: Callable[[State], object]
) -> None:
    def write_and_fail(state: State) -> None:
        write(state)
        raise LookupError

    with store.transaction() as state:
        state.put("thing", "a", {"n": 1}, {"by": "1"})
        before = state.get("thing", "a")

        with pytest.raises(LookupError), state.savepoint():
            write_and_fail(state)

        assert state.get("thing", "a") == before
        assert state.find("thing", "by", equals="1") == [before]
        assert state.reserve("n", 0) == 1


def test_savepoints_nest(store: Store, journal: Journal) -> None:
    with store.transaction() as state:
        with state.savepoint():
            state.record(exchange())
            with pytest.raises(LookupError), state.savepoint():
                undone(state)
            state.put("thing", "b", {})
            with pytest.raises(LookupError), state.savepoint():
                undone(state)
        assert state.record(exchange()) == 2

    with store.transaction() as state:
        assert [one.key for one in state.scan("thing")] == ["b"]
        assert state.reserve("n") == 1
    assert journal.last() == 2


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with store.transaction() as state:
        state.record(exchange())

    with pytest.raises(LookupError), store.transaction() as state:
        undone(state)

    with store.transaction() as state:
        assert state.get("thing", "a") is None
        assert state.reserve("n") == 1
        assert state.record(exchange()) == 2


def test_a_state_is_of_no_use_after_its_transaction(store: Store) -> None:
    with store.transaction() as state:
        other = state.of("other")

    with store.transaction():
        with pytest.raises(RuntimeError, match="the transaction is over"):
            other.put("thing", "a", {})
        with pytest.raises(RuntimeError, match="the transaction is over"):
            other.record(exchange())


def test_transactions_do_not_nest(store: Store) -> None:
    with store.transaction() as state:
        with pytest.raises(RuntimeError, match="do not nest"), store.transaction():
            pass
        state.put("thing", "a", {})

    with store.transaction() as state:
        assert state.count("thing") == 1


def test_wiping_takes_one_organisation_only(store: Store) -> None:
    with store.transaction() as state:
        fill(state)
        state.reserve("n")
        state.wipe("")

        assert state.count("thing") == 0
        assert state.find("thing", "by", prefix="") == []
        assert state.reserve("n") == 1
        assert state.of("elsewhere").count("thing") == 1


LONG = "".join(sha256(bytes([number])).hexdigest() for number in range(60))
"""3,840 bytes that cannot be compressed: a row of PostgreSQL's indexes takes 2,704."""


@pytest.mark.parametrize("head", ["", "å" * 480, "\0" * 1500, "\U0010ffff" * 300])
def test_keys_and_values_may_be_long(store: Store, head: str) -> None:
    one, other, third = (f"{head}{LONG}{last}" for last in "123")
    with store.transaction() as state:
        state.put("thing", one, {"n": 1}, {"by": one})
        state.put_many("thing", [(other, {"n": 2}, {"by": other})])
        state.add_many("thing", [(third, {"n": 3})])
        state.index_many("thing", "by", [(third, third)])
        state.put("thing", "z", {"n": 4}, {"by": f"{head}{LONG}"})
        with pytest.raises(ValueError, match=third), state.savepoint():
            state.add_many("thing", [(third, {})])

    # What is remembered was written: a second transaction reads the rest.
    with store.transaction() as state:
        every = state.scan("thing")
        assert {found.key: found.body for found in every} == {
            one: {"n": 1},
            other: {"n": 2},
            third: {"n": 3},
            "z": {"n": 4},
        }
        assert state.keys("thing") == [found.key for found in every]
        after, pages = "", []
        while page := state.scan("thing", after=after, limit=1):
            after = page[0].key
            pages += page
        assert pages == every
        assert [found.key for found in state.scan("thing", prefix=other)] == [other]
        assert state.get("thing", other) == state.get_many("thing", [other, "z"])[other]
        assert state.missing("thing", [third, f"{third}4"]) == {f"{third}4"}
        for key in (one, other, third):
            assert [found.key for found in state.find("thing", "by", equals=key)] == [key]
            assert state.find_many("thing", "by", [key, "none"]) == [state.get("thing", key)]
        assert len(state.find("thing", "by", prefix=head[:100])) == 4
        assert state.indexed("thing", "by", [one, f"{one}4"]) == {one}
        state.put("thing", one, {"n": 5})
        found = state.get("thing", one)
        assert found is not None
        assert (found.key, found.body) == (one, {"n": 5})
        assert state.delete("thing", one)
        assert state.delete_many("thing", [other, third]) == 2
        assert [found.key for found in state.find("thing", "by")] == ["z"]
        assert state.get("thing", one) is None
