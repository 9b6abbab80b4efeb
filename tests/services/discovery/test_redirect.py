"""Discovery: where a person's device is sent, and who is sent nowhere."""

import json
from urllib.parse import quote, urlencode

import pytest

from simulator.protocol import quirks
from tests.apple import AGENT, Answer, Apple, request

URL = "https://mdm.acme.example/discovery"
HOST = "axm-servicediscovery.apple.com"


def register(apple: Apple, url: str = URL) -> None:
    answer = apple.call(
        "POST",
        "/account-driven-enrollment/profile",
        {"mdm_service_discovery_url": url},
        session=apple.session(),
    )
    assert answer.status == 200


def ask(apple: Apple, query: str, host: str = HOST, path: str = "/mdmBaseURL") -> Answer:
    headers = [("Host", host), ("User-Agent", AGENT)]
    return apple.send(request("GET", f"{path}?{query}" if query else path, headers))


def by(identifier: str, family: str = "Mac") -> str:
    return urlencode({"user-identifier": identifier, "model-family": family})


@pytest.mark.parametrize(
    "identifier", ["anna@acme.example", "anna@appleid.acme.example", "Anna+x@ACME.Example"]
)
def test_a_device_is_sent_to_the_registered_url_with_its_query(
    apple: Apple, identifier: str
) -> None:
    register(apple)

    answer = ask(apple, by(identifier))

    assert (answer.status, answer.header("Location")) == (302, f"{URL}?{by(identifier)}")
    assert (answer.exchange.organisation, answer.rules) == ("acme", [])


def test_a_registered_query_stays_and_is_not_written_down(apple: Apple) -> None:
    register(apple, f"{URL}?secret=FAKE-discovery-secret")

    answer = ask(apple, by("anna@acme.example"))

    assert answer.header("Location").startswith(f"{URL}?secret=FAKE-discovery-secret&user-ident")
    recorded = dict(answer.exchange.response.headers)["Location"]
    assert recorded.startswith("<sealed discovery.redirect ")


def test_nobody_is_sent_on_before_a_url_is_registered_and_after_it_is_gone(apple: Apple) -> None:
    before = ask(apple, by("anna@acme.example"))
    register(apple)
    apple.call("DELETE", "/account-driven-enrollment/profile", session=apple.session())
    after = ask(apple, by("anna@acme.example"))

    for one in (before, after):
        assert (one.status, one.json, one.exchange.error) == (404, {}, "NOT_FOUND")
        assert one.header("Content-Type") == "application/json"


@pytest.mark.parametrize(
    "identifier",
    [
        pytest.param("anna@other.example", id="other-domain"),
        pytest.param("anna@sub.acme.example", id="below-the-domain"),
        pytest.param("anna@notacme.example", id="longer-domain"),
    ],
)
def test_who_is_of_no_organisation_is_sent_nowhere(apple: Apple, identifier: str) -> None:
    register(apple)

    answer = ask(apple, by(identifier))

    assert (answer.status, answer.exchange.error, answer.rules) == (404, "NOT_FOUND", [])


@pytest.mark.parametrize(
    "identifier",
    [
        pytest.param("", id="empty"),
        pytest.param("anna", id="no-domain"),
        pytest.param("@acme.example", id="no-name"),
        pytest.param("anna@other@acme.example", id="two-ats"),
        pytest.param("anna\uff20acme.example", id="full-width-at"),
        pytest.param("anna@acme\u3002example", id="ideographic-full-stop"),
        pytest.param("anna@\u0430cme.example", id="cyrillic-a"),
        pytest.param("anna@acme.example\u200b", id="zero-width-space"),
        pytest.param("an\u200dna@acme.example", id="joiner-in-name"),
        pytest.param("\u202eanna@acme.example", id="right-to-left"),
        pytest.param("anna@acme.ex\u00adample", id="soft-hyphen"),
        pytest.param("anna@a\u0308cme.example", id="combining"),
        pytest.param("anna @acme.example", id="space"),
        pytest.param("anna\x00@acme.example", id="nul"),
        pytest.param("anna@acme.example.", id="trailing-dot"),
        pytest.param("anna@acme..example", id="empty-label"),
        pytest.param("anna@[127.0.0.1]", id="address"),
    ],
)
def test_an_identifier_with_tricks_is_refused_with_a_finding(apple: Apple, identifier: str) -> None:
    register(apple)

    answer = ask(apple, by(identifier))

    assert (answer.status, answer.text) == (404, "{}")
    assert answer.exchange.error == "IDENTIFIER_INVALID"
    (finding,) = answer.exchange.findings
    assert (finding.rule, finding.at, finding.refused) == ("field-invalid", "user-identifier", True)
    assert not identifier or identifier not in finding.message


def test_without_an_identifier_it_says_what_is_missing(apple: Apple) -> None:
    register(apple)

    answer = ask(apple, "")

    assert (answer.exchange.error, answer.rules) == ("IDENTIFIER_INVALID", ["field-missing"])


@pytest.mark.parametrize(
    ("quirk", "status", "location"),
    [
        ("discovery.redirect-307", 307, f"{URL}?{by('anna@acme.example')}"),
        ("discovery.redirect-308", 308, f"{URL}?{by('anna@acme.example')}"),
        ("discovery.no-query", 302, URL),
        ("discovery.inline", 200, ""),
    ],
)
def test_what_is_not_known_of_the_redirect_is_a_switch(
    apple: Apple, quirk: str, status: int, location: str
) -> None:
    register(apple)
    apple.run(lambda state: quirks.switch(state, quirk, quirks.EVERYBODY, is_on=True))

    answer = ask(apple, by("anna@acme.example"))

    assert (answer.status, answer.header("Location")) == (status, location)
    if status == 200:
        assert answer.json == {"Servers": [{"Version": "mdm-byod", "BaseURL": URL}]}


def test_apples_own_mdm_knows_nobody(apple: Apple) -> None:
    register(apple)
    path = "/.well-known/com.apple.remotemanagement"

    answer = ask(apple, by("anna@acme.example"), "axm-adm-enroll.apple.com", path)

    assert (answer.status, json.loads(answer.text)) == (404, {})
    assert answer.exchange.operation == "discovery.fallback"


def test_it_tells_apple_who_signs_in_and_with_what(apple: Apple) -> None:
    register(apple)
    answer = ask(apple, f"user-identifier={quote('anna@acme.example')}&model-family=Watch")
    operation = apple.catalogue.operations["discovery.find"]

    records = apple.observer.observe(
        answer.exchange.request, operation, apple.catalogue.services["discovery"]
    )

    found = [(one.at, one.concept, one.clear) for one in records if one.part == "query"]
    assert found == [
        ("user-identifier", "user.managed_apple_id", None),
        ("model-family", "device.family", "Watch"),
    ]
