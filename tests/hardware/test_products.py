from string import Formatter

import pytest

from simulator.hardware.products import FAMILIES, PRODUCTS, ProductLine


def test_every_family_has_a_line() -> None:
    assert {line.family for line in PRODUCTS} == FAMILIES.keys()


def test_only_cellular_lines_have_meid() -> None:
    assert all(line.imeis for line in PRODUCTS if line.meid or line.esim)


@pytest.mark.parametrize("line", PRODUCTS, ids=lambda line: line.description)
def test_description_tells_the_build_and_no_colour_that_is_not_there(line: ProductLine) -> None:
    named = {name for _, name, _, _ in Formatter().parse(line.description) if name}

    assert "build" in named
    assert named <= ({"build", "color"} if line.colors else {"build"})


@pytest.mark.parametrize("line", PRODUCTS, ids=lambda line: line.description)
def test_line_is_one_that_can_be_made(line: ProductLine) -> None:
    assert line.family in FAMILIES
    assert line.builds
    assert line.imeis in (0, 1, 2)
    assert line.serial_length in (10, 12)
