"""The token endpoint: what clients send, what is refused, and what a token is good for."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from simulator.auth.jose import new_key
from simulator.services.axm import accounts
from simulator.services.axm.portal import as_apple
from tests.apple import request
from tests.axm import AUDIENCE, Axm, sign, text

HALF_A_YEAR_S = 15_552_000


@pytest.mark.parametrize("path", ["/auth/oauth2/token", "/auth/oauth2/v2/token"])
def test_both_paths_give_a_token_for_an_hour(path: str) -> None:
    axm = Axm()

    answer = axm.ask_token(axm.parameters(), path=path)

    assert answer.status == 200
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 3600
    assert answer.json["scope"] == "business.api"
    assert answer.header("Content-Type") == "application/json;charset=UTF-8"
    assert answer.header("Cache-Control") == "no-store"
    segments = answer.json["access_token"].split(".")
    assert len(segments) == 5
    assert segments[1] == ""
    assert (answer.exchange.organisation, answer.exchange.client) == ("acme", "axm:api")


@pytest.mark.parametrize("content_type", ["application/octet-stream", None, "text/plain"])
def test_parameters_may_stand_in_the_query_under_any_content_type(content_type: str | None) -> None:
    axm = Axm()

    answer = axm.ask_token(None, axm.parameters(), content_type=content_type)

    assert answer.status == 200


def test_parameters_may_stand_in_both() -> None:
    axm = Axm()
    given = axm.parameters()
    query = {name: given.pop(name) for name in ("grant_type", "scope")}

    assert axm.ask_token(given, query).status == 200
    assert axm.ask_token(given | {"scope": "business.api"}, query).status == 200


def test_an_assertion_may_come_again() -> None:
    axm = Axm()
    given = axm.parameters()

    first, second = axm.ask_token(given), axm.ask_token(given)

    assert (first.status, second.status) == (200, 200)
    assert first.json["access_token"] != second.json["access_token"]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [AUDIENCE]},
        {"iss": "ANOTHER-TEAM"},
        {"jti": None},
        {"iat": 1_772_366_400 + 299},
        {"exp": 1_772_366_400 + HALF_A_YEAR_S},
    ],
)
def test_claims_as_clients_send_them_are_taken(claims: dict[str, Any]) -> None:
    axm = Axm()

    answer = axm.ask_token(axm.parameters(client_assertion=axm.assertion(**claims)))

    assert answer.status == 200, answer.rules


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://account.apple.com/auth/oauth2/token"},
        {"aud": [AUDIENCE, "https://else.example"]},
        {"aud": None},
        {"sub": "BUSINESSAPI.00000000-0000-0000-0000-000000000000"},
        {"iss": None},
        {"iss": 5},
        {"exp": 1_772_366_400},
        {"exp": 1_772_366_400 + HALF_A_YEAR_S + 1},
        {"exp": None},
        {"exp": "1772366700"},
        {"iat": 1_772_366_400 + 301},
        {"iat": None},
        {"iat": 1e300},
    ],
)
def test_a_claim_that_is_wrong_is_an_invalid_client(claims: dict[str, Any]) -> None:
    axm = Axm()

    answer = axm.ask_token(axm.parameters(client_assertion=axm.assertion(**claims)))

    assert (answer.status, answer.json) == (400, {"error": "invalid_client"})
    assert answer.rules == ["auth-refused"]
    assert answer.exchange.findings[0].at == "/client_assertion"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "RS256"},
        {"alg": "HS256"},
        {"alg": "es256"},
        {"alg": "ES256K"},
        {"alg": ["ES256"]},
        {"crit": ["exp"]},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"kid": "../../etc/passwd"},
        {"kid": "00000000-0000-0000-0000-000000000000"},
        {"kid": None},
        {"kid": ["x"]},
    ],
)
def test_a_header_that_is_wrong_is_an_invalid_client(header: dict[str, Any]) -> None:
    axm = Axm()

    answer = axm.ask_token(axm.parameters(client_assertion=axm.assertion(header=header)))

    assert (answer.status, answer.json) == (400, {"error": "invalid_client"})


def test_a_signature_by_the_public_key_as_a_secret_is_refused() -> None:
    axm = Axm()
    account = axm.account
    claims: dict[str, Any] = {"iss": account.client_id, "sub": account.client_id, "aud": AUDIENCE}
    claims |= {"iat": axm.now_ms // 1000, "exp": axm.now_ms // 1000 + 60}
    signed = f"{text({'alg': 'HS256', 'kid': account.current})}.{text(claims)}"
    public = account.keys[account.current]["public"].encode()
    forged = f"{signed}.{text(hmac.digest(public, signed.encode(), hashlib.sha256))}"

    answer = axm.ask_token(axm.parameters(client_assertion=forged))

    assert (answer.status, answer.json) == (400, {"error": "invalid_client"})


def test_a_text_that_is_not_the_only_one_of_its_assertion_is_refused() -> None:
    # A cache or a list of used assertions would take each of these for another one.
    axm = Axm()
    good = axm.assertion()
    head, claims, signature = good.split(".")
    loose = chr(ord(signature[-1]) + 1)  # 64 bytes leave four bits of the last character unused

    answers = [
        axm.ask_token(axm.parameters(client_assertion=text))
        for text in (
            good,
            f"{good}==",
            f"{head}=.{claims}.{signature}",
            f"{good[:-1]}{loose}",
            f"{head}.{claims}.{signature.replace('-', '+').replace('_', '/')}=",
        )
    ]

    assert [answer.status for answer in answers] == [200, 400, 400, 400, 400]
    assert {answer.json["error"] for answer in answers[1:]} == {"invalid_client"}


def test_an_assertion_that_says_something_twice_is_refused() -> None:
    axm = Axm()
    account, now_s = axm.account, axm.now_ms // 1000
    claims = {
        "iss": account.client_id,
        "sub": "else",
        "aud": AUDIENCE,
        "iat": now_s,
        "exp": now_s + 9,
    }
    said = f'{json.dumps(claims)[:-1]}, "sub": "{account.client_id}"}}'
    private = account.keys[account.current]["private"]
    twice = sign(private, {"alg": "ES256", "kid": account.current}, said.encode())

    answer = axm.ask_token(axm.parameters(client_assertion=twice))

    assert (answer.status, answer.json) == (400, {"error": "invalid_client"})


@pytest.mark.parametrize("assertion", ["x", "a.b.c", "..", "é.é.é", "e30.e30.", "." * 5000])
def test_what_is_no_jwt_is_an_invalid_client(assertion: str) -> None:
    axm = Axm()

    answer = axm.ask_token(axm.parameters(client_assertion=assertion))

    assert (answer.status, answer.json) == (400, {"error": "invalid_client"})


def test_a_signature_in_der_or_by_another_key_is_refused() -> None:
    axm = Axm()
    good = axm.assertion()
    private, _ = new_key()
    other = sign(private, {"alg": "ES256", "kid": axm.account.current}, {"sub": "x"})
    rival = axm.run(lambda state: axm.add_account(state, identifier="second"))
    header = {"kid": rival.current}

    for assertion in (
        f"{good.rpartition('.')[0]}.{other.rpartition('.')[2]}",
        f"{good}A",
        axm.assertion(header=header),
        axm.assertion(rival),
    ):
        answer = axm.ask_token(axm.parameters(client_assertion=assertion))
        assert (answer.status, answer.json) == (400, {"error": "invalid_client"})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"client_id": None}, "invalid_request"),
        ({"client_assertion": None, "extra": "1"}, "invalid_request"),
        ({"client_assertion_type": "jwt"}, "invalid_request"),
        ({"client_id": "BUSINESSAPI.unknown"}, "invalid_client"),
        ({"scope": "school.api"}, "invalid_scope"),
        ({"scope": "else"}, "invalid_scope"),
        ({"scope": None}, "invalid_request"),
    ],
)
def test_a_parameter_that_is_wrong_has_its_error(change: dict[str, Any], error: str) -> None:
    axm = Axm()
    given = axm.parameters()
    wrong = {k: v for k, v in (given | change).items() if v is not None}
    if change.get("client_assertion", "") is None:
        del wrong["extra"]

    answer = axm.ask_token(wrong)

    assert (answer.status, answer.json) == (400, {"error": error})
    assert answer.exchange.error == error
    assert any(finding.refused for finding in answer.exchange.findings)


def test_doubled_parameters_are_an_invalid_request() -> None:
    axm = Axm()
    given = axm.parameters()

    answer = axm.ask_token(given, {"client_id": "BUSINESSAPI.other"})

    assert (answer.status, answer.json) == (400, {"error": "invalid_request"})


@pytest.mark.parametrize("strictness", ["observe", "apple", "strict"])
@pytest.mark.parametrize("body", [b"[1]", b"\xff", b"grant_type", b'{"grant_type": 1}'])
def test_a_body_that_is_no_form_is_an_invalid_request(body: bytes, strictness: str) -> None:
    axm = Axm(strictness=strictness)
    headers = [("Host", "account.apple.com"), ("User-Agent", "x/1")]

    answer = axm.send(request("POST", "/auth/oauth2/token", headers, body))

    assert (answer.status, answer.json) == (400, {"error": "invalid_request"})


def test_a_token_ends_after_an_hour_and_an_older_one_stays_good() -> None:
    axm = Axm()
    first = axm.access_token()
    axm.advance(60)
    second = axm.access_token()

    assert axm.api("GET", "/orgDevices", token=first).status == 200
    axm.advance(3540)
    late = axm.api("GET", "/orgDevices", token=first)
    assert axm.error(late) == (401, "NOT_AUTHORIZED", None)
    assert axm.api("GET", "/orgDevices", token=second).status == 200


@pytest.mark.parametrize("token", ["x", "a.b.c.d.e", None])
def test_a_token_that_was_not_issued_is_401(token: str | None) -> None:
    axm = Axm()
    answer = axm.api("GET", "/orgDevices", token=token)

    assert axm.error(answer) == (401, "NOT_AUTHORIZED", None)
    assert answer.rules == ["auth-refused"]


def test_a_damaged_token_is_401() -> None:
    axm = Axm()
    good = axm.access_token()
    for at in range(0, len(good), 40):
        bad = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
        assert axm.api("GET", "/orgDevices", token=bad).status == 401


def test_a_revoked_key_gets_no_token_and_its_tokens_go_on() -> None:
    axm = Axm()
    token = axm.access_token()
    axm.run(lambda s: accounts.revoke_key(s, axm.account, axm.account.current, now_ms=axm.now_ms))

    assert axm.ask_token(axm.parameters()).json == {"error": "invalid_client"}
    assert axm.api("GET", "/orgDevices", token=token).status == 200


def test_a_revoked_key_can_end_its_tokens() -> None:
    axm = Axm(axm_revoked_keys="refuse")
    token = axm.access_token()
    axm.run(lambda s: accounts.revoke_key(s, axm.account, axm.account.current, now_ms=axm.now_ms))

    assert axm.api("GET", "/orgDevices", token=token).status == 401


def test_a_second_key_works_beside_the_first() -> None:
    axm = Axm()
    both = axm.run(
        lambda s: accounts.add_key(s, axm.account, now_ms=axm.now_ms, random_hex=axm.random_hex)
    )

    assert axm.ask_token(axm.parameters(both)).status == 200
    assert axm.ask_token(axm.parameters()).status == 200


def test_too_many_token_requests_are_429() -> None:
    axm = Axm(axm_tokens_per_minute=2)
    axm.access_token()
    axm.access_token()

    answer = axm.ask_token(axm.parameters())

    assert (answer.status, answer.json["error"]) == (429, "too_many_requests")
    assert answer.header("Retry-After") == "60"
    axm.advance(60)
    assert axm.ask_token(axm.parameters()).status == 200


def test_neither_assertion_nor_token_is_on_record() -> None:
    axm = Axm()
    given = axm.parameters()
    token = axm.ask_token(given)
    axm.ask_token(None, given)
    axm.ask_token(given | {"scope": "wrong"})
    axm.ask_token(
        {"grant_type": "client_credentials"},
        {"client_assertion": "eyJhIjoxfQ.eyJiIjoyfQ.c2lnbmF0dXJlLWxvbmc"},
    )
    axm.api("GET", "/orgDevices", token=token.json["access_token"])

    written = "".join(map(repr, axm.recorded))
    assert given["client_assertion"] not in written
    assert given["client_assertion"].rpartition(".")[2] not in written
    assert token.json["access_token"] not in written
    assert token.json["access_token"].rpartition(".")[2] not in written
    assert "c2lnbmF0dXJlLWxvbmc" not in written


def test_what_an_assertion_says_is_disclosed() -> None:
    axm = Axm()
    answer = axm.ask_token(axm.parameters())
    operation = axm.catalogue.operations["axm.token"]

    found = axm.observer.observe(answer.exchange.request, operation, axm.catalogue.services["axm"])

    places = {(one.part, one.at): one.concept for one in found}
    assert places["body", "/client_id"] == "axm.client_id"
    assert places["body", "/client_assertion"] == "axm.client_assertion"
    assert places["body", "/client_assertion#/kid"] == "axm.key_id"
    assert places["body", "/client_assertion#/iss"] == "axm.client_id"
    assert places["header", "user-agent"] == "net.user_agent"


def test_apple_labels_the_key_file_as_another_format() -> None:
    account = Axm().account
    private = account.keys[account.current]["private"]

    assert private.startswith("-----BEGIN PRIVATE KEY-----\n")
    labelled = as_apple(private)
    assert labelled.startswith("-----BEGIN EC PRIVATE KEY-----\n")
    assert labelled.rstrip().endswith("-----END EC PRIVATE KEY-----")
    assert labelled.splitlines()[1:-1] == private.splitlines()[1:-1]
