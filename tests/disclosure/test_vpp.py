"""What the calls of Apps and Books disclose, by the real rows."""

from typing import Any

import pytest

from simulator import services
from simulator.core.messages import Request
from simulator.disclosure.observe.observation import Observer
from simulator.disclosure.observe.values import Fingerprinter
from tests.apple import KEY, request

CATALOGUE = services.load()
OBSERVER = Observer(CATALOGUE, Fingerprinter(KEY))
STOKEN = (
    "eyJ0b2tlbiI6IkZBS0UtY29udGVudC10b2tlbi0wMDAxIiwiZXhwRGF0ZSI6IjIwMjctMDYtMzBUMDA6MDA6MDArMDAwMC"
    "IsIm9yZ05hbWUiOiJPUkcyMDI2MDAwMDAxIn0="
)
SERIAL_FP = "991bd4109c7126cd"
"""Of C8TJ500QF1MN, wherever it appears (disclosure.md 4.8)."""


def disclosed(sent: Request) -> dict[tuple[str, str], Any]:
    """Return the records of a request by place; the same from the wire and from the journal."""
    match = CATALOGUE.match(sent)
    assert match.operation is not None
    wire = OBSERVER.observe(sent, match.operation, match.service, sealed=False)
    stored = OBSERVER.seal_request(sent, match.operation, match.service)
    kept = OBSERVER.observe(stored, match.operation, match.service)
    assert [(one.part, one.at, one.concept, one.fp) for one in wire] == [
        (one.part, one.at, one.concept, one.fp) for one in kept
    ]
    assert STOKEN not in str(stored)
    return {(one.part, one.at): one for one in wire}


def post(path: str, body: bytes, *headers: tuple[str, str]) -> Request:
    return request("POST", path, [("Host", "vpp.itunes.apple.com"), *headers], body)


BEARER = ("Authorization", f"Bearer {STOKEN}")


def test_a_context_is_json_in_a_text() -> None:
    context = rb"{\"hostname\":\"mdm.example.com\",\"guid\":\"1111\",\"ac2\":1,\"owner\":\"x\"}"
    body = b'{"sToken": "%s", "clientContext": "%s"}' % (STOKEN.encode(), context)

    found = disclosed(post("/mdm/VPPClientConfigSrv", body))

    inside = {at: one for (_, at), one in found.items() if at.startswith("/clientContext#")}
    assert {at: one.concept for at, one in inside.items()} == {
        "/clientContext#/hostname": "server.hostname",
        "/clientContext#/guid": "server.install_guid",
        "/clientContext#/ac2": "protocol",
        "/clientContext#/owner": "vpp.client_context",
    }
    assert {one.via for one in inside.values()} == {"json"}


@pytest.mark.parametrize("context", ["token being used in v2", "[1]", ""])
def test_a_context_that_is_no_object_has_nothing_inside(context: str) -> None:
    body = b'{"sToken": "%s", "clientContext": "%s"}' % (STOKEN.encode(), context.encode())

    found = disclosed(post("/mdm/VPPClientConfigSrv", body))

    assert [at for _, at in found if at.startswith("/clientContext")] == ["/clientContext"]


def test_a_token_in_the_query_is_out_of_place() -> None:
    found = disclosed(post(f"/mdm/getVPPUsersSrv?sToken={STOKEN}", b"{}"))

    one = found[("query", "sToken")]
    assert (one.concept, one.secret, one.documented) == ("vpp.content_token", "yes", False)
    assert {"misplaced-credential", "secret-in-url"} <= set(one.flags)


def test_an_app_goes_to_a_device_and_a_person() -> None:
    body = (
        b'{"assets": [{"adamId": "1000000001", "pricingParam": "STDQ"}],'
        b' "clientUserIds": ["u-1"], "serialNumbers": ["C8TJ500QF1MN"]}'
    )

    found = disclosed(post("/mdm/v2/assets/associate", body, BEARER))

    concepts = {at: one.concept for (part, at), one in found.items() if part == "body"}
    assert concepts == {
        "/assets/0/adamId": "vpp.adam_id",
        "/assets/0/pricingParam": "vpp.pricing",
        "/clientUserIds/0": "vpp.client_user_id",
        "/serialNumbers/0": "device.serial",
    }
    assert found[("body", "/serialNumbers/0")].fp == SERIAL_FP
    assert all(one.documented for one in found.values())


def test_a_serial_is_the_same_in_the_query_and_in_v1() -> None:
    asked = disclosed(
        request("GET", "/mdm/v2/assignments?serialNumber=c8tj500qf1mn", [("Host", "x"), BEARER])
    )
    body = b'{"adamIdStr": 1, "associateSerialNumbers": ["C8TJ500QF1MN"]}'
    managed = disclosed(post("/mdm/manageVPPLicensesByAdamIdSrv", body))

    assert asked[("query", "serialNumber")].fp == SERIAL_FP
    assert managed[("body", "/associateSerialNumbers/0")].fp == SERIAL_FP
    assert managed[("body", "/adamIdStr")].documented


def test_numbers_of_subscriptions_are_documented() -> None:
    body = b'{"adamIds": [2000000001, "x"], "clientUserIds": ["u-1"]}'

    found = disclosed(post("/mdm/v2/subscriptions/admins/add", body, BEARER))

    assert found[("body", "/adamIds/0")].documented
    assert not found[("body", "/adamIds/1")].documented


def test_a_query_in_the_notification_url_is_a_secret() -> None:
    body = b'{"notificationUrl": "https://mdm.example.com/hook?key=FAKE-key-1"}'

    found = disclosed(post("/mdm/v2/client/config", body, BEARER))

    assert found[("body", "/notificationUrl?key")].concept == "server.notify_url.query"
    assert found[("body", "/notificationUrl?key")].secret == "yes"


def test_an_address_for_an_id_is_flagged_in_v2_too() -> None:
    body = b'{"users": [{"clientUserId": "anna@example.com", "email": "anna@example.com"}]}'

    found = disclosed(post("/mdm/v2/users/create", body, BEARER))

    flags = found[("body", "/users/0/clientUserId")].flags
    assert "value:email-in-opaque-id" in flags
    assert "value:same-as:user.email" in flags
