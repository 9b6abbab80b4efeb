from datetime import UTC, date, datetime
from typing import Any

import pytest

from simulator.core.settings import ConfigurationError
from simulator.protocol.documents import (
    Place,
    email,
    identifier,
    read_list,
    read_table,
    refuse_duplicates,
    text,
    texts,
    wrong,
)
from simulator.protocol.fields import (
    Boolean,
    Day,
    Field,
    Instant,
    Integer,
    Objects,
    String,
    Strings,
    Table,
)

PLACE = Place("w.toml", "[world]")
KEYS = (
    text("name", "Name.", required=True, example="x"),
    Integer("size", "Size.", least=1, most=9, default=5, example=3),
)
TEXT, IDENTIFIER, EMAIL = text("a", "A."), identifier("a", "A."), email("a", "A.")
INSTANT, DAY, SMALL = Instant("a", "A."), Day("a", "A."), Integer("a", "A.", least=0, most=3)
CHOICE = String("a", "A.", values=("a", "b"))
SEVERAL = texts("a", "A.")
ANY = Strings("a", "A.")
LABELS = Table("a", "A.", value=String("b", "B."))


@pytest.mark.parametrize(
    ("row", "value"),
    [
        pytest.param(TEXT, "a b", id="text"),
        pytest.param(String("a", "A."), " a\nb\n", id="prose"),
        pytest.param(String("a", "A."), "", id="empty-prose"),
        pytest.param(IDENTIFIER, "a-1.b_C", id="identifier"),
        pytest.param(EMAIL, "a@b", id="email"),
        pytest.param(INSTANT, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), id="instant"),
        pytest.param(DAY, date(2026, 1, 31), id="day"),
        pytest.param(CHOICE, "b", id="choice"),
        pytest.param(SMALL, 3, id="integer"),
        pytest.param(SEVERAL, ["a", "b"], id="several"),
        pytest.param(ANY, [], id="any-number"),
        pytest.param(LABELS, {"x": "y"}, id="labels"),
        pytest.param(Objects("a", "A."), [{}], id="tables"),
    ],
)
def test_what_a_row_allows_is_not_wrong(row: Field, value: Any) -> None:
    assert wrong(row, value) == ""


@pytest.mark.parametrize(
    ("row", "value", "must"),
    [
        pytest.param(TEXT, "", "a text of one line", id="empty-text"),
        pytest.param(TEXT, 1, "a text of one line", id="number-for-text"),
        pytest.param(String("a", "A."), 1, "a text", id="number-for-prose"),
        pytest.param(IDENTIFIER, "-a", "up to 64 letters", id="identifier-starts-with-dash"),
        pytest.param(IDENTIFIER, "a\n", "up to 64 letters", id="identifier-with-line-end"),
        pytest.param(IDENTIFIER, [], "up to 64 letters", id="list-for-identifier"),
        pytest.param(EMAIL, "a@b c", "an e-mail address", id="email-with-blank"),
        pytest.param(INSTANT, datetime(2026, 1, 1), "a date and time with", id="no-offset"),  # noqa: DTZ001 (the point)
        pytest.param(INSTANT, date(2026, 1, 1), "a date and time with offset", id="date"),
        pytest.param(DAY, datetime(2026, 1, 1, tzinfo=UTC), "a date, such as", id="time-for-day"),
        pytest.param(CHOICE, "c", "one of a, b", id="no-choice"),
        pytest.param(CHOICE, ["a"], "one of a, b", id="list-for-choice"),
        pytest.param(SMALL, 4, "a whole number from 0 to 3", id="too-large"),
        pytest.param(SMALL, True, "a whole number from 0 to 3", id="bool"),
        pytest.param(SMALL, 1.0, "a whole number from 0 to 3", id="float"),
        pytest.param(Boolean("a", "A."), 1, "true or false", id="number-for-flag"),
        pytest.param(SEVERAL, ["a", ""], "a list, and each item must be a text", id="wrong-item"),
        pytest.param(SEVERAL, [], "a list that is not empty", id="no-items"),
        pytest.param(ANY, "a", "an array of texts", id="text-for-list"),
        pytest.param(LABELS, {"x": 1}, "a table of texts", id="labels-of-numbers"),
        pytest.param(LABELS, 1, "a table", id="number-for-table"),
        pytest.param(Objects("a", "A."), [1], "written as [[a]]", id="numbers-for-tables"),
    ],
)
def test_what_is_wrong_is_said_with_what_it_must_be(row: Field, value: Any, must: str) -> None:
    assert wrong(row, value).startswith(f"must be {must}")


def test_an_instant_is_read_as_milliseconds() -> None:
    table = {"at": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)}

    assert read_table(table, (Instant("at", "When."),), PLACE) == {"at": 1000}


def test_table_is_read_by_its_rows() -> None:
    assert read_table({"name": "a"}, KEYS, PLACE) == {"name": "a", "size": 5}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param({}, 'w.toml: [world]: name is missing: add name = "x"', id="missing"),
        pytest.param(
            {"name": "a", "nmae": 1},
            "w.toml: [world]: nmae is not known here: use name, size",
            id="unknown",
        ),
        pytest.param(
            {"name": "a", "size": 10},
            "w.toml: [world]: size must be a whole number from 1 to 9, such as size = 3",
            id="wrong",
        ),
        pytest.param(
            3,
            "w.toml: [world]: is missing or no table: write key = value lines under [world]",
            id="no-table",
        ),
    ],
)
def test_mistake_is_told_with_its_place_and_remedy(table: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_table(table, KEYS, PLACE)

    assert str(caught.value) == message


def test_list_is_read_table_by_table_with_places() -> None:
    rows = read_list([{"name": "a"}, {"name": "b"}], "part", KEYS, Place("w.toml", ""))

    assert [(place.table, row["name"]) for place, row in rows] == [
        ("[[part]] 1", "a"),
        ("[[part]] 2", "b"),
    ]


def test_second_of_two_equal_values_is_refused() -> None:
    rows = [(PLACE.inside("part", number), value) for number, value in enumerate("aba", 1)]

    with pytest.raises(ConfigurationError) as caught:
        refuse_duplicates("id", rows)

    assert str(caught.value) == (
        "w.toml: [world], [[part]] 3: id 'a' is taken by [world], [[part]] 1: give each its own id"
    )
