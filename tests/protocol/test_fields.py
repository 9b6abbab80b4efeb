"""Types of fields that are one thing on the wire and another by meaning."""

from typing import Any

import pytest

from simulator.protocol.fields import Digits, Field, Flag, Identifier


def wrong(row: Field, value: Any) -> str:
    return row.wrong_type(value) or row.breach(value, {})


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        pytest.param("0", True, id="zero"),
        pytest.param("2147483647", True, id="largest"),
        pytest.param("2147483648", False, id="too-large"),
        pytest.param("9" * 5000, False, id="huge"),
        pytest.param("-1", False, id="negative"),
        pytest.param("", False, id="empty"),
        pytest.param("٣", False, id="other-digits"),
    ],
)
def test_a_number_in_a_query_is_digits_up_to_32_bits(value: str, fits: bool) -> None:
    assert (wrong(Digits("pageIndex", "Page."), value) == "") == fits


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        pytest.param("true", True, id="true"),
        pytest.param("false", True, id="false"),
        pytest.param("1", False, id="digit"),
        pytest.param("True", False, id="capital"),
    ],
)
def test_a_flag_in_a_query_is_one_of_two_words(value: str, fits: bool) -> None:
    assert (wrong(Flag("activeOnly", "Active."), value) == "") == fits


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        pytest.param("408709785", True, id="text"),
        pytest.param(408709785, True, id="number"),
        pytest.param(True, False, id="boolean"),
        pytest.param(["1"], False, id="array"),
        pytest.param("", False, id="empty"),
    ],
)
def test_an_identifier_is_a_text_or_a_number(value: Any, fits: bool) -> None:
    assert (wrong(Identifier("adamIdStr", "Item.", shortest=1), value) == "") == fits
