"""The first generation: the same state as the second, in a form of its own."""

import hashlib
import json
from typing import Any

import pytest

from simulator.services.vpp.domain import locations, portal
from tests.apple import request
from tests.vpp import APP, BOOK, FREE, MAC, MDM, SCARCE, USERS_ONLY, Vpp

CONTEXT = '{"hostname":"mdm.example.com","guid":"11111111-2222-4333-8444-555555555555"}'


def test_the_discovery_is_got_or_posted_at_both_bases() -> None:
    apple = Vpp()
    bases = ("/mdm", "/WebObjects/MZFinance.woa/wa")
    sent = [("Host", "vpp.itunes.apple.com")]

    for base in bases:
        for method, content in (("GET", b""), ("POST", b"{}"), ("POST", b"")):
            answer = apple.send(request(method, f"{base}/VPPServiceConfigSrv", sent, content))
            body = answer.json
            assert (answer.status, body["status"]) == (200, 0)
            assert body["getUsersSrvUrl"] == f"https://vpp.itunes.apple.com{base}/getVPPUsersSrv"
            assert body["getAssignmentsSrvUrl"].endswith("/getAssignments")
            assert body["maxBatchAssociateLicenseCount"] == 10
            assert {9602, 9622, 9637, 9729} <= {one["errorNumber"] for one in body["errorCodes"]}


def test_every_advertised_call_is_there() -> None:
    apple = Vpp()
    urls = apple.v1("VPPServiceConfigSrv").json
    paths = {one.path for one in apple.catalogue.operations.values()}

    calls = {name: url for name, url in urls.items() if name.endswith("SrvUrl")}
    assert len(calls) == 12
    assert {url.removeprefix("https://vpp.itunes.apple.com") for url in calls.values()} <= paths


def test_every_answer_has_what_they_all_have() -> None:
    body = Vpp().v1("getVPPAssetsSrv").json

    assert body["status"] == 0
    assert body["location"] == {"locationId": 2_100_000_000_000_001, "locationName": "HQ"}
    assert body["expirationMillis"] == 1_803_902_400_000
    assert body["uId"].isdigit()
    assert not {"clientContext", "tokenExpDate", "errorNumber"} & body.keys()


def test_the_expiry_date_is_told_in_the_last_fifteen_days() -> None:
    apple = Vpp()
    apple.renew(days=14)

    assert apple.v1("getVPPAssetsSrv").json["tokenExpDate"] == "2026-03-15T12:00:00+0000"


def test_a_legacy_token_has_no_location() -> None:
    apple = Vpp()
    apple.renew(legacy=True)

    assert "location" not in apple.v1("VPPClientConfigSrv").json


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"sToken": None}, 9600, id="missing"),
        pytest.param({"sToken": ""}, 9600, id="empty"),
        pytest.param({"sToken": "x"}, 9622, id="garbage"),
        pytest.param({"sToken": 5}, 9600, id="number"),
    ],
)
def test_a_bad_token_has_its_number_inside_a_200(body: Any, code: int) -> None:
    answer = Vpp().v1("getVPPUsersSrv", body)

    assert answer.status == 200
    assert (answer.json["status"], answer.json["errorNumber"]) == (-1, code)
    assert answer.exchange.findings[0].part == "body"


def test_revoked_expired_and_read_only_tokens_have_theirs() -> None:
    apple = Vpp()
    apple.renew(rights="read")
    refused = apple.v1("registerVPPUserSrv", {"clientUserIdStr": "u-1"}).json
    context = apple.v1("VPPClientConfigSrv", {"clientContext": CONTEXT}).json
    read = apple.v1("VPPClientConfigSrv").json
    apple.renew(days=-1)
    expired = apple.v1("VPPClientConfigSrv").json
    apple.home(lambda home: portal.revoke_token(home, "hq"))
    revoked = apple.v1("VPPClientConfigSrv").json

    assert (refused["errorNumber"], context["errorNumber"], read["status"]) == (9637, 9637, 0)
    assert (expired["errorNumber"], revoked["errorNumber"]) == (9621, 9625)


