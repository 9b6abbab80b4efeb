"""An attestation of the report: an in-toto Statement v1 with a test result, in a DSSE envelope.

Sources: in-toto/attestation, spec/v1/statement.md and spec/predicates/test-result.md
(predicate v0.1). The subject is the journal, by the hash that heads its chain.
"""

import json
from collections.abc import Iterator
from typing import Any

from simulator.disclosure.formats.material import Material
from simulator.disclosure.report.layout import printable
from simulator.disclosure.report.report import Report

CONTENT_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
_RESULTS = {"clean": "PASSED", "empty": "PASSED", "warnings": "WARNED"}
"""Result by verdict; whatever else is one has failed."""


def to_attestation(material: Material) -> Iterator[str]:
    """Yield the signed envelope; ConfigurationError if there is no key to sign with."""
    content = json.dumps(statement(material.report), ensure_ascii=False).encode()
    yield material.sign(content, CONTENT_TYPE) + "\n"


def statement(report: Report) -> dict[str, Any]:
    """Return the statement: each field that was sent is a test, named by place and concept."""
    about = report.provenance
    tests: dict[str, list[str]] = {"ok": [], "warn": [], "fail": []}
    for line in report.sent:
        name = f"{line.operation} {line.part} {line.place} {line.concept}"
        tests[line.severity].append(printable(f"{name} {line.via}".strip()))
    manifest = {"name": about.manifest, "digest": {"sha256": about.manifest_sha256}}
    return {
        "_type": STATEMENT,
        "subject": [
            {
                "name": f"journal of {about.run}",
                "digest": {"sha256": report.evidence.head_sha256},
                "annotations": {
                    "exchanges": report.counts["exchanges"],
                    "first_seen": about.first_seen,
                    "last_seen": about.last_seen,
                    "discloser": about.discloser,
                    "products": list(about.products),
                },
            }
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "result": _RESULTS.get(report.verdict, "FAILED"),
            "configuration": [
                *([manifest] if about.manifest_sha256 else []),
                {
                    "name": f"catalogue of {about.tool}",
                    "digest": {"sha256": about.catalogue_sha256},
                },
            ],
            "passedTests": tests["ok"],
            "warnedTests": tests["warn"],
            "failedTests": tests["fail"],
        },
    }
