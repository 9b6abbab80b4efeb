"""The report on a terminal: one screen in colour. ``--full`` shows the rest."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from simulator.disclosure.report.layout import folded
from simulator.disclosure.report.words import Words

_COLOURS = {
    "empty": "yellow",
    "clean": "green",
    "warnings": "yellow",
    "findings": "red",
    "incomplete": "red",
    "ok": "green",
    "warn": "yellow",
    "fail": "red",
}
"""By verdict and by severity."""
_WIDEST = 120
"""Columns beyond which text is hard to read."""
_LEAST = 8
"""Lines of parts that are shown however low the terminal is."""
Lines = list[str]


def lines(report: Mapping[str, Any], columns: int, rows: int) -> Iterator[str]:
    """Yield the first screen of *report*, given as plain values, for a terminal of that size.

    Parts that fail come with their places; where the room ends, a line says how
    many more parts there are. Nothing is cut off: long lines go on in the next.
    """
    words = Words(report["provenance"]["language"])
    width = min(columns, _WIDEST)
    head = [
        *_coloured(words.text(report["verdict"], "verdict"), report["verdict"], width, bold=True),
        *folded(report["glance"]["sentence"], width).splitlines(),
    ]
    foot = ["", *folded(_counts(report, words), width).splitlines()]
    foot += folded(words.text("screen-more"), width).splitlines()
    room = max(_LEAST, rows - len(head) - len(foot) - 1)
    for line in (*head, *_parts(report["glance"]["chapters"], words, width, room), *foot):
        yield f"{line}\n"


def _parts(
    chapters: Sequence[Mapping[str, Any]], words: Words, width: int, room: int
) -> Iterator[str]:
    left = sum(len(chapter["parts"]) for chapter in chapters)
    used = 0
    for chapter in chapters:
        title = ["", _styled(chapter["title"], bold=True)]
        for part in chapter["parts"]:
            block = [*title, *_part(part, words, width)]
            # One line is kept for how many more there are.
            if used + len(block) >= room:
                yield f"  {words.text('screen-parts', n=left)}"
                return
            yield from block
            used, left, title = used + len(block), left - 1, []


def _part(part: Mapping[str, Any], words: Words, width: int) -> Lines:
    severity = part["severity"]
    mark = words.text(severity, "severity")
    gap = " " * (len(mark) + 3)
    text = folded(part["text"], width - len(gap)).splitlines()
    found = [
        f"  {_styled(mark, fg=_COLOURS[severity])} {text[0]}",
        *(gap + one for one in text[1:]),
    ]
    if severity == "fail":
        places = "; ".join(_place(one) for one in part["places"])
        found += [gap + one for one in folded(places, width - len(gap)).splitlines()]
    return found


def _place(place: Mapping[str, Any]) -> str:
    value = f" {place['example']}" if place["example"] else ""
    return f"{place['operation']} {place['place']}{value} #{place['evidence'][0]}"


def _counts(report: Mapping[str, Any], words: Words) -> str:
    counts = report["counts"]
    named = ("exchanges", "refused", "unmatched", "gaps", "truncated", "lines", "fail", "warn")
    return ", ".join(
        words.text(name, "count", n=counts[name])
        for name in named
        if counts[name] or name == "exchanges"
    )


def _coloured(text: str, key: str, width: int, *, bold: bool) -> Lines:
    return [_styled(one, fg=_COLOURS[key], bold=bold) for one in folded(text, width).splitlines()]


def _styled(text: str, *, fg: str | None = None, bold: bool = False) -> str:
    """Return *text* in a style, unless the user wants none (no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return click.style(text, fg=fg, bold=bold)
