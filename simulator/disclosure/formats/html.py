"""One self-contained page: no script, nothing from elsewhere, light or dark as the reader's.

It can be handed over: a cover with the scope, the summary, chapters by data subject, what
the manifest says of its claims, the evidence with exchange numbers and hashes, a glossary.
Printed, it is a document of A4 or Letter pages.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from html import escape
from importlib import resources

import msgspec

from simulator.core.timestamps import rfc3339_ms
from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.formats.flows import picture
from simulator.disclosure.formats.material import Material
from simulator.disclosure.judge.claims import ACCOUNTABILITY
from simulator.disclosure.report.glance import STATUSES, SummaryChapter, SummaryEntry, SummaryPlace
from simulator.disclosure.report.layout import printable
from simulator.disclosure.report.lines import UNMATCHED
from simulator.disclosure.report.report import Report
from simulator.disclosure.report.sections import integrity_problems, not_observable, sections
from simulator.disclosure.report.words import Words

_TILES = ("exchanges", "values", "lines", "fail", "warn", "declared", "inherent", "secrets")
_CHAPTER = ("judged", "what", "where", "values", "example", "exchanges")
_CLAIMS = ("declared", "only_received", "not_seen", "received", "told", "connections")
"""Sections that follow the chapters as they are."""
_WORD = 24
"""Letters of the longest word that is kept together."""
_LONG = ' class="long"'
_TAG = re.compile(r"<[^>]*>")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What the page may load and do: nothing but use its own style."""


def to_html(material: Material) -> Iterator[str]:
    """Yield the page."""
    report = material.report
    words = Words(report.provenance.language)
    who = report.provenance.discloser or words.text("the-mdm")
    title = _text(words.text("title", who=who))
    yield (
        f'<!doctype html>\n<html lang="{words.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{title}</title><style>{_css()}</style></head><body><main>\n"
    )
    yield f'<header class="cover"><h1>{title}</h1>\n'
    yield f'<p class="lead">{_page(words, "lead", tool=report.provenance.tool)}</p>\n'
    yield _verdict(report, words)
    yield f"<h2>{_page(words, 'scope')}</h2>\n{_scope(material, words)}</header>\n"
    yield _summary(report, words)
    yield _legend(words)
    if drawn := picture(report.sent, words):
        title, about = _page(words, "picture"), _page(words, "picture-legend")
        yield (
            f'<section class="drawn"><h2>{title}</h2>'
            f'<div class="card picture" tabindex="0" role="region" aria-label="{title}">{drawn}'
            f'<p class="legend">{about}</p></div></section>\n'
        )
    for number, chapter in enumerate(report.glance.chapters, 1):
        yield _chapter(number, chapter, words)
    if report.provenance.manifest_sha256:
        yield _accountability(report, words)
    for section in sections(report):
        if section.key in _CLAIMS and section.rows:
            yield f"<section><h2>{_text(section.title)}</h2>\n<p>{_text(section.about)}</p>\n"
            yield _table(section.columns, section.rows) + "</section>\n"
    yield _evidence(material, words)
    yield _glossary(report, words)
    yield "</main></body></html>\n"


def _text(text: str) -> str:
    return escape(printable(text))


def _page(words: Words, key: str, **values: object) -> str:
    return _text(words.text(key, "page", **values))


@cache
def _css() -> str:
    folder = resources.files("simulator.disclosure.formats")
    return folder.joinpath("page.css").read_text("utf-8")


def _verdict(report: Report, words: Words) -> str:
    found = "".join(f"<li>{_text(one)}</li>" for one in integrity_problems(report))
    verdict = _text(words.text(report.verdict, "verdict"))
    listed = f"<ul>{found}</ul>" if found else ""
    return f'<div class="verdict {report.verdict}">{verdict}{listed}</div>\n'


def _scope(material: Material, words: Words) -> str:
    report, about = material.report, material.report.provenance
    called = {one.operation for one in report.outcomes} - {UNMATCHED}
    every = list(material.catalogue.operations)
    period = _page(words, "period-none")
    if about.last_seen:
        period = _page(
            words, "period-text", first=about.first_seen, last=about.last_seen,
            a=about.first_exchange, b=about.last_exchange,
        )  # fmt: skip
    named = f"{about.manifest} {about.manifest_revision}".strip()
    exercised = words.text("exercised-text", "page", n=len(called), of=len(every))
    if called:
        exercised += f": {', '.join(_coverage(material, called, words))}"
    rows = {
        "who": _text(about.discloser) or _page(words, "who-missing"),
        "recipient": _page(words, "apple"),
        "products": _text(", ".join(about.products)) or _page(words, "products-none"),
        "period": period,
        "manifest": _text(named) if about.manifest_sha256 else _page(words, "manifest-none"),
        "redaction": _text(about.redaction),
        "exercised": _text(exercised),
    }
    listed = "".join(f"<dt>{_page(words, key)}</dt><dd>{value}</dd>" for key, value in rows.items())
    flows = "".join(f"<li>{_text(one)}</li>" for one in not_observable(report))
    unseen = _text(words.text("not_observable", "section"))
    return f'<dl class="scope">{listed}<dt>{unseen}</dt><dd><ul>{flows}</ul></dd></dl>'


