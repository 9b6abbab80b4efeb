"""The table of formats, which the command line and the API both read."""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from simulator.disclosure.formats.attestation import to_attestation
from simulator.disclosure.formats.cyclonedx import to_cyclonedx
from simulator.disclosure.formats.data import json_lines, json_report, to_csv
from simulator.disclosure.formats.har import to_har
from simulator.disclosure.formats.html import to_html
from simulator.disclosure.formats.junit import to_junit
from simulator.disclosure.formats.material import Material
from simulator.disclosure.formats.register import to_article_30, to_dpv
from simulator.disclosure.formats.sarif import to_sarif
from simulator.disclosure.report.rendering import to_markdown, to_text


class Format(Struct, frozen=True):
    """One way to write a report."""

    name: str
    about: str
    content_type: str
    render: Callable[[Material], Iterator[str]]
    streams: bool = False
    """Whether it grows with the exchanges, and so is better sent piece by piece."""


def _text(material: Material) -> Iterator[str]:
    yield to_text(material.report, material.width)


def _markdown(material: Material) -> Iterator[str]:
    yield to_markdown(material.report)


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("text", "for a terminal", "text/plain", _text),
        Format("json", "the whole report", "application/json", json_report),
        Format("markdown", "for a pull request or a wiki", "text/markdown", _markdown),
        Format("csv", "a row per field, for spreadsheets and registers", "text/csv", to_csv),
        Format("html", "one page with a picture", "text/html", to_html),
        Format("sarif", "SARIF 2.1.0, for code scanning", "application/sarif+json", to_sarif),
        Format("har", "HAR 1.2: the exchanges, redacted", "application/json", to_har, streams=True),
        Format("junit", "JUnit XML: a test case per field and claim", "application/xml", to_junit),
        Format(
            "cyclonedx",
            "CycloneDX 1.6: services and their data",
            "application/vnd.cyclonedx+json",
            to_cyclonedx,
        ),
        Format(
            "jsonl", "a line of JSON per disclosure", "application/jsonl", json_lines, streams=True
        ),
        Format(
            "article-30",
            "CSV: a record of processing, Art. 30(1) GDPR",
            "text/csv",
            to_article_30,
        ),
        Format("dpv", "JSON-LD of the Data Privacy Vocabulary", "application/ld+json", to_dpv),
        Format(
            "attestation",
            "in-toto test result, signed (DSSE)",
            "application/vnd.dsse.envelope.v1+json",
            to_attestation,
        ),
    )
}
