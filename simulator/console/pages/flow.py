"""The flow picture: about whom, what, and to which service, as the figures of an SVG.

Each field that was sent is one strand through three columns. The template
draws what is laid out here; colours are the style sheet's.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH = 960
_TOP = 34
_GAP = 14
_STRAND = 9
"""Height of one strand, where there are few of them."""
_MOST = 420
"""Height of all strands together, at most."""
_LEAST = 15
"""Least height of a node, so that its words do not touch the next's."""
_BAR = 12
_COLUMNS = (150, 474, 798)
"""Left edges of the nodes."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One field that was sent."""

    subject: str
    category: str
    service: str
    bad: bool
    """Whether the report has something against it."""


@dataclass(frozen=True, slots=True)
class Node:
    """One box of a column."""

    name: str
    count: int
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Ribbon:
    """Strands that go together from one node to another."""

    path: str
    category: str
    bad: bool
    about: str


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn."""

    width: int
    height: int
    nodes: tuple[Node, ...]
    ribbons: tuple[Ribbon, ...]
    columns: tuple[tuple[int, str], ...]


def draw(flows: Sequence[Flow]) -> Picture | None:
    """Lay out *flows*; None if there are none."""
    if not flows:
        return None
    unit = min(_STRAND, _MOST / len(flows))
    readers: tuple[Callable[[Flow], str], ...] = (
        lambda flow: flow.subject,
        lambda flow: flow.category,
        lambda flow: flow.service,
    )
    columns = [
        _column(Counter(map(reader, flows)), x, unit)
        for reader, x in zip(readers, _COLUMNS, strict=True)
    ]
    height = max(node.y + node.height for column in columns for node in column.values())
    ribbons = [
        *_ribbons(flows, readers[0], readers[1], columns[0], columns[1], unit),
        *_ribbons(flows, readers[1], readers[2], columns[1], columns[2], unit),
    ]
    titles = ("About whom", "What", "To which service")
    return Picture(
        WIDTH,
        int(height) + _GAP,
        tuple(node for column in columns for node in column.values()),
        tuple(ribbons),
        tuple(zip(_COLUMNS, titles, strict=True)),
    )


def _column(counts: Counter[str], x: int, unit: float) -> dict[str, Node]:
    nodes, y = {}, float(_TOP)
    for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        height = max(count * unit, _LEAST)
        nodes[name] = Node(name, count, x, round(y, 1), round(height, 1))
        y += height + _GAP
    return nodes


def _ribbons(
    flows: Iterable[Flow],
    source: Callable[[Flow], str],
    target: Callable[[Flow], str],
    left: Mapping[str, Node],
    right: Mapping[str, Node],
    unit: float,
) -> Iterable[Ribbon]:
    """Yield the ribbons between two columns; each leaves its node below the one before."""
    counts = Counter((source(one), target(one), one.category, one.bad) for one in flows)
    order = list(left), list(right)
    used: Counter[tuple[str, str]] = Counter()
    for (start, end, category, bad), count in sorted(
        counts.items(), key=lambda pair: (order[0].index(pair[0][0]), order[1].index(pair[0][1]))
    ):
        thick = count * unit
        y0 = left[start].y + used["left", start] * unit
        y1 = right[end].y + used["right", end] * unit
        used["left", start] += count
        used["right", end] += count
        what = f"{start} to {end}: {count}{', not all declared or documented' if bad else ''}"
        path = _band(left[start].x + _BAR, y0, right[end].x, y1, thick)
        yield Ribbon(path, category, bad, what)


def _band(x0: float, y0: float, x1: float, y1: float, thick: float) -> str:
    middle = (x0 + x1) / 2
    return (
        f"M{x0:.1f} {y0:.1f}C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
        f"V{y1 + thick:.1f}"
        f"C{middle:.1f} {y1 + thick:.1f} {middle:.1f} {y0 + thick:.1f} {x0:.1f} {y0 + thick:.1f}Z"
    )
