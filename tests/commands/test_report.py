"""``mdmsim report``."""

import asyncio
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from simulator import services
from simulator.app import Simulator
from simulator.cli import main
from simulator.commands.report import detail
from simulator.core.data_directory import Directory
from simulator.core.messages import Peer, Request
from simulator.core.settings import Settings
from simulator.disclosure.judge.gate import exit_code
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from simulator.engine.engine import Engine
from simulator.store.opening import open_store

AGENT = ("User-Agent", "ExampleMDM/1 (alice@example.org)")


def recorded(data: Path, requests: Iterable[Request]) -> None:
    """Record *requests* as a simulator would have."""
    directory = Directory(str(data))
    keys = directory.keys("")
    catalogue = services.load()
    observer = Observer(catalogue, Fingerprinter(keys.fingerprint))
    engine = Engine(catalogue, Settings(), keys.secret, observer)
    store = open_store(directory.database)
    with store.transaction() as state:
        for request in requests:
            engine.process(request, state, 0)
    store.close()
    directory.release()


def request(target: str = "/account", *, agent: tuple[str, str] = AGENT, **more: Any) -> Request:
    headers = (("Host", "mdmenrollment.apple.com"), agent)
    return Request("GET", target, headers, b"", "https", Peer("127.0.0.1", 1, 1), **more)


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["report", *args])


def test_the_journal_is_judged(tmp_path: Path) -> None:
    recorded(tmp_path, [request(), request("/account?x=1")])

    result = run("--data", str(tmp_path), "--manifest", "intune-to-apple", "--format", "json")

    report = json.loads(result.output)
    assert result.exit_code == 1
    assert report["counts"]["exchanges"] == 2
    assert report["provenance"]["manifest"] == "intune-to-apple"
    assert report["provenance"]["discloser"] == "Microsoft Intune"


def test_without_a_manifest_a_conformant_client_passes(tmp_path: Path) -> None:
    agent = ("User-Agent", "ExampleMDM/1")
    recorded(tmp_path, [request(agent=agent), request(agent=agent)])

    result = run("--data", str(tmp_path), "--format", "json", "--fail-on", "undeclared,warn")

    report = json.loads(result.output)
    agent = next(line for line in report["sent"] if line["concept"] == "net.user_agent")
    assert (result.exit_code, report["verdict"]) == (0, "clean")
    assert (agent["declared"], agent["flags"], agent["severity"]) == ("inherent", [], "ok")
    assert (report["counts"]["inherent"], report["undeclared"]) == (1, [])
    assert report["provenance"]["manifest"] == "none"
    assert report["provenance"]["discloser"] == ""


@pytest.mark.parametrize("target", ["/account?x=1", "/nowhere?serial_number=0ZTEST000001"])
def test_without_a_manifest_what_is_undocumented_fails(tmp_path: Path, target: str) -> None:
    recorded(tmp_path, [request(target)])

    assert run("--data", str(tmp_path)).exit_code == 1


def test_what_is_inherent_needs_no_claim_unless_that_is_demanded(tmp_path: Path) -> None:
    recorded(tmp_path, [request()])
    judged = ("--data", str(tmp_path), "--manifest", "intune-to-apple", "--fail-on", "undeclared")

    strict = run(*judged, "--strict", "--format", "json")

    assert run(*judged).exit_code == 0
    assert strict.exit_code == 1
    assert [one["concept"] for one in json.loads(strict.output)["undeclared"]] == ["net.user_agent"]


def test_the_discloser_can_be_named(tmp_path: Path) -> None:
    recorded(tmp_path, [request()])

    named = run("--data", str(tmp_path), "--format", "html", "--discloser", "Our MDM")
    plain = run("--data", str(tmp_path), "--format", "html")

    assert "<h1>What Our MDM told Apple</h1>" in named.output
    assert "<h1>What the MDM told Apple</h1>" in plain.output


def test_an_address_in_a_header_is_worth_a_warning(tmp_path: Path) -> None:
    recorded(tmp_path, [request()])

    report = json.loads(run("--data", str(tmp_path), "--format", "json").output)

    agent = next(line for line in report["sent"] if line["concept"] == "net.user_agent")
    assert (agent["flags"], agent["severity"]) == (["value:email"], "warn")


