"""Rendering a report: as text, Markdown or JSON. The same report gives the same bytes."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from simulator.disclosure.judge.manifest import UNDECLARED
from simulator.disclosure.report.layout import Section, folded, grid, markdown_table
from simulator.disclosure.report.lines import LedgerLine
from simulator.disclosure.report.report import ClaimLine, Report

NOT_OBSERVABLE = (
    "Uploads that people make in Apple's portals, such as certificate requests.",
    "What devices themselves send to Apple: activation, attestation, App Store.",
    "What the MDM hands to devices and they to Apple, such as com.apple.maid tokens.",
    "A vendor's relay between the MDM and Apple.",
    "Anything sent to a host that was not redirected to the simulator.",
)
"""Flows that no simulator sees (disclosure.md 2.7)."""
VERDICTS = {
    "empty": "EMPTY: no request was recorded.",
    "warnings": "WARNINGS: nothing that fails, but look at what is undeclared.",
    "clean": "CLEAN: everything that was sent is documented, and declared if a manifest is named.",
    "findings": "FINDINGS: values were sent that must not have been, or that nobody declared.",
    "incomplete": "EVIDENCE INCOMPLETE: a part of it is missing or altered, so this is no pass.",
}
_COUNTS = {
    "exchanges": "exchanges",
    "refused": "of them refused (and disclosed all the same)",
    "unmatched": "of them to no known operation",
    "unreadable": "with a body that cannot be read",
    "truncated": "with a part missing",
    "gaps": "exchanges missing from the journal",
    "values": "values sent",
    "lines": "different fields sent",
    "declared": "of them declared",
    "undeclared": "of them undeclared",
    "inherent": "of them inherent: the protocol demands them",
    "exempt": "of them protocol, exempt",
    "undocumented": "of them not documented by Apple",
    "secrets": "of them secrets",
    "fail": "of them that fail",
    "warn": "of them that warn",
}


def to_json(report: Report) -> str:
    """Return the report as JSON, with all that the other forms show."""
    return json.dumps(as_dict(report), indent=1, ensure_ascii=False) + "\n"


def as_dict(report: Report) -> dict[str, Any]:
    """Return the report as plain values."""
    found = asdict(report)
    found["summary"] = [asdict(part) for part in report.glance.parts]
    return {**found, "not_observable": list(NOT_OBSERVABLE)}


def to_text(report: Report, width: int = 100) -> str:
    """Return the report for a terminal of *width* columns, without colour."""
    title = "Disclosure report"
    parts = [f"{title}\n{'=' * len(title)}"]
    for number, section in enumerate(sections(report), 1):
        heading = f"{number}. {section.title}"
        parts.append(f"{heading}\n{'-' * len(heading)}")
        if section.about:
            parts.append(folded(section.about, width))
        if section.rows:
            parts.append(grid(section.columns, section.rows, width))
    return "\n\n".join(parts) + "\n"


def to_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    parts = ["# Disclosure report"]
    for number, section in enumerate(sections(report), 1):
        parts.append(f"## {number}. {section.title}")
        if section.about:
            parts.append(section.about)
        if section.rows:
            parts.append(markdown_table(section.columns, section.rows))
    return "\n\n".join(parts) + "\n"


def sections(report: Report) -> list[Section]:
    """Return the sections in order (disclosure.md 4.5): verdict first, then what fails.

    Without a manifest there is nothing to say of claims.
    """
    named = bool(report.provenance.manifest_sha256)
    about_claims = {
        "Undeclared",
        "Declared and seen",
        "Declared as sent, but only received",
        "Declared, not seen",
    }
    return [one for one in _sections(report) if named or one.title not in about_claims]


def _sections(report: Report) -> list[Section]:
    return [
        _verdict(report),
        Section(
            "Undeclared",
            _some(report.undeclared, "No claim of the manifest covers these."),
            *_sent_table(report.undeclared),
        ),
        Section(
            "Undocumented or misplaced",
            _some(report.flagged, "Nobody documents these, or they stand or look wrong."),
            *_sent_table(report.flagged),
        ),
        Section(
            "Declared and seen",
            _some(report.declared, "Claims that the traffic bears out."),
            *_claims_table(report.declared),
        ),
        Section(
            "Declared as sent, but only received",
            _some(report.only_received, "Apple answers these; the client never sent them."),
            *_claims_table(report.only_received),
        ),
        Section(
            "Declared, not seen",
            _some(report.not_seen, "The traffic holds nothing of these claims."),
            *_claims_table(report.not_seen),
        ),
        Section(
            "Inherent",
            _some(report.inherent, "The protocol demands these, so they need no declaration."),
            *_sent_table(report.inherent),
        ),
        _received(report),
        *([_devices(report)] if report.devices else []),
        Section("Not observable here", "\n".join(f"- {flow}" for flow in NOT_OBSERVABLE)),
        _provenance(report),
        _connections(report),
    ]


def _some(rows: Iterable[object], about: str) -> str:
    return about if list(rows) else "None."


def _verdict(report: Report) -> Section:
    counts = "\n".join(
        f"- {report.counts[name]} {words}"
        for name, words in _COUNTS.items()
        if report.counts[name] or name == "exchanges"
    )
    found = "\n".join(f"- {one}" for one in integrity_problems(report))
    return Section(
        "Verdict and counts",
        "\n\n".join(
            filter(None, (VERDICTS[report.verdict], report.glance.sentence, found, counts))
        ),
        ("service", "operation", "status", "exchanges"),
        tuple(
            (one.service, one.operation, str(one.status), str(one.exchanges))
            for one in report.outcomes
        ),
    )


def _sent_table(lines: Iterable[LedgerLine]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    columns = ("", "operation", "place", "concept", "req", "val", "example, flags", "exchange")
    return columns, tuple(
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


def _claims_table(
    lines: Iterable[ClaimLine],
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
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


def _received(report: Report) -> Section:
    return Section(
        "Received fields by version",
        _some(report.received, "What Apple answered. The version that a client sends decides it."),
        ("since", "operation", "place", "concept", "asked with", "req", "val", "example"),
        tuple(
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
        ),
    )


def _devices(report: Report) -> Section:
    return Section(
        "What devices told the MDM",
        "From simulated devices; none of it is a disclosure to Apple. What the server passes on "
        "stands above, under the claim that is named here.",
        ("message", "key", "concept", "claim", "times", "first", "last"),
        tuple(
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
        ),
    )


def _connections(report: Report) -> Section:
    about = "What connections told beside their messages, once each; that is not judged."
    return Section(
        "Connections",
        _some(report.connections, about),
        ("service", "fact", "concept", "connections", "values", "example", "exchange"),
        tuple(
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
        ),
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


def _provenance(report: Report) -> Section:
    proof = report.evidence
    facts = asdict(report.provenance) | {
        "evidence": "complete" if proof.complete else f"incomplete, {proof.problems_found} places",
        "hashes_checked": proof.checked,
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
    return Section("Provenance", "", ("what", "which"), tuple(rows))
