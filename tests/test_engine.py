"""Bad input: each gets the documented answer, a finding, and is on record."""

import gzip
import json
from typing import Any

import pytest

from simulator.core.messages import Request
from tests.apple import AGENT, Answer, Apple, request

HOST = ("Host", "mdmenrollment.apple.com")
JSON = ("Content-Type", "application/json;charset=UTF8")


@pytest.fixture
def apple() -> Apple:
    return Apple()


def post(
    apple: Apple, path: str, body: bytes, *headers: tuple[str, str], version: int = 10
) -> Answer:
    common = [
        HOST,
        ("User-Agent", AGENT),
        ("X-Server-Protocol-Version", str(version)),
        ("X-ADM-Auth-Session", apple.session()),
    ]
    return apple.send(request("POST", path, [*common, *headers], body))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut"),
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="array"),
        pytest.param(b"5", id="number"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"limit": NaN}', id="nan"),
        pytest.param(b'{"limit": 1} x', id="rubbish-behind"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte-order-mark"),
        pytest.param(b'{"cursor": "\xff"}', id="no-utf-8"),
        pytest.param(b'{"cursor": "\\ud800"}', id="half-a-surrogate-pair"),
        pytest.param(b'{"a":' * 5000 + b"1" + b"}" * 5000, id="deep"),
        pytest.param(b'{"a":' * 70 + b"1" + b"}" * 70, id="rather-deep"),
        pytest.param(b'{"limit": ' + b"9" * 5000 + b"}", id="huge-integer"),
    ],
)
@pytest.mark.parametrize("strictness", ["observe", "apple", "strict"])
def test_what_is_no_json_object_is_malformed(body: bytes, strictness: str) -> None:
    apple = Apple(strictness=strictness)

    answer = post(apple, "/server/devices", body, JSON)

    assert (answer.status, answer.text) == (400, "MALFORMED_REQUEST_BODY")
    assert answer.rules[-1] == "body-malformed"
    assert answer.exchange.seq == len(apple.recorded)


def test_a_wrong_type_comes_before_what_is_missing(apple: Apple) -> None:
    missing = post(apple, "/profile", b"{}", JSON)
    both = post(apple, "/profile", b'{"url": 7}', JSON)

    assert missing.text == "CONFIG_NAME_REQUIRED"
    assert both.text == "MALFORMED_REQUEST_BODY"
    assert both.rules[0] == "field-type"


def test_a_surrogate_pair_is_text(apple: Apple) -> None:
    answer = post(apple, "/server/devices", b'{"cursor": "\\ud83d\\ude00"}', JSON)

    assert answer.text == "INVALID_CURSOR"


@pytest.mark.parametrize(
    ("strictness", "status"), [pytest.param("apple", 200), pytest.param("strict", 400)]
)
def test_unknown_and_repeated_keys_are_noted_and_strict_refuses(
    strictness: str, status: int
) -> None:
    apple = Apple(strictness=strictness)

    answer = post(apple, "/server/devices", b'{"limit": 1, "limt": 2, "limit": 3}', JSON)

    assert answer.status == status
    assert sorted(answer.rules) == ["field-duplicate", "field-unknown"]
    places = {finding.rule: finding.at for finding in answer.exchange.findings}
    assert places == {"field-duplicate": "/limit", "field-unknown": "/limt"}
    assert {finding.docs for finding in answer.exchange.findings} == {
        "https://developer.apple.com/documentation/devicemanagement/fetch-devices"
    }


@pytest.mark.parametrize(
    ("path", "content_type", "strictness", "status"),
    [
        pytest.param("/server/devices", "application/json", "apple", 200, id="plain"),
        pytest.param("/server/devices", "Application/JSON; charset=utf-8", "apple", 200, id="case"),
        pytest.param("/server/devices", "text/plain", "apple", 415, id="text"),
        pytest.param("/server/devices", "text/plain", "observe", 200, id="text-observe"),
        pytest.param("/profile", "text/plain", "apple", 400, id="text-on-a-lenient-operation"),
        pytest.param("/profile", "text/plain", "strict", 415, id="text-strict"),
        pytest.param("/server/devices", None, "apple", 200, id="none"),
        pytest.param("/server/devices", None, "strict", 400, id="none-strict"),
    ],
)
def test_the_content_type(
    path: str, content_type: str | None, strictness: str, status: int
) -> None:
    apple = Apple(strictness=strictness)
    headers = [("Content-Type", content_type)] if content_type else []

    answer = post(apple, path, b"{}", *headers)

    assert answer.status == status
    good = content_type is not None and content_type.lower().startswith("application/json")
    assert ("content-type" in " ".join(answer.rules)) != good


