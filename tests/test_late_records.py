"""A page is recorded later only if making it has written nothing, whatever call does that."""

from typing import Any

import pytest

from simulator.core.state import State
from simulator.engine.late_records import LateRecord
from tests.apple import Apple
from tests.store.conftest import exchange

READS: dict[str, tuple[Any, ...]] = {
    "get": ("thing", "a"),
    "has": ("thing", "a"),
    "get_many": ("thing", ["a"]),
    "missing": ("thing", ["a"]),
    "indexed": ("thing", "of", ["x"]),
    "scan": ("thing",),
    "keys": ("thing",),
    "organisations_with": ("thing",),
    "find": ("thing", "of"),
    "find_many": ("thing", "of", ["x"]),
    "changes": ("thing", 0),
    "count": ("thing",),
    "count_indexed": ("thing", "of", "x"),
}
WRITES: dict[str, tuple[Any, ...]] = {
    "put": ("thing", "a", {}),
    "put_many": ("thing", [("b", {}, None)]),
    "add_many": ("thing", [("c", {})]),
    "index_many": ("thing", "by", [("x", "a")]),
    "delete": ("thing", "a"),
    "delete_many": ("thing", ["a"]),
    "reserve": ("n",),
    "forget": ({},),
}
NEITHER = {"of", "savepoint", "record"}
"""What leads to further calls, and what is recorded later itself."""


def test_each_call_of_the_state_is_told_apart() -> None:
    calls = {name for name in vars(State) if not name.startswith("_")}

    assert calls == READS.keys() | WRITES.keys() | NEITHER


@pytest.mark.parametrize(
    ("name", "wrote"), [(one, False) for one in READS] + [(one, True) for one in WRITES]
)
def test_only_what_writes_has_a_page_recorded_with_it(name: str, wrote: bool) -> None:
    arguments = (READS | WRITES)[name]
    words = {"at_ms": 0, "reason": "test"} if name == "forget" else {}
    late = LateRecord()
    with Apple().store.transaction() as state:
        state.put("thing", "a", {}, {"of": "x"})
        state.record(exchange())
        noting = late.noting(state)

        getattr(noting.of(""), name)(*arguments, **words)

    assert late.wrote is wrote
