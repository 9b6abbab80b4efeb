"""``mdmsim judge``."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main
from simulator.core.messages import Request, Response
from simulator.disclosure.observe.values import Fingerprinter
from simulator.disclosure.redact.guard import SecretGuard
from simulator.store.opening import open_store
from tests.apple import AGENT, Answer, request
from tests.captures.hars import entry, log
from tests.commands.test_diff import SERIAL, _Kept

DEP = ("Host", "mdmenrollment.apple.com")


class _Captured(_Kept):
    """A simulator with a data directory, whose traffic is captured as well."""

    def __init__(self, data: Path) -> None:
        self.entries: list[dict[str, Any]] = []
        super().__init__(data)
        self.store.close()
        known, names = self.catalogue.services.values(), self.catalogue.long_names
        guard = SecretGuard(known, Fingerprinter(self._directory.keys("").fingerprint), names)
        self.store = open_store(self._directory.database, guard=guard)

    def send(self, request: Request, known: Any = None, prepared: Any = None) -> Answer:
        answer = super().send(request, known, prepared)
        self.entries.append(entry(request, answer.response, self.now_ms))
        self.advance(0.25)
        return answer


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(one) for one in args])


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the data directory of a run with a bit of everything, and a HAR of the same."""
    folder = tmp_path_factory.mktemp("judge")
    apple = _Captured(folder / "data")
    apple.add(SERIAL)
    session = apple.session()
    apple.call("GET", "/account", session=session, version=3)
    apple.call("POST", "/server/devices", {"limit": 100}, session=session)
    apple.call("POST", "/devices", {"devices": [SERIAL, "C8TJ500QF1MN"]}, session=session)
    profile = {
        "profile_name": "x",
        "url": "https://mdm.example.com/e?token=FAKE-enrol-42",
        "support_email_address": "anna@example.com",
        "devices": [SERIAL],
        "odd": {"a": "b", session: "c", "token": session},
    }
    apple.call("POST", "/profile", profile, session=session)
    apple.call("POST", "/profile?x=1&x=2", None, session="FAKE-wrong-session")
    apple.call("GET", "/nowhere", session=session)
    har = folder / "run.har"
    har.write_text(json.dumps(log(apple.entries)))
    apple.close()
    return folder / "data", har


def lines(result: Result) -> dict[str, Any]:
    """Return what a report as JSON says of the traffic, without what its connections told."""
    report: dict[str, Any] = json.loads(result.stdout)
    sections = ("outcomes", "undeclared", "flagged", "inherent", "received", "sent", "declared")
    found = {name: report[name] for name in (*sections, "only_received", "not_seen", "counts")}
    return found | {"verdict": report["verdict"]}


@pytest.mark.parametrize("manifest", ["none", "intune-to-apple"])
def test_a_capture_is_reported_as_the_journal_of_the_same_traffic(
    captured: tuple[Path, Path], manifest: str
) -> None:
    data, har = captured
    how = ("--manifest", manifest, "--format", "json", "--redact", "clear")

    live, judged = run("report", "--data", data, *how), run("judge", har, "--data", data, *how)

    assert lines(judged) == lines(live)
    assert judged.exit_code == live.exit_code == 1
    assert len(lines(live)["sent"]) > 20


def test_a_data_directory_and_our_own_export_give_the_report_itself(
    captured: tuple[Path, Path], tmp_path: Path
) -> None:
    data, _ = captured
    export = tmp_path / "export.har"
    how = ("--format", "json", "--redact", "clear")

    live = run("report", "--data", data, *how)
    run("report", "--data", data, "--format", "har", "--redact", "clear", "--output", export)
    judged = run("judge", export, "--data", data, *how)

    assert run("judge", data, *how).output == live.output
    assert run("judge", data / "mdmsim.db", *how).output == live.output
    assert json.loads(judged.stdout) == json.loads(live.output)


SAME = (
    "operation", "part", "place", "via", "concept", "field", "category", "subject", "secret",
    "documented", "declared", "requests", "records", "values", "versions", "required",
    "first_seen", "last_seen", "evidence", "example",
)  # fmt: skip
"""What a line says that does not depend on what was received, or on the world."""


