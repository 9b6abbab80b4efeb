"""Documents: links, pages, trimming, errors and their order, versions and products."""

import json
from typing import Any

import pytest

from simulator.core.state import State
from simulator.services.axm import accounts
from simulator.services.organisations import change_organisation
from tests.axm import BUSINESS, SCHOOL, Axm

SERIALS = [f"SN{number:03d}" for number in range(1, 8)]


@pytest.fixture(scope="module")
def axm() -> Axm:
    """A simulator that tests only read."""
    axm = Axm()
    axm.add(*SERIALS)
    return axm


def ids(document: Any) -> list[str]:
    return [one["id"] for one in document["data"]]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 1000])
def test_pages_join_to_the_whole_list(axm: Axm, size: int) -> None:
    assert [one["id"] for one in axm.pages("/orgDevices", limit=size)] == SERIALS


def test_a_page_says_where_to_go_on_in_both_ways(axm: Axm) -> None:
    first = axm.get("/orgDevices", limit=3)

    following = first["links"]["next"]
    cursor = first["meta"]["paging"]["nextCursor"]
    assert first["meta"]["paging"]["limit"] == 3
    assert following.startswith("https://api-business.apple.com/v1/orgDevices?")
    by_link = axm.api("GET", following.partition("/v1")[2]).json
    assert ids(by_link) == ids(axm.get("/orgDevices", limit=3, cursor=cursor)) == SERIALS[3:6]


def test_the_last_page_says_nothing_more(axm: Axm) -> None:
    last = axm.get("/orgDevices", limit=7)

    assert "next" not in last["links"]
    assert last["meta"] == {"paging": {"limit": 7}}


def test_a_link_keeps_what_trims_the_list(axm: Axm) -> None:
    first = axm.api("GET", "/orgDevices?limit=2&fields%5BorgDevices%5D=serialNumber%2Ccolor").json
    second = axm.api("GET", first["links"]["next"].partition("/v1")[2]).json

    assert ids(second) == SERIALS[2:4]
    assert set(second["data"][0]["attributes"]) == {"serialNumber", "color"}


def test_a_cursor_holds_while_the_list_changes() -> None:
    axm = Axm()
    axm.add("B1", "B3", "B5")
    cursor = axm.get("/orgDevices", limit=2)["meta"]["paging"]["nextCursor"]
    axm.add("A1", "B4", "C1")
    axm.done(axm.order("RELEASE_DEVICES", "B3"))

    assert ids(axm.get("/orgDevices", cursor=cursor)) == ["B4", "B5", "C1"]


def cursor_of(axm: Axm, path: str = "/orgDevices", **query: Any) -> str:
    cursor: str = axm.get(path, limit=1, **query)["meta"]["paging"]["nextCursor"]
    return cursor


def test_a_cursor_is_good_for_its_list_alone_and_for_a_day() -> None:
    axm = Axm()
    axm.add(*SERIALS)
    cursor = cursor_of(axm)
    servers = cursor_of(axm, "/mdmServers")
    bad = [servers, cursor[:-2], f"{cursor}A", "x", "", "é", "A" * 3000]

    for one in bad:
        answer = axm.api("GET", "/orgDevices", cursor=one)
        assert axm.error(answer) == (400, "PARAMETER_ERROR.INVALID", {"parameter": "cursor"})
        assert any(finding.at == "cursor" for finding in answer.exchange.findings)
    axm.advance(3 * 3600)
    axm._token = ""
    assert axm.api("GET", "/orgDevices", cursor=cursor).status == 200
    axm.advance(22 * 3600)
    axm._token = ""
    assert axm.api("GET", "/orgDevices", cursor=cursor).status == 400


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "ten", "1.5", "", "9" * 30])
def test_a_wrong_limit_is_named(axm: Axm, limit: str) -> None:
    answer = axm.api("GET", "/orgDevices", limit=limit)

    assert axm.error(answer) == (400, "PARAMETER_ERROR.INVALID", {"parameter": "limit"})


