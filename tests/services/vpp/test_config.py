"""What the service offers, and who uses the location."""

import json
from typing import Any

import pytest

from simulator.faults import faults, outcomes
from simulator.faults.faults import Fault
from simulator.services.vpp.limits import LIMITS
from tests.vpp import HOOK, MDM, Vpp


def configure(apple: Vpp, **body: Any) -> Any:
    return apple.v2("POST", "/client/config", body)


def test_the_service_config_needs_no_token() -> None:
    answer = Vpp().v2("GET", "/service/config", token=None)

    body = answer.json
    assert answer.status == 200
    assert len(body["errorCodes"]) == 38
    numbers = [one["errorNumber"] for one in body["errorCodes"]]
    assert numbers[:9] == [9601, 9602, 9603, 9609, 9621, 9625, 9634, 9646, 9650]
    assert numbers[9:] == list(range(9700, 9729))
    assert body["limits"] == LIMITS
    assert set(body) == {"errorCodes", "limits", "notificationTypes", "urls"}


def test_urls_lead_to_the_address_that_was_asked() -> None:
    apple = Vpp()

    body = apple.v2("GET", "/service/config").json
    assert all(url.startswith("https://vpp.itunes.apple.com/") for url in body["urls"].values())
    assert "inviteCode=%25inviteCode%25" in body["urls"]["invitationEmail"]
    assert len(body["urls"]) == 13


def test_every_url_but_the_invitation_is_answered() -> None:
    apple = Vpp()
    urls = apple.v2("GET", "/service/config").json["urls"]

    for name, url in urls.items():
        path = url.removeprefix("https://vpp.itunes.apple.com")
        if name in ("invitationEmail", "contentMetadataLookup"):
            continue
        operations = [one for one in apple.catalogue.operations.values() if one.path == path]
        assert operations, name


def test_the_configuration_has_what_clients_insist_on() -> None:
    answer = Vpp().v2("GET", "/client/config")

    body = answer.json
    assert body == {
        "countryISO2ACode": "US",
        "defaultPlatform": "enterprisestore",
        "locationName": "HQ",
        "websiteURL": "https://business.apple.com",
        "tokenExpirationDate": "2027-03-01T12:00:00+0000",
        "uId": body["uId"],
    }


def test_who_claims_the_location_stands_in_every_answer() -> None:
    apple = Vpp()

    claimed = configure(apple, mdmInfo=MDM)

    assert claimed.json["mdmInfo"] == MDM
    for path in ("/client/config", "/assets", "/assignments", "/users", "/subscriptions"):
        assert apple.v2("GET", path).json["mdmInfo"] == MDM
    stolen = MDM | {"id": "mdm-2"}
    configure(apple, mdmInfo=stolen)
    assert apple.v2("GET", "/assets").json["mdmInfo"] == stolen


def test_notifications_are_set_replaced_and_ended() -> None:
    apple = Vpp()

    first = configure(apple, **HOOK).json
    types = configure(apple, notificationTypes=["TEST_NOTIFICATION", "ASSET_COUNT"]).json
    ended = configure(apple, notificationUrl="", notificationAuthToken="").json

    assert first["notificationUrl"] == HOOK["notificationUrl"]
    assert first["notificationAuthToken"] == HOOK["notificationAuthToken"]
    assert first["subscribedNotificationTypes"] == HOOK["notificationTypes"]
    assert types["subscribedNotificationTypes"] == ["ASSET_COUNT"]
    assert types["notificationUrl"] == HOOK["notificationUrl"]
    assert "notificationUrl" not in ended


def test_the_secret_is_told_to_the_client_and_to_nobody_else() -> None:
    apple = Vpp()

    answer = configure(apple, **HOOK)

    stored = apple.recorded[-1]
    assert b"FAKE-notify-secret" in answer.response.body
    assert b"FAKE-notify-secret" not in stored.response.body
    assert b"FAKE-notify-secret" not in stored.request.body
    assert apple.stoken not in str(stored.request)


