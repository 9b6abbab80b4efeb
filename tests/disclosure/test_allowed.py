"""What a reviewer lets pass for now, up to a day; and the format of manifests."""

import json
import tomllib
from datetime import date

import pytest
from jsonschema import Draft7Validator

from simulator.core import resources
from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.keys import json_schema
from simulator.disclosure.judge.manifest import Manifest, judge, load_manifest
from simulator.disclosure.report.rendering import to_text
from simulator.disclosure.report.report import Report
from tests.disclosure.factories import CATALOGUE, exchange, ledger_of, post
from tests.disclosure.test_manifest import disclosure

HEAD = "[manifest]\nschema = 1\n"
ALLOW = """
[[allow]]
id = "A1"
services = ["dep"]
concepts = ["lock.message"]
op = ["dep.lock"]
flags = ["value:phone-in-free-text"]
reason = "the lost message holds a number until the new form is out"
expires = 2026-03-31
owner = "privacy@example.org"
"""
CLAIM = '[[claim]]\nid = "C1"\nservices = ["dep"]\nconcepts = ["lock.message"]\n'


def manifest(*parts: str, day: date = date(2026, 3, 1)) -> Manifest:
    return Manifest.parse(HEAD + "".join(parts), "own.toml").on(day)


def test_what_is_let_pass_is_no_finding() -> None:
    one = disclosure("lock.message", flags=("value:phone-in-free-text",))

    judged = judge(one, "dep", "dep.lock", manifest(ALLOW))

    assert (judged.declared, judged.severity) == ("A1", "ok")
    assert judged.flags == ("value:phone-in-free-text",)


def test_it_is_let_pass_only_where_the_entry_says() -> None:
    judged = judge(disclosure("lock.message"), "dep", "dep.define", manifest(ALLOW))

    assert (judged.declared, judged.severity) == ("-", "fail")


def test_a_claim_counts_before_an_entry_that_only_lets_pass() -> None:
    judged = judge(disclosure("lock.message"), "dep", "dep.lock", manifest(CLAIM, ALLOW))

    assert judged.declared == "C1"


@pytest.mark.parametrize(
    ("day", "declared"),
    [
        pytest.param(date(2026, 3, 31), "A1", id="last-day"),
        pytest.param(date(2026, 4, 1), "-", id="day-after"),
    ],
)
def test_an_entry_counts_up_to_its_day(day: date, declared: str) -> None:
    judged = judge(disclosure("lock.message"), "dep", "dep.lock", manifest(ALLOW, day=day))

    assert judged.declared == declared


def test_an_expired_entry_is_in_the_report_and_can_fail_it() -> None:
    expired = manifest(ALLOW, day=date(2026, 4, 1))

    report = Report.build(ledger_of(exchange(post({}))), expired, CATALOGUE, tool="t")

    assert [line.id for line in report.expired] == ["A1"]
    assert "claim A1, 2026-03-31: the lost message" in " ".join(to_text(report).split())
    assert (report.exit_code("expired"), report.exit_code("fail")) == (1, 0)


@pytest.mark.parametrize("key", ["reason", "expires", "concepts", "services", "id"])
def test_an_entry_must_say_what_why_and_until_when(key: str) -> None:
    text = "\n".join(line for line in ALLOW.splitlines() if not line.startswith(f"{key} "))

    with pytest.raises(ConfigurationError, match=f"{key}: is missing"):
        manifest(text)


def test_an_entry_has_keys_of_its_own() -> None:
    with pytest.raises(ConfigurationError, match="allow A1: purpose: no such key"):
        manifest(ALLOW, 'purpose = "x"\n')


def as_json(text: str) -> object:
    return json.loads(json.dumps(tomllib.loads(text), default=str))


@pytest.mark.parametrize("name", ["intune-to-apple", "intune-to-apple-2023"])
def test_the_manifests_that_ship_are_what_the_schema_says(name: str) -> None:
    tree = as_json(resources.read_text("manifests", f"{name}.toml"))

    Draft7Validator.check_schema(json_schema())
    Draft7Validator(json_schema()).validate(tree)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="no-manifest"),
        pytest.param("[manifest]\nschema = 2", id="other-format"),
        pytest.param(HEAD + CLAIM + "colour = 1", id="unknown-key"),
        pytest.param(HEAD + CLAIM.replace("lock.message", "x"), id="unknown-concept"),
        pytest.param(HEAD + '[[claim]]\nid = "A"\nservices = ["dep"]', id="nothing-claimed"),
        pytest.param(HEAD + ALLOW.replace("reason", "owner_"), id="no-reason"),
    ],
)
def test_reading_and_the_schema_refuse_the_same(text: str) -> None:
    assert not Draft7Validator(json_schema()).is_valid(as_json(text))
    with pytest.raises(ConfigurationError):
        Manifest.parse(text, "own.toml")


def test_the_later_revision_declares_the_location_token() -> None:
    token = disclosure("vpp.content_token")

    earlier, later = (
        judge(token, "vpp", "vpp.register", load_manifest(name)).declared
        for name in ("intune-to-apple", "intune-to-apple-2023")
    )

    assert (earlier, later) == ("-", "S28")
    assert len(load_manifest("intune-to-apple-2023").claims) == 28
