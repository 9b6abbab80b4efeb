"""The picture of the report: whose data goes to which of Apple's services, as SVG.

Three columns: whose data, what kind of data, which service. A band is as wide
as its weight, which is that of different values of persons and devices; its
colour and its stripes say how it was judged. Each is a link to ``#b-1`` and so on, which
narrows the page around the picture to what the band stands for.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from msgspec import Struct

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
class _Strand:
    """Fields that go from one bar to another."""

    left: str
    right: str
    severity: str
    lines: list[LedgerLine] = field(default_factory=list)
    size: float = 0


class Band(Struct, frozen=True):
    """What a band of the picture stands for."""

    number: int
    about: str
    lines: frozenset[str]
    """Ids of the report's lines."""


class FlowPicture(Struct, frozen=True):
    """The picture and its bands."""

    svg: str
    bands: tuple[Band, ...]


def picture(lines: Sequence[LedgerLine], words: Words) -> FlowPicture | None:
    """Return an SVG element of what was sent, None if nothing; protocol plumbing is left out."""
    shown = [line for line in lines if line.declared != EXEMPT]
    if not shown:
        return None
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
    bands: list[Band] = []
    for index in (0, 1):
        pairs = [(name[index], name[index + 1]) for name in names]
        for strand in _strands(pairs, shown, columns[index : index + 2]):
            about = _about(strand, words)
            bands.append(Band(len(bands) + 1, about, frozenset(one.id for one in strand.lines)))
            ends = columns[index : index + 2], _X[index : index + 2]
            parts.append(_drawn(strand, bands[-1], *ends))
    for index, column in enumerate(columns):
        parts += [_bar(node, index) for node in column.values()]
    about = _text(words.text("lines", "count", n=len(shown)))
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="group" aria-label="{about}">'
        f"<title>{about}</title>{''.join(parts)}</svg>"
    )
    return FlowPicture(svg, tuple(bands))


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


def _strands(
    pairs: Sequence[tuple[str, str]],
    lines: Sequence[LedgerLine],
    columns: Sequence[dict[str, _Node]],
) -> list[_Strand]:
    """Return what goes between two columns, in the order of their bars."""
    found: dict[tuple[str, str, str], _Strand] = {}
    for pair, line in zip(pairs, lines, strict=True):
        key = (*pair, line.severity)
        strand = found.setdefault(key, _Strand(*key))
        strand.lines.append(line)
        strand.size += weight(line)
    orders = {name: number for nodes in columns for number, name in enumerate(nodes)}
    return sorted(
        found.values(),
        key=lambda one: (orders[one.left], orders[one.right], -SEVERITIES.index(one.severity)),
    )


def _about(strand: _Strand, words: Words) -> str:
    lines = words.text("lines", "count", n=len(strand.lines))
    severity = words.text(strand.severity, "severity")
    return printable(f"{strand.left} → {strand.right}: {lines}, {severity}")


def _drawn(
    strand: _Strand, band: Band, columns: Sequence[dict[str, _Node]], edges: Sequence[int]
) -> str:
    left, right = columns
    start, end = edges[0] + _BAR, edges[1]
    middle = (start + end) / 2
    height = strand.size * _UNIT
    a = left[strand.left].take("out", height) + height / 2
    b = right[strand.right].take("in", height) + height / 2
    path = (
        f'stroke-width="{height:.1f}" '
        f'd="M{start} {a:.1f} C{middle:.0f} {a:.1f} {middle:.0f} {b:.1f} {end} {b:.1f}"'
    )
    about = escape(band.about)
    drawn = (
        f'<a href="#b-{band.number}" aria-label="{about}">'
        f'<path class="band {strand.severity}" {path}><title>{about}</title></path></a>'
    )
    if strand.severity != "ok":
        drawn += f'<path class="stripes {strand.severity}" {path}/>'
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
