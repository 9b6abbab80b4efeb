"""mitmproxy's flow files: written by its own package, where that is installed."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from simulator.cli import main
from simulator.core.messages import Request, Response
from tests.apple import KEY, Apple
from tests.captures.hars import entry, log
from tests.captures.test_equality import essence, evaluated
from tests.disclosure.test_vectors import KNOWN, request_of

WHY = "mitmproxy's package is not installed: pip install 'mdmsim[mitmproxy]' (Python 3.12)"


def judged(path: Path, *args: str) -> Result:
    return CliRunner().invoke(main, ["judge", str(path), *args])


def flow(sent: Request, answered: Response) -> Any:
    """Return the flow of a request and its response."""
    tflow = pytest.importorskip("mitmproxy.test.tflow", reason=WHY)
    http = pytest.importorskip("mitmproxy.http")

    def fields(message: Request | Response) -> Any:
        return http.Headers([(name.encode(), value.encode()) for name, value in message.headers])

    made = tflow.tflow(resp=True)
    made.request.scheme, made.request.host, made.request.port = (
        "https",
        "mdmenrollment.apple.com",
        443,
    )
    made.request.method, made.request.path = sent.method, sent.target
    made.request.http_version = f"HTTP/{sent.http}"
    made.request.headers, made.request.raw_content = fields(sent), sent.body
    made.request.timestamp_start = 1772366400.0  # 2026-03-01T12:00:00Z
    made.response.headers, made.response.raw_content = fields(answered), answered.body
    made.response.status_code = answered.status
    return made


def save(path: Path, *flows: Any) -> Path:
    io = pytest.importorskip("mitmproxy.io", reason=WHY)
    with path.open("wb") as file:
        writer = io.FlowWriter(file)
        for one in flows:
            writer.add(one)
    return path


def test_flows_give_the_exchanges_that_the_journal_holds(tmp_path: Path) -> None:
    apple = Apple(key=KEY)
    sent = [request_of(vector) for vector in KNOWN]
    answers = [apple.send(one) for one in sent]
    pairs = zip(sent, answers, strict=True)
    path = save(tmp_path / "a.flows", *(flow(one, answer.response) for one, answer in pairs))

    found = evaluated(path, apple)

    assert [essence(one) for one in found] == [essence(one.exchange) for one in answers]


def test_flows_are_reported_as_a_har_of_the_same(tmp_path: Path) -> None:
    apple = Apple()
    sent = request_of(KNOWN[1])
    answered = apple.send(sent).response
    har = tmp_path / "a.har"
    har.write_text(json.dumps(log([entry(sent, answered)])))
    path = save(tmp_path / "a.flows", flow(sent, answered))
    how = ("--format", "json", "--fingerprint-key", "k")

    flows, same = judged(path, *how), judged(har, *how)

    assert json.loads(flows.stdout) == json.loads(same.stdout)
    assert "mitmproxy flows with 1 entries" in flows.stderr


def test_a_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.flows", flow(request_of(KNOWN[1]), Response(200)))
    path.write_bytes(path.read_bytes()[:-20])

    result = judged(path)

    assert result.exit_code == 2
    assert "is no file of flows" in result.stderr


@pytest.mark.parametrize(
    "content", [b"12:abc", b"5:hello,", b"0:~", b"2:{},", b"999999999999:x"], ids=repr
)
def test_what_is_no_flow_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("mitmproxy", reason=WHY)
    path = tmp_path / "a.flows"
    path.write_bytes(content)

    result = judged(path)

    assert result.exit_code == 2
    assert "is no file of flows" in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_the_package_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.flows"
    path.write_bytes(b"12:abc")
    monkeypatch.setitem(sys.modules, "mitmproxy", None)

    result = judged(path)

    assert result.exit_code == 2
    assert "pip install 'mdmsim[mitmproxy]'" in result.stderr
