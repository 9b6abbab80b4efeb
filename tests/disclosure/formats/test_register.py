"""What data-protection offices and supply chains are handed."""

import base64
import csv
import io
import json
from pathlib import Path

import pytest

from simulator.core.data_directory import Directory, signed
from simulator.core.settings import ConfigurationError
from simulator.disclosure.formats.attestation import CONTENT_TYPE, statement
from simulator.disclosure.formats.table import FORMATS
from simulator.pki import dsse, evidence_key
from tests.disclosure.formats.conftest import Render, material

COLUMNS = [
    "Controller (a)", "Purpose (b)", "Legal basis", "Categories of data subjects (c)",
    "Categories of personal data (c)", "Categories of recipients (d)",
    "Transfer to third country (e)", "Safeguards of the transfer (e)",
    "Time limits for erasure (f)", "Security measures (g)", "Owner", "Claim", "Verdict",
    "Operations", "Different values", "Period",
]  # fmt: skip
TERMS = {
    "dpv:hasProcess", "dpv:hasProcessing", "dpv:hasPersonalData", "dpv:hasDataSubject",
    "dpv:hasRecipient", "dpv:hasDataController", "dpv:hasPurpose", "dpv:hasLegalBasis",
    "dpv:hasStorageCondition", "dpv:hasLocation", "dpv:hasTechnicalOrganisationalMeasure",
}  # fmt: skip
"""Properties of DPV 2 that are used."""


def test_a_record_of_processing_has_the_columns_of_the_article(render: Render) -> None:
    rows = list(csv.DictReader(io.StringIO(render("article-30"))))

    assert list(rows[0]) == COLUMNS
    token = next(row for row in rows if row["Categories of personal data (c)"].startswith("Push t"))
    assert token["Purpose (b)"] == "wake a device"
    assert token["Legal basis"] == token["Safeguards of the transfer (e)"] == "missing"
    assert (token["Categories of data subjects (c)"], token["Claim"]) == ("devices", "S01")
    mail = next(row for row in rows if row["Categories of personal data (c)"].startswith("E-mail"))
    assert (mail["Claim"], mail["Verdict"], mail["Purpose (b)"]) == ("", "undeclared", "missing")
    assert not any("ontent token" in row["Categories of personal data (c)"] for row in rows)


def test_a_record_of_processing_is_written_in_swedish_too() -> None:
    text = "".join(FORMATS["article-30"].render(material(language="sv")))

    assert text.startswith("Personuppgiftsansvarig (a),Ändamål (b),")


def test_json_ld_is_in_the_words_of_the_vocabulary(render: Render) -> None:
    document = json.loads(render("dpv"))

    assert document["@context"]["dpv"] == "https://w3id.org/dpv#"
    used = {key for one in document["dpv:hasProcess"] for key in one if key.startswith("dpv:")}
    assert used <= TERMS
    serial = next(
        one
        for one in document["dpv:hasProcess"]
        if one["dpv:hasPersonalData"]["dct:title"] == "Serial number of a device"
    )
    assert serial["dpv:hasPersonalData"]["@type"] == ["https://w3id.org/dpv/pd#UID"]
    assert serial["dpv:hasRecipient"]["dct:title"] == "Apple Inc."
    assert "dpv:hasLegalBasis" not in serial  # the manifest says none


def test_an_attestation_is_a_test_result_of_in_toto() -> None:
    found = statement(material().report)

    assert found["_type"] == "https://in-toto.io/Statement/v1"
    assert found["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    predicate = found["predicate"]
    assert predicate["result"] == "FAILED"
    assert "apns.push body /mdm push.magic" in predicate["passedTests"]
    assert "vpp1.register body /email user.email" in predicate["failedTests"]
    assert [one["name"] for one in predicate["configuration"]] == [
        "intune-to-apple",
        "catalogue of mdmsim 1.2.3",
    ]
    assert list(found["subject"][0]["digest"]) == ["sha256"]


def test_an_envelope_holds_for_its_key_only(tmp_path: Path) -> None:
    directory = Directory(str(tmp_path))
    try:
        envelope = signed(tmp_path, b'{"a": 1}', CONTENT_TYPE)
    finally:
        directory.release()
    key = evidence_key.load_public((tmp_path / "evidence.pub").read_bytes())
    other = evidence_key.load_public(evidence_key.make()[1])

    assert dsse.content_of(envelope, CONTENT_TYPE, key) == b'{"a": 1}'
    tree = json.loads(envelope)
    # PAE of the protocol, written down by hand.
    encoded = b'DSSEv1 28 application/vnd.in-toto+json 8 {"a": 1}'
    key.verify(base64.b64decode(tree["signatures"][0]["sig"]), encoded)
    for bad, by, why in (
        (envelope, other, "is not signed by the key"),
        (envelope.replace(tree["payload"], "eyJhIjogMn0="), key, "is not signed by the key"),
        (envelope.replace("in-toto", "other"), key, "holds application/vnd.other"),
        ("{}", key, "is not a DSSE envelope"),
        ("oops", key, "is not a DSSE envelope"),
    ):
        with pytest.raises(ValueError, match=why):
            dsse.content_of(bad, CONTENT_TYPE, by)


def test_without_a_data_directory_nothing_is_signed() -> None:
    unsigned = material()

    with pytest.raises(ConfigurationError, match="name one with --data"):
        list(FORMATS["attestation"].render(unsigned))
