"""Pieces of a page: text made harmless, and tables that stack on a narrow screen."""

import re
from collections.abc import Iterable, Sequence
from html import escape

from simulator.disclosure.report.layout import printable
from simulator.disclosure.report.words import Words

_WORD = 24
"""Letters of the longest word that is kept together."""
_LONG = ' class="long"'
_TAG = re.compile(r"<[^>]*>")


def text(raw: str) -> str:
    """Return *raw* as it may stand in a page."""
    return escape(printable(raw))


def page(words: Words, key: str, **values: object) -> str:
    """Return a text of the table's group ``page``."""
    return text(words.text(key, "page", **values))


def framed(heads: Iterable[str], rows: str) -> str:
    """Return a table with headings; *rows* are its rows as markup."""
    head = "".join(f'<th scope="col">{text(one)}</th>' for one in heads)
    return (
        f'<div class="card scroll"><table class="stacked"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def cells(heads: Sequence[str], contents: Sequence[str]) -> str:
    """Return the cells of one row, each labelled; *contents* are markup."""
    pairs = zip(heads, contents, strict=True)
    return "".join(
        f'<td data-label="{text(head)}"{_LONG if _is_long(cell) else ""}>{cell}</td>'
        for head, cell in pairs
    )


def _is_long(cell: str) -> bool:
    """Tell whether a cell holds a word that has to be broken."""
    return any(len(word) > _WORD for word in _TAG.sub(" ", cell).split())


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of plain texts."""
    body = "".join(f"<tr>{cells(heads, [text(one) for one in row])}</tr>" for row in rows)
    return framed(heads, body)
