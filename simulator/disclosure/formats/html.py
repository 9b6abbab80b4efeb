"""One self-contained page: no script, nothing from elsewhere, light or dark as the reader's.

It can be handed over: a cover with the scope, the summary, chapters by data subject, what
the manifest says of its claims, the evidence with exchange numbers and hashes, a glossary.
Printed, it is a document of A4 or Letter pages.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from importlib import resources

from simulator.disclosure.formats.annex import evidence, glossary
from simulator.disclosure.formats.flows import Band, picture
from simulator.disclosure.formats.markup import cells, framed, page, table, text
from simulator.disclosure.formats.material import Material
from simulator.disclosure.judge.claims import ACCOUNTABILITY
from simulator.disclosure.report.glance import STATUSES, SummaryChapter, SummaryEntry, SummaryPlace
from simulator.disclosure.report.lines import UNMATCHED
from simulator.disclosure.report.report import Report
from simulator.disclosure.report.sections import integrity_problems, not_observable, sections
from simulator.disclosure.report.words import Words

_TILES = ("exchanges", "values", "lines", "fail", "warn", "declared", "inherent", "secrets")
_CHAPTER = ("judged", "what", "where", "values", "example", "exchanges")
_CLAIMS = ("declared", "only_received", "not_seen", "received", "told", "connections")
"""Sections that follow the chapters as they are."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What the page may load and do: nothing but use its own style."""


def to_html(material: Material) -> Iterator[str]:
    """Yield the page."""
    report = material.report
    words = Words(report.provenance.language)
    who = report.provenance.discloser or words.text("the-mdm")
    title = text(words.text("title", who=who))
    drawn = picture(report.sent, words)
    bands = drawn.bands if drawn else ()
    yield (
        f'<!doctype html>\n<html lang="{words.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{title}</title><style>{_css()}{_narrowing(bands)}</style></head><body><main>\n"
    )
    yield f'<header class="cover"><h1>{title}</h1>\n'
    yield f'<p class="lead">{page(words, "lead", tool=report.provenance.tool)}</p>\n'
    yield _verdict(report, words)
    yield f"<h2>{page(words, 'scope')}</h2>\n{_scope(material, words)}</header>\n"
    yield _summary(report, words)
    yield _legend(words)
    if drawn:
        title, about = page(words, "picture"), page(words, "picture-legend")
        yield (
            f'<section class="drawn"><h2 id="picture">{title}</h2>'
            f'<div class="card picture" tabindex="0" role="region" aria-label="{title}">{drawn.svg}'
            f'<p class="legend">{about}</p></div></section>\n{_filters(bands, words)}'
        )
    for number, chapter in enumerate(report.glance.chapters, 1):
        yield _chapter(number, chapter, bands, words)
    if report.provenance.manifest_sha256:
        yield _accountability(report, words)
    for section in sections(report):
        if section.key in _CLAIMS and section.rows:
            yield f"<section><h2>{text(section.title)}</h2>\n<p>{text(section.about)}</p>\n"
            yield table(section.columns, section.rows) + "</section>\n"
    yield evidence(material, words)
    yield glossary(report, words)
    yield "</main></body></html>\n"


@cache
def _css() -> str:
    folder = resources.files("simulator.disclosure.formats")
    return folder.joinpath("page.css").read_text("utf-8")


def _verdict(report: Report, words: Words) -> str:
    found = "".join(f"<li>{text(one)}</li>" for one in integrity_problems(report))
    verdict = text(words.text(report.verdict, "verdict"))
    listed = f"<ul>{found}</ul>" if found else ""
    return f'<div class="verdict {report.verdict}">{verdict}{listed}</div>\n'


def _scope(material: Material, words: Words) -> str:
    report, about = material.report, material.report.provenance
    called = {one.operation for one in report.outcomes} - {UNMATCHED}
    every = list(material.catalogue.operations)
    period = page(words, "period-none")
    if about.last_seen:
        period = page(
            words, "period-text", first=about.first_seen, last=about.last_seen,
            a=about.first_exchange, b=about.last_exchange,
        )  # fmt: skip
    named = f"{about.manifest} {about.manifest_revision}".strip()
    exercised = words.text("exercised-text", "page", n=len(called), of=len(every))
    if called:
        exercised += f": {', '.join(_coverage(material, called, words))}"
    rows = {
        "who": text(about.discloser) or page(words, "who-missing"),
        "recipient": page(words, "apple"),
        "products": text(", ".join(about.products)) or page(words, "products-none"),
        "period": period,
        "manifest": text(named) if about.manifest_sha256 else page(words, "manifest-none"),
        "redaction": text(about.redaction),
        "exercised": text(exercised),
    }
    listed = "".join(f"<dt>{page(words, key)}</dt><dd>{value}</dd>" for key, value in rows.items())
    flows = "".join(f"<li>{text(one)}</li>" for one in not_observable(report))
    unseen = text(words.text("not_observable", "section"))
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


