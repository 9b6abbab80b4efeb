"""For a data-protection office: a record of processing as CSV, and the same as JSON-LD.

The record has what Art. 30(1) of Regulation (EU) 2016/679 asks for, letters (a) to (g); what
the manifest leaves out is said to be missing. The JSON-LD is in the words of the W3C
Data Privacy Vocabulary 2 (https://w3id.org/dpv, https://w3id.org/dpv/pd).
"""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from simulator.disclosure.concepts import CONCEPTS
from simulator.disclosure.formats.data import safe
from simulator.disclosure.formats.material import Material
from simulator.disclosure.judge.claims import ACCOUNTABILITY
from simulator.disclosure.report.glance import SummaryEntry
from simulator.disclosure.report.report import ClaimLine, Report
from simulator.disclosure.report.vocabularies import term_of
from simulator.disclosure.report.words import Words

_PERSONAL = frozenset(
    (
        "person-identifier",
        "contact",
        "device-identifier",
        "device-attribute",
        "free-text",
        "unknown",
    )
)
"""Categories that are, or may be, of an identified or identifiable person."""
COLUMNS = (
    "controller", "purpose", "legal_basis", "subjects", "personal_data", "recipient",
    "recipient_country", "safeguard", "retention", "security", "owner", "claim", "verdict",
    "operations", "values", "period",
)  # fmt: skip
"""Of the record, as keys of its headings; the letter of Art. 30(1) stands in the heading."""
DPV = "https://w3id.org/dpv#"
_CONTEXT = {
    "dpv": DPV,
    "pd": "https://w3id.org/dpv/pd#",
    "dct": "http://purl.org/dc/terms/",
}
_SUBJECTS = {
    "pupil": "dpv:Student",
    "staff": "dpv:Employee",
    "user": "dpv:User",
    "device": "dpv:User",
    "administrator": "dpv:Employee",
}
"""Our data subjects in DPV's words; whoever is not there is a `dpv:DataSubject`."""


class Processing(Struct, frozen=True):
    """One kind of personal data that was disclosed, with what the manifest says of it."""

    part: SummaryEntry
    claim: ClaimLine | None


def processings(report: Report) -> Iterator[Processing]:
    """Yield what a record of processing is about, persons first; a row per claim that covers it."""
    claims = {one.id: one for one in report.declared}
    for chapter in report.glance.chapters:
        for part in chapter.parts:
            if part.category in _PERSONAL and part.values:
                for claim in part.claims or ("",):
                    yield Processing(part, claims.get(claim))


def to_article_30(material: Material) -> Iterator[str]:
    """Yield the record of processing as CSV."""
    report = material.report
    words = Words(report.provenance.language)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([words.text(one, "article-30") for one in COLUMNS])
    for one in processings(report):
        cells = _cells(one, report, words)
        writer.writerow([safe(cells[name]) for name in COLUMNS])
    yield out.getvalue()


def _cells(one: Processing, report: Report, words: Words) -> dict[str, str]:
    missing, about, part = words.text("missing", "page"), report.provenance, one.part
    told = {name: getattr(one.claim, name, "") or missing for name in ACCOUNTABILITY}
    return {
        **told,
        "controller": about.discloser or missing,
        "subjects": words.subject(part.subject, None) or words.text("unknown", "category"),
        "personal_data": part.name,
        "recipient": words.text("apple", "page"),
        "security": missing,
        "claim": one.claim.id if one.claim else "",
        "verdict": words.text(part.status, "status"),
        "operations": ", ".join(part.operations),
        "values": str(part.values),
        "period": f"{about.first_seen}/{about.last_seen}",
    }


def to_dpv(material: Material) -> Iterator[str]:
    """Yield the processings as JSON-LD; what the manifest leaves out is not there."""
    report = material.report
    about = report.provenance
    document = {
        "@context": _CONTEXT,
        "@id": f"urn:mdmsim:{about.run}",
        "@type": "dpv:Process",
        "dct:title": Words().text("title", who=about.discloser or Words().text("the-mdm")),
        "dct:creator": about.tool,
        "dct:temporal": f"{about.first_seen}/{about.last_seen}",
        "dpv:hasProcess": [
            _process(number, one, report) for number, one in enumerate(processings(report), 1)
        ],
    }
    yield json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _process(number: int, one: Processing, report: Report) -> dict[str, Any]:
    part, claim, about = one.part, one.claim, report.provenance
    term = term_of(part.concept).dpv
    name = Words().whole(part.concept) if part.concept in CONCEPTS else part.name
    data = {"@type": [term] if term else ["dpv:Data"], "dct:title": name}
    found: dict[str, Any] = {
        "@id": f"urn:mdmsim:{about.run}:{number}",
        "@type": "dpv:Process",
        "dct:description": part.text,
        "dpv:hasProcessing": {"@id": "dpv:Disclose"},
        "dpv:hasPersonalData": data,
        "dpv:hasDataSubject": {"@type": _SUBJECTS.get(part.subject, "dpv:DataSubject")},
        "dpv:hasRecipient": {"@type": "dpv:Recipient", "dct:title": "Apple Inc."},
    }
    if about.discloser:
        found["dpv:hasDataController"] = {
            "@type": "dpv:DataController",
            "dct:title": about.discloser,
        }
    if claim is None:
        return found
    told = {
        "dpv:hasPurpose": ("dpv:Purpose", claim.purpose),
        "dpv:hasLegalBasis": ("dpv:LegalBasis", claim.legal_basis),
        "dpv:hasStorageCondition": ("dpv:StorageDuration", claim.retention),
        "dpv:hasLocation": ("dpv:Country", claim.recipient_country),
        "dpv:hasTechnicalOrganisationalMeasure": ("dpv:SafeguardForDataTransfer", claim.safeguard),
    }
    return found | {
        name: {"@type": kind, "dct:title": text} for name, (kind, text) in told.items() if text
    }
