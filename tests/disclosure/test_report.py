"""The ledger and what is reported of it."""

import json
from typing import Any

import pytest

from simulator.core.messages import Exchange, Response
from simulator.disclosure.judge.manifest import Manifest
from simulator.disclosure.report.layout import grid, markdown_table, printable
from simulator.disclosure.report.rendering import as_dict, to_json, to_markdown, to_text
from simulator.disclosure.report.report import Report
from simulator.disclosure.report.sections import sections
from simulator.journal.chain import ChainProblem, Evidence
from tests.disclosure.factories import (
    CATALOGUE,
    GET,
    OBSERVER,
    answer,
    exchange,
    ledger_of,
    post,
    report_of,
    request,
)


def test_values_of_one_place_are_one_group() -> None:
    ledger = ledger_of(
        exchange(post({"devices": ["A1", "B2"]})),
        exchange(post({"devices": ["a1"]}), at_ms=1_767_225_700_000),
    )

    (group,) = ledger.sent.values()

    assert (group.seen.requests, group.seen.records, len(group.seen.values)) == (2, 3, 2)
    assert group.seen.evidence == [1, 2]
    assert group.seen.last_ms - group.seen.first_ms == 100_000
    assert group.example.generic == "/devices/*"
    assert ledger.exchanges == 2


def test_evidence_names_the_first_exchanges_only() -> None:
    ledger = ledger_of(*(exchange(post({"devices": ["A1"]})) for _ in range(9)))

    (group,) = ledger.sent.values()

    assert group.seen.evidence == [1, 2, 3, 4, 5]
    assert group.seen.requests == 9


def test_what_was_answered_is_counted_by_place() -> None:
    body = {
        "org_name": "Acme",
        "tokens": [{"token": "secret-1"}, {"token": "secret-2"}],
        "outcomes": {"A1": "SUCCESS", "B2": "SUCCESS"},
        "imei": ["1", "2"],
        "odd": 1,
    }

    ledger = ledger_of(exchange(post({}), response=answer(body)))

    counted = {
        group.place: (group.row.concept, group.seen.records, len(group.seen.values))
        for group in ledger.received.values()
    }
    assert counted == {
        "/org_name": ("org.name", 1, 1),
        "/tokens/*/token": ("dep.beta_token", 2, 2),
        "/outcomes/*": ("device.serial", 2, 2),
        "/outcomes/*/status": ("protocol", 2, 1),
        "/imei/*": ("device.imei", 2, 2),
    }
    assert ledger.received["made", "made.define", "/tokens/*/token"].text is None


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(Response(400, (), b'{"org_name": "Acme"}'), id="refused"),
        pytest.param(Response(200, (), b"oops"), id="no-json"),
        pytest.param(Response(200, (), b"[]"), id="no-object"),
        pytest.param(Response(200, (), b'{"imei": []}'), id="empty"),
        pytest.param(Response(200), id="nothing"),
    ],
)
def test_an_answer_without_fields_is_nothing_received(response: Response) -> None:
    assert not ledger_of(exchange(post({}), response=response)).received


def test_a_details_table_is_walked() -> None:
    ledger = ledger_of(
        exchange(request("GET"), GET, response=answer({"org_name": "Acme"})),
    )

    assert [group.place for group in ledger.received.values()] == ["/org_name"]


def test_a_request_to_nowhere_is_counted_and_reported() -> None:
    sent = request("GET", "/nowhere", headers=(("User-Agent", "curl/8"),))
    one = exchange(sent, None, service="", response=Response(404))

    report = report_of(one)

    assert report.counts["unmatched"] == report.counts["refused"] == 1
    (line,) = report.undeclared
    assert (line.service, line.operation, line.concept) == (
        "unmatched",
        "unmatched",
        "net.user_agent",
    )
    assert "unmatched" in to_text(report)


def test_a_refused_request_has_disclosed_all_the_same() -> None:
    one = exchange(post({"escrow_key": "abcdefgh"}), response=Response(401))

    assert [line.concept for line in report_of(one).undeclared] == ["lock.escrow_key"]


