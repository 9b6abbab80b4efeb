import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.pki.authority import Authority
from simulator.services.dep import skip_keys
from simulator.services.fleet import portal
from tests.apple import Answer, Apple

MINIMAL = {"profile_name": "Staff", "url": "https://mdm.example.com/enrol"}
DROP = object()


def define(apple: Apple, session: str, **changes: Any) -> Answer:
    body = {name: value for name, value in (MINIMAL | changes).items() if value is not DROP}
    return apple.call("POST", "/profile", body, session=session)


def get(apple: Apple, session: str, uuid: str) -> Answer:
    return apple.call("GET", f"/profile?profile_uuid={uuid}", session=session)


def test_a_profile_is_stored_under_a_new_identifier_each_time(apple: Apple) -> None:
    session = apple.session()

    first, second = define(apple, session), define(apple, session)

    assert first.json["devices"] == {}
    assert len(first.json["profile_uuid"]) == 32
    assert first.json["profile_uuid"] != second.json["profile_uuid"]


def test_a_stored_profile_has_all_flags_and_what_was_set(apple: Apple) -> None:
    session = apple.session()
    given = {
        "is_supervised": True,
        "is_mdm_removable": False,
        "skip_setup_items": ["Siri", "NotAPane"],
        "org_magic": "x",
        "department": "IT Norr",
    }
    uuid = define(apple, session, devices=[], **given).json["profile_uuid"]

    found = get(apple, session, uuid).json

    assert found == {
        "profile_uuid": uuid,
        **MINIMAL,
        **given,
        "allow_pairing": True,
        "is_multi_user": False,
        "is_mandatory": False,
        "await_device_configured": False,
        "auto_advance_setup": False,
        "is_return_to_service": False,
        "do_not_use_profile_from_backup": False,
    }


@pytest.mark.parametrize("form", [str.lower, lambda u: f"{u[:8]}-{u[8:12]}-{u[12:]}"])
def test_case_and_dashes_of_an_identifier_do_not_count(apple: Apple, form: Any) -> None:
    session = apple.session()
    uuid = define(apple, session).json["profile_uuid"]

    assert get(apple, session, form(uuid)).status == 200


@pytest.mark.parametrize(
    ("query", "error"),
    [
        pytest.param("", "PROFILE_UUID_REQUIRED", id="no-query"),
        pytest.param("?profile_uuid=", "PROFILE_UUID_REQUIRED", id="empty"),
        pytest.param("?profile_uuid=0A1B", "NOT_FOUND", id="unknown"),
    ],
)
def test_a_profile_that_is_not_there(apple: Apple, query: str, error: str) -> None:
    answer = apple.call("GET", f"/profile{query}", session=apple.session())

    assert answer.text == error
    assert answer.status == (404 if error == "NOT_FOUND" else 400)


def test_a_profile_belongs_to_the_server_that_defined_it(apple: Apple) -> None:
    uuid = define(apple, apple.session("a")).json["profile_uuid"]

    assert get(apple, apple.session("b"), uuid).status == 404


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"profile_name": DROP}, "CONFIG_NAME_REQUIRED", id="no-name"),
        pytest.param({"profile_name": None}, "CONFIG_NAME_REQUIRED", id="null-name"),
        pytest.param({"profile_name": ""}, "CONFIG_NAME_INVALID", id="empty-name"),
        pytest.param({"profile_name": "x" * 126}, "CONFIG_NAME_INVALID", id="long-name"),
        pytest.param({"profile_name": "å" * 125}, "", id="longest-name"),
        pytest.param({"url": DROP}, "CONFIG_URL_REQUIRED", id="no-url"),
        pytest.param({"url": ""}, "CONFIG_URL_INVALID", id="empty-url"),
        pytest.param({"url": "mdm.example.com"}, "CONFIG_URL_INVALID", id="no-scheme"),
        pytest.param({"url": "https://a b/"}, "CONFIG_URL_INVALID", id="space"),
        pytest.param({"url": "https://[::1/"}, "CONFIG_URL_INVALID", id="bracket"),
        pytest.param({"url": "https://h:99999/"}, "CONFIG_URL_INVALID", id="port"),
        pytest.param({"url": "https://h/" + "x" * 1991}, "CONFIG_URL_INVALID", id="long-url"),
        pytest.param({"url": "https://h/" + "x" * 1990}, "", id="longest-url"),
        pytest.param({"url": "https://[::1]:8443/e"}, "", id="ipv6-url"),
        pytest.param({"is_mdm_removable": False}, "FLAGS_INVALID", id="flags"),
        pytest.param(
            {"is_mdm_removable": False, "is_supervised": False}, "FLAGS_INVALID", id="flags-false"
        ),
        pytest.param({"is_mdm_removable": False, "is_supervised": True}, "", id="flags-good"),
        pytest.param({"support_phone_number": ""}, "SUPPORT_PHONE_INVALID", id="no-phone"),
        pytest.param({"support_phone_number": "1" * 51}, "SUPPORT_PHONE_INVALID", id="phone"),
        pytest.param({"support_email_address": ""}, "SUPPORT_EMAIL_INVALID", id="no-email"),
        pytest.param({"support_email_address": "x" * 251}, "SUPPORT_EMAIL_INVALID", id="email"),
        pytest.param({"support_email_address": "(Optional) a@b.c"}, "", id="odd-email"),
        pytest.param({"department": ""}, "DEPARTMENT_INVALID", id="no-department"),
        pytest.param({"department": "x" * 126}, "DEPARTMENT_INVALID", id="department"),
        pytest.param({"org_magic": "x" * 257}, "MAGIC_INVALID", id="magic"),
        pytest.param({"org_magic": ""}, "", id="no-magic"),
        pytest.param({"language": "swedish"}, "LOCALE_INVALID", id="language"),
        pytest.param({"region": "se"}, "LOCALE_INVALID", id="region"),
        pytest.param({"language": "sv", "region": "SE"}, "", id="locale"),
        pytest.param({"configuration_web_url": "http://x.y"}, "CONFIG_URL_INVALID", id="web"),
        pytest.param({"profile_name": 5}, "MALFORMED_REQUEST_BODY", id="type"),
        pytest.param({"devices": "SN1"}, "MALFORMED_REQUEST_BODY", id="devices"),
        pytest.param({"devices": ["SN1", 2]}, "MALFORMED_REQUEST_BODY", id="device-type"),
        pytest.param({"is_supervised": "true"}, "MALFORMED_REQUEST_BODY", id="flag-type"),
    ],
)
def test_the_rules_of_the_table_give_their_codes(
    apple: Apple, changes: dict[str, Any], error: str
) -> None:
    answer = define(apple, apple.session(), **changes)

    assert answer.status == (400 if error else 200)
    assert answer.text == error if error else answer.json["profile_uuid"]