@pytest.mark.parametrize("name", ["fields[orgDevices]", "fields%5BorgDevices%5D"])
def test_fields_trim_attributes_and_relationships(axm: Axm, name: str) -> None:
    path = f"/orgDevices/SN001?{name}=serialNumber,status,assignedServer"
    row = axm.api("GET", path).json["data"]

    assert set(row) == {"type", "id", "attributes", "relationships", "links"}
    assert set(row["attributes"]) == {"serialNumber", "status"}
    assert set(row["relationships"]) == {"assignedServer"}


def test_an_unknown_field_name_is_refused(axm: Axm) -> None:
    answer = axm.api("GET", "/orgDevices?fields[orgDevices]=serialNumber,udid")

    expected = {"parameter": "fields[orgDevices]"}
    assert axm.error(answer) == (400, "PARAMETER_ERROR.INVALID", expected)


@pytest.mark.parametrize(
    ("headers", "start"),
    [
        ((), "https://api-business.apple.com/v1/"),
        ((("X-Forwarded-Host", "apple.test:444"),), "https://apple.test:444/v1/"),
        ((("X-Forwarded-Proto", "http"),), "http://api-business.apple.com/v1/"),
    ],
)
def test_links_lead_to_who_was_asked(axm: Axm, headers: Any, start: str) -> None:
    row = axm.api("GET", "/orgDevices/SN001", headers=headers).json

    assert row["links"]["self"] == f"{start}orgDevices/SN001"
    related = row["data"]["relationships"]["assignedServer"]["links"]["related"]
    assert related == f"{start}orgDevices/SN001/assignedServer"


def test_links_keep_a_port_and_the_label_of_a_test_run(axm: Axm) -> None:
    answer = axm.api("GET", "/orgDevices/SN001", host="127.0.0.1:8443")
    assert answer.json["links"]["self"] == "https://127.0.0.1:8443/v1/orgDevices/SN001"

    labelled = axm.api("GET", "/orgDevices", limit=1)
    assert labelled.json["links"]["next"].startswith(f"https://{BUSINESS}/v1/")


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "text/html, application/*;q=0.5", ""]
)
def test_an_accept_that_allows_json_is_fine(axm: Axm, accept: str) -> None:
    headers = (("Accept", accept),) if accept else ()
    assert axm.api("GET", "/orgDevices", headers=headers).status == 200


def test_an_accept_without_json_is_406(axm: Axm) -> None:
    answer = axm.api("GET", "/orgDevices", headers=(("Accept", "text/html"),))
    assert axm.error(answer)[:2] == (406, "NOT_ACCEPTABLE")


def test_another_content_type_is_415_and_json_with_a_charset_is_fine(axm: Axm) -> None:
    body = json.dumps({"data": {"type": "x"}}).encode()
    wrong = axm.api(
        "POST", "/orgDeviceActivities", headers=(("Content-Type", "text/plain"),), content=body
    )
    right = axm.api(
        "POST",
        "/orgDeviceActivities",
        headers=(("Content-Type", "application/json;charset=UTF8"),),
        content=body,
    )

    assert axm.error(wrong)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert axm.error(right)[:2] == (400, "ENTITY_INVALID")


@pytest.mark.parametrize("body", [b"[]", b"{", b"null", b'"x"', b"\xff", b"{}"])
def test_a_body_that_is_no_document_is_refused(axm: Axm, body: bytes) -> None:
    answer = axm.api("POST", "/orgDeviceActivities", content=body)

    assert axm.error(answer)[:2] == (400, "ENTITY_INVALID")


def test_an_error_document_is_whole(axm: Axm) -> None:
    (error,) = axm.api("GET", "/orgDevices/NOPE").json["errors"]

    assert set(error) == {"id", "status", "code", "title", "detail"}
    assert error["status"] == "404"
    assert error["code"] == "NOT_FOUND"
    assert error["title"] == "The specified resource doesn't exist"
    assert error["detail"] == "There is no resource of type 'orgDevices' with id 'NOPE'"
    assert len(error["id"]) == 36


@pytest.mark.parametrize("path", ["/orgDevice", "/mdmDevices/SN001", "/roster", "/"])
def test_an_unknown_path_is_404(axm: Axm, path: str) -> None:
    answer = axm.api("GET", path)

    assert axm.error(answer)[:2] == (404, "PATH_ERROR")
    assert answer.rules == ["path-unknown"]


