"""``mdmsim manifest``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main
from simulator.disclosure.judge.manifest import Manifest
from tests.commands.test_diff import client

SEED = Path(__file__).parents[2] / "fixtures" / "disclosure" / "seed.md"
HEAD = "[manifest]\nschema = 1\n"
ALLOW = (
    '[[allow]]\nid = "A1"\nservices = ["dep"]\nconcepts = ["org.name"]\nreason = "r"\n'
    "expires = {}\n"
)


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["manifest", *args])


def test_a_good_manifest_is_summed_up() -> None:
    result = run("check", "intune-to-apple")

    assert result.exit_code == 0
    assert result.output.startswith("intune-to-apple: 27 claims on 29 concepts, 0 let pass for now")


@pytest.mark.parametrize(
    ("expires", "code", "said"),
    [("2999-01-01", 0, "let pass until 2999-01-01: r"), ("2001-01-01", 1, "expired on 2001-01-01")],
)
def test_what_is_let_pass_is_listed(tmp_path: Path, expires: str, code: int, said: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(HEAD + ALLOW.format(expires))

    result, as_json = run("check", str(file)), run("check", str(file), "--json")

    assert (result.exit_code, as_json.exit_code) == (code, code)
    assert said in result.output
    (claim,) = json.loads(as_json.output)["claims"]
    assert (claim["allowed"], claim["expired"]) == (True, code == 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(HEAD + "colour = 1", "colour: no such key", id="key"),
        pytest.param(
            HEAD + ALLOW.format("2999-01-01") + 'op = ["dep.nothing"]',
            "no operation is called dep.nothing",
            id="operation",
        ),
        pytest.param(
            HEAD + ALLOW.format("2999-01-01") + 'op = ["apns.push"]',
            "A1: op: apns.push is of apns, which is not among the services",
            id="other-service",
        ),
        pytest.param(
            HEAD
            + '[[claim]]\nid = "C1"\nservices = ["dep"]\nconcepts = ["org.name"]\n'
            + '[[claim]]\nid = "C2"\nservices = ["dep"]\nnever = ["org.name"]\n',
            "claim C1: lets org.name go to dep, which claim C2 says must never",
            id="contradiction",
        ),
    ],
)
def test_a_bad_manifest_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text)

    result = run("check", str(file))

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_seed_is_imported() -> None:
    result = run("import", str(SEED))

    assert result.exit_code == 0
    assert len(Manifest.parse(result.output, "made").claims) == 27


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "cannot read", id="missing"),
        pytest.param(b"\xff", "is not UTF-8", id="bytes"),
        pytest.param(
            b"|a|b|c|\n|-|-|-|\n|VPP|telephone|x|\n", "no row is known as 'telephone'", id="label"
        ),
    ],
)
def test_a_page_that_is_not_understood_is_refused(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    page = tmp_path / "page.md"
    if content is not None:
        page.write_bytes(content)

    result = run("import", str(page))

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.output == result.stderr


def test_a_suggestion_covers_what_was_seen_but_what_is_odd(tmp_path: Path) -> None:
    data = tmp_path / "data"
    client(data, 10, odd={"a": "b"})
    own = tmp_path / "own.toml"

    suggested = run("suggest", "--data", str(data))
    own.write_text(suggested.output)
    report = CliRunner().invoke(
        main, ["report", "--data", str(data), "--manifest", str(own), "--format", "json"]
    )

    assert "#   dep.define body /odd/a (unknown): undocumented, undeclared" in suggested.output
    found = json.loads(report.output)
    assert {line["place"] for line in found["undeclared"]} == {"/odd/a"}
    assert run("check", str(own)).exit_code == 0


def test_a_suggestion_asks_for_purpose_and_basis(tmp_path: Path) -> None:
    data = tmp_path / "data"
    client(data, 10)
    typed = "Example MDM\nit@mdm.example\nUS\n\n30 days\nassign devices\n\n"

    result = CliRunner().invoke(
        main, ["manifest", "suggest", "--ask", "--data", str(data)], input=typed + "\n" * 99
    )

    assert "all claims: recipient country" in result.stderr
    made = Manifest.parse(result.stdout, "made")
    first = made.claims[0]
    assert made.about["discloser"] == "Example MDM"
    assert (first.purpose, first.legal_basis, first.recipient_country, first.retention) == (
        "assign devices",
        "",
        "US",
        "30 days",
    )
    assert (first.owner, first.safeguard) == ("it@mdm.example", "")
    assert f"{first.concepts[0]} to dep ({first.op[0]}" in result.stderr


def test_what_is_left_open_is_counted() -> None:
    said = run("check", "intune-to-apple").output

    assert "record of processing: purpose in 25 claims, legal_basis in 27 claims" in said


CLAIM = '[[claim]]\nid = "{}"\nservices = ["dep"]\nconcepts = ["{}"]\n'


def test_manifests_are_compared_by_what_may_be_sent(tmp_path: Path) -> None:
    old, new = tmp_path / "old.toml", tmp_path / "new.toml"
    old.write_text(
        HEAD
        + CLAIM.format("C1", "org.name")
        + CLAIM.format("C2", "device.serial")
        + 'op = ["dep.assign"]\npurpose = "assign"\n'
        + CLAIM.format("C3", "org.email")
    )
    new.write_text(
        HEAD
        + CLAIM.format("X1", "org.name")
        + CLAIM.format("C2", "device.serial")
        + 'op = ["dep.assign"]\npurpose = "track"\n'
        + CLAIM.format("C4", "org.phone")
        + 'never = ["dep.consumer_secret"]\n'
        + ALLOW.format("2999-01-01")
    )

    result, as_json = run("diff", str(old), str(new)), run("diff", str(old), str(new), "--json")

    assert result.exit_code == as_json.exit_code == 1
    assert result.output.splitlines() == [
        "+ let pass dep org.name (A1)",
        "+ never dep dep.consumer_secret (C4)",
        "~ sent dep device.serial dep.assign (C2): purpose assign -> track",
        "- sent dep org.email (C3)",
        "+ sent dep org.phone (C4)",
    ]
    assert [one["how"] for one in json.loads(as_json.output)] == [
        "added",
        "added",
        "changed",
        "removed",
        "added",
    ]


def test_a_manifest_does_not_differ_from_itself() -> None:
    result = run("diff", "intune-to-apple", "intune-to-apple")

    assert (result.exit_code, result.output) == (0, "no difference\n")


def test_the_schema_is_printed() -> None:
    assert "allow" in json.loads(run("schema").output)["properties"]