def _summary(report: Report, words: Words) -> str:
    glance = report.glance
    phrases = ", ".join(
        f'<a class="{one.severity}" href="#p-{one.part}">{text(one.text)}</a>'
        if one.part
        else text(one.text)
        for one in glance.phrases
    )
    start = text(words.text("sent-to-apple"))
    sentence = f"{start}: {phrases}." if phrases else text(glance.sentence)
    tiles = "".join(
        f"<li><b>{report.counts[name]}</b><span>{_tile(words, name)}</span></li>"
        for name in _TILES
        if report.counts[name] or name == "exchanges"
    )
    return (
        f"<section><h2>{page(words, 'summary')}</h2>\n"
        f'<p class="sentence">{sentence}</p>\n<ul class="tiles">{tiles}</ul>\n'
        f"<p>{page(words, 'findings-two')}</p></section>\n"
    )


def _tile(words: Words, name: str) -> str:
    return text(words.text(name, "count", n="").strip())


def _legend(words: Words) -> str:
    rows = [
        (_badge(words, name, _SEVERITY.get(name, "ok")), text(words.text(name, "status-about")))
        for name in STATUSES
    ]
    listed = "".join(f"<dt>{mark}</dt><dd>{about}</dd>" for mark, about in rows)
    return f'<section><h2>{page(words, "legend")}</h2><dl class="marks">{listed}</dl></section>\n'


_SEVERITY = {
    "forbidden": "fail",
    "misplaced": "fail",
    "undocumented": "fail",
    "undeclared": "fail",
    "odd": "warn",
}
"""How a status is mostly judged; undeclared values of harmless categories only warn."""


def _badge(words: Words, status: str, severity: str) -> str:
    return f'<span class="badge {severity}">{text(words.text(status, "status"))}</span>'


def _narrowing(bands: Sequence[Band]) -> str:
    """Return the style by which the line of a band that is the page's target narrows it.

    It hides what the band does not stand for, on a screen, without any script.
    """
    rules = "".join(
        f"#b-{one.number}:target~.chapter tr.part:not(.b-{one.number}){{display:none}}"
        f"#b-{one.number}:target~.chapter:not(:has(.b-{one.number})){{display:none}}"
        for one in bands
    )
    return f"@media screen{{{rules}}}"


def _filters(bands: Sequence[Band], words: Words) -> str:
    """Return the lines that the bands of the picture lead to, each seen when it is the target."""
    return "".join(
        f'<p class="filter" id="b-{one.number}">{page(words, "narrowed", band=one.about)} '
        f'<a href="#picture">{page(words, "all-again")}</a></p>\n'
        for one in bands
    )


def _chapter(number: int, chapter: SummaryChapter, bands: Sequence[Band], words: Words) -> str:
    heads = [words.text(one, "column") for one in _CHAPTER]
    rows = "".join(_part(part, heads, bands, words) for part in chapter.parts)
    return (
        f'<section class="chapter" id="c-{chapter.key}"><h2>{number}. {text(chapter.title)}</h2>\n'
        f"<p>{text(chapter.about)}</p>\n{framed(heads, rows)}</section>\n"
    )


def _part(part: SummaryEntry, heads: Sequence[str], bands: Sequence[Band], words: Words) -> str:
    lines = {place.line for place in part.places}
    among = "".join(f" b-{one.number}" for one in bands if lines & one.lines)
    flags = "".join(f"<li>{text(words.flag(one))}</li>" for one in part.flags)
    claims = f"<small>{text(', '.join(part.claims))}</small>" if part.claims else ""
    kind = words.text(part.category, "category")
    places = "".join(f"<li>{_place(one, words)}</li>" for one in part.places)
    contents = (
        f"{_badge(words, part.status, part.severity)}{claims}",
        f"<strong>{text(part.name)}</strong><small>{text(kind)}</small>",
        f'<ul class="places">{places}</ul>',
        str(part.values),
        f'<span class="code">{text(part.example)}</span>'
        + (f'<ul class="flags">{flags}</ul>' if flags else ""),
        " ".join(f"#{seq}" for seq in part.evidence),
    )
    return f'<tr class="part{among}" id="p-{part.id}">{cells(heads, contents)}</tr>'


def _place(place: SummaryPlace, words: Words) -> str:
    count = words.count("request", place.requests)
    return f'{text(place.operation)} <span class="code">{text(place.place)}</span>, {text(count)}'


def _accountability(report: Report, words: Words) -> str:
    """Return what a record of processing asks of each claim, and what the manifest leaves out."""
    missing = f'<em class="missing">{page(words, "missing")}</em>'
    heads = [words.text(one, "column") for one in ("claim", "label", *ACCOUNTABILITY)]
    claims = [*report.declared, *report.only_received, *report.not_seen]
    rows = "".join(
        f"<tr>{cells(heads, contents)}</tr>"
        for one in claims
        for contents in [
            [text(one.id), text(one.label)]
            + [text(getattr(one, name)) or missing for name in ACCOUNTABILITY]
        ]
    )
    title = page(words, "accountability")
    about = page(words, "accountability-about")
    shown = f"<p>{about}</p>\n{framed(heads, rows)}"
    return f"<section><h2>{title}</h2>\n{shown}</section>\n" if rows else ""