def test_a_token_in_the_query_is_survived() -> None:
    apple = Vpp()
    sent = [("Host", "vpp.itunes.apple.com")]

    answer = apple.send(request("POST", f"/mdm/getVPPAssetsSrv?sToken={apple.stoken}", sent, b"{}"))

    assert answer.json["status"] == 0
    assert "query-unknown" in answer.rules
    assert apple.stoken not in answer.exchange.request.target


def test_a_get_with_a_body_is_survived() -> None:
    assert Vpp().v1("VPPClientConfigSrv", method="GET").json["status"] == 0


def test_maintenance_has_its_number() -> None:
    apple = Vpp()
    apple.run(lambda state: portal.set_maintenance(state, on=True))

    assert apple.v1("getVPPAssetsSrv").json["errorNumber"] == 9644


def test_an_unreadable_body_comes_before_the_token() -> None:
    apple = Vpp()
    sent = [("Host", "x"), ("Content-Type", "application/json")]

    answer = apple.send(request("POST", "/mdm/getVPPUsersSrv", sent, b"{"))

    assert answer.json["errorNumber"] == 9602


def test_an_unknown_call_is_not_found() -> None:
    assert Vpp().v1("getEverythingSrv").json == {
        "status": -1,
        "errorNumber": 9604,
        "errorMessage": "Result not found",
    }


def test_the_context_is_kept_echoed_and_cleared() -> None:
    apple = Vpp()

    claimed = apple.v1("VPPClientConfigSrv", {"clientContext": CONTEXT}).json
    echoed = apple.v1("getVPPAssetsSrv").json
    cleared = apple.v1("VPPClientConfigSrv", {"clientContext": ""}).json

    assert claimed["clientContext"] == echoed["clientContext"] == CONTEXT
    assert "clientContext" not in cleared


def test_the_configuration_is_what_clients_decode() -> None:
    body = Vpp().v1("VPPClientConfigSrv", {"notificationToken": None, "verbose": True}).json

    assert body["appleId"] == body["email"] == "admin@acme.example"
    assert (body["countryCode"], body["defaultPlatform"]) == ("US", "enterprisestore")
    assert body["organizationId"] == 1234567
    assert body["organizationIdHash"] == hashlib.sha256(b"1234567").hexdigest()
    assert body["notificationToken"] == ""


def test_a_location_that_v2_has_claimed_says_so() -> None:
    apple = Vpp()
    apple.v1("VPPClientConfigSrv", {"clientContext": CONTEXT})

    apple.v2("POST", "/client/config", {"mdmInfo": MDM})

    assert apple.v1("getVPPAssetsSrv").json["clientContext"] == "token being used in v2"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"clientContext": "x" * 256}, 9602, id="long"),
        pytest.param({"clientContext": "é" * 128}, 9602, id="bytes"),
        pytest.param({"clientContext": {"guid": "1"}}, 9602, id="object"),
        pytest.param({"apnToken": "not a token!"}, 9623, id="apn"),
    ],
)
def test_a_bad_configuration_is_refused(body: Any, code: int) -> None:
    apple = Vpp()

    assert apple.v1("VPPClientConfigSrv", body).json["errorNumber"] == code
    assert "clientContext" not in apple.v1("VPPClientConfigSrv").json


def register(apple: Vpp, client: str = "u-1", **more: Any) -> Any:
    return apple.v1("registerVPPUserSrv", {"clientUserIdStr": client} | more).json


def test_registering_is_idempotent() -> None:
    apple = Vpp()

    first = register(apple, email="p@example.com")["user"]
    again = register(apple, email="other@example.com")["user"]

    assert first == again
    assert first["status"] == "Registered"
    assert first["userId"] >= 100_000
    assert first["inviteUrl"] == (
        "https://vpp.itunes.apple.com/WebObjects/MZFinance.woa/wa/associateVPPUserWithITSAccount"
        f"?cc=us&inviteCode={first['inviteCode']}&mt=8"
    )


