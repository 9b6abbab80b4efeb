from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from simulator.console.pages.flow import WIDTH, Flow, draw

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
VALUES = st.integers(0, 10_000)
WEIGHTS = st.floats(1, 100)
FLOWS = st.lists(
    st.builds(Flow, NAMES, NAMES, NAMES, VALUES, WEIGHTS, bad=st.booleans()), min_size=1
)


def test_nothing_is_no_picture() -> None:
    assert draw([]) is None


@given(FLOWS)
def test_each_column_holds_all_flows_without_overlap(flows: list[Flow]) -> None:
    picture = draw(flows)
    assert picture

    for x, _ in picture.columns:
        nodes = [node for node in picture.nodes if node.x == x]
        assert sum(node.values for node in nodes) == sum(flow.values for flow in flows)
        for above, below in pairwise(nodes):
            assert above.y + above.height < below.y
    assert all(node.x < WIDTH and node.y + node.height <= picture.height for node in picture.nodes)


@given(FLOWS)
def test_what_is_bad_is_told_apart(flows: list[Flow]) -> None:
    picture = draw(flows)
    assert picture

    assert any(one.bad for one in picture.ribbons) == any(one.bad for one in flows)
    assert len(picture.ribbons) <= 2 * len(flows)


def test_a_thousand_fields_still_fit() -> None:
    picture = draw(
        [Flow("device", f"c{number % 12}", "dep", 1, 1.0, bad=False) for number in range(1000)]
    )
    assert picture

    assert picture.height < 700
