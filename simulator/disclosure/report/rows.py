"""Rows of the ledger, as the control API answers them: one per group, with its figures."""

from typing import Any

from simulator.disclosure.report.groups import Sent
from simulator.disclosure.report.lines import LedgerLine

FINGERPRINTS = 20
"""Different fingerprints that a row lists; ``values`` counts them all."""


def ledger_row(line: LedgerLine, group: Sent) -> dict[str, Any]:
    """Return one aggregated disclosure; place and value are those of its first exchange."""
    first = group.example
    return {
        "id": line.id,
        "recipient": line.recipient,
        "service": line.service,
        "operation": line.operation,
        "part": line.part,
        "at": first.at,
        "generic": line.place,
        "via": line.via,
        "field": line.field,
        "concept": line.concept,
        "category": line.category,
        "subject": line.subject,
        "secret": line.secret,
        "direction": line.direction,
        "required": line.required,
        "versions": line.versions,
        "documented": line.documented,
        "docs": line.docs,
        "declared": line.declared,
        "flags": list(line.flags),
        "severity": line.severity,
        "fp": first.fp,
        "shape": first.shape,
        "len": first.len,
        "clear": first.clear,
        "value": line.example,
        "novelty": dict(line.novelty),
        "requests": line.requests,
        "records": line.records,
        "values": line.values,
        "fingerprints": [f"{value:016x}" for value in group.seen.values.smallest(FINGERPRINTS)],
        "asked_versions": list(line.asked_versions),
        "first_seen": line.first_seen,
        "last_seen": line.last_seen,
        "exchanges": list(line.evidence),
        "fides": line.fides,
        "dpv": line.dpv,
    }


FILTERS = ("service", "operation", "part", "concept", "category", "subject", "declared", "severity")
"""Fields of a row that a list can be narrowed by, as they are."""


def matches(row: dict[str, Any], match: dict[str, str]) -> bool:
    """Tell whether a row fits: equal fields, a ``flag``, an origin (``novelty``), or text ``q``."""
    for name, wanted in match.items():
        if name == "flag":
            fits = any(one == wanted or one.startswith(f"{wanted}:") for one in row["flags"])
        elif name == "novelty":
            fits = any(one == wanted or one.startswith(f"{wanted}:") for one in row["novelty"])
        elif name == "q":
            text = " ".join((row["operation"], row["part"], row["generic"], row["concept"]))
            fits = wanted.lower() in text.lower()
        else:
            fits = row[name] == wanted
        if not fits:
            return False
    return True