def test_an_empty_journal_gives_a_report() -> None:
    report = report_of()

    assert (report.verdict, report.exit_code()) == ("empty", 0)
    assert "EMPTY" in to_text(report)
    assert len(sections(report)) == 11


def test_declared_and_harmless_traffic_is_clean() -> None:
    report = report_of(exchange(post({"limit": 3})))

    assert (report.verdict, report.exit_code("warn")) == ("clean", 0)


@pytest.mark.parametrize(
    ("tree", "fail_on", "code"),
    [
        pytest.param({"escrow_key": "abcdefgh"}, "fail", 1, id="undeclared-secret"),
        pytest.param({"language": "sv"}, "fail", 0, id="only-a-warning"),
        pytest.param({"language": "sv"}, "warn", 1, id="warning"),
        pytest.param({"language": "sv"}, "undeclared", 1, id="flag"),
        pytest.param({"language": "sv"}, "undocumented", 0, id="other-flag"),
        pytest.param({"escrow_key": "abcdefgh"}, "never", 0, id="never"),
    ],
)
def test_the_exit_code_goes_by_the_threshold(tree: Any, fail_on: str, code: int) -> None:
    assert report_of(exchange(post(tree))).exit_code(fail_on) == code


def test_a_gate_is_stricter_than_people() -> None:
    one = exchange(post({"person": ""}, ("User-Agent", "x")))
    name = exchange(post({"kind": "iOS"}))

    assert report_of(name, one, strict=False).undeclared[-1].severity == "warn"
    assert any(line.severity == "fail" for line in report_of(name, strict=True).undeclared)


def test_a_request_that_was_cut_off_is_no_pass() -> None:
    report = report_of(exchange(request(body=b"{", problem="truncated")))

    assert (report.verdict, report.exit_code("never")) == ("incomplete", 3)
    assert report.counts["truncated"] == 1


def test_a_gap_in_the_evidence_is_no_pass_and_is_shown() -> None:
    gap = ChainProblem("gap", 2, 4, "is missing from the journal")

    report = report_of(exchange(post({})), evidence=Evidence(problems=(gap,), found=1))

    assert (report.verdict, report.exit_code("never")) == ("incomplete", 3)
    assert report.counts["gaps"] == 3
    assert "gap: exchanges 2 to 4: is missing from the journal" in to_text(report)


def test_a_claim_is_seen_received_or_neither() -> None:
    rows = Manifest.parse(
        """
[manifest]
schema = 1
[[claim]]
id = "sent"
services = ["made"]
concepts = ["device.serial"]
label = "devices"
[[claim]]
id = "received"
services = ["made"]
concepts = ["org.name"]
[[claim]]
id = "twin"
label = "other name"
services = ["made"]
concepts = ["org.name"]
[[claim]]
id = "neither"
services = ["made"]
concepts = ["user.email"]
""".replace("made", "dep"),
        "own",
    )
    by_made = {
        **rows.by_concept,
        **{("made", concept): claims for (_, concept), claims in rows.by_concept.items()},
    }
    own = Manifest(rows.name, rows.claims, rows.about, rows.sha256, by_made, rows.never)
    one = exchange(post({"devices": ["A1"]}), response=answer({"org_name": "Acme"}))

    report = Report.build(ledger_of(one), own, CATALOGUE, tool="t")

    assert [line.id for line in report.declared] == ["sent"]
    assert [line.id for line in report.only_received] == ["received"]
    assert [line.id for line in report.not_seen] == ["twin", "neither"]
    assert report.only_received[0].places == ("made.define /org_name",)


def test_a_received_claim_is_borne_out_by_what_is_received() -> None:
    row = '[[claim]]\nid = "{}"\nservices = ["dep"]\nconcepts = ["org.name"]\ndirection = "{}"\n'
    one = exchange(post({}), response=answer({"org_name": "Acme"}), service="dep")
    found = {}
    for direction in ("sent", "received", "both"):
        own = Manifest.parse(f"[manifest]\nschema = 1\n{row.format('C1', direction)}", "own")
        report = Report.build(ledger_of(one), own, CATALOGUE, tool="t")
        found[direction] = (len(report.declared), len(report.only_received), len(report.not_seen))

    assert found == {"sent": (0, 1, 0), "received": (1, 0, 0), "both": (1, 0, 0)}


