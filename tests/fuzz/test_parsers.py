"""No parser fails in another way than it documents, and none repeats a secret.

The same targets run for as long as you like with `make fuzz`.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, seeds_of

EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=20)), max_size=5)
"""Where in a seed, how many bytes go, and what comes instead."""


@st.composite
def bent(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """Draw good input with some places changed."""
    data = draw(st.sampled_from(seeds))
    for where, gone, new in draw(EDITS):
        at = int(where * len(data))
        data = data[:at] + new + data[at + gone :]
    return data


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_whatever_comes_is_read_or_refused(name: str, data: st.DataObject) -> None:
    TARGETS[name].run(data.draw(st.one_of(bent(seeds_of(name)), st.binary(max_size=200))))


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_are_good_to_start_from(name: str) -> None:
    for seed in seeds_of(name):
        TARGETS[name].run(seed)
