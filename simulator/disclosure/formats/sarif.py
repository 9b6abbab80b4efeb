"""SARIF 2.1.0: one result per finding and field, for code scanning.

SARIF wants a file and a line; what disclosed the value is no file here, so the
place is the manifest that would have to declare it, and the logical location
says which operation and field is meant. The fingerprint stays the same from run
to run.
"""

import json
from collections.abc import Iterator
from typing import Any

from simulator.disclosure.formats.material import Material
from simulator.disclosure.judge.manifest import severity_of
from simulator.disclosure.report.integrity import Proof
from simulator.disclosure.report.layout import printable
from simulator.disclosure.report.lines import LedgerLine
from simulator.disclosure.report.report import Report

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
RULES = {
    "undeclared": "No claim of the manifest covers what was sent.",
    "undocumented": "The field is documented nowhere by Apple.",
    "forbidden": "The manifest says that this must never travel.",
    "misplaced": "A value is known, but belongs to another place.",
    "misplaced-credential": "A credential stands where none belongs.",
    "secret-in-url": "A secret stands in a query, and so in every access log.",
    "version": "The field belongs to another protocol version than was spoken.",
    "value": "The value is odd for its field.",
    "truncated": "A part of the request is missing.",
}
"""Rule id -> what it says. Flags with a colon or a version belong to the rule before it."""
_LEVELS = {"ok": "note", "warn": "warning", "fail": "error"}


def rule_of(flag: str) -> str:
    """Return the rule that *flag* belongs to."""
    name = flag.partition(":")[0]
    return "version" if name.startswith(("version<", "version>")) else name


def to_sarif(material: Material) -> Iterator[str]:
    """Yield the report as one SARIF log."""
    report = material.report
    flags = {rule_of(flag) for line in report.sent for flag in line.flags}
    rules = [*RULES, *sorted(flags - RULES.keys())]
    results = [_result(line, flag, rules, report) for line in report.sent for flag in line.flags]
    run = {
        "tool": {
            "driver": {
                "name": "mdmsim",
                "version": report.provenance.tool.rpartition(" ")[2],
                "rules": [_rule(name) for name in rules],
            }
        },
        "automationDetails": {"id": f"mdmsim/disclosure/{report.provenance.run}"},
        "invocations": [
            {
                "executionSuccessful": report.evidence.complete,
                "toolExecutionNotifications": _notifications(report.evidence),
            }
        ],
        "results": results,
        "properties": {
            "verdict": report.verdict,
            "manifestSha256": report.provenance.manifest_sha256,
            "headSha256": report.evidence.head_sha256,
            "redaction": report.provenance.redaction,
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    yield json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _rule(name: str) -> dict[str, Any]:
    text = RULES.get(name, "An odd disclosure.")
    return {"id": name, "shortDescription": {"text": text}}


def _result(line: LedgerLine, flag: str, rules: list[str], report: Report) -> dict[str, Any]:
    rule = rule_of(flag)
    place = printable(f"{line.operation} {line.part} {line.place}".strip())
    seen = f"{line.requests} requests, first in exchange {line.evidence[0]}"
    value = f": {printable(line.example)}" if line.example else ""
    return {
        "ruleId": rule,
        "ruleIndex": rules.index(rule),
        "level": _LEVELS[severity_of((flag,), line.category)],
        "message": {"text": f"{flag}: {place} ({line.concept}) went to Apple{value}. {seen}."},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(report.provenance.manifest)},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [
                    {
                        "name": printable(line.field),
                        "fullyQualifiedName": place,
                        "kind": "parameter",
                    }
                ],
            }
        ],
        "partialFingerprints": {"mdmsimDisclosure/v1": f"{line.id}:{flag}"},
        "properties": {
            "recipient": line.recipient,
            "category": line.category,
            "subject": line.subject,
            "secret": line.secret,
            "declared": line.declared,
            "fides": line.fides,
            "dpv": line.dpv,
            "exchanges": list(line.evidence),
        },
    }


def _uri(manifest: str) -> str:
    """Return the manifest as a relative reference; one that ships has its name in the checkout."""
    if manifest.endswith(".toml"):
        return manifest.replace("\\", "/").rpartition("/")[2].replace(" ", "%20")
    return f"fixtures/manifests/{manifest}.toml"


def _notifications(proof: Proof) -> list[dict[str, Any]]:
    return [
        {
            "level": "error",
            "message": {
                "text": f"evidence {one.kind}: exchanges {one.first} to {one.last}: {one.about}"
            },
        }
        for one in proof.problems
    ]
