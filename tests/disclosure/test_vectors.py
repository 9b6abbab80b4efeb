"""The golden vectors of disclosure.md 4.8, on the services that exist."""

import json
from pathlib import Path
from typing import Any

import pytest

from simulator import services
from simulator.core.messages import Request
from simulator.disclosure.judge.manifest import as_json, judge, load_manifest
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.rendering import to_text
from simulator.disclosure.report.report import Report
from tests.apple import Apple
from tests.disclosure.made_up import certificate, peer

FILE = Path(__file__).parents[2] / "fixtures" / "disclosure" / "vectors.json"
VECTORS = json.loads(FILE.read_text("utf-8"))
CATALOGUE = services.load()
OBSERVER = Observer(CATALOGUE, Fingerprinter(VECTORS["key"].encode()))
MANIFEST = load_manifest("intune-to-apple")
KNOWN = [vector for vector in VECTORS["vectors"] if vector["op"] in CATALOGUE.operations]


def request_of(vector: dict[str, Any]) -> Request:
    """Return the request of a vector, with the client's certificate if it has one."""
    sent = vector["request"]
    facts = dict(vector.get("tls", ()))
    serial = int(facts.pop("serial", "0"), 16)
    subject = tuple((name.removeprefix("subject."), value) for name, value in facts.items())
    shown = peer(certificate(subject, serial) if facts else b"")
    headers = (("Host", sent["host"]), *((name, value) for name, value in sent["headers"]))
    body = json.dumps(sent["json"]).encode() if "json" in sent else b""
    return Request(sent["method"], sent["path"], headers, body, "https", shown)


@pytest.mark.parametrize(
    "sealed", [pytest.param(False, id="wire"), pytest.param(True, id="stored")]
)
@pytest.mark.parametrize("vector", KNOWN, ids=lambda vector: vector["id"])
def test_each_vector_gives_exactly_its_records(vector: dict[str, Any], sealed: bool) -> None:
    request = request_of(vector)
    match = CATALOGUE.match(request)
    if sealed:
        request = OBSERVER.seal_request(request, match.operation, match.service)

    found = OBSERVER.observe(request, match.operation, match.service, sealed=sealed)

    shown = [as_json(judge(one, vector["service"], vector["op"], MANIFEST)) for one in found]
    expected = [
        {key: value for key, value in record.items() if key != "n"} for record in vector["expected"]
    ]
    assert [{key: one[key] for key in expected[0]} for one in shown] == expected


@pytest.mark.parametrize("vector", KNOWN, ids=lambda vector: vector["id"])
def test_each_vector_has_its_counts(vector: dict[str, Any]) -> None:
    request = request_of(vector)
    match = CATALOGUE.match(request)

    found = [
        judge(one, vector["service"], vector["op"], MANIFEST)
        for one in OBSERVER.observe(request, match.operation, match.service, sealed=False)
    ]

    declared = [one.declared for one in found]
    assert {
        "total": len(found),
        "declared": sum(claim not in ("-", "exempt") for claim in declared),
        "undeclared": declared.count("-"),
        "exempt": declared.count("exempt"),
        "undocumented": sum(not one.disclosure.documented for one in found),
        "secrets": sum(one.disclosure.secret != "no" for one in found),
    } == vector["counts"]


def test_the_dep_vectors_are_all_covered() -> None:
    assert {"V02", "V03", "V04", "V05"} <= {vector["id"] for vector in KNOWN}


@pytest.mark.parametrize(
    ("version", "received"),
    [
        pytest.param(3, ["S03", "S04", "S05", "S06", "S07", "S08", "S09", "S10"], id="3"),
        pytest.param(2, ["S03", "S04", "S05", "S06", "S07", "S08", "S09"], id="2"),
    ],
)
def test_rows_of_the_page_that_only_come_back_are_told_apart(
    version: int, received: list[str]
) -> None:
    apple = Apple()
    session = apple.session()
    apple.recorded.clear()
    apple.call("GET", "/account", session=session, version=version)
    ledger = Ledger(apple.observer, apple.catalogue)
    for exchange in apple.recorded:
        ledger.add(exchange)

    report = Report.build(ledger, MANIFEST, apple.catalogue, tool="mdmsim")

    assert [line.id for line in report.only_received] == received
    assert [line.id for line in report.declared] == ["S02"]
    assert session not in to_text(report)