def test_required_comes_before_invalid_and_a_wrong_type_before_both(apple: Apple) -> None:
    session = apple.session()
    wrong = {"profile_name": "", "url": DROP, "department": ""}

    assert define(apple, session, **wrong).text == "CONFIG_URL_REQUIRED"
    assert define(apple, session, profile_name="", department="").text == "CONFIG_NAME_INVALID"
    assert define(apple, session, **wrong, org_magic=1).text == "MALFORMED_REQUEST_BODY"


def test_what_only_strict_refuses_is_noted(apple: Apple) -> None:
    changes: dict[str, Any] = {
        "assigned_user": "anna",
        "allow_pairing": False,
        "skip_setup_items": ["Sirri"],
    }
    lenient = define(apple, apple.session(), **changes)
    strict = Apple(strictness="strict")

    refused = define(strict, strict.session(), **changes)

    assert lenient.status == 200
    assert lenient.rules == ["field-invalid", "field-deprecated", "field-unknown"]
    assert (refused.status, refused.text) == (400, "MALFORMED_REQUEST_BODY")


def test_observe_refuses_nothing_that_can_be_stored() -> None:
    apple = Apple(strictness="observe")

    answer = define(apple, apple.session(), profile_name=DROP, url="no url", department=7)

    assert answer.status == 200
    assert {"field-missing", "field-invalid", "field-type"} <= set(answer.rules)


def test_certificates_are_read(apple: Apple) -> None:
    pem = Authority.create(datetime(2026, 1, 1, tzinfo=UTC)).certificate_pem.decode()
    der = "".join(pem.splitlines()[1:-1])
    session = apple.session()

    good = define(apple, session, anchor_certs=[der])
    bad = define(apple, session, anchor_certs=[base64.b64encode(b"no certificate").decode()])

    assert (good.status, good.rules) == (200, [])
    assert (bad.status, bad.rules) == (200, ["field-invalid"])


def test_devices_that_are_named_get_the_profile_at_once(apple: Apple) -> None:
    apple.add("SN1", "SN2")
    apple.home(lambda home: portal.throttle(home, "SN2", 60, now_ms=apple.now_ms))
    session = apple.session()

    answer = define(apple, session, devices=["SN1", "SN2", "NOPE"])

    expected = {"SN1": "SUCCESS", "SN2": "FAILED", "NOPE": "NOT_ACCESSIBLE"}
    assert answer.json["devices"] == expected
    record = apple.home(lambda home: portal.device(home, "SN1")).record
    assert record["profile_uuid"] == answer.json["profile_uuid"]


def test_fields_are_noted_that_are_newer_than_the_version_sent(apple: Apple) -> None:
    session = apple.session()
    body = MINIMAL | {"support_email_address": "a@b.c", "await_device_configured": True}

    answer = apple.call("POST", "/profile", body, session=session, version=1)

    assert answer.status == 200
    assert answer.rules == ["field-version", "field-version"]
    assert {finding.at for finding in answer.exchange.findings} == {
        "/support_email_address",
        "/await_device_configured",
    }


def test_the_skip_keys_are_those_of_the_table() -> None:
    assert len(skip_keys.CURRENT) == len(set(skip_keys.ALL)) - 5 == 52


def test_a_finding_names_the_panes_that_are_not_known(apple: Apple) -> None:
    panes = ["AdditionalPrivacySettings", "Sirri", "Locatoin", "anna@acme.example", "x" * 99]

    (found,) = define(apple, apple.session(), skip_setup_items=panes).exchange.findings

    text = "skip_setup_items holds no known pane with Sirri, Locatoin, 2 more: is it misspelt?"
    assert found.message == text


def test_a_profile_that_was_read_can_be_defined_again_with_a_finding(apple: Apple) -> None:
    session = apple.session()
    uuid = define(apple, session).json["profile_uuid"]
    read = apple.call("GET", f"/profile?profile_uuid={uuid}", session=session).json

    answer = apple.call("POST", "/profile", read, session=session)
    strict = Apple(strictness="strict")
    refused = strict.call("POST", "/profile", read, session=strict.session())

    assert answer.status == 200
    places = {one.at: one.rule for one in answer.exchange.findings}
    assert places["/profile_uuid"] == "field-answer-only"
    assert "field-unknown" not in places.values()
    assert (refused.status, refused.text) == (400, "MALFORMED_REQUEST_BODY")
