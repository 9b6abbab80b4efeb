"""The picture of the report: whose data goes to which of Apple's services, as SVG.

Three columns: whose data, what kind of data, which service. A band is as wide
as there are different fields in it; its colour says how they were judged.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from simulator.disclosure.judge.manifest import EXEMPT, SEVERITIES
from simulator.disclosure.report.layout import printable
from simulator.disclosure.report.lines import LedgerLine

WIDTH = 960
_X = (130, 440, 750)
"""Left edges of the columns of bars."""
_BAR = 14
_UNIT = 9
"""Height of one field."""
_GAP = 16
_TOP = 40
_TITLES = ("Whose data", "What kind", "To whom")


@dataclass(slots=True)
class _Node:
    """One bar."""

    name: str
    size: int = 0
    y: float = 0
    used: dict[str, float] = field(default_factory=lambda: {"in": 0.0, "out": 0.0})
    """How much of each side is taken by bands."""

    def take(self, side: str, height: float) -> float:
        """Return the top of the next *height* on *side*."""
        top = self.y + self.used[side]
        self.used[side] += height
        return top


@dataclass(frozen=True, slots=True)
class _Band:
    """Fields that go from one bar to another."""

    left: str
    right: str
    severity: str
    fields: int


def picture(lines: Sequence[LedgerLine]) -> str:
    """Return an SVG element of what was sent; protocol plumbing is left out."""
    shown = [line for line in lines if line.declared != EXEMPT]
    if not shown:
        return ""
    names = [(line.subject, line.category, f"{line.service} · {line.recipient}") for line in shown]
    columns = [_column(list(names), index) for index in range(3)]
    height = _TOP + max(_height(column.values()) for column in columns) + 10
    parts = [_title(index) for index in range(3)]
    for index in (0, 1):
        pairs = [(name[index], name[index + 1]) for name in names]
        parts += _bands(pairs, shown, columns[index], columns[index + 1], _X[index : index + 2])
    for index, column in enumerate(columns):
        parts += [_bar(node, index) for node in column.values()]
    about = f"{len(shown)} different fields from {len(columns[0])} kinds of owner to Apple"
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{about}">'
        f"<title>{about}</title>{''.join(parts)}</svg>"
    )


def _column(names: list[tuple[str, str, str]], index: int) -> dict[str, _Node]:
    nodes: dict[str, _Node] = {}
    for name in names:
        nodes.setdefault(name[index], _Node(name[index])).size += 1
    ordered = dict(sorted(nodes.items(), key=lambda pair: (-pair[1].size, pair[0])))
    y: float = _TOP
    for node in ordered.values():
        node.y = y
        y += max(node.size * _UNIT, _BAR) + _GAP
    return ordered


def _height(nodes: Iterable[_Node]) -> float:
    return sum(max(node.size * _UNIT, _BAR) + _GAP for node in nodes)


def _bands(
    pairs: Sequence[tuple[str, str]],
    lines: Sequence[LedgerLine],
    left: dict[str, _Node],
    right: dict[str, _Node],
    edges: Sequence[int],
) -> list[str]:
    counted = Counter((*pair, line.severity) for pair, line in zip(pairs, lines, strict=True))
    orders = {name: number for nodes in (left, right) for number, name in enumerate(nodes)}
    bands = [_Band(*key, fields) for key, fields in counted.items()]
    bands.sort(
        key=lambda band: (
            orders[band.left],
            orders[band.right],
            -SEVERITIES.index(band.severity),
        )
    )
    start, end = edges[0] + _BAR, edges[1]
    middle = (start + end) / 2
    drawn = []
    for band in bands:
        height = band.fields * _UNIT
        a = left[band.left].take("out", height) + height / 2
        b = right[band.right].take("in", height) + height / 2
        about = f"{band.left} → {band.right}: {band.fields} fields, {band.severity}"
        drawn.append(
            f'<path class="band {band.severity}" stroke-width="{height}" '
            f'd="M{start} {a:.1f} C{middle:.0f} {a:.1f} {middle:.0f} {b:.1f} {end} {b:.1f}">'
            f"<title>{_text(about)}</title></path>"
        )
    return drawn


def _title(index: int) -> str:
    anchor, x = _anchor(index)
    return f'<text class="head" x="{x}" y="18" text-anchor="{anchor}">{_TITLES[index]}</text>'


def _anchor(index: int) -> tuple[str, int]:
    """Return how the labels of a column are set, and where: beside it, away from the bands."""
    if index == 0:
        return "end", _X[0] - 8
    return ("middle", _X[1] + _BAR // 2) if index == 1 else ("start", _X[2] + _BAR + 8)


def _bar(node: _Node, index: int) -> str:
    height = max(node.size * _UNIT, _BAR)
    anchor, x = _anchor(index)
    name, _, host = node.name.partition(" · ")
    middle = node.y - 4 if index == 1 else node.y + height / 2 + 4
    label = f"{_text(name)} <tspan class='count'>{node.size}</tspan>"
    if host:
        label += f'<tspan class="host" x="{x}" dy="13">{_text(host)}</tspan>'
        middle -= 5
    return (
        f'<rect class="bar" x="{_X[index]}" y="{node.y:.1f}" width="{_BAR}" height="{height}" '
        f'rx="2"/><text x="{x}" y="{middle:.1f}" text-anchor="{anchor}">{label}</text>'
    )


def _text(text: str) -> str:
    return escape(printable(text))
