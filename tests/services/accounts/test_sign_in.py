"""Managed Apple Accounts: who signs in with which token, and each refusal."""

import json
from typing import Any

import pytest

from simulator.auth.access_token import REASONS
from simulator.protocol import quirks
from simulator.services.fleet import access_tokens
from simulator.services.fleet.servers import server
from tests.apple import AGENT, Answer, Apple, request
from tests.auth.test_access_token import certificate, token

ACCOUNT = "anna@acme.example"


def sign_in(apple: Apple, body: Any) -> Answer:
    headers = [
        ("Host", "gsa.apple.com"),
        ("User-Agent", AGENT),
        ("Content-Type", "application/json"),
    ]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return apple.send(request("POST", "/device/v1/sign-in", headers, content))


@pytest.fixture
def uuid(apple: Apple) -> str:
    """The uuid of server ``a``, whose token was encrypted to certificate 0, before to 1."""
    apple.home(lambda home: access_tokens.keep_certificate(home, "a", certificate(1)))
    apple.home(lambda home: access_tokens.keep_certificate(home, "a", certificate(0)))
    return str(apple.home(lambda home: server(home, "a"))["uuid"])


@pytest.fixture
def apple() -> Apple:
    return Apple()


def switch(apple: Apple, quirk: str) -> None:
    apple.run(lambda state: quirks.switch(state, quirk, "acme", is_on=True))


def test_a_token_shows_that_the_device_is_managed_and_is_used_up(apple: Apple, uuid: str) -> None:
    body = {"account": ACCOUNT, "token": token(iss=uuid)}

    first, second = sign_in(apple, body), sign_in(apple, body)

    assert (first.status, first.json, first.rules) == (200, {"managed": True}, [])
    assert (first.exchange.service, first.exchange.organisation) == ("accounts", "acme")
    assert (second.status, second.json["code"]) == (403, "JTI_REUSED")


@pytest.mark.parametrize(
    ("changes", "number", "code"),
    [
        pytest.param({"header": {"alg": "HS256"}}, 0, "BAD_ALG", id="bad_alg"),
        pytest.param({"iss": "0" * 32}, 0, "UNKNOWN_ISS", id="unknown_iss"),
        pytest.param({}, 1, "OLD_KEY", id="old_key"),
        pytest.param({}, 2, "BAD_SIGNATURE", id="bad_signature"),
        pytest.param({"service_type": "x"}, 0, "WRONG_SERVICE_TYPE", id="wrong_service_type"),
        pytest.param({"iat": 1}, 0, "IAT_OLD", id="iat_old"),
        pytest.param({"iat": 10**10}, 0, "IAT_FUTURE", id="iat_future"),
        pytest.param({"jti": None}, 0, "JTI_MISSING", id="jti_missing"),
    ],
)
def test_a_token_that_is_not_good_is_refused_by_name_with_a_finding(
    apple: Apple, uuid: str, changes: dict[str, Any], number: int, code: str
) -> None:
    answer = sign_in(apple, {"account": ACCOUNT, "token": token(number, **{"iss": uuid} | changes)})

    assert (answer.status, answer.json["code"], answer.exchange.error) == (403, code, code)
    (finding,) = answer.exchange.findings
    assert (finding.rule, finding.at, finding.refused) == ("access-token", "/token", True)
    assert REASONS[code.lower()][1:] in answer.json["message"]


def test_the_token_is_not_written_down(apple: Apple, uuid: str) -> None:
    text = token(iss=uuid)

    answer = sign_in(apple, {"account": ACCOUNT, "token": text})

    assert text.encode() not in answer.exchange.request.body
    assert b"<sealed server.maid_token " in answer.exchange.request.body


@pytest.mark.parametrize(
    ("quirk", "supervised", "with_token", "code"),
    [
        ("", False, False, ""),
        ("accounts.managed-devices-only", False, False, "TOKEN_REQUIRED"),
        ("accounts.managed-devices-only", False, True, ""),
        ("accounts.supervised-devices-only", True, False, "TOKEN_REQUIRED"),
        ("accounts.supervised-devices-only", False, True, "NOT_SUPERVISED"),
        ("accounts.supervised-devices-only", True, True, ""),
    ],
)
def test_the_portal_says_whose_devices_may_sign_in(
    apple: Apple, uuid: str, quirk: str, supervised: bool, with_token: bool, code: str
) -> None:
    if quirk:
        switch(apple, quirk)
    body: dict[str, Any] = {"account": ACCOUNT, "supervised": supervised}
    if with_token:
        body["token"] = token(iss=uuid)

    answer = sign_in(apple, body)

    assert (answer.status == 200, answer.exchange.error) == (not code, code)


def test_a_token_is_not_used_up_by_a_refusal(apple: Apple, uuid: str) -> None:
    switch(apple, "accounts.supervised-devices-only")
    body = {"account": ACCOUNT, "token": token(iss=uuid)}

    refused, taken = sign_in(apple, body), sign_in(apple, body | {"supervised": True})

    assert (refused.json["code"], taken.status) == ("NOT_SUPERVISED", 200)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param({"account": "anna@other.example"}, 404, "ACCOUNT_UNKNOWN", id="domain"),
        pytest.param({"account": "anna"}, 400, "INVALID_REQUEST", id="no-domain"),
        pytest.param({"account": "a@b@acme.example"}, 400, "INVALID_REQUEST", id="two-ats"),
        pytest.param({}, 400, "INVALID_REQUEST", id="missing"),
        pytest.param({"account": 5}, 400, "INVALID_REQUEST", id="number"),
        pytest.param(b"no JSON", 400, "INVALID_REQUEST", id="no-json"),
    ],
)
def test_what_is_no_sign_in_is_refused(apple: Apple, body: Any, status: int, code: str) -> None:
    answer = sign_in(apple, body)

    assert (answer.status, answer.json["code"], answer.exchange.error) == (status, code, code)
