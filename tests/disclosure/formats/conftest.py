"""A run with a bit of everything, and what the formats write from it."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from simulator.disclosure.formats.material import Material
from simulator.disclosure.formats.table import FORMATS
from simulator.disclosure.judge.manifest import load_manifest
from simulator.disclosure.report.ledger import Ledger
from simulator.disclosure.report.redaction import Level
from simulator.disclosure.report.report import Report
from simulator.pki import dsse, evidence_key
from tests.apple import Apple
from tests.disclosure.test_vectors import VECTORS, request_of

SERIAL = "0ZAAAAAAAAAA"
SECRET = "FAKE-enrol-secret-42"
KEY = evidence_key.load(evidence_key.make()[0])
MAIL = "anna.svensson@example.com"
Render = Callable[..., str]


@cache
def ran() -> Apple:
    """Return a simulator after a run: good calls, refused ones, the golden vectors."""
    apple = Apple.lasting()
    apple.add(SERIAL)
    session = apple.session()
    apple.call("GET", "/account", session=session)
    apple.call("POST", "/server/devices", {"limit": 100}, session=session)
    apple.call("POST", "/devices", {"devices": [SERIAL, "C8TJ500QF1MN"]}, session=session)
    profile = {
        "profile_name": "=1+1",
        "url": f"https://mdm.example.com/e?token={SECRET}",
        "support_email_address": MAIL,
        "devices": [SERIAL],
        "odd\x1b[2J<b>": {"a": MAIL},
    }
    apple.call("POST", "/profile", profile, session=session)
    apple.call("POST", "/profile?x=1&x=2", None, session=session)
    for vector in VECTORS["vectors"]:
        apple.send(request_of(vector))
    return apple


def signed_here(content: bytes, content_type: str) -> str:
    """Return an attestation as formats write it, signed by a key of these tests."""
    return dsse.enclose(content, content_type, KEY)


def material(level: Level = "fingerprint", language: str = "en") -> Material:
    apple = ran()
    ledger = Ledger(apple.observer, apple.catalogue)
    for exchange in apple.recorded:
        ledger.add(exchange)
    manifest = load_manifest("intune-to-apple")
    report = Report.build(
        ledger, manifest, apple.catalogue, tool="mdmsim 1.2.3", redact=level, language=language
    )
    return Material(
        report=report,
        manifest=manifest,
        catalogue=apple.catalogue,
        observer=apple.observer,
        exchanges=lambda: iter(apple.recorded),
        exchange={one.seq: one for one in apple.recorded}.get,
        origin=lambda one, seq: ledger.origins.of(one.concept, int(one.fp, 16), seq),
    )


@pytest.fixture
def render() -> Render:
    def rendered(form: str, level: Level = "fingerprint") -> str:
        signing = replace(material(level), sign=signed_here)
        return "".join(FORMATS[form].render(signing))

    return rendered


def schema(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(path.read_text("utf-8"))
    return found