def coded(coding: str) -> tuple[tuple[str, str], ...]:
    return JSON, ("Content-Encoding", coding)


@pytest.mark.parametrize(
    ("coding", "body", "status", "rule"),
    [
        pytest.param("gzip", gzip.compress(b"{}"), 200, "content-coded", id="gzip"),
        pytest.param("gzip", b"{}", 415, "content-encoding", id="no-gzip"),
        pytest.param("gzip", gzip.compress(b"{}")[:-9], 415, "content-encoding", id="cut"),
        pytest.param("br", b"{}", 415, "content-encoding", id="brotli"),
        pytest.param("gzip", gzip.compress(bytes(10**7)), 413, "body-too-large", id="bomb"),
        pytest.param("identity", b"{}", 200, "", id="identity"),
    ],
)
def test_content_codings(apple: Apple, coding: str, body: bytes, status: int, rule: str) -> None:
    answer = post(apple, "/server/devices", body, *coded(coding))

    assert answer.status == status
    assert answer.rules == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "rule"),
    [
        pytest.param("GET", "/nothing", [HOST], 404, "path-unknown", id="path"),
        pytest.param("GET", "/nothing", [], 404, "path-unknown", id="path-and-host"),
        pytest.param("PATCH", "/profile", [], 405, "method-unknown", id="method"),
        pytest.param("HEAD", "/account", [], 405, "method-unknown", id="head"),
        pytest.param("GET", "/account/", [HOST], 404, "path-unknown", id="slash"),
        pytest.param("GET", "/Account", [HOST], 404, "path-unknown", id="case"),
        pytest.param("POST", "/session", [], 405, "method-unknown", id="post-session"),
    ],
)
def test_unknown_paths_and_methods(
    apple: Apple,
    method: str,
    target: str,
    headers: list[tuple[str, str]],
    status: int,
    rule: str,
) -> None:
    answer = apple.send(request(method, target, headers))

    assert answer.status == status
    assert rule in answer.rules
    assert answer.exchange.seq == 1


@pytest.mark.parametrize(
    ("problem", "status", "rule"),
    [
        pytest.param("truncated", 400, "body-truncated", id="truncated"),
        pytest.param("too-large", 413, "body-too-large", id="too-large"),
        pytest.param("malformed", 400, "http-malformed", id="malformed"),
    ],
)
@pytest.mark.parametrize("target", ["/server/devices", ""])
def test_what_the_transport_found_wrong(
    apple: Apple, problem: str, status: int, rule: str, target: str
) -> None:
    broken: Request = request(
        "POST", target, [HOST] if target else [], b'{"li', problem=problem, problem_about="why"
    )

    answer = apple.send(broken)

    assert answer.status == status
    assert rule in answer.rules
    assert any(finding.message == "why" for finding in answer.exchange.findings)


@pytest.mark.parametrize(
    ("agent", "version", "strictness", "error"),
    [
        pytest.param(None, 3, "apple", "", id="none-v3"),
        pytest.param(None, 4, "apple", "USER_AGENT_MISSING", id="none-v4"),
        pytest.param("", 10, "apple", "USER_AGENT_MISSING", id="empty"),
        pytest.param(None, 1, "strict", "USER_AGENT_MISSING", id="none-strict"),
        pytest.param(None, 10, "observe", "", id="none-observe"),
        pytest.param("python-requests/2.32", 7, "apple", "USER_AGENT_INVALID", id="requests"),
        pytest.param("python-requests/2.32", 3, "apple", "", id="requests-v3"),
        pytest.param("nanodep-godep/0", 7, "apple", "USER_AGENT_INVALID", id="old-nanodep"),
        pytest.param("nanodep-g-o-dep/0", 7, "apple", "", id="nanodep"),
        pytest.param("Zentral/2026", 10, "apple", "", id="zentral"),
    ],
)
def test_the_user_agent(agent: str | None, version: int, strictness: str, error: str) -> None:
    apple = Apple(strictness=strictness)
    session = apple.session()
    headers = [("X-Server-Protocol-Version", str(version)), ("X-ADM-Auth-Session", session)]
    if agent is not None:
        headers.append(("User-Agent", agent))

    answer = apple.send(request("GET", "/account", headers))

    assert answer.exchange.error == error
    assert answer.status == (400 if error else 200)
    blocked = not agent or agent.startswith(("python-requests", "nanodep-godep"))
    assert any(rule.startswith("user-agent") for rule in answer.rules) == blocked