def test_a_retired_user_comes_back_as_the_same_record_or_a_new_one() -> None:
    apple = Vpp()
    never = register(apple)["user"]["userId"]
    apple.v1("retireVPPUserSrv", {"clientUserIdStr": "u-1"})
    same = register(apple, managedAppleIDStr="anna@acme.example")["user"]
    apple.v1("retireVPPUserSrv", {"userId": same["userId"]})
    new = register(apple)["user"]

    assert same["userId"] == never != new["userId"]
    assert (same["status"], new["status"]) == ("Associated", "Registered")
    assert len(same["itsIdHash"]) == 28


def test_a_user_is_got_by_id_or_by_what_is_active() -> None:
    apple = Vpp()
    user = register(apple, managedAppleIDStr="anna@acme.example")["user"]
    apple.associate(APP, users=["u-1"])

    def get(**body: Any) -> Any:
        return apple.v1("getVPPUserSrv", body).json

    licence = get(clientUserIdStr="u-1")["user"]["licenses"][0]
    assert (licence["adamIdStr"], licence["status"]) == (APP, "Associated")
    assert licence["userIdStr"] == str(user["userId"])
    apple.v1("retireVPPUserSrv", {"userId": user["userId"]})
    assert get(clientUserIdStr="u-1")["errorNumber"] == 9604
    assert get(userId=user["userId"])["user"]["status"] == "Retired"
    assert get(userId=str(user["userId"]))["status"] == 0
    by_hash = get(clientUserIdStr="u-1", itsIdHash=user["itsIdHash"])
    assert by_hash["user"]["status"] == "Retired"
    assert get()["errorNumber"] == 9600
    assert get(userId=1)["errorNumber"] == 9604
    assert get(userId="one")["errorNumber"] == 9602


def test_a_user_is_edited_by_id_or_name() -> None:
    apple = Vpp()
    user = register(apple)["user"]

    named = apple.v1("editVPPUserSrv", {"clientUserIdStr": "u-1", "email": "a@example.com"}).json
    linked = apple.v1(
        "editVPPUserSrv",
        {"userId": user["userId"], "clientUserIdStr": "x", "managedAppleIDStr": "a@acme.example"},
    ).json

    assert named["user"]["email"] == linked["user"]["email"] == "a@example.com"
    assert linked["user"]["status"] == "Associated"


@pytest.mark.parametrize(
    ("call", "body", "code"),
    [
        pytest.param("registerVPPUserSrv", {}, 9600, id="register-nobody"),
        pytest.param("registerVPPUserSrv", {"clientUserIdStr": ""}, 9602, id="register-empty"),
        pytest.param(
            "registerVPPUserSrv",
            {"clientUserIdStr": "u-2", "managedAppleIDStr": "x@elsewhere.example"},
            9635,
            id="foreign-account",
        ),
        pytest.param(
            "registerVPPUserSrv",
            {"clientUserIdStr": "u-2", "managedAppleIDStr": "anna@acme.example"},
            9641,
            id="taken-account",
        ),
        pytest.param("editVPPUserSrv", {"clientUserIdStr": "nobody"}, 9609, id="edit-nobody"),
        pytest.param("editVPPUserSrv", {}, 9600, id="edit-unnamed"),
        pytest.param("retireVPPUserSrv", {"userId": 5}, 9609, id="retire-nobody"),
        pytest.param("retireVPPUserSrv", {"clientUserIdStr": "gone"}, 9618, id="retired"),
        pytest.param("associateVPPLicenseSrv", {}, 9634, id="gone"),
        pytest.param("disassociateVPPLicenseSrv", {}, 9634, id="gone-too"),
        pytest.param("getVPPUsersSrv", {"includeRetired": True}, 9602, id="boolean"),
        pytest.param("getVPPUsersSrv", {"includeRetired": 2}, 9602, id="two"),
        pytest.param("getVPPUsersSrv", {"batchToken": "x"}, 9602, id="batch-token"),
        pytest.param("getVPPUsersSrv", {"sinceModifiedToken": "x.y"}, 9602, id="since-token"),
        pytest.param("getAssignments", {"requestId": "x"}, 9649, id="no-page"),
        pytest.param("getAssignments", {"requestId": "x", "pageIndex": 0}, 9602, id="made-up"),
        pytest.param("getAssignments", {"pageIndex": 1}, 9650, id="beyond"),
        pytest.param("getAssignments", {"pageIndex": -1}, 9650, id="negative"),
        pytest.param("getVPPAssetsSrv", {"includeLicenseCounts": 1}, 9602, id="number"),
    ],
)
def test_what_cannot_be_is_an_error(call: str, body: Any, code: int) -> None:
    apple = Vpp()
    apple.home(lambda home: locations.change(home, "hq", managed_domains=("acme.example",)))
    register(apple, managedAppleIDStr="anna@acme.example")
    register(apple, "gone")
    apple.v1("retireVPPUserSrv", {"clientUserIdStr": "gone"})
    before = apple.v1("getVPPUsersSrv", {"includeRetired": 1}).json["users"]

    answer = apple.v1(call, body)

    assert answer.status == 200
    assert (answer.json["status"], answer.json["errorNumber"]) == (-1, code)
    assert apple.v1("getVPPUsersSrv", {"includeRetired": 1}).json["users"] == before


