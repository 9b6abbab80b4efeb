"""The picture of the report: whose data goes to which of Apple's services, as SVG.

Three columns: whose data, what kind of data, which service. A band is as wide
as its weight, which is that of different values of persons and devices; its
colour and its stripes say how it was judged.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from simulator.disclosure.judge.manifest import EXEMPT, SEVERITIES
from simulator.disclosure.report.glance import CHAPTERS
from simulator.disclosure.report.layout import printable
from simulator.disclosure.report.lines import LedgerLine
from simulator.disclosure.report.words import Words

WIDTH = 960
_X = (150, 450, 740)
"""Left edges of the columns of bars."""
_BAR = 14
_UNIT = 9
"""Height of the weight 1."""
_GAP = 18
_TOP = 40
_TITLES = ("whose-data", "what-kind", "to-whom")
_HEAVY = frozenset((*CHAPTERS["people"], *CHAPTERS["devices"]))
_LIGHT = 0.5
"""Weight of a field that is about no person and no device."""


def weight(line: LedgerLine) -> float:
    """Return how wide a field is drawn: by powers of two of its values, if of people or devices."""
    if line.subject not in _HEAVY:
        return _LIGHT
    return 1 + math.log2(max(line.values, 1))


@dataclass(slots=True)
class _Node:
    """One bar."""

    name: str
    fields: int = 0
    size: float = 0
    y: float = 0
    used: dict[str, float] = field(default_factory=lambda: {"in": 0.0, "out": 0.0})
    """How much of each side is taken by bands."""

    def take(self, side: str, height: float) -> float:
        """Return the top of the next *height* on *side*."""
        top = self.y + self.used[side]
        self.used[side] += height
        return top


@dataclass(slots=True)
class _Band:
    """Fields that go from one bar to another."""

    left: str
    right: str
    severity: str
    fields: int = 0
    size: float = 0


def picture(lines: Sequence[LedgerLine], words: Words) -> str:
    """Return an SVG element of what was sent; protocol plumbing is left out."""
    shown = [line for line in lines if line.declared != EXEMPT]
    if not shown:
        return ""
    names = [
        (
            _capital(words.subject(line.subject, None) or words.text("unknown", "category")),
            words.text(line.category, "category"),
            f"{line.service} · {line.recipient}",
        )
        for line in shown
    ]
    columns = [_column(names, shown, index) for index in range(3)]
    height = _TOP + max(_height(column.values()) for column in columns) + 10
    parts = [_title(index, words) for index in range(3)]
    for index in (0, 1):
        pairs = [(name[index], name[index + 1]) for name in names]
        parts += _bands(pairs, shown, columns[index : index + 2], _X[index : index + 2], words)
    for index, column in enumerate(columns):
        parts += [_bar(node, index) for node in column.values()]
    about = _text(words.text("lines", "count", n=len(shown)))
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{about}">'
        f"<title>{about}</title>{''.join(parts)}</svg>"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _column(
    names: Sequence[tuple[str, ...]], lines: Sequence[LedgerLine], index: int
) -> dict[str, _Node]:
    nodes: dict[str, _Node] = {}
    for name, line in zip(names, lines, strict=True):
        node = nodes.setdefault(name[index], _Node(name[index]))
        node.fields += 1
        node.size += weight(line)
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
    columns: Sequence[dict[str, _Node]],
    edges: Sequence[int],
    words: Words,
) -> list[str]:
    left, right = columns
    found: dict[tuple[str, str, str], _Band] = {}
    for pair, line in zip(pairs, lines, strict=True):
        key = (*pair, line.severity)
        band = found.setdefault(key, _Band(*key))
        band.fields += 1
        band.size += weight(line)
    orders = {name: number for nodes in (left, right) for number, name in enumerate(nodes)}
    bands = sorted(
        found.values(),
        key=lambda band: (
            orders[band.left],
            orders[band.right],
            -SEVERITIES.index(band.severity),
        ),
    )
    start, end = edges[0] + _BAR, edges[1]
    middle = (start + end) / 2
    drawn = []
    for band in bands:
        height = band.size * _UNIT
        a = left[band.left].take("out", height) + height / 2
        b = right[band.right].take("in", height) + height / 2
        severity = words.text(band.severity, "severity")
        about = (
            f"{band.left} → {band.right}: {words.text('lines', 'count', n=band.fields)}, {severity}"
        )
        path = (
            f'stroke-width="{height:.1f}" '
            f'd="M{start} {a:.1f} C{middle:.0f} {a:.1f} {middle:.0f} {b:.1f} {end} {b:.1f}"'
        )
        drawn.append(
            f'<path class="band {band.severity}" {path}><title>{_text(about)}</title></path>'
        )
        if band.severity != "ok":
            drawn.append(f'<path class="stripes {band.severity}" {path}/>')
    return drawn


def _title(index: int, words: Words) -> str:
    anchor, x = _anchor(index)
    title = _text(words.text(_TITLES[index], "page"))
    return f'<text class="head" x="{x}" y="18" text-anchor="{anchor}">{title}</text>'


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
    label = f'{_text(name)} <tspan class="count">{node.fields}</tspan>'
    if host:
        label += f'<tspan class="host" x="{x}" dy="13">{_text(host)}</tspan>'
        middle -= 5
    return (
        f'<rect class="bar" x="{_X[index]}" y="{node.y:.1f}" width="{_BAR}" '
        f'height="{height:.1f}" rx="2"/>'
        f'<text x="{x}" y="{middle:.1f}" text-anchor="{anchor}">{label}</text>'
    )


def _text(text: str) -> str:
    return escape(printable(text))