def _coverage(material: Material, called: Collection[str], words: Words) -> Iterator[str]:
    """Yield how many operations of each service were called: ``dep 6 of 25``."""
    for service in material.catalogue.services:
        names = [
            name for name, one in material.catalogue.operations.items() if one.service == service
        ]
        if found := [name for name in names if name in called]:
            count = words.text("of-operations", "page", n=len(found), of=len(names))
            yield f"{service} {count}"


def _never(material: Material, words: Words) -> str:
    """Return the operations that were not called, by service, as a table."""
    called = {one.operation for one in material.report.outcomes}
    never: dict[str, list[str]] = {}
    for name, operation in material.catalogue.operations.items():
        if name not in called:
            never.setdefault(operation.service, []).append(name)
    heads = [words.text(one, "column") for one in ("service", "operation")]
    rows = [(service, ", ".join(names)) for service, names in never.items()]
    return f"<h3>{_page(words, 'never')}</h3>\n{_table(heads, rows)}" if rows else ""


def _summary(report: Report, words: Words) -> str:
    glance = report.glance
    phrases = ", ".join(
        f'<a class="{one.severity}" href="#p-{one.part}">{_text(one.text)}</a>'
        if one.part
        else _text(one.text)
        for one in glance.phrases
    )
    start = _text(words.text("sent-to-apple"))
    sentence = f"{start}: {phrases}." if phrases else _text(glance.sentence)
    tiles = "".join(
        f"<li><b>{report.counts[name]}</b><span>{_tile(words, name)}</span></li>"
        for name in _TILES
        if report.counts[name] or name == "exchanges"
    )
    return (
        f"<section><h2>{_page(words, 'summary')}</h2>\n"
        f'<p class="sentence">{sentence}</p>\n<ul class="tiles">{tiles}</ul>\n'
        f"<p>{_page(words, 'findings-two')}</p></section>\n"
    )


def _tile(words: Words, name: str) -> str:
    return _text(words.text(name, "count", n="").strip())


def _legend(words: Words) -> str:
    rows = [
        (_badge(words, name, _SEVERITY.get(name, "ok")), _text(words.text(name, "status-about")))
        for name in STATUSES
    ]
    listed = "".join(f"<dt>{mark}</dt><dd>{about}</dd>" for mark, about in rows)
    return f'<section><h2>{_page(words, "legend")}</h2><dl class="marks">{listed}</dl></section>\n'


_SEVERITY = {
    "forbidden": "fail",
    "misplaced": "fail",
    "undocumented": "fail",
    "undeclared": "fail",
    "odd": "warn",
}
"""How a status is mostly judged; undeclared values of harmless categories only warn."""


def _badge(words: Words, status: str, severity: str) -> str:
    return f'<span class="badge {severity}">{_text(words.text(status, "status"))}</span>'


def _chapter(number: int, chapter: SummaryChapter, words: Words) -> str:
    heads = [words.text(one, "column") for one in _CHAPTER]
    rows = "".join(_part(part, heads, words) for part in chapter.parts)
    return (
        f'<section id="c-{chapter.key}"><h2>{number}. {_text(chapter.title)}</h2>\n'
        f"<p>{_text(chapter.about)}</p>\n{_framed(heads, rows)}</section>\n"
    )


def _part(part: SummaryEntry, heads: Sequence[str], words: Words) -> str:
    flags = "".join(f"<li>{_text(words.flag(one))}</li>" for one in part.flags)
    claims = f"<small>{_text(', '.join(part.claims))}</small>" if part.claims else ""
    kind = words.text(part.category, "category")
    places = "".join(f"<li>{_place(one, words)}</li>" for one in part.places)
    cells = (
        f"{_badge(words, part.status, part.severity)}{claims}",
        f"<strong>{_text(part.name)}</strong><small>{_text(kind)}</small>",
        f'<ul class="places">{places}</ul>',
        str(part.values),
        f'<span class="code">{_text(part.example)}</span>'
        + (f'<ul class="flags">{flags}</ul>' if flags else ""),
        " ".join(f"#{seq}" for seq in part.evidence),
    )
    return f'<tr id="p-{part.id}">{_cells(heads, cells)}</tr>'


