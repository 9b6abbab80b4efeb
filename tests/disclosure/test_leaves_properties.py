"""Every value counts: as many records as values, whatever became of the request."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulator.core.messages import Response
from simulator.disclosure.observe.observation import Observer
from tests.disclosure.factories import (
    CATALOGUE,
    FINGERPRINTER,
    exchange,
    ledger_of,
    observed,
    recorded,
    request,
)

KEYS = st.text(st.characters(categories=["Ll", "Nd"]), min_size=1, max_size=6)
SCALARS = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(KEYS, TREES, max_size=5)


def leaves(tree: Any) -> int:
    """Return how many scalars and empty containers *tree* holds."""
    if isinstance(tree, dict) and tree:
        return sum(leaves(value) for value in tree.values())
    if isinstance(tree, list) and tree:
        return sum(leaves(value) for value in tree)
    return 1


def of_body(records: Any) -> list[Any]:
    """Return the records of the body itself, without what decoders found inside."""
    return [one for one in records if one.part == "body" and not one.via]


@given(OBJECTS)
def test_n_leaves_give_n_records(tree: dict[str, Any]) -> None:
    sent = request(body=json.dumps(tree).encode())
    count = sum(leaves(value) for value in tree.values())

    assert len(of_body(observed(sent))) == count
    assert len(of_body(recorded(sent))) == count


@given(st.lists(st.tuples(KEYS, st.text(max_size=5)), max_size=6))
def test_duplicate_keys_each_count(pairs: list[tuple[str, str]]) -> None:
    body = "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs) + "}"

    assert len(of_body(observed(request(body=body.encode())))) == len(pairs)


@given(st.lists(st.tuples(KEYS, KEYS), min_size=1, max_size=6))
def test_repeated_headers_and_query_keys_each_count(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"q{key}={value}" for key, value in pairs)
    headers = tuple((f"x-{key}", value) for key, value in pairs)

    records = observed(request("GET", f"/things?{query}", headers=headers))

    assert sum(one.part == "query" for one in records) == len(pairs)
    assert sum(one.part == "header" for one in records) == len(pairs)


@given(OBJECTS, st.sampled_from([400, 401, 403, 429, 500]))
def test_a_refused_request_equals_an_accepted_one(tree: dict[str, Any], status: int) -> None:
    sent = request(body=json.dumps(tree).encode())

    refused, accepted = (
        ledger_of(exchange(sent, response=Response(code))).sent for code in (status, 200)
    )

    assert refused.keys() == accepted.keys()
    assert [one.seen.values for one in refused.values()] == [
        one.seen.values for one in accepted.values()
    ]


@given(st.lists(OBJECTS, min_size=1, max_size=4))
def test_records_do_not_hang_on_what_came_before(trees: list[dict[str, Any]]) -> None:
    sent = [exchange(request(body=json.dumps(tree).encode())) for tree in trees * 2]
    service, operation = CATALOGUE.services["made"], CATALOGUE.operations["made.define"]
    used = Observer(CATALOGUE, FINGERPRINTER)

    for one in sent:
        fresh = Observer(CATALOGUE, FINGERPRINTER)
        assert used.observe(one.request, operation, service) == fresh.observe(
            one.request, operation, service
        )
