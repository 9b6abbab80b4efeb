"""Under ``observe`` nothing is refused for its shape, so no handler may count on a field."""

from collections.abc import Iterator
from typing import Any

import pytest

from simulator.protocol.fields import Field, Object, Objects, Strings, Table
from simulator.protocol.operations import Operation
from tests.apple import Apple
from tests.test_tables import DEP, VPP, ask, good, send
from tests.vpp import Vpp


def hollow(row: Field) -> list[Any]:
    """Return values that have the right type and hold nothing that could be used."""
    if isinstance(row, Objects):
        inner = {one.name: value for one in row.fields for value in hollow(one)[:1]}
        return [[], [{}], [inner], [{}, inner]]
    if isinstance(row, Object | Table):
        return [{}]
    if isinstance(row, Strings):
        return [[], [""]]
    empty: dict[str, list[Any]] = {"string": [""], "integer": [0, -1], "boolean": [False]}
    return empty.get(row.type, [])


def bodies(one: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield bodies that lack something, each with what it lacks."""
    rows = [row for row in one.request if row.place in ("body", "query") and row.name != "sToken"]
    whole = good(one)
    yield "all", {}
    for row in rows:
        rest = {name: value for name, value in whole.items() if name != row.name}
        yield f"{row.name}", rest
        yield f"{row.name}, which is null", rest | {row.name: None}
        for value in hollow(row) if row.place == "body" else [""]:
            yield f"what is in {row.name}: {value!r}", rest | {row.name: value}
            yield f"all but a hollow {row.name}: {value!r}", {row.name: value}


@pytest.mark.parametrize("one", [pytest.param(one, id=one.name) for one in (*DEP, *VPP)])
def test_a_handler_stands_what_is_missing(one: Operation) -> None:
    failed = []
    apple: Any = Apple(strictness="observe") if one in DEP else Vpp(strictness="observe")
    for lacking, body in bodies(one):
        queries = {row.name for row in one.request if row.place == "query"}
        sent = {k: v for k, v in body.items() if not (k in queries and v is None)}
        answer = (send if one in DEP else ask)(apple, one, sent)
        if "internal-error" in answer.rules:
            failed.append(lacking)

    assert not failed