def test_a_claim_says_what_a_record_of_processing_asks() -> None:
    asked = {
        "purpose": "assign a profile",
        "legal_basis": "Art. 6(1)(b)",
        "retention": "30 days",
        "recipient_country": "US",
        "safeguard": "standard contractual clauses",
        "owner": "it@example.com",
    }
    rows = "".join(f'{name} = "{text}"\n' for name, text in asked.items())
    claim = '[[claim]]\nid = "C1"\nservices = ["dep"]\nconcepts = ["device.serial"]\n'
    own = Manifest.parse(f"[manifest]\nschema = 1\n{claim}{rows}", "own")

    report = Report.build(ledger_of(), own, CATALOGUE, tool="t")

    (line,) = as_dict(report)["not_seen"]
    assert {name: line[name] for name in asked} == asked


def test_received_fields_tell_since_when_and_for_which_version() -> None:
    body = {"org_name": "Acme", "org_id": "1"}
    exchanges = [exchange(post({}), version=version, response=answer(body)) for version in (10, 3)]

    lines = {line.field: line for line in report_of(*exchanges).received}

    assert lines["org_id"].versions == "3+"
    assert lines["org_id"].asked_versions == (3, 10)
    assert lines["org_id"].requests == 2


def test_the_same_exchanges_give_the_same_report_byte_for_byte() -> None:
    def made() -> list[Exchange]:
        return [exchange(post({"devices": ["A1"], "odd": {"x": 1}}, ("Via", "p"))) for _ in "ab"]

    one, other = report_of(*made()), report_of(*made())

    assert to_text(one) == to_text(other)
    assert to_json(one) == to_json(other)
    assert to_markdown(one) == to_markdown(other)


def test_a_text_report_fits_its_width() -> None:
    long = {"a" * 70: "x", "b/" * 50: [1], "devices": ["A1"]}

    text = to_text(report_of(exchange(post(long, ("X-Very-" + "Long-" * 20, "v")))))

    assert max(map(len, text.splitlines())) <= 100


def test_what_clients_call_things_cannot_move_the_cursor() -> None:
    report = report_of(exchange(post({"\x1b[2Jx|<b>": "y"})))

    assert "\x1b" not in to_text(report)
    assert "\\|\\<b\\>" in to_markdown(report)


def test_json_has_all_sections() -> None:
    plain = as_dict(report_of(exchange(post({"devices": ["A1"]}))))

    assert json.loads(json.dumps(plain)).keys() >= {
        "verdict",
        "counts",
        "undeclared",
        "flagged",
        "declared",
        "only_received",
        "not_seen",
        "received",
        "not_observable",
        "provenance",
    }
    assert plain["provenance"]["key_id"] == OBSERVER.key_id
    assert plain["provenance"]["redaction"] == "fingerprint"


def test_further_exchanges_are_counted_beside_the_first() -> None:
    report = report_of(*(exchange(post({"odd": 1})) for _ in range(3)))

    assert "#1 +2" in to_text(report)


def test_a_grid_gives_way_at_its_widest() -> None:
    table = grid(("a", "b"), [("x", "word " * 10), ("y", "")], 20)

    assert max(map(len, table.splitlines())) <= 20
    assert markdown_table(("a",), [("x|y",)]).splitlines()[-1] == "| x\\|y |"
    assert printable("a" * 300) == "a" * 300


def test_a_grid_for_no_terminal_breaks_no_identifier() -> None:
    digest, long = "0123456789abcdef" * 4, "x" * 65
    rows = [("one two three four five six seven", f"fp={'9' * 16} {digest}", long, digest)]

    words = grid(("a", "b", "c", "d"), rows).split()

    assert words.count(digest) == 2
    assert f"fp={'9' * 16}" in words
    assert long not in words
    assert max(map(len, grid(("a",), [("word " * 100,)]).splitlines())) <= 100
