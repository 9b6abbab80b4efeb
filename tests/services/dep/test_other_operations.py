import re
from typing import Any

import pytest

from simulator.services import organisations
from simulator.services.dep.account import URLS
from simulator.services.fleet import locks, portal, servers
from tests.apple import Apple, described


def change(apple: Apple, **facts: Any) -> None:
    apple.run(lambda state: organisations.change_organisation(state, "acme", **facts))


@pytest.mark.parametrize(
    ("version", "later"), [pytest.param(v, v >= 3, id=str(v)) for v in (1, 2, 3, 7, 10)]
)
def test_the_account_by_version(apple: Apple, version: int, later: bool) -> None:
    answer = apple.call("GET", "/account", session=apple.session(), version=version)

    account = answer.json
    assert account["server_name"] == "Server a"
    assert account["admin_id"] == account["facilitator_id"] == "admin@acme.example"
    assert account["org_address"] == "Storgatan 1"
    for name in ("org_id", "org_id_hash", "org_type", "org_version", "urls"):
        assert (name in account) == later
    assert answer.header("X-Server-Protocol-Version") == str(version)


def test_the_account_advertises_what_there_is(apple: Apple) -> None:
    operations = [one for one in apple.catalogue.operations.values() if one.service == "dep"]
    routes = {(one.path, method) for one in operations for method in one.methods}

    advertised = {(url["uri"], method) for url in URLS for method in url["http_method"]}

    # Rosters are advertised to schools alone, and /token is depsim's.
    others = ("/example", "/roster", "/token")
    of_all = {route for route in routes if not route[0].startswith(others)}
    assert advertised == of_all


def test_limits_are_advertised_for_the_two_that_have_pages(apple: Apple) -> None:
    urls = apple.call("GET", "/account", session=apple.session()).json["urls"]

    limits = {url["uri"]: url["limit"] for url in urls if "limit" in url}
    both = {"default": 1000, "maximum": 1000}
    assert limits == {"/server/devices": both, "/devices/sync": both}


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        pytest.param("SN1", "SUCCESS", id="ipad"),
        pytest.param("MAC", "DEVICE_NOT_SUPPORTED", id="mac"),
        pytest.param("BAD", "FAILED", id="failing"),
        pytest.param("NOPE", "NOT_ACCESSIBLE", id="unknown"),
    ],
)
def test_activation_lock_by_device(apple: Apple, device: str, expected: str) -> None:
    apple.add("SN1", "BAD")
    apple.add("MAC", device_family="Mac", os="OSX")
    apple.home(lambda home: portal.fail(home, "BAD", failing=True, now_ms=apple.now_ms))
    body = {"device": device, "escrow_key": "", "lost_message": ""}
    session = apple.session()

    answer = apple.call("POST", "/device/activationlock", body, session=session)
    again = apple.call("POST", "/device/activationlock", body, session=session)

    assert answer.json == {"serial_number": device, "response_status": expected}
    if expected == "SUCCESS":
        assert again.json["response_status"] == "DEVICE_ALREADY_LOCKED"


def test_a_migration_removes_the_lock_of_the_server_before(apple: Apple) -> None:
    apple.add("SN1")
    apple.call("POST", "/device/activationlock", {"device": "SN1"}, session=apple.session())
    before = apple.home(lambda home: portal.device(home, "SN1").locked)

    apple.home(lambda home: portal.migrate(home, "SN1", apple.now_ms, now_ms=apple.now_ms))
    apple.home(lambda home: portal.complete_migration(home, "SN1", now_ms=apple.now_ms))

    after = apple.home(lambda home: (locks.find(home, "SN1"), portal.device(home, "SN1").locked))
    assert (before, after) == (True, (None, False))


@pytest.mark.parametrize("strictness", ["apple", "observe"])
def test_activation_lock_needs_a_device(strictness: str) -> None:
    apple = Apple(strictness=strictness)

    answer = apple.call("POST", "/device/activationlock", {}, session=apple.session())

    assert (answer.status, answer.text) == (400, "MALFORMED_REQUEST_BODY")


def test_old_programs_have_neither_lock_nor_discovery(apple: Apple) -> None:
    change(apple, org_version="v1")
    session = apple.session()

    lock = apple.call("POST", "/device/activationlock", {"device": "SN1"}, session=session)
    answers = [
        apple.call("GET", "/account-driven-enrollment/profile", session=session),
        apple.call("DELETE", "/account-driven-enrollment/profile", session=session),
        apple.call(
            "POST",
            "/account-driven-enrollment/profile",
            {"mdm_service_discovery_url": "https://m.example"},
            session=session,
        ),
    ]

    assert lock.json["response_status"] == "ORG_NOT_SUPPORTED"
    assert {(answer.status, answer.text) for answer in answers} == {(400, "ORG_NOT_SUPPORTED")}


