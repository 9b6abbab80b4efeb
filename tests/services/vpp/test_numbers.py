"""Every error number can be reached, or says that only a fault brings it."""

import re
from pathlib import Path

import pytest

from simulator.protocol.fields import ErrorCode
from simulator.services.vpp import numbers

TRIED = set(
    re.findall(
        r"\b9[678]\d\d\b", "".join(one.read_text() for one in Path(__file__).parent.glob("*.py"))
    )
)
"""The numbers that the tests beside this one expect somewhere."""
EXPECTED_MESSAGE_ONLY = {"9603"}
"""The failure of our own, which no test brings about on purpose here."""


ALL = (*numbers.COMMON, *numbers.ON_DEMAND)


@pytest.mark.parametrize("row", numbers.COMMON, ids=lambda row: row.code)
def test_a_number_is_tried(row: ErrorCode) -> None:
    assert row.code in TRIED | EXPECTED_MESSAGE_ONLY


@pytest.mark.parametrize("row", numbers.ON_DEMAND, ids=lambda row: row.code)
def test_a_number_that_nothing_leads_to_says_so(row: ErrorCode) -> None:
    assert "as a fault only" in row.inferred


def test_no_number_stands_twice() -> None:
    codes = [row.code for row in ALL]

    assert len(codes) == len(set(codes))
    assert len(numbers.SYNCHRONOUS_V2) == 38


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.code)
def test_a_number_has_a_text_and_a_status(row: ErrorCode) -> None:
    assert row.body
    assert 200 <= row.status < 600
