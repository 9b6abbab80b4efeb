"""What several requests show of a client that was refused, and what they do not."""

from typing import Any

import pytest

from tests.apple import AGENT, Answer, Apple, request
from tests.vpp import Vpp

STORM = "retry-storm"


@pytest.fixture
def apple() -> Apple:
    made = Apple()
    made.add("SN1")
    return made


def empty(apple: Apple, session: str, path: str = "/devices") -> Answer:
    """Call DEP with a content type, and nothing behind it."""
    sent = [("Host", "mdmenrollment.apple.com"), ("User-Agent", AGENT)]
    sent += [("X-ADM-Auth-Session", session), ("Content-Type", "application/json;charset=UTF8")]
    return apple.send(request("POST", path, sent))


def test_fifty_refusals_in_a_burst_are_a_storm(apple: Apple) -> None:
    answers = [apple.call("GET", "/account", session=f"bad-{n}") for n in range(101)]

    found = {number: one for number, one in enumerate(answers, 1) if STORM in one.rules}
    assert list(found) == [50, 100]
    (finding,) = (one for one in found[100].exchange.findings if one.rule == STORM)
    assert finding.message == "50 calls were refused within 10 s: wait before trying again"


def test_refusals_that_keep_apart_are_none(apple: Apple) -> None:
    for number in range(60):
        apple.advance(1)
        assert STORM not in apple.call("GET", "/account", session=f"bad-{number}").rules


def test_each_service_and_client_has_a_burst_of_its_own() -> None:
    vpp = Vpp()
    for number in range(49):
        vpp.call("GET", "/account", session=f"bad-{number}")

    assert STORM not in vpp.v2("GET", "/assets", token="Bearer nothing").rules
    assert STORM in vpp.call("GET", "/account", session="bad").rules


def test_calls_that_succeed_are_no_storm(apple: Apple) -> None:
    session = apple.session()

    assert not any(STORM in apple.call("GET", "/account", session=session).rules for _ in range(60))


def test_a_session_that_got_401_and_comes_again_was_not_renewed(apple: Apple) -> None:
    session = apple.session()
    apple.advance(3600)

    first, second = (apple.call("GET", "/account", session=session) for _ in range(2))
    renewed = apple.call("GET", "/account", session=apple.session())

    rule = "session-not-renewed"
    assert (first.status, second.status, renewed.status) == (401, 401, 200)
    assert [rule in one.rules for one in (first, second, renewed)] == [False, True, False]
    (finding,) = (one for one in second.exchange.findings if one.rule == rule)
    assert (finding.part, finding.at) == ("header", "x-adm-auth-session")


def test_a_content_token_that_got_401_and_comes_again_is_known_too() -> None:
    vpp = Vpp()
    old = f"Bearer {vpp.stoken}"
    vpp.renew()

    first, second = (vpp.v2("GET", "/assets", token=old) for _ in range(2))

    assert [one.status for one in (first, second)] == [401, 401]
    assert ["session-not-renewed" in one.rules for one in (first, second)] == [False, True]


def test_a_log_in_that_is_signed_anew_is_no_old_session(apple: Apple) -> None:
    changes = {"oauth_token": "AT_nobody"}

    answers = [apple.log_in(apple.oauth("a", **changes)) for _ in range(2)]

    assert [one.status for one in answers] == [401, 401]
    assert not any("session-not-renewed" in one.rules for one in answers)


def test_a_retry_without_its_body_is_told(apple: Apple) -> None:
    session = apple.session()
    apple.advance(3600)
    refused = apple.call("POST", "/devices", {"devices": ["SN1"]}, session=session)
    fresh = apple.session()

    retry = empty(apple, fresh)
    later = empty(apple, fresh)

    assert (refused.status, retry.status) == (401, 400)
    assert "retry-without-body" in retry.rules
    assert "retry-without-body" not in later.rules


@pytest.mark.parametrize(
    ("path", "wait_s"),
    [pytest.param("/devices/sync", 0, id="another-call"), pytest.param("/devices", 90, id="later")],
)
def test_another_empty_body_is_no_retry(apple: Apple, path: str, wait_s: int) -> None:
    apple.call("POST", "/devices", {"devices": ["SN1"]}, session="gone")
    apple.advance(wait_s)

    assert "retry-without-body" not in empty(apple, apple.session(), path).rules


@pytest.mark.parametrize(
    ("years", "says"),
    [
        pytest.param(-30, "30 years behind the simulator's clock", id="behind"),
        pytest.param(20, "20 years ahead of the simulator's clock", id="ahead"),
        pytest.param(-9, "", id="nine-years"),
        pytest.param(0, "", id="right"),
    ],
)
def test_a_time_stamp_decades_away_is_told(apple: Apple, years: int, says: str) -> None:
    stamp = apple.now_ms // 1000 + years * 366 * 86_400

    answer = apple.log_in(apple.oauth("a", oauth_timestamp=str(stamp)))

    told = [one.message for one in answer.exchange.findings if one.rule == "oauth-timestamp"]
    assert answer.status == 200
    assert [says in one for one in told] == ([True] if says else [])


def test_an_authorization_header_that_is_sent_twice_is_told(apple: Apple) -> None:
    header = ("Authorization", apple.oauth())
    sent: list[Any] = [("Host", "mdmenrollment.apple.com"), ("User-Agent", AGENT), header, header]

    answer = apple.send(request("GET", "/session", sent))

    assert answer.status == 400
    places = {(one.rule, one.at) for one in answer.exchange.findings}
    assert ("header-repeated", "authorization") in places
