"""Sections: a report as titles, sentences and tables, in the report's language.

The order is that of disclosure.md 4.5: the verdict, what was sent by data subject, then
what fails, and the evidence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from simulator.disclosure.judge.manifest import UNDECLARED
from simulator.disclosure.report.glance import SummaryChapter
from simulator.disclosure.report.integrity import Proof
from simulator.disclosure.report.layout import Section, printable
from simulator.disclosure.report.lines import LedgerLine
from simulator.disclosure.report.report import ClaimLine, Report
from simulator.disclosure.report.words import Words

_OF_CLAIMS = frozenset(("undeclared", "declared", "only_received", "not_seen"))
_SENT = ("judged", "operation", "place", "concept", "requests", "values", "example", "exchange")
_RECEIVED = (
    "since", "operation", "place", "concept", "asked", "requests", "values", "example",
)  # fmt: skip
_CONNECTIONS = ("service", "fact", "concept", "connections", "values", "example", "exchange")
_DEVICES = ("message", "key", "concept", "claim", "times", "first", "last")
_CHAPTER = ("judged", "what", "where", "requests", "values", "exchanges")
Rows = tuple[tuple[str, ...], ...]


def sections(report: Report) -> list[Section]:
    """Return the sections in order. Without a manifest there is nothing to say of claims."""
    words = Words(report.provenance.language)
    named = bool(report.provenance.manifest_sha256)
    found = [_verdict(report, words), *(_chapter(one, words) for one in report.glance.chapters)]
    tables = {
        "undeclared": (_SENT, _sent(report.undeclared)),
        "flagged": (_SENT, _sent(report.flagged)),
        "declared": claims_table(report.declared),
        "only_received": claims_table(report.only_received),
        "not_seen": claims_table(report.not_seen),
        "inherent": (_SENT, _sent(report.inherent)),
        "received": (_RECEIVED, _received(report)),
    }
    for key, (columns, rows) in tables.items():
        if named or key not in _OF_CLAIMS:
            found.append(_table(key, columns, rows, words))
    if report.devices:
        found.append(_table("told", _DEVICES, _devices(report), words))
    flows = "\n".join(f"- {one}" for one in not_observable(report))
    found.append(Section(words.text("not_observable", "section"), flows, key="not_observable"))
    found.append(_provenance(report, words))
    found.append(_table("connections", _CONNECTIONS, _connections(report), words))
    return found


def not_observable(report: Report) -> list[str]:
    """Return the flows that no simulator sees (disclosure.md 2.7), and what a capture lacks."""
    words = Words(report.provenance.language)
    return [
        *(words.text(key, "not-observable") for key in words.keys("not-observable")),
        *map(printable, report.limits),
    ]


def _table(key: str, columns: Iterable[str], rows: Rows, words: Words) -> Section:
    about = words.text(key if rows else "none", "section-about")
    heads = tuple(words.text(one, "column") for one in columns)
    return Section(words.text(key, "section"), about, heads, rows, key)


def _verdict(report: Report, words: Words) -> Section:
    counts = "\n".join(
        f"- {words.text(name, 'count', n=report.counts[name])}"
        for name in words.keys("count")
        if report.counts[name] or name == "exchanges"
    )
    found = "\n".join(f"- {one}" for one in integrity_problems(report))
    verdict = words.text(report.verdict, "verdict")
    columns = ("service", "operation", "status", "exchanges")
    return Section(
        words.text("verdict", "section"),
        "\n\n".join(filter(None, (verdict, report.glance.sentence, found, counts))),
        tuple(words.text(one, "column") for one in columns),
        tuple(
            (one.service, one.operation, str(one.status), str(one.exchanges))
            for one in report.outcomes
        ),
        "verdict",
    )


def _chapter(chapter: SummaryChapter, words: Words) -> Section:
    rows = tuple(
        (
            words.text(part.status, "status"),
            part.name,
            ", ".join(f"{one.operation} {one.place}" for one in part.places),
            str(part.requests),
            str(part.values),
            " ".join(f"#{seq}" for seq in part.evidence),
        )
        for part in chapter.parts
    )
    heads = tuple(words.text(one, "column") for one in _CHAPTER)
    return Section(chapter.title, chapter.about, heads, rows, chapter.key)


def _sent(lines: Iterable[LedgerLine]) -> Rows:
    return tuple(
        (
            line.severity,
            line.operation,
            line.place if line.part == "body" else f"{line.part} {line.place}",
            line.concept,
            str(line.requests),
            str(line.values),
            "; ".join(
                " ".join((one.value, *(flag for flag in one.flags if flag != UNDECLARED)))
                for one in line.examples
            ),
            _evidence(line),
        )
        for line in lines
    )


def _evidence(line: LedgerLine) -> str:
    return f"#{line.evidence[0]}" + (f" +{line.requests - 1}" if line.requests > 1 else "")


def claims_table(lines: Iterable[ClaimLine]) -> tuple[tuple[str, ...], Rows]:
    """Return the columns, as keys, and the rows of what claims came to."""
    return ("claim", "label", "concepts", "values", "places"), tuple(
        (
            line.id,
            line.label,
            ", ".join(line.concepts),
            str(line.values),
            ", ".join(line.places),
        )
        for line in lines
    )


def _received(report: Report) -> Rows:
    return tuple(
        (
            line.versions,
            line.operation,
            line.place,
            line.concept,
            " ".join(map(str, line.asked_versions)),
            str(line.requests),
            str(line.values),
            line.example,
        )
        for line in report.received
    )


def _devices(report: Report) -> Rows:
    return tuple(
        (
            line.message,
            line.key,
            line.concept,
            line.claim,
            str(line.times),
            str(line.first_exchange),
            str(line.last_exchange),
        )
        for line in report.devices
    )


def _connections(report: Report) -> Rows:
    return tuple(
        (
            line.service,
            line.place,
            line.concept,
            str(line.requests),
            str(line.values),
            line.example,
            _evidence(line),
        )
        for line in report.connections
    )


def integrity_problems(report: Report) -> list[str]:
    """Return a line on each place where the evidence does not hold."""
    proof = report.evidence
    found = [integrity_problem(asdict(one)) for one in proof.problems]
    if (more := proof.problems_found - len(proof.problems)) > 0:
        found.append(f"and {more} more places")
    return found


def integrity_problem(problem: Mapping[str, Any]) -> str:
    """Return one line on a place where the evidence does not hold, given as plain values."""
    first, last = problem["first"], problem["last"]
    span = f"exchange {first}" if first == last else f"exchanges {first} to {last}:"
    return f"{problem['kind']}: {span} {problem['about']}"


def _checked(proof: Proof) -> str:
    if not proof.checked_earlier:
        return str(proof.checked)
    earlier = f"{proof.checked_earlier} of them at {proof.checked_earlier_at}"
    return f"{proof.checked}, {earlier}; nobody has written to the database since"


def _provenance(report: Report, words: Words) -> Section:
    proof = report.evidence
    facts = asdict(report.provenance) | {
        "products": ", ".join(report.provenance.products),
        "evidence": "complete" if proof.complete else f"incomplete, {proof.problems_found} places",
        "hashes_checked": _checked(proof),
        "head_exchange": proof.head_exchange,
        "head_sha256": proof.head_sha256,
    }
    if proof.chained_from > 1:
        facts["chained_later"] = f"exchanges 1 to {proof.chained_from - 1}, by an upgrade"
    rows = [(name.replace("_", " "), str(value)) for name, value in facts.items()]
    rows += [
        ("deleted", f"exchanges {one.first} to {one.last}, {one.at} ({one.reason})")
        for one in proof.deletions
    ]
    rows += [("expired", f"claim {one.id}, {one.expires}: {one.label}") for one in report.expired]
    heads = (words.text("what", "column"), words.text("which", "column"))
    return Section(words.text("provenance", "section"), "", heads, tuple(rows), "provenance")
