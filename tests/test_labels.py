"""Labels of test runs: by header, or by a path in front."""

import pytest

from simulator.auth import oauth1
from simulator.engine.labels import labelled
from tests.apple import AGENT, Apple, authorization, request
from tests.vpp import Vpp


@pytest.mark.parametrize(
    ("target", "headers", "expected"),
    [
        pytest.param("/account", (), ("/account", "", ""), id="none"),
        pytest.param(
            "/s/a.b-C_1/account?x=1", (), ("/account?x=1", "a.b-C_1", "/s/a.b-C_1"), id="path"
        ),
        pytest.param("/s/one/s/two/x", (), ("/s/two/x", "one", "/s/one"), id="once-only"),
        pytest.param("/session", (), ("/session", "", ""), id="session"),
        pytest.param("/s/", (), ("/s/", "", ""), id="no-label"),
        pytest.param("/s/x", (), ("/s/x", "", ""), id="nothing-behind"),
        pytest.param("/s//account", (), ("/s//account", "", ""), id="empty"),
        pytest.param("/s/a%20b/account", (), ("/s/a%20b/account", "", ""), id="odd"),
        pytest.param(f"/s/{'x' * 65}/a", (), (f"/s/{'x' * 65}/a", "", ""), id="long"),
        pytest.param(
            "/s/path/account",
            (("X-Mdmsim-Session", "header"),),
            ("/account", "header", "/s/path"),
            id="both",
        ),
        pytest.param(
            "/account", (("x-mdmsim-session", "a b/c"),), ("/account", "a-b-c", ""), id="header"
        ),
    ],
)
def test_a_label_is_taken_off(
    target: str, headers: tuple[tuple[str, str], ...], expected: tuple[str, str, str]
) -> None:
    sent = request("GET", target, [*headers, ("Host", "h")])

    plain, label, prefix = labelled(sent)

    assert (plain.target, label, prefix) == expected
    assert plain.headers == (("Host", "h"),)


def log_in(apple: Apple, target: str) -> str:
    """Log in as a client with that base URL does: it signs what it asks for."""
    token = apple.token()
    parameters = {
        "oauth_consumer_key": token["consumer_key"],
        "oauth_token": token["access_token"],
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(apple.now_ms // 1000),
        "oauth_nonce": target,
        "oauth_version": "1.0",
    }
    parameters["oauth_signature"] = oauth1.sign(
        "GET",
        f"https://mdmenrollment.apple.com{target}",
        parameters.items(),
        consumer_secret=token["consumer_secret"],
        token_secret=token["access_secret"],
    )
    headers = [("Host", "mdmenrollment.apple.com"), ("User-Agent", AGENT)]
    headers.append(("Authorization", authorization(parameters)))
    answer = apple.send(request("GET", target, headers))
    assert answer.status == 200, answer.text
    session: str = answer.json["auth_session_token"]
    return session


def test_a_client_with_a_path_in_its_base_url_works_and_is_labelled() -> None:
    apple = Apple()
    session = log_in(apple, "/s/suite-1/session")

    answer = apple.call("GET", "/s/suite-1/account", session=session)

    assert answer.status == 200
    assert answer.exchange.session == "suite-1"
    assert answer.exchange.operation == "dep.account"
    assert answer.exchange.request.target == "/account"
    assert answer.exchange.findings == []


def test_urls_in_answers_lead_back_under_the_label() -> None:
    apple = Vpp()
    headers = [("Host", "vpp.example"), ("User-Agent", AGENT)]

    answer = apple.send(request("GET", "/s/suite-1/mdm/v2/service/config", headers))

    urls = answer.json["urls"]
    assert urls["getAssets"] == "https://vpp.example/s/suite-1/mdm/v2/assets"
    assert all("/s/suite-1/" in url for url in urls.values())


def test_a_push_is_labelled_too() -> None:
    apple = Apple()
    headers = [("Host", "api.push.apple.com"), ("apns-topic", "com.apple.mgmt.x")]

    answer = apple.send(request("POST", f"/s/two/3/device/{'a1' * 32}", headers, b"{}"))

    assert (answer.exchange.session, answer.exchange.service) == ("two", "apns")
    assert answer.exchange.operation == "apns.push"
