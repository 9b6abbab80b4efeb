"""Who may call, and what refuses the others."""

import base64
import json
from typing import Any

import pytest

from simulator.services.vpp.domain import portal
from tests.apple import request
from tests.vpp import HOOK, Vpp


def coded(tree: Any) -> str:
    return base64.b64encode(json.dumps(tree).encode()).decode()


FOREIGN = coded({"token": "FAKE", "expDate": "2030-11-08T22:33:22+0000", "orgName": "ORG1"})


def test_a_token_is_base64_of_json_with_three_keys() -> None:
    content = json.loads(base64.b64decode(Vpp().stoken))

    assert list(content) == ["token", "expDate", "orgName"]
    assert content["expDate"] == "2027-03-01T12:00:00+0000"
    assert content["orgName"] == "ORG.1234567"


def test_tokens_follow_from_the_chance() -> None:
    assert Vpp().stoken == Vpp().stoken != Vpp().place("branch").stoken


@pytest.mark.parametrize(
    ("token", "code", "status"),
    [
        pytest.param(None, 9722, 401, id="missing"),
        pytest.param("Basic eDp5", 9722, 401, id="other-scheme"),
        pytest.param("Bearer ", 9722, 401, id="empty"),
        pytest.param("Bearer garbage", 9622, 200, id="garbage"),
        pytest.param(f"Bearer {FOREIGN}", 9622, 200, id="foreign"),
    ],
)
def test_a_bad_header_has_its_number(token: str | None, code: int, status: int) -> None:
    answer = Vpp().v2("GET", "/assets", token=token)

    assert (answer.status, answer.json["errorNumber"]) == (status, code)
    assert answer.exchange.error == str(code)
    assert "assets" not in answer.json
    assert answer.rules == ["auth-refused"]
    assert answer.exchange.findings[0].at == "authorization"


def test_the_inner_value_is_no_token() -> None:
    apple = Vpp()
    inner = json.loads(base64.b64decode(apple.stoken))["token"]

    assert apple.v2("GET", "/assets", token=f"Bearer {inner}").json["errorNumber"] == 9622


def test_an_invalid_token_is_a_401_where_that_is_set() -> None:
    answer = Vpp(vpp_status_9622=401).v2("GET", "/assets", token="Bearer x")

    assert (answer.status, answer.json["errorNumber"]) == (401, 9622)


def test_a_token_is_recognised_whatever_the_case_of_the_scheme() -> None:
    apple = Vpp()

    assert apple.v2("GET", "/assets", token=f"bearer {apple.stoken}").status == 200


def test_a_revoked_token_is_refused_but_still_gets_the_service_config() -> None:
    apple = Vpp()
    stoken = apple.stoken
    apple.home(lambda home: portal.revoke_token(home, "hq"))

    refused = apple.v2("GET", "/client/config")
    config = apple.v2("GET", "/service/config", token=f"Bearer {stoken}")

    assert (refused.status, refused.json["errorNumber"]) == (401, 9625)
    assert config.status == 200


def test_a_token_expires_by_the_clock() -> None:
    apple = Vpp()
    apple.renew(days=14)

    apple.advance(14 * 86400 - 1)
    before = apple.v2("GET", "/client/config")
    apple.advance(1)
    after = apple.v2("GET", "/client/config")

    assert before.json["tokenExpirationDate"] == "2026-03-15T12:00:00+0000"
    assert (after.status, after.json["errorNumber"]) == (401, 9621)


@pytest.mark.parametrize(("keep", "code"), [pytest.param(False, 9625, id="replaced")])
def test_a_renewed_token_replaces_the_one_before(keep: bool, code: int) -> None:
    apple = Vpp()
    old, uid = apple.stoken, apple.v2("GET", "/client/config").json["uId"]
    apple.renew(keep=keep)

    assert apple.v2("GET", "/assets", token=f"Bearer {old}").json["errorNumber"] == code
    assert apple.v2("GET", "/client/config").json["uId"] == uid


def test_two_tokens_of_one_location_may_both_be_good() -> None:
    apple = Vpp()
    old = apple.stoken
    apple.renew(keep=True)

    assert apple.v2("GET", "/assets", token=f"Bearer {old}").status == 200


def test_a_read_only_token_cannot_write() -> None:
    apple = Vpp()
    apple.renew(rights="read")

    read = apple.v2("GET", "/client/config")
    write = apple.v2("POST", "/client/config", HOOK)

    assert read.status == 200
    assert (write.status, write.json["errorNumber"]) == (403, 9637)


def test_a_legacy_token_is_for_v1_only() -> None:
    apple = Vpp()
    apple.renew(legacy=True)

    assert apple.v2("GET", "/client/config").json["errorNumber"] == 9647


def test_too_many_requests_in_a_second_are_refused() -> None:
    apple = Vpp(vpp_requests_per_second=2)

    answers = [apple.v2("GET", "/client/config") for _ in range(3)]
    apple.advance(1)
    later = apple.v2("GET", "/client/config")

    assert [one.status for one in answers] == [200, 200, 429]
    assert answers[2].json["errorNumber"] == 9646
    assert later.status == 200


def test_maintenance_answers_with_a_time_to_wait() -> None:
    apple = Vpp()
    apple.run(lambda state: portal.set_maintenance(state, on=True))

    answer = apple.v2("GET", "/client/config")

    assert (answer.status, answer.json["errorNumber"]) == (503, 9729)
    assert answer.header("Retry-After") == "60"


def test_an_unknown_path_and_a_wrong_method_have_their_numbers() -> None:
    apple = Vpp()

    nowhere = apple.v2("GET", "/nothing")
    wrong = apple.v2("DELETE", "/assets")

    assert (nowhere.status, nowhere.json["errorNumber"]) == (404, 9604)
    assert (wrong.status, wrong.json["errorNumber"]) == (405, 9726)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param((("Content-Type", "text/plain"),), 415, id="wrong"),
        pytest.param((("content-type", "application/json;charset=UTF8"),), 200, id="charset"),
    ],
)
def test_only_json_is_taken(headers: tuple[tuple[str, str], ...], status: int) -> None:
    answer = Vpp().v2("POST", "/client/config", {}, headers=headers)

    assert answer.status == status
    assert answer.json.get("errorNumber", 9727) == 9727


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param((("X-Server-Protocol-Version", "3"),), id="version-of-dep"),
        pytest.param((), id="none"),
    ],
)
def test_what_clients_send_too_much_is_let_pass(headers: tuple[tuple[str, str], ...]) -> None:
    answer = Vpp().v2("GET", "/users", headers=headers, includeRetired=0)

    assert answer.status == 200


def test_a_body_without_a_type_is_taken() -> None:
    apple = Vpp()
    body = b'{"mdmInfo": null, "unknown": 1}'

    sent = [("Host", "x"), ("Authorization", f"Bearer {apple.stoken}")]

    answer = apple.send(request("POST", "/mdm/v2/client/config", sent, body))

    assert answer.status == 200


@pytest.mark.parametrize(
    "content", [pytest.param(b"{", id="half"), pytest.param(b"[]", id="array")]
)
def test_a_body_that_is_no_object_is_an_invalid_argument(content: bytes) -> None:
    answer = Vpp().v2("POST", "/assets/associate", content=content)

    assert (answer.status, answer.json["errorNumber"]) == (400, 9602)


def test_authentication_comes_before_the_body() -> None:
    answer = Vpp().v2("POST", "/assets/associate", content=b"{", token="Bearer x")

    assert answer.json["errorNumber"] == 9622
