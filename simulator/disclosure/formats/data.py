"""For machines and spreadsheets: the report as JSON and CSV, each disclosure as a line of JSON."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from simulator.core.messages import Exchange
from simulator.core.timestamps import rfc3339_ms
from simulator.disclosure.formats.material import Material
from simulator.disclosure.judge.claims import ACCOUNTABILITY
from simulator.disclosure.judge.manifest import NONE, Judged, judge
from simulator.disclosure.report.layout import printable
from simulator.disclosure.report.lines import UNMATCHED, LedgerLine
from simulator.disclosure.report.redaction import shown
from simulator.disclosure.report.rendering import to_json
from simulator.disclosure.report.report import ClaimLine, Report
from simulator.disclosure.report.vocabularies import term_of

COLUMNS = (
    "recipient", "service", "operation", "field", "part", "place", "via", "concept", "category",
    "subject", "secret", "direction", "required", "versions", "documented", "docs", "declared",
    "manifest_revision", "requests", "records", "values", "novelty", "first_seen", "last_seen",
    "example", "flags", "severity", "evidence", "fides", "dpv", *ACCOUNTABILITY,
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the start of a formula."""


def to_csv(material: Material) -> Iterator[str]:
    """Yield one row per field that was sent or received, with the words of its claim."""
    report = material.report
    claims = {one.id: one for one in (*report.declared, *report.only_received, *report.not_seen)}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in (*report.sent, *report.received):
        cells = _cells(line, claims.get(line.declared), report)
        writer.writerow([safe(str(cells[name])) for name in COLUMNS])
    yield out.getvalue()


def _cells(line: LedgerLine, claim: ClaimLine | None, report: Report) -> dict[str, Any]:
    legal = {name: getattr(claim, name) if claim else "" for name in ACCOUNTABILITY}
    return {
        **asdict(line),
        **legal,
        "manifest_revision": report.provenance.manifest_revision if claim else "",
        "declared": "" if line.declared == NONE else line.declared,
        "novelty": " ".join(f"{name}={count}" for name, count in line.novelty.items()),
        "flags": " ".join(line.flags),
        "evidence": " ".join(f"#{number}" for number in line.evidence),
    }


def safe(text: str) -> str:
    """Return *text* so that no spreadsheet computes it."""
    plain = printable(text)
    return f"'{plain}" if plain.startswith(_FORMULA) else plain


def json_report(material: Material) -> Iterator[str]:
    """Yield the whole report as JSON."""
    yield to_json(material.report)


def json_lines(material: Material) -> Iterator[str]:
    """Yield one line per disclosure, in the order of the journal (disclosure.md 4.1)."""
    run, seq = material.report.provenance.run, 0
    for exchange in material.disclosing():
        for ordinal, (one, text) in enumerate(material.observed(exchange)):
            seq += 1
            judged = judge(one, exchange.service, exchange.operation, material.manifest)
            row = _record(material, exchange, judged, text, (run, seq, ordinal))
            yield json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def _record(
    material: Material,
    exchange: Exchange,
    judged: Judged,
    text: str | None,
    numbers: tuple[str, int, int],
) -> dict[str, Any]:
    run, seq, ordinal = numbers
    one, level = judged.disclosure, material.report.provenance.redaction
    key = f"{run}\x1f{exchange.seq}\x1f{one.at}\x1f{ordinal}"
    provenance = material.report.provenance
    value: dict[str, Any] = {"level": level, "shown": shown(one, text, level)}
    if level != "names":
        value |= {"shape": one.shape, "len": one.len}
    if level not in ("names", "shape"):
        value |= {"fp": one.fp, "key_id": provenance.key_id}
        if one.clear is not None:
            value["clear"] = one.clear
    term = term_of(one.concept)
    return {
        "id": hashlib.sha256(key.encode()).hexdigest()[:16],
        "run": run,
        "seq": seq,
        "ts": rfc3339_ms(exchange.at_ms),
        "exchange": exchange.seq,
        "client": {"account": exchange.client, "organisation": exchange.organisation},
        "service": exchange.service or UNMATCHED,
        "op": exchange.operation or UNMATCHED,
        "route": exchange.route,
        "protocol": {"sent": exchange.version_sent, "effective": exchange.version or None},
        "part": one.part,
        "at": one.at,
        "generic": one.generic,
        "via": one.via,
        "field": one.field,
        "concept": one.concept,
        "category": one.category,
        "subject": one.subject,
        "secret": one.secret,
        "value": value,
        "versions": one.versions,
        "inherent": one.inherent or None,
        "novelty": material.origin(one, exchange.seq) or None,
        "documented": _documented(one.flags, documented=one.documented),
        "declared": None if judged.declared == NONE else judged.declared,
        "flags": list(judged.flags),
        "severity": judged.severity,
        "status": exchange.response.status,
        "fides": term.fides,
        "dpv": term.dpv,
    }


def _documented(flags: tuple[str, ...], *, documented: bool) -> str:
    if not {"misplaced", "misplaced-credential"}.isdisjoint(flags):
        return "wrong-place"
    if any(flag.startswith(("version<", "version>")) for flag in flags):
        return "wrong-version"
    return "yes" if documented else "no"