def test_more_exchanges_than_are_read_at_a_time_are_counted(tmp_path: Path) -> None:
    recorded(tmp_path, [request()] * 501)

    report = json.loads(run("--data", str(tmp_path), "--format", "json").output)

    assert (report["counts"]["exchanges"], report["counts"]["gaps"]) == (501, 0)


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("text", "Disclosure report\n===="),
        ("markdown", "# Disclosure report\n"),
        ("csv", "recipient,service,operation,"),
        ("html", "<!doctype html>"),
        ("junit", "<?xml "),
        ("jsonl", '{"id":'),
        ("har", '{"log":'),
        ("sarif", "{"),
        ("cyclonedx", "{"),
    ],
)
def test_the_report_is_for_people_too(tmp_path: Path, form: str, start: str) -> None:
    recorded(tmp_path, [request()])

    result = run("--data", str(tmp_path), "--format", form, "--fail-on", "never")

    assert result.exit_code == 0
    assert result.output.startswith(start)
    assert "alice@example.org" not in result.output


@pytest.mark.parametrize(
    ("threshold", "code"),
    [
        pytest.param("fail", 0, id="fail"),
        pytest.param("warn", 1, id="warn"),
        pytest.param("undeclared", 1, id="undeclared"),
        pytest.param("undocumented", 0, id="undocumented"),
        pytest.param("undocumented,undeclared", 1, id="one-of-two"),
        pytest.param("version", 0, id="version"),
        pytest.param("stale-claim", 1, id="claims-not-seen"),
        pytest.param("direction", 0, id="claims-only-received"),
        pytest.param("never", 0, id="never"),
    ],
)
def test_the_exit_code_tells_of_findings(tmp_path: Path, threshold: str, code: int) -> None:
    recorded(tmp_path, [request("/mdm/v2/client/config")])
    judged = ("--data", str(tmp_path), "--manifest", "intune-to-apple")

    result = run(*judged, "--format", "json", "--fail-on", threshold)

    assert result.exit_code == code
    assert exit_code(json.loads(result.output), threshold) == code


def test_incomplete_evidence_is_no_pass(tmp_path: Path) -> None:
    recorded(tmp_path, [request(problem="truncated", problem_about="cut")])

    result = run("--data", str(tmp_path), "--fail-on", "never", "--format", "json")

    assert result.exit_code == 3
    assert exit_code(json.loads(result.output), "never") == 3


def altered(data: Path) -> None:
    """Change one byte of what a client sent, in the file, as an editor would."""
    path = data / "mdmsim.db"
    content = bytearray(path.read_bytes())
    content[content.index(b"alice@example.org")] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("args", [("--verify",), ("--fail-on", "never"), ("--format", "json")])
def test_one_altered_byte_is_told_with_where_and_ends_with_3(
    tmp_path: Path, args: tuple[str, ...]
) -> None:
    recorded(tmp_path, [request()] * 3)
    altered(tmp_path)

    result = run("--data", str(tmp_path), *args)

    assert result.exit_code == 3
    assert "is not what was recorded" in result.output
    assert "incomplete" in result.output.lower()


def test_the_evidence_can_be_checked_alone(tmp_path: Path) -> None:
    recorded(tmp_path, [request()] * 3)

    result = run("--data", str(tmp_path), "--verify")

    assert result.exit_code == 0
    assert result.output.startswith("evidence complete: 3 hashes checked, head is exchange 3, ")


def test_a_journal_without_its_newest_exchanges_ends_with_3(tmp_path: Path) -> None:
    recorded(tmp_path, [request()] * 3)
    with closing(sqlite3.connect(tmp_path / "mdmsim.db")) as connection, connection:
        connection.execute("DELETE FROM exchange WHERE seq > 1")

    result = run("--data", str(tmp_path), "--verify")

    assert result.exit_code == 3
    assert "truncated: exchanges 2 to 3" in result.output


