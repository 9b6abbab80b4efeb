"""Plain tables, for terminals and for Markdown. What clients sent is made harmless first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

PLAIN = 100
"""Columns of text that is for no terminal."""
_GAP = 2
_LEAST = 6
"""Narrowest column that is made to give way."""
_WHOLE = 64
"""Characters of a word, such as a hash, that is not broken where nothing limits the width."""
_PART = re.compile(r"[^/_.,]*[/_.,]|[^/_.,]+")


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a report: a title, a sentence, and a table that may be empty."""

    title: str
    about: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    key: str = ""
    """Its name in whatever language."""


def printable(text: str) -> str:
    """Return *text* without characters that a terminal would obey. Nothing is cut off."""
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


def folded(text: str, width: int) -> str:
    """Return *text* with lines of at most *width* columns, broken at spaces where it can be."""
    return "\n".join(line for one in text.splitlines() for line in _fold(one, width))


def grid(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """Return a table of at most *width* columns; long cells go on over several lines.

    Without *width* it has `PLAIN` columns, or as many as leave each word of up to 64
    characters whole, so that identifiers can be searched and copied.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = _widths([list(columns), *cells], width)
    lines = [_line(columns, widths), _line(["-" * one for one in widths], widths)]
    for entry in cells:
        folded = [_fold(cell, wide) for cell, wide in zip(entry, widths, strict=True)]
        height = max(len(one) for one in folded)
        lines += [_line([_at(one, row) for one in folded], widths) for row in range(height)]
    return "\n".join(lines)


def _at(lines: Sequence[str], number: int) -> str:
    return lines[number] if number < len(lines) else ""


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(wide) for cell, wide in zip(cells, widths, strict=True))
    return (" " * _GAP).join(padded).rstrip()


def _fold(cell: str, width: int) -> list[str]:
    """Break a cell at spaces; words that are too long at separators, or anywhere."""
    lines = [""]
    for word in cell.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
            continue
        lines += _pieces(word, width)
    return lines[1:] or [""]


def _pieces(word: str, width: int) -> list[str]:
    pieces = [""]
    for part in _PART.findall(word):
        rest = part
        if pieces[-1] and len(pieces[-1]) + len(rest) > width:
            pieces.append("")
        while len(rest) > width:
            pieces[-1:] = [rest[:width], ""]
            rest = rest[width:]
        pieces[-1] += rest
    return [piece for piece in pieces if piece]


def _widths(rows: Sequence[Sequence[str]], width: int | None) -> list[int]:
    """Return column widths that fit: the widest gives way until all do, or none can."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    least = [_LEAST if width else max(_LEAST, *map(_longest, column)) for column in columns]
    room = (width or PLAIN) - _GAP * (len(widths) - 1)
    while sum(widths) > room:
        giving = [at for at, wide in enumerate(widths) if wide > least[at]]
        if not giving:
            break
        widths[max(giving, key=widths.__getitem__)] -= 1
    return widths


def _longest(cell: str) -> int:
    return max((len(word) for word in cell.split() if len(word) <= _WHOLE), default=0)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(cell: str) -> str:
    text = printable(cell)
    for character in "\\`*_[]<>|":
        text = text.replace(character, f"\\{character}")
    return text
