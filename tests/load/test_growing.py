"""The measure of growth itself, with runs whose seconds are written down."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.growing import assert_linear, growth


def taking(cost: Callable[[int], float]) -> Callable[[int], Callable[[], float]]:
    """Return work for a size that says its seconds instead of taking them."""
    return lambda size: lambda: cost(size)


def told(work: Callable[[], Any]) -> float:
    """Return the seconds that *work* says."""
    return float(work())


def test_the_smallest_size_that_takes_long_enough_is_measured() -> None:
    assert growth(taking(lambda size: size / 1_000_000), 1000, 32_000, measured=told) == (8000, 2.0)


@pytest.mark.parametrize(("power", "factor"), [(1.5, 2.8), (2, 4.0), (3, 8.0)])
def test_what_grows_faster_is_found(power: float, factor: float) -> None:
    size, grown = growth(taking(lambda size: size**power), 1000, 32_000, measured=told)

    assert size == 1000
    assert grown == pytest.approx(factor, abs=0.1)
    with pytest.raises(AssertionError, match=r"'lists': '.* for twice of 1000'"):
        assert_linear({"lists": (size, grown)})


def test_a_disturbance_of_one_comparison_is_no_growth() -> None:
    """All eight runs of the first comparison are disturbed as if twice the input took 3 times."""
    disturbed: Iterator[float] = iter([0.01, *([0.01, 0.03] * 4)])

    found = growth(taking(lambda size: next(disturbed, size / 1000)), 1000, 32_000, measured=told)

    assert found == (1000, 2.0)
    assert_linear({"lists": found})
