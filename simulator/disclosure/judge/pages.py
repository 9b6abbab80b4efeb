"""Published pages as Markdown or HTML: their tables, title and language."""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

from simulator.disclosure.judge.tables import table_rows

_FRONT = re.compile(r"([\w.-]+):\s*(.*)")
_MARKUP = re.compile(r"\s*(\ufeff)?<(!doctype|html|head|body|table|div)\b", re.IGNORECASE)


def as_markdown(page: str) -> str:
    """Return a page of HTML as Markdown: its tables, with its title and language on top."""
    if not _MARKUP.match(page):
        return page
    reader = _Reader()
    reader.feed(page)
    reader.close()
    front = f"---\ntitle: {reader.title.strip()}\nms.contentlocale: {reader.language}\n---\n"
    return front + "\n".join(reader.lines) + "\n"


class _Reader(HTMLParser):
    """Collects the tables of a page as lines of Markdown."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.language = "", ""
        self.lines: list[str] = []
        self._within: list[str] = []
        self._row: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a cell, a row or a table, or emphasis in a cell."""
        if tag == "html":
            self.language = (dict(attrs).get("lang") or "").strip()
        elif tag == "title":
            self._within.append(tag)
        elif tag == "table":
            self.lines.append("")
        elif tag in {"td", "th"}:
            self._end_cell()
            self._within.append("td")
            self._row.append("")
        elif tag in {"b", "strong"}:
            self._add("**")

    def handle_endtag(self, tag: str) -> None:
        """End what `handle_starttag` began."""
        if tag in {"td", "th"}:
            self._end_cell()
        elif tag == "title" and self._within[-1:] == ["title"]:
            self._within.pop()
        elif tag in {"b", "strong"}:
            self._add("**")
        elif tag in {"tr", "table"}:
            self._end_cell()
            if any(self._row):
                self.lines.append(f"| {' | '.join(' '.join(cell.split()) for cell in self._row)} |")
            self._row = []

    def handle_data(self, data: str) -> None:
        """Take a text."""
        if self._within[-1:] == ["title"]:
            self.title += data
        else:
            self._add(data.replace("|", "/"))

    def _add(self, text: str) -> None:
        if self._within[-1:] == ["td"]:
            self._row[-1] += text

    def _end_cell(self) -> None:
        if self._within[-1:] == ["td"]:
            self._within.pop()


def tables(markdown: str) -> Iterator[list[list[str]]]:
    """Yield the rows of each table, headings included, normalised as `table_rows` does."""
    lines: list[str] = []
    for line in (*markdown.splitlines(), ""):
        if line.strip().startswith("|"):
            lines.append(line)
        elif lines:
            yield table_rows("\n".join(lines))
            lines = []


def front_matter(page: str) -> Mapping[str, str]:
    """Return the lines between the first two rules of dashes, as names and texts."""
    lines = page.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    found = {}
    for line in lines[1:]:
        if line.strip() == "---":
            break
        if match := _FRONT.fullmatch(line.strip()):
            found[match[1]] = match[2].strip("'\"")
    return found
