"""DER against the examples of X.690 and of RFCs, and against itself for lengths."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.pki import der


@pytest.mark.parametrize(
    ("made", "encoded"),
    [
        (der.integer(0), "020100"),
        (der.integer(127), "02017f"),
        (der.integer(128), "02020080"),
        (der.integer(65537), "0203010001"),
        (der.object_id("1.2.840.113549.1.7.2"), "06092a864886f70d010702"),
        (der.object_id("2.16.840.1.113733.1.9.7"), "060a6086480186f845010907"),
        (der.sequence(der.integer(1), der.write(der.NULL)), "30050201010500"),
        (der.set_of(der.integer(2), der.integer(1)), "3106020101020102"),
    ],
)
def test_elements_are_written_as_the_standard_has_them(made: bytes, encoded: str) -> None:
    assert made.hex() == encoded


@given(st.integers(0, 2**70))
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    assert der.read(der.integer(number)).integer() == number


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=6), st.integers(0, 39))
def test_an_identifier_is_read_as_it_was_written(rest: list[int], second: int) -> None:
    dotted = ".".join(map(str, (1, second, *rest)))

    assert der.read(der.object_id(dotted)).object_id() == dotted


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_536])
def test_lengths_of_all_forms(size: int) -> None:
    content = b"x" * size

    element = der.read(der.write(der.OCTET_STRING, content) + b"more")

    assert (element.content, element.octets()) == (content, content)


def test_ber_of_indefinite_length_in_pieces() -> None:
    element = der.read(bytes.fromhex("2480 0403010203 040104 0000".replace(" ", "")))

    assert element.octets() == bytes((1, 2, 3, 4))


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "30",
        "3005020101",
        "0480",
        "3080020101",
        "1f8101",
        "3084ffffffff00",
        "30" + "80" + "3080" * 40,
    ],
)
def test_what_is_damaged_is_refused(damaged: str) -> None:
    with pytest.raises(ValueError, match=r"ASN\.1"):
        der.read(bytes.fromhex(damaged)).parts()


@given(st.binary(max_size=200))
def test_no_bytes_lead_to_anything_but_an_element_or_a_value_error(data: bytes) -> None:
    with suppress(ValueError):
        element = der.read(data)
        assert element.encoded == data[: len(element.encoded)]
        if element.constructed:
            element.parts()
