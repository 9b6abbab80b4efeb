"""Bypass codes, by the published vectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.auth.bypass_code import as_text, from_text, hash_of

VECTORS = [
    (
        "1ea841db5edfafe6075b5ae0d845d254",
        "3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA4",
        "6ab40d5eabe7218ec04182f461005600c7e3426bddd82cdb405bde9a1e0014b5",
    ),
    (
        "000102030405060708090a0b0c0d0e0f",
        "000H4-0R40M-30F2-0918-5HR3-8F17",
        "c5ced1d0c51459c1a887866a5868dd3e9e6f4fc4a8c244f3f9eb9383c0f8aecb",
    ),
]


@pytest.mark.parametrize(("code", "text", "digest"), VECTORS)
def test_a_code_is_written_read_and_hashed_as_published(code: str, text: str, digest: str) -> None:
    raw = bytes.fromhex(code)

    assert as_text(raw) == text
    assert from_text(text) == from_text(text.replace("-", "")) == raw
    assert hash_of(raw) == digest


@given(st.binary(min_size=16, max_size=16))
def test_every_code_can_be_read_again(code: bytes) -> None:
    text = as_text(code)

    assert (len(text), from_text(text)) == (31, code)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA", id="short"),
        pytest.param("3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA44", id="long"),
        pytest.param("3um43-puyvy-qyd1-uvcc-hehj-fka4", id="lower-case"),
        pytest.param("3UM43-PUYVY-QYD1-UVCC-HEHJ-FKAB", id="letter-of-no-code"),
        pytest.param("3UM43-PUYVY-QYD1-UVCC-HEHJ-FKA8", id="last-too-large"),
    ],
)
def test_what_is_no_code_is_not_read(text: str) -> None:
    assert from_text(text) is None


def test_a_code_has_sixteen_bytes() -> None:
    with pytest.raises(ValueError, match="16 bytes, not 2"):
        as_text(b"ab")