@pytest.mark.parametrize(
    ("form", "level"),
    [("har", "fingerprint"), ("har", "partial"), ("jsonl", "fingerprint"), ("jsonl", "clear")],
)
def test_an_export_without_requests_is_evaluated_by_any_manifest(
    captured: tuple[Path, Path], tmp_path: Path, form: str, level: str
) -> None:
    data, _ = captured
    export, how = tmp_path / "export", ("--format", "json", "--redact", level)
    written = ("--format", form, "--redact", level, "--output", export)

    run("report", "--data", data, "--manifest", "intune-to-apple", *written)
    live, judged = run("report", "--data", data, *how), run("judge", export, *how)

    before, after = lines(live)["sent"], lines(judged)["sent"]
    assert len(before) > 20
    keys = SAME[:-1] if level == "partial" else SAME
    found, wanted = (
        sorted([str(one[name]) for name in keys] for one in each) for each in (after, before)
    )
    assert found == wanted
    assert judged.exit_code == 1
    assert "hash chain" in judged.stderr
    assert not any(one["novelty"] for one in after)


@pytest.mark.parametrize("form", ["har", "jsonl"])
@pytest.mark.parametrize(("level", "why"), [("shape", "told apart"), ("names", "told apart")])
def test_an_export_whose_values_are_all_alike_is_refused(
    captured: tuple[Path, Path], tmp_path: Path, form: str, level: str, why: str
) -> None:
    export = tmp_path / "export"
    run("report", "--data", captured[0], "--format", form, "--redact", level, "--output", export)

    result = run("judge", export)

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert why in result.stderr


def test_requests_that_an_export_does_not_hold_are_not_made_up(
    captured: tuple[Path, Path], tmp_path: Path
) -> None:
    export, again = tmp_path / "export", tmp_path / "again"
    run("report", "--data", captured[0], "--format", "jsonl", "--output", export)

    result = run("judge", export, "--format", "har", "--output", again)

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--redact clear" in result.stderr
    assert not again.exists()


def write(path: Path, entries: list[Any]) -> Path:
    path.write_text(json.dumps(log(entries)))
    return path


GOOD = entry(
    request(
        "GET",
        "/account",
        [DEP, ("X-ADM-Auth-Session", "FAKE-s-1"), ("X-Server-Protocol-Version", "3"),
         ("User-Agent", AGENT)],
    ),
    Response(200, (), b'{"org_name": "Acme"}'),
)  # fmt: skip


def test_what_is_judged_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setenv("TMPDIR", str(spare))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(tmp_path)
    har = write(tmp_path / "a.har", [GOOD])

    result = run("judge", har)

    assert result.exit_code == 0
    assert "FAKE-s-1" not in result.output
    assert {one.name for one in tmp_path.iterdir()} == {"a.har", "spare"}
    assert not list(spare.iterdir())


def test_other_hosts_are_skipped_and_counted_and_what_is_missing_is_said(tmp_path: Path) -> None:
    other = entry(request("GET", "/account", [("Host", "www.example.com")]), Response(200))
    local = entry(request("GET", "/account", [("Host", "127.0.0.1:8443")]), Response(0))
    har = write(tmp_path / "a.har", [other, GOOD, other, local])

    result = run("judge", har, "--format", "json")

    assert json.loads(result.stdout)["counts"]["exchanges"] == 2
    assert "HAR with 4 entries, of which 2 went to Apple's hosts" in result.stderr
    assert "other hosts: www.example.com 2" in result.stderr
    assert "a simulator's: 127.0.0.1 1" in result.stderr
    assert "the client's certificate" in result.stderr
    assert "response was not captured: 1" in result.stderr
    unseen = json.loads(result.stdout)["not_observable"]
    assert "skipped, as they went to other hosts: www.example.com 2" in unseen
    assert any("the client's certificate" in one for one in unseen)


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_each_form_says_what_the_capture_does_not_show(tmp_path: Path, form: str) -> None:
    result = run("judge", write(tmp_path / "a.har", [GOOD]), "--format", form)

    assert "server name and TLS version" in " ".join(result.stdout.split())