def test_another_method_is_forbidden(axm: Axm) -> None:
    answer = axm.api("DELETE", "/orgDevices/SN001")

    assert axm.error(answer)[:2] == (403, "FORBIDDEN_ERROR")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/orgDeviceActivities", "CREATE, GET_INSTANCE"),
        ("GET", "/mdmServers/{server}/devices", "GET_RELATIONSHIP"),
    ],
)
def test_what_is_linked_and_not_given_says_what_is(
    axm: Axm, method: str, path: str, allowed: str
) -> None:
    answer = axm.api(method, path.format(server=axm.uuid()))

    assert axm.error(answer)[:2] == (403, "FORBIDDEN_ERROR")
    assert answer.json["errors"][0]["detail"].endswith(f"Allowed operations are: {allowed}")


def test_errors_come_in_order() -> None:
    """Accept, token, agreements, role, rate, content type, query, entity, resource."""
    axm = Axm(axm_reads_per_minute=1)
    axm.add("SN1")
    axm.access_token()
    bad = "/orgDevices/NOPE?fields[orgDevices]=x"

    assert axm.error(axm.api("GET", bad, token=None, headers=(("Accept", "a/b"),)))[0] == 406
    assert axm.error(axm.api("GET", bad, token="none"))[0] == 401
    axm.run(lambda state: change_organisation(state, "acme", terms_accepted=False))
    axm.run(lambda state: accounts.change_role(state, axm.account, "PEOPLE_MANAGER"))
    refused = axm.error(axm.api("GET", bad))
    assert refused[:2] == (403, "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED")
    axm.run(lambda state: change_organisation(state, "acme", terms_accepted=True))
    assert axm.error(axm.api("GET", bad))[:2] == (403, "FORBIDDEN")
    axm.run(lambda state: accounts.change_role(state, axm.account, "DEVICE_MANAGER"))
    assert axm.error(axm.api("GET", bad))[:2] == (400, "PARAMETER_ERROR.INVALID")
    limited = axm.api("GET", bad)
    assert axm.error(limited)[:2] == (429, "RATE_LIMIT_EXCEEDED")
    assert int(limited.header("Retry-After")) == 60


def test_writes_have_a_limit_of_their_own() -> None:
    axm = Axm(axm_writes_per_hour=1)
    axm.add("SN1")

    assert axm.order("UNASSIGN_DEVICES", "SN1").status == 201
    limited = axm.order("UNASSIGN_DEVICES", "SN1")
    assert (limited.status, limited.header("Retry-After")) == (429, "3600")
    assert axm.api("GET", "/orgDevices").status == 200


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        ("PEOPLE_MANAGER", "/users", "/orgDevices"),
        ("DEVICE_MANAGER", "/mdmServers", "/users"),
        ("AUDITOR", "/auditEvents", "/blueprints"),
    ],
)
def test_a_role_uses_what_it_is_for(role: str, allowed: str, refused: str) -> None:
    axm = Axm(role=role)

    assert axm.api("GET", allowed).status in (200, 400)
    assert axm.error(axm.api("GET", refused))[:2] == (403, "FORBIDDEN")


def test_a_token_is_good_at_its_own_product_only() -> None:
    business, school = Axm(), Axm("edu")

    assert business.api("GET", "/orgDevices", host=SCHOOL).status == 401
    assert school.api("GET", "/orgDevices", host=BUSINESS).status == 401
    assert school.api("GET", "/orgDevices", host=SCHOOL).status == 200
    assert school.api("GET", "/orgDevices", host="localhost:8443").status == 200


@pytest.mark.parametrize(
    "path", ["/users", "/blueprints", "/auditEvents", "/organizationalUnits", "/mdmDevices"]
)
def test_school_does_not_have_what_is_of_business_only(path: str) -> None:
    assert Axm("edu").error(Axm("edu").api("GET", path))[:2] == (404, "PATH_ERROR")