def test_the_report_can_be_written_to_a_file(tmp_path: Path) -> None:
    recorded(tmp_path / "data", [request()])
    output = tmp_path / "report.md"

    result = run("--data", str(tmp_path / "data"), "--format", "markdown", "--output", str(output))

    assert result.output == ""
    assert output.read_text().startswith("# Disclosure report\n")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        pytest.param((), "", id="no-journal"),
        pytest.param(("--manifest", "nothing"), "there is no manifest 'nothing'", id="manifest"),
        pytest.param(
            ("--fail-on", "undeclard"), "there is no threshold 'undeclard'", id="threshold"
        ),
        pytest.param(("--url", "ftp://x"), "--url: 'ftp://x' is not a URL", id="url"),
        pytest.param(("--url", "http://x:port"), "is not a URL", id="url-port"),
        pytest.param(("--url", "http://127.0.0.1:1"), "does not respond", id="nobody"),
    ],
)
def test_what_the_user_must_mend_is_one_line(
    tmp_path: Path, args: tuple[str, ...], said: str
) -> None:
    result = run("--data", str(tmp_path), *args)

    assert result.exit_code == 2
    assert result.stderr.startswith("mdmsim: ")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


async def test_a_running_simulator_can_be_asked(tmp_path: Path) -> None:
    settings = Settings(data=":memory:", tls_port=(), http_port=0, control_port=0, proxy_port=None)
    async with Simulator(settings) as simulator:
        await simulator.gateway.answer(request("/account?x=1"))
        url = simulator.ready["control"]

        found = await asyncio.to_thread(run, "--url", url, "--format", "markdown")
        data = await asyncio.to_thread(run, "--url", url, "--format", "json", "--fail-on", "never")
        proof = await asyncio.to_thread(run, "--url", url, "--verify")
        wrong = await asyncio.to_thread(run, "--url", url, "--manifest", "nothing")
        own = tmp_path / "own.toml"
        own.write_text("[manifest]\nschema = 1\n")
        judged = await asyncio.to_thread(
            run, "--url", url, "--manifest", str(own), "--format", "json", "--fail-on", "never"
        )
        (tmp_path / "bad.toml").write_text("[manifest]\n")
        bad = await asyncio.to_thread(run, "--url", url, "--manifest", f"{tmp_path}/bad.toml")
        missing = await asyncio.to_thread(run, "--url", f"{url}/x")

    assert found.exit_code == 1
    assert found.output.startswith("# Disclosure report\n")
    assert data.exit_code == 0
    assert json.loads(data.output)["counts"]["exchanges"] == 1
    assert (proof.exit_code, proof.output[:19]) == (0, "evidence complete: ")
    assert wrong.exit_code == 2
    assert "manifest must be one of none, " in wrong.stderr
    assert json.loads(judged.output)["provenance"]["manifest"] == str(own)
    assert bad.exit_code == 2
    assert "bad.toml: [manifest]: schema: write schema = 1" in bad.stderr
    assert missing.exit_code == 2
    assert "returns 404" in missing.stderr


def test_an_answer_that_is_no_problem_document_is_told_by_its_status() -> None:
    assert detail(b"<html>") == ""
    assert detail(b"[]") == ""
    assert detail(b'{"detail": "why"}') == ": why"


def test_an_attestation_is_signed_and_checked(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "attestation.json"
    recorded(data, [request()])
    made = run("--data", str(data), "--format", "attestation", "--output", str(file))

    good = run("--data", str(data), "--verify-signature", str(file))
    public = run("--verify-signature", str(file), "--public-key", str(data / "evidence.pub"))
    file.write_text(file.read_text().replace('"payload": "', '"payload": "AAAA'))
    bad = run("--data", str(data), "--verify-signature", str(file))
    absent = run("--data", str(tmp_path / "nowhere"), "--verify-signature", str(file))

    assert made.exit_code == 0
    assert good.output == public.output
    assert good.output.startswith("signature valid, by ")
    assert "WARNED, journal of r-" in good.output  # the User-Agent holds an address
    assert (good.exit_code, bad.exit_code, absent.exit_code) == (0, 3, 2)
    assert bad.output.startswith("signature INVALID: ")
