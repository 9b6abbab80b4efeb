from datetime import UTC, date, datetime
from typing import Any

import pytest

from simulator.core.settings import ConfigurationError
from simulator.protocol.documents import (
    Key,
    Place,
    Reader,
    choice,
    email,
    identifier,
    instant,
    integer,
    prose,
    read_list,
    read_table,
    refuse_duplicates,
    several,
    text,
)

PLACE = Place("w.toml", "[world]")
KEYS = (
    Key("name", text, '"x"'),
    Key("size", integer(1, 9), "3", required=False, default=5),
)


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        pytest.param(text, "a b", "a b", id="text"),
        pytest.param(prose, " a\nb\n", "a\nb", id="prose"),
        pytest.param(prose, "", "", id="empty-prose"),
        pytest.param(identifier, "a-1.b_C", "a-1.b_C", id="identifier"),
        pytest.param(email, "a@b", "a@b", id="email"),
        pytest.param(instant, datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 1000, id="instant"),
        pytest.param(choice(("a", "b")), "b", "b", id="choice"),
        pytest.param(integer(1, 3), 3, 3, id="integer"),
        pytest.param(several(text), ["a", "b"], ["a", "b"], id="several"),
    ],
)
def test_reader_returns_what_the_program_wants(read: Reader, value: Any, expected: Any) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(
    ("read", "value"),
    [
        pytest.param(text, "", id="empty-text"),
        pytest.param(text, 1, id="number-for-text"),
        pytest.param(prose, 1, id="number-for-prose"),
        pytest.param(identifier, "-a", id="identifier-starts-with-dash"),
        pytest.param(identifier, "a\n", id="identifier-with-line-end"),
        pytest.param(identifier, [], id="list-for-identifier"),
        pytest.param(email, "a@b c", id="email-with-blank"),
        pytest.param(instant, datetime(2026, 1, 1), id="no-offset"),  # noqa: DTZ001 (the point)
        pytest.param(instant, date(2026, 1, 1), id="date"),
        pytest.param(choice(("a", "b")), "c", id="no-choice"),
        pytest.param(choice(("a", "b")), ["a"], id="list-for-choice"),
        pytest.param(integer(1, 3), 4, id="too-large"),
        pytest.param(integer(0, 3), True, id="bool"),
        pytest.param(integer(0, 3), 1.0, id="float"),
        pytest.param(several(text), ["a", ""], id="wrong-item"),
        pytest.param(several(text), [], id="no-items"),
    ],
)
def test_reader_says_what_the_value_must_be(read: Reader, value: Any) -> None:
    with pytest.raises(ValueError, match=r"^must be "):
        read(value)


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