@pytest.mark.parametrize(
    ("path", "first"),
    [
        pytest.param("/device/activationlock", 2, id="lock"),
        pytest.param("/device/replacementDetails?device=SN1", 10, id="replacement"),
    ],
)
def test_an_operation_is_not_found_before_its_version(apple: Apple, path: str, first: int) -> None:
    method, body = ("POST", {"device": "SN1"}) if "lock" in path else ("GET", None)
    session = apple.session()

    early = apple.call(method, path, body, session=session, version=first - 1)

    assert (early.status, early.text) == (404, "NOT_FOUND")
    assert early.rules == ["operation-version"]
    answer = apple.call(method, path, body, session=session, version=first)
    assert answer.exchange.error != "NOT_FOUND"


@pytest.mark.parametrize(
    ("setting", "status"), [pytest.param(400, 400, id="live"), pytest.param(404, 404, id="doc")]
)
def test_a_device_that_replaced_none_is_not_found(setting: int, status: int) -> None:
    apple = Apple(replacement_not_found=setting)
    apple.add("SN1")

    answer = apple.call("GET", "/device/replacementDetails?device=SN1", session=apple.session())

    assert (answer.status, answer.text) == (status, "DEVICE_NOT_FOUND")


@pytest.mark.parametrize("query", ["", "?device=", "?serial=SN1"])
@pytest.mark.parametrize("strictness", ["apple", "observe"])
def test_replacement_details_need_a_device(query: str, strictness: str) -> None:
    apple = Apple(strictness=strictness)

    answer = apple.call("GET", f"/device/replacementDetails{query}", session=apple.session())

    assert (answer.status, answer.text) == (400, "DEVICE_ID_REQUIRED")


def test_beta_tokens_unless_apple_seed_is_off(apple: Apple) -> None:
    session = apple.session()

    tokens = apple.call("GET", "/os-beta-enrollment/tokens", session=session, version=1).json
    change(apple, apple_seed=False)
    off = apple.call("GET", "/os-beta-enrollment/tokens", session=session)

    listed = tokens["betaEnrollmentTokens"]
    systems = {"iOS", "OSX", "tvOS", "watchOS", "visionOS", "homePodOS"}
    assert {one["os"] for one in listed} == systems
    assert len(listed) == len({one["token"] for one in listed}) == 15
    assert all(re.fullmatch("[A-Za-z0-9]{64}", one["token"]) for one in listed)
    assert not any(one["token"].islower() for one in listed)
    assert (off.status, off.text) == (403, "APPLE_SEED_FOR_IT_TURNED_OFF")


def test_the_discovery_url_is_set_read_and_removed(apple: Apple) -> None:
    path, session = "/account-driven-enrollment/profile", apple.session()
    url = "https://mdm.example.com/.well-known/com.apple.remotemanagement"

    before = apple.call("GET", path, session=session)
    stored = apple.call("POST", path, {"mdm_service_discovery_url": url}, session=session)
    found = apple.call("GET", path, session=session)
    removed = apple.call("DELETE", path, session=session)
    again = apple.call("DELETE", path, session=session)

    assert (before.status, before.text) == (404, "NOT_FOUND")
    assert stored.json == removed.json == {}
    assert found.json == {
        "mdm_service_discovery_url": url,
        "last_updated_timestamp": "2026-03-01T12:00:00Z",
    }
    assert again.status == 404


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param({}, "MDM_SERVICE_DISCOVERY_URL_REQUIRED", id="absent"),
        pytest.param({"mdm_service_discovery_url": ""}, "NOT_VALID", id="empty"),
        pytest.param({"mdm_service_discovery_url": "http://x.y"}, "NOT_VALID", id="http"),
        pytest.param({"mdm_service_discovery_url": "https://"}, "NOT_VALID", id="no-host"),
        pytest.param({"mdm_service_discovery_url": "https://[x"}, "NOT_VALID", id="bracket"),
    ],
)
def test_a_bad_discovery_url(apple: Apple, body: dict[str, Any], error: str) -> None:
    path = "/account-driven-enrollment/profile"

    answer = apple.call("POST", path, body, session=apple.session())

    assert answer.status == 400
    assert answer.text.endswith(error)


def test_two_servers_cannot_have_one_name(apple: Apple) -> None:
    with pytest.raises(ValueError, match="called Server a already"):
        apple.home(
            lambda home: servers.add_server(home, "c", "Server a", random_hex=apple.random_hex)
        )


def test_ready_json_gets_the_current_tokens(apple: Apple) -> None:
    organisations = apple.run(described)

    servers = organisations[0]["dep_servers"]
    assert [one["id"] for one in servers] == ["a", "b"]
    assert servers[0]["token"]["consumer_secret"] == apple.token("a")["consumer_secret"]
    assert "state" not in servers[0]["token"]