def test_a_host_is_taken_for_apples_if_it_is_named(tmp_path: Path) -> None:
    other = entry(request("GET", "/account", [("Host", "sim.example:8443")]), Response(200))
    har = write(tmp_path / "a.har", [other])

    refused, judged = run("judge", har), run("judge", har, "--host", "sim.example:8443")

    assert refused.exit_code == 2
    assert "none of its 1 requests went to Apple's hosts (sim.example 1)" in refused.stderr
    assert judged.exit_code in {0, 1}


def broken(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "request": {**GOOD["request"], **changes}}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        pytest.param({}, "its request is missing", id="empty"),
        pytest.param(7, "it is no object", id="number"),
        pytest.param({**GOOD, "request": []}, "its request is no object", id="list"),
        pytest.param(broken(url="/account"), "no method with an http", id="url"),
        pytest.param(broken(url="https://[::1/"), "its URL is invalid", id="brackets"),
        pytest.param(broken(headers=[{"name": 1}]), "header fields are no list", id="headers"),
        pytest.param(broken(postData="x"), "postData is no object", id="body"),
        pytest.param(
            broken(postData={"text": "%", "encoding": "base64"}), "no base64", id="base64"
        ),
        pytest.param({**GOOD, "startedDateTime": "today"}, "no ISO 8601", id="time"),
        pytest.param({"_record": {"at_ms": "x"}}, "_record: Expected `int`", id="record"),
    ],
)
def test_an_entry_that_is_invalid_is_skipped_with_its_number(
    tmp_path: Path, bad: Any, why: str
) -> None:
    har = write(tmp_path / "a.har", [GOOD, bad, GOOD])

    result = run("judge", har, "--format", "json")

    assert result.exit_code == 3
    assert "skipped, as they are invalid: entry 2 (" in result.stderr
    assert why in result.stderr
    assert json.loads(result.stdout)["counts"]["exchanges"] == 2
    assert json.loads(result.stdout)["verdict"] == "incomplete"


def test_a_body_that_was_cut_off_makes_the_evidence_incomplete(tmp_path: Path) -> None:
    profile = request("POST", "/profile", [DEP, ("User-Agent", AGENT)], b'{"a": 1}')
    whole = entry(profile, Response(200))
    har = write(
        tmp_path / "a.har", [GOOD, {**whole, "request": {**whole["request"], "bodySize": 9}}]
    )

    result = run("judge", har)

    assert result.exit_code == 3
    assert "of which a part was not captured: 1" in result.stderr


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "neither a HAR", id="empty-file"),
        pytest.param(b"<html>", "neither a HAR", id="html"),
        pytest.param(b"{}", "no list log.entries", id="no-log"),
        pytest.param(json.dumps(log([])).encode(), "is empty", id="no-entries"),
        pytest.param(json.dumps(log([GOOD, GOOD])).encode()[:-9], "behind entry", id="cut"),
        pytest.param(json.dumps(log([{}])).encode(), "none of its 1 entries", id="invalid-only"),
        pytest.param(
            json.dumps(log([{"_disclosures": []}])).encode(), "no exchange as we", id="not-ours"
        ),
        pytest.param(
            b'{"op": "dep.define", "exchange": 1, "value": {}}', "no disclosure as we", id="jsonl"
        ),
        pytest.param(b"\xef\xbb\xbf{", "no JSON at its start", id="mark"),
        pytest.param(gzip.compress(b"{}"), "unpack it first", id="packed"),
        pytest.param(None, "cannot read", id="missing"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_line(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    har, output = tmp_path / "a.har", tmp_path / "report.txt"
    if content is not None:
        har.write_bytes(content)

    result = run("judge", har, "--output", output)

    assert result.exit_code == 2
    assert why in result.stderr
    assert result.stderr.count("\n") == 1
    assert not output.exists()


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.har"
    os.mkfifo(pipe)

    result = run("judge", pipe)

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "write it to a file first" in result.stderr


def test_a_directory_without_a_journal_is_refused(tmp_path: Path) -> None:
    result = run("judge", tmp_path)

    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