def test_a_path_is_answered_on_its_own_host_only() -> None:
    axm = Axm()

    assert axm.api("GET", "/orgDevices", host="account.apple.com").status == 404
    assert axm.api("GET", "/orgDevices", host="store.blobstore.apple.com").status == 404


VERSIONS = [
    ("1.2", "org", "/orgDevices/SN1/appleCareCoverage", 404),
    ("1.3", "org", "/orgDevices/SN1/appleCareCoverage", 200),
    ("1.5", "org", "/users", 404),
    ("2.0", "org", "/users", 200),
    ("2.0", "org", "/mdmServers/{server}", 403),
    ("2.1", "org", "/mdmServers/{server}", 200),
    ("2.1", "edu", "/mdmServers/{server}", 403),
    ("1.6", "edu", "/mdmServers/{server}", 200),
    ("2.1", "org", "/organizationalUnits", 404),
    ("2.2", "org", "/organizationalUnits", 200),
    ("2.4", "org", "/orgDevices/SN1/activationLockStatus", 404),
    ("2.5", "org", "/orgDevices/SN1/activationLockStatus", 200),
    ("1.7", "edu", "/orgDevices/SN1/activationLockStatus", 200),
]


@pytest.mark.parametrize(("version", "product", "path", "status"), VERSIONS)
def test_a_version_has_what_it_brought(version: str, product: str, path: str, status: int) -> None:
    axm = Axm(product, axm_version=version)
    axm.add("SN1")

    assert axm.api("GET", path.format(server=axm.uuid())).status == status


FULL: dict[str, Any] = {
    "imei": ["00 129600 314225 1"],
    "meid": ["00129600314225"],
    "ethernet_mac_address": "AE:00:00:00:00:02",
    "bluetooth_mac_address": "AE:00:00:00:00:01",
}


@pytest.mark.parametrize(
    ("version", "absent", "imei", "wifi"),
    [
        ("1.1", ("wifiMacAddress", "ethernetMacAddress"), "001296003142251", None),
        ("1.2", ("ethernetMacAddress",), "001296003142251", ["02:00:5E:00:53:01"]),
        ("1.4", ("isMdmMigrationCapable",), "001296003142251", ["02:00:5E:00:53:01"]),
        ("1.5", ("isMdmMigrationCapable",), ["001296003142251"], "02:00:5E:00:53:01"),
        ("2.6", (), ["001296003142251"], "02:00:5E:00:53:01"),
    ],
)
def test_a_device_has_the_attributes_of_the_version(
    version: str, absent: tuple[str, ...], imei: Any, wifi: Any
) -> None:
    axm = Axm(axm_version=version)
    axm.add("SN1", **FULL)
    attributes = axm.get("/orgDevices/SN1")["data"]["attributes"]

    assert not set(absent) & set(attributes)
    assert attributes["imei"] == imei
    assert attributes.get("wifiMacAddress") == wifi


def test_a_mac_has_its_radios_since_1_4() -> None:
    for version, has in (("1.3", False), ("1.4", True)):
        axm = Axm(axm_version=version)
        axm.add("SN1", device_family="Mac", os="OSX", **FULL)
        found = axm.get("/orgDevices/SN1")["data"]["attributes"]
        assert ("wifiMacAddress" in found) is has
        assert ("ethernetMacAddress" in found) is has


def test_nothing_is_left_of_a_request_that_is_refused() -> None:
    axm = Axm()
    axm.add("SN1")
    before = everything(axm)

    axm.order("ASSIGN_DEVICES", "SN1", "NOPE", server="b")
    axm.api("POST", "/mdmServers", {"data": {"type": "mdmServers", "attributes": {}}})
    axm.api("GET", "/orgDevices", cursor="bad")

    after = everything(axm)
    assert {kind: rows for kind, rows in after.items() if kind != "counter"} == before


def everything(axm: Axm) -> dict[str, Any]:
    def read(state: State) -> dict[str, Any]:
        home = state.of("acme")
        kinds = ("dep.device", "dep.server", "fleet.change", "fleet.change-part", "audit.event")
        return {kind: [one.body for one in home.scan(kind, limit=1000)] for kind in kinds}

    return axm.run(read)