def test_a_deleted_user_stays_so() -> None:
    apple = Vpp()
    old = register(apple, managedAppleIDStr="anna@acme.example")["user"]
    apple.v1("retireVPPUserSrv", {"userId": old["userId"]})
    register(apple)
    apple.accept("u-1", "other@example.com")

    assert apple.v1("retireVPPUserSrv", {"userId": old["userId"]}).json["errorNumber"] == 9620


def test_both_generations_see_one_state() -> None:
    apple = Vpp()
    register(apple, "u-1")
    apple.create("u-2")

    users = apple.v1("getVPPUsersSrv").json["users"]
    listed = apple.v2("GET", "/users").json["users"]

    assert [one["clientUserIdStr"] for one in users] == ["u-1", "u-2"]
    assert [one["clientUserId"] for one in listed] == ["u-1", "u-2"]


def test_assets_have_counts_if_asked() -> None:
    apple = Vpp()
    apple.associate(MAC, serials=["C1"])

    bare = apple.v1("getVPPAssetsSrv").json
    counted = apple.v1("getVPPAssetsSrv", {"includeLicenseCounts": True}).json

    assert bare["totalCount"] == counted["totalCount"] == 6
    assert "totalCount" not in bare["assets"][0]
    found = {one["adamIdStr"]: one for one in counted["assets"]}
    assert found[MAC] == {
        "adamIdStr": MAC,
        "pricingParam": "STDQ",
        "productTypeId": 7,
        "productTypeName": "Software",
        "isIrrevocable": False,
        "deviceAssignable": True,
        "totalCount": 5,
        "availableCount": 4,
        "assignedCount": 1,
        "retiredCount": 0,
    }
    assert found[BOOK]["productTypeName"] == "Publication"


def test_assignments_page_by_300() -> None:
    apple = Vpp()
    apple.buy(APP, 300)
    apple.associate(APP, serials=[f"C{n:03}" for n in range(301)])
    apple.create("u-1")
    apple.associate(FREE, users=["u-1"])

    first = apple.v1("getAssignments").json
    body = {"requestId": first["requestId"], "pageIndex": first["nextPageIndex"]}
    last = apple.v1("getAssignments", body).json

    assert (first["totalAssignments"], first["assignmentsInCurrentPage"]) == (302, 300)
    assert (first["totalPages"], last["currentPageIndex"], len(last["assignments"])) == (2, 1, 2)
    assert "nextPageIndex" not in last
    one = apple.v1("getAssignments", {"clientUserIdStr": "u-1"}).json["assignments"]
    assert one == [{"adamIdStr": FREE, "pricingParam": "STDQ", "clientUserIdStr": "u-1"}]
    assert len(apple.v1("getAssignments", {"adamIdStr": int(FREE)}).json["assignments"]) == 1


