"""``mdmsim replay``, at a simulator that really serves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from simulator import services
from simulator.captures.public_shapes import replay_shapes
from simulator.cli import main
from simulator.commands.replay import _start
from simulator.core.messages import Response
from simulator.testing.client import Mdmsim
from simulator.testing.serving import serving
from tests.apple import request
from tests.captures.hars import entry, log
from tests.commands.test_diff import _Kept

AGENT = ("User-Agent", "ExampleMDM/1")
VERSION = ("X-Server-Protocol-Version", "9")
HEX = "ab" * 32


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mdmsim]:
    with serving(data=str(tmp_path_factory.mktemp("replay") / "data")) as running:
        yield running


def ready(demo: Mdmsim) -> Path:
    return Path(demo.ready["journal"]).parent / "ready.json"


def replayed(demo: Mdmsim, path: Path, entries: list[Any], *more: str) -> Result:
    path.write_text(json.dumps(log(entries)))
    args = ["replay", str(path), "--ready-file", str(ready(demo)), *more]
    return CliRunner().invoke(main, args)


def test_responses_have_the_shapes_that_others_published(demo: Mdmsim) -> None:
    catalogue = services.load()
    replay = _start(ready(demo), catalogue)

    known = replay_shapes(replay, catalogue)

    assert {str(one) for one in replay.lines} == {*known}
    assert not replay.unsent
    assert replay.sent == 30


def test_the_shipped_shapes_are_replayed_by_name(demo: Mdmsim) -> None:
    result = CliRunner().invoke(main, ["replay", "public-shapes", "--ready-file", str(ready(demo))])

    assert result.exit_code == 0
    assert result.output == "30 requests replayed, 0 differences beside 22 that are known\n"


CALLS = {
    "oauth": ("mdmenrollment.apple.com", "GET", "/session", [("Authorization", "OAuth x=1")], ""),
    "session": ("mdmenrollment.apple.com", "GET", "/account", [("X-ADM-Auth-Session", "old")], ""),
    "body": ("vpp.itunes.apple.com", "POST", "/mdm/getVPPAssetsSrv", [], '{"sToken": "old"}'),
    "bearer": (
        "vpp.itunes.apple.com",
        "GET",
        "/mdm/v2/assets",
        [("Authorization", "Bearer o")],
        "",
    ),
    "axm-token": (
        "account.apple.com",
        "POST",
        "/auth/oauth2/v2/token",
        [("Content-Type", "application/x-www-form-urlencoded")],
        "grant_type=client_credentials&client_id=old&client_assertion=old&scope=business.api",
    ),
    "axm": ("api-business.apple.com", "GET", "/v1/orgDevices", [("Authorization", "Bearer o")], ""),
}


@pytest.mark.parametrize("kind", CALLS)
def test_credentials_are_replaced_by_kind(demo: Mdmsim, tmp_path: Path, kind: str) -> None:
    host, method, target, headers, body = CALLS[kind]
    sent = request(method, target, [("Host", host), AGENT, VERSION, *headers], body.encode())

    result = replayed(demo, tmp_path / "a.har", [entry(sent, Response(200, (), b'{"gone": 1}'))])

    assert result.exit_code == 1
    assert "missing /gone number (exchange 1)" in result.output
    assert ": status" not in result.output


def test_a_push_goes_by_the_certificate_of_the_simulator(demo: Mdmsim, tmp_path: Path) -> None:
    headers = [("Host", "api.push.apple.com"), ("apns-topic", "com.apple.mgmt.External.old")]
    headers += [("apns-push-type", "mdm"), ("authorization", "bearer old")]
    sent = request("POST", f"/3/device/{HEX}", headers, b'{"mdm": "x"}')

    result = replayed(demo, tmp_path / "a.har", [entry(sent, Response(200))])

    # Only the token is not known here: certificate and topic fit.
    assert "apns.push: status 200 -> 400" in result.output
    (last,) = demo.exchanges(operation="apns.push")[-1:]
    assert last["error"] == "BadDeviceToken"


def test_differences_are_added_up_and_the_same_capture_twice_has_none(
    demo: Mdmsim, tmp_path: Path
) -> None:
    path = tmp_path / "a.har"
    sent = request("GET", "/account", [("Host", "mdmenrollment.apple.com"), AGENT, VERSION])
    old = entry(sent, Response(200, (), b'{"server_name": 7}'))

    result = replayed(demo, path, [old] * 7, "--json")

    found = {one["difference"]["at"]: one for one in json.loads(result.stdout)}
    assert found["/server_name"]["difference"] == {
        "how": "type",
        "at": "/server_name",
        "about": "number -> text",
    }
    assert found["/org_id"]["exchanges"] == [1, 2, 3, 4, 5, 6, 7]
    shown = CliRunner().invoke(main, ["replay", str(path), "--ready-file", str(ready(demo))])
    assert "(exchange 1, 2, 3, 4, 5 and 2 more)" in shown.output


@pytest.mark.parametrize("name", [".", "mdmsim.db"])
def test_a_data_directory_is_replayed(demo: Mdmsim, tmp_path: Path, name: str) -> None:
    apple = _Kept(tmp_path)
    session = apple.session()
    apple.call("GET", "/account", session=session)
    apple.call("GET", "/nowhere", session=session)
    apple.close()

    args = ["replay", str(tmp_path / name), "--ready-file", str(ready(demo))]
    result = CliRunner().invoke(main, args)

    assert result.output.splitlines()[0].startswith("3 requests replayed, 0 differences")
    assert result.exit_code == 0
    assert [one["status"] for one in demo.exchanges()[-3:]] == [200, 200, 404]


def test_an_export_without_requests_cannot_be_replayed(demo: Mdmsim, tmp_path: Path) -> None:
    data, export = tmp_path / "data", tmp_path / "export"
    apple = _Kept(data)
    apple.call("GET", "/account")
    apple.close()
    written = ("report", "--data", str(data), "--format", "jsonl", "--output", str(export))
    CliRunner().invoke(main, written)

    result = CliRunner().invoke(main, ["replay", str(export), "--ready-file", str(ready(demo))])

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--redact clear" in result.stderr


def test_what_cannot_be_sent_is_said(demo: Mdmsim, tmp_path: Path) -> None:
    host = ("Host", "mdmenrollment.apple.com")
    good = entry(request("GET", "/account", [host, AGENT]), Response(0))
    odd = entry(request("GET", "/acc ount", [host, AGENT]), Response(200))
    other = entry(request("GET", "/account", [("Host", "www.example.com")]), Response(200))

    result = replayed(demo, tmp_path / "a.har", [good, odd, other, {}])

    assert result.exit_code == 0
    assert "not sent: exchange 2: InvalidURL" in result.stderr
    assert "other hosts: www.example.com 1" in result.stderr
    assert "entry 4 (its request is missing)" in result.stderr


def test_a_capture_of_others_only_is_refused(demo: Mdmsim, tmp_path: Path) -> None:
    other = entry(request("GET", "/account", [("Host", "www.example.com")]), Response(200))

    result = replayed(demo, tmp_path / "a.har", [other])

    assert result.exit_code == 2
    assert "none of its requests to Apple's hosts can be replayed" in result.stderr


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(None, "no simulator with TLS serves", id="nobody"),
        pytest.param('{"tls": []}', "no simulator with TLS serves", id="without-tls"),
    ],
)
def test_without_a_simulator_it_says_so(tmp_path: Path, content: str | None, why: str) -> None:
    if content is not None:
        (tmp_path / "ready.json").write_text(content)

    result = CliRunner().invoke(main, ["replay", "public-shapes", "--data", str(tmp_path)])

    assert result.exit_code == 2
    assert why in result.stderr
    assert result.stderr.count("\n") == 1
