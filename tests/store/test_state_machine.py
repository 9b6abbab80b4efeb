"""Whatever is done in whatever order, the state does what dictionaries would do."""

import tempfile
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simulator.core.state import Entity, State
from simulator.store.opening import Place, open_store
from simulator.store.sql.state import SqlState
from tests.postgres import PostgresServer
from tests.store.conftest import exchange

CHARACTERS = st.sampled_from(["a", "b", "/", "å", "\0", "\ud7ff", "\ue000", "\U0010ffff"])
LONG = "".join(sha256(bytes([number])).hexdigest() for number in range(60))
"""More than a row of PostgreSQL's indexes takes, and it cannot be compressed."""
KEYS = st.sampled_from(["a", "a/b", "b", LONG, f"b/{LONG}"]) | st.text(
    CHARACTERS, min_size=1, max_size=3
)
TEXTS = st.text(CHARACTERS, max_size=3) | st.just(LONG)
ORGANISATIONS = st.sampled_from(["", "acme"])
KINDS = st.sampled_from(["device", "profile"])
INDEXES = st.none() | st.dictionaries(st.sampled_from(["place", "serial"]), TEXTS)
LIMITS = st.integers(0, 4)
ROWS = st.lists(st.tuples(KEYS, INDEXES), max_size=4)


@dataclass
class Row:
    """One entity, its revision and its index values."""

    revision: int
    number: int
    index: dict[str, str] = field(default_factory=dict)


@dataclass
class Model:
    """All that the store should hold."""

    rows: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    counters: dict[tuple[str, str], int] = field(default_factory=dict)
    revision: int = 0
    recorded: int = 0

    def put(
        self, organisation: str, kind: str, key: str, number: int, index: dict[str, str] | None
    ) -> None:
        """Write one entity."""
        self.revision += 1
        name = (organisation, kind, key)
        kept = self.rows[name].index if name in self.rows else {}
        self.rows[name] = Row(self.revision, number, kept if index is None else dict(index))

    def of(self, organisation: str, kind: str) -> dict[str, Row]:
        """Return the entities of one kind by key."""
        return {name[2]: row for name, row in self.rows.items() if name[:2] == (organisation, kind)}


def expected(rows: Iterable[tuple[str, Row]]) -> list[Entity]:
    """Return what a list of *rows* should come back as."""
    return [Entity(key, row.revision, {"n": row.number}) for key, row in rows]


class Undo(Exception):  # noqa: N818 (no error: it ends a block)
    """Ends a block that is to be undone."""


def end(*, undo: bool) -> None:
    """End the block around this as told."""
    if undo:
        raise Undo