def batches(apple: Vpp, call: str, key: str, **body: Any) -> tuple[list[Any], Any]:
    """Return all records of a list, and the last answer."""
    found: list[Any] = []
    answer = apple.v1(call, body).json
    while True:
        assert answer["status"] == 0, answer
        found += answer[key]
        if "batchToken" not in answer:
            return found, answer
        answer = apple.v1(call, {"batchToken": answer["batchToken"]}).json


def test_users_come_in_batches_and_as_a_delta() -> None:
    apple = Vpp(vpp_batch_size=2)
    for client in ("u-1", "u-2", "u-3"):
        register(apple, client)

    first = apple.v1("getVPPUsersSrv").json
    found, last = batches(apple, "getVPPUsersSrv", "users")
    third = apple.v1("getVPPUsersSrv", {"batchToken": first["batchToken"], "overrideIndex": 2}).json
    since = {"sinceModifiedToken": last["sinceModifiedToken"]}
    nothing = apple.v1("getVPPUsersSrv", since).json
    apple.v1("editVPPUserSrv", {"clientUserIdStr": "u-2", "email": "x@example.com"})
    changed = apple.v1("getVPPUsersSrv", since).json

    assert (first["batchCount"], first["totalBatchCount"], first["totalCount"]) == (2, "2", 3)
    assert [one["clientUserIdStr"] for one in found] == ["u-1", "u-2", "u-3"]
    assert "totalCount" not in last
    assert third["users"] == last["users"]
    assert (nothing["users"], nothing["totalBatchCount"]) == ([], "0")
    assert [one["clientUserIdStr"] for one in changed["users"]] == ["u-2"]


def test_batch_tokens_fit_their_location_their_list_and_their_day() -> None:
    apple = Vpp(vpp_batch_size=1)
    for client in ("u-1", "u-2"):
        register(apple, client)
    token = apple.v1("getVPPUsersSrv").json["batchToken"]
    other = apple.place("branch").stoken

    def ask(call: str = "getVPPUsersSrv", **body: Any) -> int:
        found: int = apple.v1(call, {"batchToken": token} | body).json.get("errorNumber", 0)
        return found

    assert ask(sToken=other) == 9629
    assert ask("getVPPLicensesSrv") == 9602
    assert ask(includeRetired=1) == 0
    assert ask(sinceModifiedToken="x") == 9602
    assert ask(overrideIndex=3) == 9602
    assert ask(overrideIndex=0) == 9602
    assert ask(overrideIndex=2) == 0
    apple.advance(86_401)
    assert ask() == 9633


def test_retired_users_are_listed_if_asked() -> None:
    apple = Vpp()
    register(apple, "u-1")
    register(apple, "u-2")
    apple.v1("retireVPPUserSrv", {"clientUserIdStr": "u-2"})

    def ask(**body: Any) -> list[str]:
        users = apple.v1("getVPPUsersSrv", body).json["users"]
        return [one["clientUserIdStr"] for one in users]

    assert ask() == ask(includeRetired=0) == ["u-1"]
    assert ask(includeRetired=1) == ["u-1", "u-2"]
    assert ask(includeRetiredOnly=True) == ["u-2"]