URL = HOOK["notificationUrl"]
TOKEN = "FAKE-token"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"notificationUrl": URL}, 9710, id="url-alone"),
        pytest.param({"notificationAuthToken": TOKEN}, 9710, id="token-alone"),
        pytest.param(
            {"notificationUrl": "http://x.example/", "notificationAuthToken": TOKEN},
            9712,
            id="http",
        ),
        pytest.param(
            {"notificationUrl": "nonsense", "notificationAuthToken": TOKEN}, 9712, id="no-url"
        ),
        pytest.param(
            {"notificationUrl": "https://[x", "notificationAuthToken": TOKEN}, 9712, id="broken"
        ),
        pytest.param(
            {"notificationUrl": f"{URL}\r\nX-A: b", "notificationAuthToken": TOKEN},
            9712,
            id="line-break",
        ),
        pytest.param(
            {"notificationUrl": f"{URL}?a=b", "notificationAuthToken": TOKEN}, 9712, id="query"
        ),
        pytest.param(
            {"notificationUrl": URL + "/" * 513, "notificationAuthToken": TOKEN},
            9711,
            id="long-url",
        ),
        pytest.param(
            {"notificationUrl": URL, "notificationAuthToken": "x" * 513}, 9711, id="long-token"
        ),
        pytest.param({"mdmInfo": {"id": "1", "name": "MDM"}}, 9723, id="no-metadata"),
        pytest.param({"mdmInfo": MDM | {"id": ""}}, 9723, id="empty-id"),
        pytest.param({"mdmInfo": MDM | {"id": "x" * 101}}, 9724, id="long-id"),
        pytest.param({"mdmInfo": MDM | {"name": "x" * 101}}, 9725, id="long-name"),
        pytest.param({"mdmInfo": MDM | {"metadata": "x" * 256}}, 9713, id="long-metadata"),
        pytest.param({"notificationTypes": ["ALL"]}, 9602, id="unknown-type"),
        pytest.param({"notificationTypes": "ASSET_COUNT"}, 9602, id="text"),
        pytest.param({"mdmInfo": "mdm-1"}, 9602, id="no-object"),
    ],
)
def test_a_bad_configuration_is_refused_and_the_old_one_kept(body: Any, code: int) -> None:
    apple = Vpp()
    configure(apple, mdmInfo=MDM, **HOOK)
    before = apple.v2("GET", "/client/config").text

    answer = configure(apple, **body)

    assert (answer.status, answer.json["errorNumber"]) == (400, code)
    assert apple.v2("GET", "/client/config").text == before


def test_null_is_absent() -> None:
    answer = configure(Vpp(), mdmInfo=None, notificationUrl=None)

    assert answer.status == 200
    assert answer.rules == ["field-null", "field-null"]


def test_a_url_is_tried_before_anything_is_set() -> None:
    apple = Vpp()
    configure(apple, mdmInfo=MDM, **HOOK)
    before = apple.v2("GET", "/client/config").text
    apple.unreachable = "answered 500, and only a 2xx counts"

    answer = configure(apple, mdmInfo=MDM | {"id": "mdm-2"}, **HOOK)

    assert (answer.status, answer.json["errorNumber"]) == (400, 9728)
    assert "answered 500" in answer.exchange.findings[-1].message
    assert apple.v2("GET", "/client/config").text == before
    tried = apple.outbound_calls[-1]
    assert (tried.url, tried.token) == (HOOK["notificationUrl"], HOOK["notificationAuthToken"])
    assert json.loads(tried.body)["notificationType"] == "TEST_NOTIFICATION"
    assert len(apple.outbound_calls) == 2


@pytest.mark.parametrize(
    "match",
    [{"operation": "vpp2.config"}, {"operation": "vpp2.config", "organisation": "acme"}],
    ids=["before-the-client-is-known", "after"],
)
def test_a_fault_counts_a_request_once_though_it_is_begun_anew(match: Any) -> None:
    apple = Vpp()
    asked = outcomes.read(apple.catalogue, {"delivery": "delay", "match": match})
    fault = Fault("", asked.match, delivery=asked.name, given=asked.given, count=1)
    apple.run(lambda state: faults.arm(state, fault))

    first = configure(apple, mdmInfo=MDM, **HOOK)
    second = configure(apple, mdmInfo=MDM, **HOOK)

    assert len(apple.outbound_calls) == 2
    assert [one.response.delivery is not None for one in (first, second)] == [True, False]
    (shown,) = apple.run(lambda state: faults.listed(state, apple.now_ms))
    assert (shown["matched"], shown["touched"]) == (2, 1)


def test_a_request_that_is_begun_anew_is_one_of_the_second() -> None:
    apple = Vpp(vpp_requests_per_second=2)

    answers = [configure(apple, mdmInfo=MDM, **HOOK) for _ in range(3)]

    assert [one.json.get("errorNumber") for one in answers] == [None, None, 9646]


def test_nothing_is_tried_for_what_is_refused_anyway() -> None:
    apple = Vpp()

    configure(apple, **(HOOK | {"notificationTypes": ["ALL"]}))

    assert apple.outbound_calls == []