class StateMachine(RuleBasedStateMachine):
    """A store beside a model; each step is one transaction or part of an undone one."""

    @initialize()
    def start(self) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.place = self.new_place()
        self.store = open_store(self.place)
        self.journal = self.store.journal()
        self.model = Model()
        self.seen: set[tuple[str, str, str]] = set()
        self.number = 0

    def new_place(self) -> Place:
        """Return where there is nothing yet."""
        return Path(self.directory.name) / "mdmsim.db"

    def teardown(self) -> None:
        self.journal.close()
        self.store.close()
        self.directory.cleanup()

    def do(self, work: Callable[[State, Model], None], undo: str) -> None:
        """Do *work* in a transaction, and take it back as *undo* says."""
        model = deepcopy(self.model)
        try:
            with self.store.transaction() as state:
                try:
                    with state.savepoint():
                        work(state, model)
                        self.seen |= set(model.rows)
                        end(undo=undo == "savepoint")
                except Undo:
                    model = deepcopy(self.model)
                    self.compare(state)
                    work(state, model)
                end(undo=undo == "transaction")
        except Undo:
            return
        self.model = model

    def compare(self, state: State) -> None:
        """Compare every entity that there is or ever was."""
        for name in self.seen:
            row = self.model.rows.get(name)
            entity = row and Entity(name[2], row.revision, {"n": row.number})
            assert state.of(name[0]).get(*name[1:]) == entity
        for (organisation, series), number in self.model.counters.items():
            assert state.of(organisation).reserve(series, 0) == number

    @invariant()
    def it_agrees(self) -> None:
        with self.store.transaction() as state:
            self.compare(state)
        assert self.journal.last() == self.model.recorded

    UNDO = st.sampled_from(["", "savepoint", "transaction"])

    @rule(organisation=ORGANISATIONS, kind=KINDS, key=KEYS, index=INDEXES, undo=UNDO)
    def put(
        self, organisation: str, kind: str, key: str, index: dict[str, str] | None, undo: str
    ) -> None:
        self.number += 1

        def work(state: State, model: Model) -> None:
            home = state.of(organisation)
            home.get(kind, key)
            model.put(organisation, kind, key, self.number, index)
            assert home.put(kind, key, {"n": self.number}, index) == model.revision
            found = home.get(kind, key)
            assert found == Entity(key, model.revision, {"n": self.number})

        self.do(work, undo)

    @rule(organisation=ORGANISATIONS, kind=KINDS, rows=ROWS, undo=UNDO)
    def put_many(
        self, organisation: str, kind: str, rows: list[tuple[str, dict[str, str] | None]], undo: str
    ) -> None:
        self.number += 1

        def work(state: State, model: Model) -> None:
            body = {"n": self.number}
            state.of(organisation).put_many(kind, ((key, body, index) for key, index in rows))
            for key, index in rows:
                model.put(organisation, kind, key, self.number, index)

        self.do(work, undo)

    @rule(organisation=ORGANISATIONS, kind=KINDS, data=st.data(), undo=UNDO)
    def delete(self, organisation: str, kind: str, data: st.DataObject, undo: str) -> None:
        there = sorted(self.model.of(organisation, kind))
        key = data.draw(st.sampled_from(there) | KEYS if there else KEYS)

        def work(state: State, model: Model) -> None:
            gone = model.rows.pop((organisation, kind, key), None)
            assert state.of(organisation).delete(kind, key) == (gone is not None)
            assert state.of(organisation).get(kind, key) is None

        self.do(work, undo)

    @rule(organisation=ORGANISATIONS, kind=KINDS, keys=st.lists(KEYS, max_size=4), undo=UNDO)
    def delete_many(self, organisation: str, kind: str, keys: list[str], undo: str) -> None:
        def work(state: State, model: Model) -> None:
            gone = {key for key in keys if model.rows.pop((organisation, kind, key), None)}
            assert state.of(organisation).delete_many(kind, keys) == len(gone)
            assert not any(state.of(organisation).has(kind, key) for key in keys)

        self.do(work, undo)

    @rule(organisation=ORGANISATIONS, count=st.integers(0, 3), undo=UNDO)
    def reserve(self, organisation: str, count: int, undo: str) -> None:
        def work(state: State, model: Model) -> None:
            first = model.counters.get((organisation, "n"), 1)
            assert state.of(organisation).reserve("n", count) == first
            model.counters[organisation, "n"] = first + count

        self.do(work, undo)

    @rule(undo=UNDO)
    def record(self, undo: str) -> None:
        def work(state: State, model: Model) -> None:
            model.recorded += 1
            assert state.record(exchange()) == model.recorded

        self.do(work, undo)

    @rule(organisation=st.sampled_from(["", "acme", None]), undo=UNDO)
    def wipe(self, organisation: str | None, undo: str) -> None:
        def work(state: State, model: Model) -> None:
            assert isinstance(state, SqlState)
            state.wipe(organisation)
            everywhere = organisation is None
            model.rows = {
                n: r for n, r in model.rows.items() if not (everywhere or n[0] == organisation)
            }
            model.counters = {
                n: c for n, c in model.counters.items() if not (everywhere or n[0] == organisation)
            }

        self.do(work, undo)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(self.place)

    @rule(kind=KINDS, key=KEYS)
    def write_elsewhere(self, kind: str, key: str) -> None:
        other = open_store(self.place)
        with other.transaction() as state:
            self.model.put("", kind, key, 0, None)
            self.seen.add(("", kind, key))
            self.model.recorded += 1
            assert state.put(kind, key, {"n": 0}) == self.model.revision
            assert state.record(exchange()) == self.model.recorded
        other.close()

    @rule(organisation=ORGANISATIONS, kind=KINDS, prefix=TEXTS, after=TEXTS, limit=LIMITS)
    def scan(self, organisation: str, kind: str, prefix: str, after: str, limit: int) -> None:
        mine = self.model.of(organisation, kind)
        wanted = sorted(key for key in mine if key.startswith(prefix) and key > after)[:limit]

        with self.store.transaction() as root:
            state = root.of(organisation)
            found = state.scan(kind, prefix=prefix, after=after, limit=limit)
            many = state.get_many(kind, wanted)
            there = [key for key in ("", after, *wanted, *mine) if key and state.has(kind, key)]
            single = [state.get(kind, key) for key in wanted]
            absent = state.missing(kind, [*mine, after, prefix])
            count = state.count(kind)

        assert found == expected((key, mine[key]) for key in wanted)
        assert list(many.values()) == single == found
        assert count == len(mine)
        assert absent == {after, prefix} - set(mine)
        assert there == [key for key in (after, *wanted, *mine) if key and key in mine]

    @rule(organisation=ORGANISATIONS, kind=KINDS, text=TEXTS, after=TEXTS, limit=LIMITS)
    def find(self, organisation: str, kind: str, text: str, after: str, limit: int) -> None:
        mine = self.model.of(organisation, kind)
        valued = sorted((r.index["place"], k) for k, r in mine.items() if "place" in r.index)

        with self.store.transaction() as root:
            state = root.of(organisation)
            same = state.find(kind, "place", equals=text, after=after, limit=limit)
            like = state.find(kind, "place", prefix=text, after=after, limit=limit)
            indexed = state.indexed(kind, "place", [text, after, *mine])
            either = state.find_many(kind, "place", [text, after, text])

        same_keys = [key for value, key in valued if value == text and key > after][:limit]
        like_keys = [key for value, key in valued if value.startswith(text) and value > after]
        if text == LONG:  # longer than a prefix may be
            like, like_keys = [], []
        assert same == expected((key, mine[key]) for key in same_keys)
        either_keys = sorted(key for value, key in valued if value in (text, after))
        assert either == expected((key, mine[key]) for key in either_keys)
        assert indexed == {text, after, *mine} & {value for value, _ in valued}
        assert like == expected((key, mine[key]) for key in like_keys[:limit])

    @rule(organisation=ORGANISATIONS, kind=KINDS, back=st.integers(0, 5), limit=LIMITS)
    def changes(self, organisation: str, kind: str, back: int, limit: int) -> None:
        since = self.model.revision - back
        mine = self.model.of(organisation, kind).items()
        later = sorted((one for one in mine if one[1].revision > since), key=_revision)

        with self.store.transaction() as root:
            found = root.of(organisation).changes(kind, since, limit)

        assert found == expected(later[:limit])


def _revision(named: tuple[str, Row]) -> int:
    return named[1].revision


TestStateMachine = StateMachine.TestCase
TestStateMachine.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


class PostgresStateMachine(StateMachine):
    """The same over PostgreSQL."""

    server: ClassVar[PostgresServer]

    def new_place(self) -> Place:
        return self.server.new()


@pytest.fixture
def on_postgres(postgres: PostgresServer) -> None:
    PostgresStateMachine.server = postgres


TestPostgresStateMachine = pytest.mark.usefixtures("on_postgres")(PostgresStateMachine.TestCase)
TestPostgresStateMachine.settings = settings(max_examples=10, stateful_step_count=20, deadline=None)