@pytest.mark.parametrize(
    ("sent", "effective", "rules"),
    [
        pytest.param(None, 1, ["version-missing"], id="absent"),
        pytest.param("3", 3, [], id="3"),
        pytest.param("10", 10, [], id="10"),
        pytest.param("11", 10, ["version-clamped"], id="11"),
        pytest.param("9" * 50, 10, ["version-clamped"], id="huge"),
        pytest.param("0", 1, [], id="0"),
        pytest.param("-1", 1, ["version-invalid"], id="negative"),
        pytest.param("latest", 1, ["version-invalid"], id="word"),
        pytest.param("٣", 1, ["version-invalid"], id="other-digits"),
    ],
)
def test_the_protocol_version(
    apple: Apple, sent: str | None, effective: int, rules: list[str]
) -> None:
    answer = apple.call("GET", "/account", session=apple.session(), version=sent)

    assert (answer.exchange.version_sent, answer.exchange.version) == (sent, effective)
    assert answer.rules == rules


def test_repeated_headers_and_query_keys_are_noted_and_the_first_counts(apple: Apple) -> None:
    session = apple.session()
    headers = [
        ("User-Agent", AGENT),
        ("X-ADM-Auth-Session", session),
        ("x-adm-auth-session", "another"),
        ("X-Server-Protocol-Version", "10"),
    ]

    answer = apple.send(request("GET", "/profile?profile_uuid=0A&profile_uuid=0B&x=1", headers))

    assert answer.text == "NOT_FOUND"
    assert sorted(answer.rules) == ["header-repeated", "query-duplicate", "query-unknown"]


def test_a_body_where_none_belongs_is_noted(apple: Apple) -> None:
    session = apple.session()

    noted = apple.call("GET", "/account", {"a": 1}, session=session)
    strict = Apple(strictness="strict")
    refused = strict.call("GET", "/account", {"a": 1}, session=strict.session())

    assert (noted.status, noted.rules) == (200, ["body-unexpected"])
    assert (refused.status, refused.text) == (400, "MALFORMED_REQUEST_BODY")


def test_authentication_comes_first_and_what_else_is_wrong_is_on_record(apple: Apple) -> None:
    answer = apple.call("POST", "/profile", {"profile_name": 5}, session="no session")

    assert (answer.status, answer.text) == (401, "UNAUTHORIZED")
    refused = {finding.rule: finding.refused for finding in answer.exchange.findings}
    assert refused["auth-refused"]
    assert not refused["field-type"]


def test_a_failure_of_our_own_is_a_500_and_leaves_no_trace_but_the_record(
    apple: Apple, caplog: pytest.LogCaptureFixture
) -> None:
    session = apple.session()
    apple.run(lambda state: state.delete("organisation", "acme"))

    answer = apple.call("GET", "/account", session=session)

    assert (answer.status, answer.text) == (500, "")
    assert answer.rules == ["internal-error"]
    assert "dep.account failed" in caplog.text
    assert session not in caplog.text


SECRET_BODIES: dict[str, Any] = {
    "/device/activationlock": {"device": "SN1", "escrow_key": "5ec2e7" * 10, "lost_message": "m"},
    "/profile": {"profile_name": "P", "url": "https://m.example/e?token=5ec2e7-enrol"},
}


@pytest.mark.parametrize("path", SECRET_BODIES)
@pytest.mark.parametrize("cut", [0, 3], ids=["whole", "malformed"])
def test_no_secret_is_stored(apple: Apple, path: str, cut: int) -> None:
    session = apple.session()
    body = json.dumps(SECRET_BODIES[path]).encode()
    headers = [
        HOST,
        ("User-Agent", AGENT),
        ("X-ADM-Auth-Session", session),
        ("X-Server-Protocol-Version", "10"),
        JSON,
    ]

    answer = apple.send(request("POST", path, headers, body[: len(body) - cut]))

    stored = repr(apple.recorded)
    assert answer.status == (400 if cut else 200)
    assert "5ec2e7" not in stored
    assert session not in stored
    token = apple.token()
    for name in ("consumer_secret", "access_secret", "access_token", "consumer_key"):
        assert token[name] not in stored
