"""One self-contained page: no script, nothing from elsewhere, light or dark as the reader's."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from html import escape
from importlib import resources

from simulator.disclosure.formats.flows import picture
from simulator.disclosure.formats.material import Material
from simulator.disclosure.judge.manifest import UNDECLARED
from simulator.disclosure.report.layout import printable
from simulator.disclosure.report.lines import LedgerLine
from simulator.disclosure.report.rendering import VERDICTS, integrity_problems, sections
from simulator.disclosure.report.report import Report

_TILES = (
    ("exchanges", "exchanges"),
    ("refused", "refused, disclosed all the same"),
    ("values", "values sent"),
    ("lines", "different fields"),
    ("declared", "declared"),
    ("undeclared", "undeclared"),
    ("inherent", "inherent"),
    ("undocumented", "not documented"),
    ("secrets", "secrets"),
)
_COLUMNS = (
    "", "operation", "place", "concept, whose", "requests", "values", "first disclosed",
    "example and flags", "seen", "exchanges",
)  # fmt: skip
_LINES = {
    "Undeclared": "undeclared",
    "Undocumented or misplaced": "flagged",
    "Inherent": "inherent",
}
"""Sections that are tables of lines, by title."""


POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What the page may load and do: nothing but use its own style."""


def to_html(material: Material) -> Iterator[str]:
    """Yield the page."""
    report = material.report
    about = report.provenance
    title = f"What {about.discloser or 'the MDM'} told Apple"
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{_text(title)}</title><style>{_css()}</style></head><body><main>\n"
    )
    yield f"<h1>{_text(title)}</h1>\n"
    span = f"{about.first_seen} to {about.last_seen}" if about.last_seen else "no exchanges yet"
    yield (
        f'<p class="lead">Disclosure report by {_text(about.tool)}, {_text(span)}, '
        f"manifest: {_text(about.manifest)}, redacted to {_text(about.redaction)}. "
        "Not Apple's.</p>\n"
    )
    yield _verdict(report)
    if drawn := picture(report.sent):
        legend = "".join(
            f'<i class="{name}"></i>{words}'
            for name, words in (("ok", "declared"), ("warn", "warns"), ("fail", "fails"))
        )
        yield (
            f'<h2>Data flows</h2><div class="card picture">{drawn}'
            f'<p class="legend">A band is as wide as there are different fields.{legend}</p>'
            "</div>\n"
        )
    for number, section in enumerate(sections(report), 1):
        yield f"<h2>{number}. {_text(section.title)}</h2>\n"
        if section.title in _LINES:
            lines: Sequence[LedgerLine] = getattr(report, _LINES[section.title])
            yield f"<p>{_text(section.about)}</p>\n"
            yield _table(_COLUMNS, map(_line, lines)) if lines else ""
            continue
        if number > 1:
            yield _prose(section.about)
        if section.rows:
            yield _table(section.columns, (_plain(row) for row in section.rows))
    yield _vocabulary(report)
    yield "</main></body></html>\n"


def _text(text: str) -> str:
    return escape(printable(text))


@cache
def _css() -> str:
    folder = resources.files("simulator.disclosure.formats")
    return folder.joinpath("page.css").read_text("utf-8")


def _verdict(report: Report) -> str:
    tiles = "".join(
        f"<li><b>{report.counts[name]}</b><span>{words}</span></li>" for name, words in _TILES
    )
    found = "".join(f"<li>{_text(one)}</li>" for one in integrity_problems(report))
    parts = "".join(
        f'<li class="{part.severity}">{_text(part.text)}</li>' for part in report.glance.parts
    )
    summary = f'<h2>Sent to Apple</h2>\n<ul class="summary">{parts}</ul>\n' if parts else ""
    return (
        f'<div class="verdict {report.verdict}">{_text(VERDICTS[report.verdict])}'
        f'{f"<ul>{found}</ul>" if found else ""}</div>\n{summary}<ul class="tiles">{tiles}</ul>\n'
    )


def _prose(text: str) -> str:
    """Return a sentence, or a list where each line starts with a dash."""
    if not text:
        return ""
    lines = text.splitlines()
    if all(line.startswith("- ") for line in lines):
        return "<ul>" + "".join(f"<li>{_text(line[2:])}</li>" for line in lines) + "</ul>\n"
    return f"<p>{_text(text)}</p>\n"


def _table(columns: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{_text(one)}</th>" for one in columns)
    return (
        f'<div class="card scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>\n"
    )


def _plain(row: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>"


def _line(line: LedgerLine) -> str:
    novelty = ", ".join(f"{name} {count}" for name, count in line.novelty.items())
    flags = "".join(
        f'<span class="flag">{_text(flag)}</span>' for flag in line.flags if flag != UNDECLARED
    )
    place = line.place if line.part == "body" else f"{line.part} {line.place}"
    first, last = (_text(one.replace("T", " ")) for one in (line.first_seen, line.last_seen))
    seen = first if first == last else f"{first}<small>{last}</small>"
    evidence = " ".join(f"#{number}" for number in line.evidence)
    cells = (
        f'<td><span class="badge {line.severity}">{line.severity}</span></td>',
        f"<td>{_text(line.operation)}<small>{_text(line.recipient)}</small></td>",
        f'<td class="code">{_text(place)}</td>',
        f"<td>{_text(line.concept)}<small>{line.category} · {line.subject}</small></td>",
        f'<td class="n">{line.requests}</td>',
        f'<td class="n">{line.values}</td>',
        f"<td>{_text(novelty)}</td>",
        f'<td><span class="code">{_text(line.example)}</span> {flags}</td>',
        f'<td class="when">{seen}</td>',
        f"<td>{evidence}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"


def _vocabulary(report: Report) -> str:
    """Return the concepts that were sent, in the words of public vocabularies."""
    found = {
        line.concept: (line.concept, line.category, line.subject, line.fides, line.dpv)
        for line in report.sent
    }
    if not found:
        return ""
    rows = (_plain(found[name]) for name in sorted(found))
    columns = ("concept", "category", "whose", "Fideslang", "Data Privacy Vocabulary")
    return "<h2>Vocabularies</h2>\n" + _table(columns, rows)
