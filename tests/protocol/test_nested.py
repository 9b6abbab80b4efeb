"""Rows inside objects and arrays of objects are held as those of the body itself."""

from typing import Any

import pytest

from simulator.core.settings import Strictness
from simulator.protocol.fields import ErrorCode, Integer, Object, Objects, String
from simulator.protocol.operations import Operation
from simulator.protocol.validation import body_checker

MALFORMED = ErrorCode("MALFORMED", 400, "It cannot be read.")
NO_NAME = ErrorCode("NO_NAME", 400, "There is no name.")
LARGE = ErrorCode("LARGE", 400, "It is too large.")
ROWS = (
    String("name", "Name.", required=True, missing=NO_NAME),
    Integer("size", "Size.", most=9, invalid=LARGE),
    String("new", "Newer.", versions="5+"),
)
OPERATION = Operation(
    "dep.example",
    ("POST",),
    "/example",
    "An example.",
    lambda _: None,
    request=(Objects("things", "Things.", fields=(Object("one", "One.", fields=ROWS),)),),
)


def found(one: Any, strictness: Strictness = "apple") -> tuple[list[tuple[str, str]], str]:
    """Return rule and place of what is wrong with ``things[1].one``, and the error's code."""
    check = body_checker(OPERATION, MALFORMED, strictness)
    checked = check({"things": [{"one": {"name": "good"}}, {"one": one}]}, 3)
    return (
        [(finding.rule, finding.at) for finding in checked.findings],
        checked.error.code if checked.error else "",
    )


@pytest.mark.parametrize(
    ("one", "rule", "at", "code"),
    [
        ({}, "field-missing", "/things/1/one/name", "NO_NAME"),
        ({"name": "a", "size": 10}, "field-invalid", "/things/1/one/size", "LARGE"),
        ({"name": "a", "new": "b"}, "field-version", "/things/1/one/new", ""),
    ],
)
def test_a_breach_inside_is_named_where_it_stands(
    one: dict[str, Any], rule: str, at: str, code: str
) -> None:
    assert found(one) == ([(rule, at)], code)


def test_under_observe_it_is_only_noted() -> None:
    assert found({}, "observe") == ([("field-missing", "/things/1/one/name")], "")


def test_what_is_right_inside_is_not_noted() -> None:
    assert found({"name": "a", "size": 9}) == ([], "")


def test_what_stands_in_answers_only_is_no_misspelling() -> None:
    check = body_checker(OPERATION, MALFORMED, "apple", lambda: {"/token", "/things/one/made"})
    inside = {"name": "a", "made": 1, "token": 2}

    checked = check({"things": [{"one": inside}], "token": 3, "odd": 4}, 1)

    assert {one.at: one.rule for one in checked.findings} == {
        "/things/0/one/made": "field-answer-only",
        "/things/0/one/token": "field-unknown",
        "/token": "field-answer-only",
        "/odd": "field-unknown",
    }