def test_every_licence_is_listed_once() -> None:
    apple = Vpp(vpp_batch_size=50)
    register(apple, managedAppleIDStr="anna@acme.example")
    apple.associate(APP, FREE, BOOK, users=["u-1"])
    apple.associate(APP, serials=["C1"])

    found, _ = batches(apple, "getVPPLicensesSrv", "licenses")

    assert len(found) == 137 + 1
    assert len({one["licenseIdStr"] for one in found if one["adamIdStr"] != FREE}) == 137
    assigned = [one for one in found if one["status"] == "Associated"]
    assert len(assigned) == 4
    assert {one.get("serialNumber") for one in assigned} == {None, "C1"}
    assert all(one["itsIdHash"] for one in assigned if "clientUserIdStr" in one)
    only, _ = batches(apple, "getVPPLicensesSrv", "licenses", assignedOnly=True)
    assert only == assigned
    devices, _ = batches(apple, "getVPPLicensesSrv", "licenses", deviceAssignedOnly=True)
    assert [one["serialNumber"] for one in devices] == ["C1"]
    people, _ = batches(apple, "getVPPLicensesSrv", "licenses", userAssignedOnly=True)
    assert len(people) == 3
    books, _ = batches(apple, "getVPPLicensesSrv", "licenses", adamId=BOOK, pricingParam="STDQ")
    assert len(books) == 10
    none, _ = batches(apple, "getVPPLicensesSrv", "licenses", adamId=BOOK, pricingParam="PLUS")
    assert none == []
    device, _ = batches(apple, "getVPPLicensesSrv", "licenses", serialNumber="C1")
    assert device == devices


def test_a_delta_of_licences_has_what_was_assigned_and_freed() -> None:
    apple = Vpp()
    apple.associate(MAC, serials=["C1"])
    _, last = batches(apple, "getVPPLicensesSrv", "licenses")
    since = {"sinceModifiedToken": last["sinceModifiedToken"]}

    apple.associate(MAC, serials=["C2"])
    apple.disassociate(MAC, serials=["C1"])

    found = apple.v1("getVPPLicensesSrv", since).json["licenses"]
    assert [(one["status"], one.get("serialNumber")) for one in found] == [
        ("Associated", "C2"),
        ("Available", None),
    ]


def manage(apple: Vpp, adam_id: Any = APP, **body: Any) -> Any:
    return apple.v1("manageVPPLicensesByAdamIdSrv", {"adamIdStr": adam_id} | body).json


def test_managing_is_done_at_once_and_tells_each_licence() -> None:
    apple = Vpp()
    register(apple)

    given = manage(apple, associateSerialNumbers=["C1", "C2"], disassociateSerialNumbers=[])
    users = manage(apple, associateClientUserIdStrs=["u-1"], pricingParam=None)
    taken = manage(apple, disassociateLicenseIdStrs=[given["associations"][0]["licenseIdStr"]])

    assert (given["status"], given["productTypeName"]) == (0, "Application")
    assert [one["serialNumber"] for one in given["associations"]] == ["C1", "C2"]
    assert len({one["licenseIdStr"] for one in given["associations"]}) == 2
    assert "disassociations" not in given
    assert users["associations"][0]["clientUserIdStr"] == "u-1"
    assert taken["disassociations"][0]["serialNumber"] == "C1"
    assert apple.counts() == (2, 98, 0, 100)


def test_a_swap_needs_no_free_licence() -> None:
    apple = Vpp()
    manage(apple, SCARCE, associateSerialNumbers=["C1", "C2"])

    swapped = manage(apple, SCARCE, associateSerialNumbers=["C3"], disassociateSerialNumbers=["C1"])

    assert swapped["status"] == 0
    assert apple.counts(SCARCE) == (2, 0, 0, 2)


def test_a_mixed_result_says_what_failed() -> None:
    apple = Vpp()

    mixed = manage(apple, SCARCE, associateSerialNumbers=["C1", "C2", "C3"])
    none = manage(apple, SCARCE, associateSerialNumbers=["C4"])

    assert mixed["status"] == -3
    assert mixed["associations"][2] == {
        "serialNumber": "C3",
        "errorNumber": 9610,
        "errorMessage": "License not found",
    }
    assert none["status"] == -1
    assert none["associations"][0]["errorNumber"] == 9610


