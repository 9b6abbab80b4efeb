"""The flow picture: about whom, what, and to which host, as the figures of an SVG.

What was sent of one concept to one host is one strand through three columns, as
wide as it weighs. The template draws what is laid out here; colours are the
style sheet's. Nodes and ribbons link to the page narrowed to what they stand for.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import urlencode

from msgspec import Struct

WIDTH = 1040
_TOP = 34
_GAP = 14
_STRAND = 9
"""Height of one strand, where there are few of them."""
_MOST = 420
"""Height of all strands together, at most."""
_LEAST = 15
"""Least height of a node, so that its words do not touch the next's."""
_BAR = 12
_COLUMNS = (150, 440, 730)
"""Left edges of the nodes."""


class Flow(Struct, frozen=True):
    """What was sent of one concept to one host."""

    subject: str
    category: str
    recipient: str
    values: int
    """How many different ones."""
    weight: float
    bad: bool
    """Whether the report has something against it."""


class Node(Struct, frozen=True):
    """One box of a column."""

    name: str
    values: int
    query: str
    """Narrows the page to it."""
    x: int
    y: float
    height: float


class Ribbon(Struct, frozen=True):
    """Strands that go together from one node to another."""

    path: str
    category: str
    bad: bool
    about: str
    query: str


class Picture(Struct, frozen=True):
    """All that is drawn."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    ribbons: tuple[Ribbon, ...]
    columns: tuple[tuple[int, str], ...]


NAMES = ("subject", "category", "recipient")
"""What the columns are about, as in a query of the page."""


def draw(flows: Sequence[Flow]) -> Picture | None:
    """Lay out *flows*; None if there are none."""
    if not flows:
        return None
    unit = min(_STRAND, _MOST / sum(flow.weight for flow in flows))
    columns = [_column(flows, name, x, unit) for name, x in zip(NAMES, _COLUMNS, strict=True)]
    height = max(node.y + node.height for column in columns for node in column.values())
    ribbons = [
        *_ribbons(flows, NAMES[:2], columns[0], columns[1], unit),
        *_ribbons(flows, NAMES[1:], columns[1], columns[2], unit),
    ]
    titles = ("About whom", "What", "To whom")
    return Picture(
        WIDTH,
        int(height) + _GAP,
        tuple(node for column in columns for node in column.values()),
        tuple(ribbons),
        tuple(zip(_COLUMNS, titles, strict=True)),
    )


def _reader(name: str) -> Callable[[Flow], str]:
    return lambda flow: str(getattr(flow, name))


def _column(flows: Iterable[Flow], name: str, x: int, unit: float) -> dict[str, Node]:
    weights: Counter[str] = Counter()
    values: Counter[str] = Counter()
    for flow in flows:
        key = _reader(name)(flow)
        weights[key] += flow.weight  # type: ignore[assignment]  # a Counter adds up fractions too
        values[key] += flow.values
    nodes, y = {}, float(_TOP)
    for key, weight in sorted(weights.items(), key=lambda pair: (-pair[1], pair[0])):
        height = max(weight * unit, _LEAST)
        query = urlencode({name: key})
        nodes[key] = Node(key, values[key], query, x, round(y, 1), round(height, 1))
        y += height + _GAP
    return nodes


def _ribbons(
    flows: Iterable[Flow],
    names: Sequence[str],
    left: Mapping[str, Node],
    right: Mapping[str, Node],
    unit: float,
) -> Iterable[Ribbon]:
    """Yield the ribbons between two columns; each leaves its node below the one before."""
    source, target = map(_reader, names)
    bands: dict[tuple[str, str, str, bool], list[Flow]] = {}
    for flow in flows:
        key = (source(flow), target(flow), flow.category, flow.bad)
        bands.setdefault(key, []).append(flow)
    order = list(left), list(right)
    used: dict[tuple[str, str], float] = {}
    for (start, end, category, bad), band in sorted(
        bands.items(), key=lambda pair: (order[0].index(pair[0][0]), order[1].index(pair[0][1]))
    ):
        thick = sum(flow.weight for flow in band) * unit
        above, beside = used.get(("left", start), 0.0), used.get(("right", end), 0.0)
        used["left", start], used["right", end] = above + thick, beside + thick
        values = sum(flow.values for flow in band)
        what = f"{start} to {end}: {values}{', not all declared or documented' if bad else ''}"
        path = _band(
            left[start].x + _BAR, left[start].y + above, right[end].x, right[end].y + beside, thick
        )
        query = urlencode(dict(zip(names, (start, end), strict=True)))
        yield Ribbon(path, category, bad, what, query)


def _band(x0: float, y0: float, x1: float, y1: float, thick: float) -> str:
    middle = (x0 + x1) / 2
    return (
        f"M{x0:.1f} {y0:.1f}C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
        f"V{y1 + thick:.1f}"
        f"C{middle:.1f} {y1 + thick:.1f} {middle:.1f} {y0 + thick:.1f} {x0:.1f} {y0 + thick:.1f}Z"
    )