def _place(place: SummaryPlace, words: Words) -> str:
    count = words.count("request", place.requests)
    return (
        f'{_text(place.operation)} <span class="code">{_text(place.place)}</span>, {_text(count)}'
    )


def _accountability(report: Report, words: Words) -> str:
    """Return what a record of processing asks of each claim, and what the manifest leaves out."""
    missing = f'<em class="missing">{_page(words, "missing")}</em>'
    heads = [words.text(one, "column") for one in ("claim", "label", *ACCOUNTABILITY)]
    claims = [*report.declared, *report.only_received, *report.not_seen]
    rows = "".join(
        f"<tr>{_cells(heads, cells)}</tr>"
        for one in claims
        for cells in [
            [_text(one.id), _text(one.label)]
            + [_text(getattr(one, name)) or missing for name in ACCOUNTABILITY]
        ]
    )
    title = _page(words, "accountability")
    about = _page(words, "accountability-about")
    framed = f"<p>{about}</p>\n{_framed(heads, rows)}" if rows else ""
    return f"<section><h2>{title}</h2>\n{framed}</section>\n" if rows else ""


def _framed(heads: Iterable[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{_text(one)}</th>' for one in heads)
    return (
        f'<div class="card scroll"><table class="stacked"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _cells(heads: Sequence[str], cells: Sequence[str]) -> str:
    pairs = zip(heads, cells, strict=True)
    return "".join(
        f'<td data-label="{_text(head)}"{_LONG if _is_long(cell) else ""}>{cell}</td>'
        for head, cell in pairs
    )


def _is_long(cell: str) -> bool:
    """Tell whether a cell holds a word that has to be broken."""
    return any(len(word) > _WORD for word in _TAG.sub(" ", cell).split())


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "".join(f"<tr>{_cells(heads, [_text(one) for one in row])}</tr>" for row in rows)
    return _framed(heads, body)


def _evidence(material: Material, words: Words) -> str:
    """Return the annex: each exchange that is named, with its hash, and where it all came from."""
    report = material.report
    named = sorted({seq for line in report.sent for seq in line.evidence})
    found = [one for one in map(material.exchange, named) if one is not None]
    rows = [
        (
            f"#{one.seq}",
            rfc3339_ms(one.at_ms).replace("T", " "),
            one.operation or UNMATCHED,
            str(one.response.status),
            hashlib.sha256(msgspec.msgpack.encode(one)).hexdigest(),
        )
        for one in found
    ]
    heads = [
        words.text(one, "column") for one in ("exchange", "time", "operation", "status", "hash")
    ]
    parts = [
        f"<section><h2>{_page(words, 'evidence')}</h2>\n<p>{_page(words, 'evidence-about')}</p>"
    ]
    parts.append(_table(heads, rows) if rows else "")
    parts += [
        f"<h3>{_text(section.title)}</h3>\n{_table(section.columns, section.rows)}"
        for section in sections(report)
        if section.key in {"verdict", "provenance"} and section.rows
    ]
    return "".join([*parts, _never(material, words)]) + "</section>\n"


def _glossary(report: Report, words: Words) -> str:
    """Return what the concepts and flags of the report mean, and their names elsewhere."""
    lines = {line.concept: line for line in (*report.sent, *report.received)}
    columns = ("concept", "meaning", "category")
    heads = [words.text(one, "column") for one in columns] + ["Fideslang", "DPV"]
    rows = [
        (
            name,
            words.whole(name) if name in CONCEPTS else name,
            words.text(line.category, "category"),
            line.fides,
            line.dpv,
        )
        for name, line in sorted(lines.items())
    ]
    flags = dict.fromkeys(flag for line in report.sent for flag in line.flags)
    parts = [f"<section><h2>{_page(words, 'glossary')}</h2>\n"]
    if flags:
        named = [(flag, words.flag(flag)) for flag in sorted(flags)]
        two = [words.text("term", "column"), words.text("meaning", "column")]
        parts.append(f"<h3>{_page(words, 'glossary-flags')}</h3>\n{_table(two, named)}")
    if rows:
        parts.append(f"<h3>{_page(words, 'glossary-concepts')}</h3>\n{_table(heads, rows)}")
    return "".join(parts) + "</section>\n"