@pytest.mark.parametrize(
    ("adam_id", "body", "code"),
    [
        pytest.param(APP, {"associateClientUserIdStrs": ["nobody"]}, 9609, id="nobody"),
        pytest.param(APP, {"associateSerialNumbers": ["C0"]}, 9616, id="has-it"),
        pytest.param(APP, {"disassociateSerialNumbers": ["C9"]}, 9619, id="has-it-not"),
        pytest.param(BOOK, {"disassociateClientUserIdStrs": ["u-1"]}, 9607, id="book"),
        pytest.param(BOOK, {"associateSerialNumbers": ["C1"]}, 9628, id="book-to-device"),
        pytest.param(USERS_ONLY, {"associateSerialNumbers": ["C1"]}, 9628, id="users-only"),
        pytest.param(APP, {"disassociateLicenseIdStrs": ["0"]}, 9610, id="no-licence"),
    ],
)
def test_each_target_has_its_error(adam_id: str, body: Any, code: int) -> None:
    apple = Vpp()
    register(apple)
    apple.associate(BOOK, users=["u-1"])
    apple.associate(APP, serials=["C0"])
    before = apple.v2("GET", "/assets").text

    answer = manage(apple, adam_id, **body)

    (one,) = answer.get("associations", []) + answer.get("disassociations", [])
    assert (answer["status"], one["errorNumber"]) == (-1, code)
    assert apple.v2("GET", "/assets").text == before


@pytest.mark.parametrize(
    ("adam_id", "body", "code"),
    [
        pytest.param("4711", {"associateSerialNumbers": ["C1"]}, 9610, id="not-owned"),
        pytest.param(None, {"associateSerialNumbers": ["C1"]}, 9600, id="nothing"),
        pytest.param(
            APP, {"associateSerialNumbers": [f"C{n}" for n in range(11)]}, 9602, id="eleven"
        ),
        pytest.param(APP, {"associateSerialNumbers": "C1"}, 9602, id="text"),
        pytest.param(APP, {"pricingParam": "PLUS"}, 9610, id="quality"),
    ],
)
def test_a_whole_failure_has_no_arrays(adam_id: Any, body: Any, code: int) -> None:
    answer = manage(Vpp(), adam_id, **body)

    assert (answer["status"], answer["errorNumber"]) == (-1, code)
    assert set(answer) == {"status", "errorNumber", "errorMessage"}


def test_a_number_is_taken_for_a_store_id() -> None:
    assert manage(Vpp(), int(APP), associateSerialNumbers=["C1"])["adamIdStr"] == APP


def test_no_secret_is_kept() -> None:
    apple = Vpp()
    apple.v1("VPPClientConfigSrv", {"notificationToken": "FAKE-notify-secret"})
    user = register(apple)["user"]

    stored = json.dumps(
        [
            (one.request.body.decode(), one.response.body.decode(), one.request.target)
            for one in apple.recorded
        ]
    )
    assert apple.stoken not in stored
    assert "FAKE-notify-secret" not in stored
    assert user["inviteCode"] not in stored


LITERALS = {
    9600: "Missing required argument",
    9602: "Invalid argument.",
    9610: "License not found",
    9622: "Invalid authentication token",
    9631: "Too many recent identical calls were made to assign a license that failed due to no "
    "license being being available.",
    9633: "No batch data recovered for token.",
    9729: "The server has since moved, please refresh DNS entry.",
}
"""As a public capture of Apple's answer has them, their typing errors included."""


def test_the_texts_are_those_of_apple() -> None:
    listed = Vpp().v1("VPPServiceConfigSrv", method="GET").json["errorCodes"]

    texts = {one["errorNumber"]: one["errorMessage"] for one in listed}
    assert LITERALS.items() <= texts.items()
    assert len(texts) == 49


def test_a_refusal_has_the_text_of_the_list() -> None:
    apple = Vpp()
    number, text = 9622, LITERALS[9622]

    answer = apple.v1("getVPPUsersSrv", {"sToken": "eyJ0b2tlbiI6IngifQ=="}).json

    assert (answer["errorNumber"], answer["errorMessage"]) == (number, text)


def test_client_config_answers_an_apn_token_even_without_one() -> None:
    answer = Vpp().v1("VPPClientConfigSrv").json

    assert (answer["apnToken"], answer["notificationToken"]) == ("", "")
