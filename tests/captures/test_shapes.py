"""The shape of a body, and how two of them differ."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.captures.shapes import differences, shape_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def said(captured: Any, ours: Any, *keyed: str) -> list[str]:
    before, after = (
        shape_of(json.dumps(one).encode(), frozenset(keyed)) for one in (captured, ours)
    )
    return [str(one) for one in differences(before, after)]


@given(JSON)
def test_nothing_differs_from_itself(tree: Any) -> None:
    assert said(tree, tree) == []


@pytest.mark.parametrize(
    ("captured", "ours", "expected"),
    [
        pytest.param({"a": 1}, {"a": 2.5}, [], id="same"),
        pytest.param({"a": 1}, {}, ["missing /a number"], id="missing"),
        pytest.param({}, {"a": 1}, ["extra /a number"], id="extra-in-nothing"),
        pytest.param({"b": 1}, {"a": 1, "b": 1}, ["extra /a number"], id="extra"),
        pytest.param({"a": 1}, {"a": "1"}, ["type /a number -> text"], id="type"),
        pytest.param({"a": True}, {"a": 1}, ["type /a boolean -> number"], id="boolean"),
        pytest.param({"a": "x"}, {"a": None}, [], id="null"),
        pytest.param({"a": None}, {"a": {"b": 1}}, [], id="was-null"),
        pytest.param({"a": []}, {"a": [{"b": 1}]}, [], id="was-empty"),
        pytest.param({"a": [{"b": 1}]}, {"a": []}, [], id="is-empty"),
        pytest.param({"a": []}, {"a": {}}, ["type /a empty list -> object"], id="kinds"),
        pytest.param([{"b": 1}, {"c": 1}], [{"c": 2}], ["missing /*/b number"], id="items"),
        pytest.param(
            {"a": {"b": 1, "c": 1}}, {"x": 1}, ["missing /a object", "extra /x number"], id="whole"
        ),
        pytest.param(
            {"t": "2026-03-01T12:00:00Z"},
            {"t": "1 March"},
            ["type /t text:time -> text"],
            id="form",
        ),
        pytest.param({"t": "1 March"}, {"t": "2026-03-01T12:00:00Z"}, [], id="edited"),
    ],
)
def test_what_differs_is_said_with_its_place(captured: Any, ours: Any, expected: list[str]) -> None:
    assert said(captured, ours) == expected


def test_keys_that_are_data_are_one_place() -> None:
    captured, ours = {"devices": {"A": {"os": "x"}}}, {"devices": {"B": {"os": "x"}, "C": {}}}

    assert said(captured, ours, "/devices") == []
    assert said(captured, ours) == [
        "missing /devices/A object",
        "extra /devices/B object",
        "extra /devices/C object",
    ]


@pytest.mark.parametrize(
    ("captured", "ours", "expected"),
    [
        pytest.param(b"", b"{}", ["type empty body -> object"], id="body"),
        pytest.param(b"FORBIDDEN", b'{"a":1}', ["type no JSON -> object"], id="text"),
        pytest.param(b"FORBIDDEN", b"GONE", [], id="texts"),
    ],
)
def test_bodies_that_are_no_json_have_one_type(
    captured: bytes, ours: bytes, expected: list[str]
) -> None:
    found = differences(shape_of(captured), shape_of(ours))

    assert [str(one) for one in found] == expected
