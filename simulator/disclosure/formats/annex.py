"""The annex of the page: evidence with hashes, what was not exercised, and the glossary."""

import hashlib

import msgspec

from simulator.core.timestamps import rfc3339_ms
from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.formats.markup import page, table, text
from simulator.disclosure.formats.material import Material
from simulator.disclosure.report.lines import UNMATCHED
from simulator.disclosure.report.report import Report
from simulator.disclosure.report.sections import sections
from simulator.disclosure.report.words import Words


def evidence(material: Material, words: Words) -> str:
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
    parts = [f"<section><h2>{page(words, 'evidence')}</h2>\n<p>{page(words, 'evidence-about')}</p>"]
    parts.append(table(heads, rows) if rows else "")
    parts += [
        f"<h3>{text(section.title)}</h3>\n{table(section.columns, section.rows)}"
        for section in sections(report)
        if section.key in {"verdict", "provenance"} and section.rows
    ]
    return "".join([*parts, _never(material, words)]) + "</section>\n"


def glossary(report: Report, words: Words) -> str:
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
    parts = [f"<section><h2>{page(words, 'glossary')}</h2>\n"]
    if flags:
        named = [(flag, words.flag(flag)) for flag in sorted(flags)]
        two = [words.text("term", "column"), words.text("meaning", "column")]
        parts.append(f"<h3>{page(words, 'glossary-flags')}</h3>\n{table(two, named)}")
    if rows:
        parts.append(f"<h3>{page(words, 'glossary-concepts')}</h3>\n{table(heads, rows)}")
    return "".join(parts) + "</section>\n"


def _never(material: Material, words: Words) -> str:
    """Return the operations that were not called, by service, as a table."""
    called = {one.operation for one in material.report.outcomes}
    never: dict[str, list[str]] = {}
    for name, operation in material.catalogue.operations.items():
        if name not in called:
            never.setdefault(operation.service, []).append(name)
    heads = [words.text(one, "column") for one in ("service", "operation")]
    rows = [(service, ", ".join(names)) for service, names in never.items()]
    return f"<h3>{page(words, 'never')}</h3>\n{table(heads, rows)}" if rows else ""
