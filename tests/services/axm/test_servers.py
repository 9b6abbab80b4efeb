"""MDM servers: created, changed and deleted by the API, and used by DEP."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from simulator.services.dep import tokens
from simulator.services.fleet import portal, servers
from tests.axm import Axm
from tests.certificates import self_signed

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


def certificate(key: Any, encoding: serialization.Encoding = DER) -> str:
    return base64.b64encode(self_signed(key).public_bytes(encoding)).decode()


RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
GOOD = certificate(RSA_KEY)


def sent(**attributes: Any) -> dict[str, Any]:
    return {"data": {"type": "mdmServers", "attributes": attributes}}


def create(axm: Axm, name: str = "New MDM", data: str = GOOD, **more: Any) -> Any:
    body = sent(serverName=name, serverCertificate={"name": "mdm.pem", "data": data}, **more)
    return axm.api("POST", "/mdmServers", body)


def change(axm: Axm, uuid: str, **attributes: Any) -> Any:
    body = sent(**attributes)
    body["data"]["id"] = uuid
    return axm.api("PATCH", f"/mdmServers/{uuid}", body)


@pytest.mark.parametrize("encoding", [DER, PEM])
def test_a_server_is_added_without_a_token(encoding: serialization.Encoding) -> None:
    axm = Axm()
    answer = create(axm, data=certificate(RSA_KEY, encoding), enableMdmDisownFlag=False)

    assert answer.status == 201
    data = answer.json["data"]
    assert answer.json["links"]["self"].endswith(f"/v1/mdmServers/{data['id']}")
    assert len(data["id"]) == 32
    assert data["id"] == data["id"].upper()
    assert data["attributes"]["serverName"] == "New MDM"
    assert data["attributes"]["enableMdmDisownFlag"] is False
    assert data["attributes"]["createdDateTime"] == "2026-03-01T12:00:00.000Z"
    assert "serverCertificate" not in data["attributes"]
    assert axm.home(lambda home: tokens.current_token(home, data["id"])) is None


def test_a_server_of_the_api_is_one_of_dep() -> None:
    axm = Axm()
    uuid = create(axm).json["data"]["id"]
    axm.home(
        lambda home: tokens.issue_token(
            home, "acme", uuid, now_ms=axm.now_ms, random_hex=axm.random_hex
        )
    )
    axm.add("SN1")
    axm.home(lambda home: portal.assign(home, "SN1", uuid, by="x@y", now_ms=axm.now_ms))

    session = axm.session(uuid)
    assert axm.call("GET", "/account", session=session).json["server_uuid"] == uuid
    fetched = axm.call("POST", "/server/devices", {}, session=session).json["devices"]
    assert [one["serial_number"] for one in fetched] == ["SN1"]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (certificate(ec.generate_private_key(ec.SECP256R1())), 400, "PARAMETER_ERROR.INVALID"),
        ("bm90IGEgY2VydGlmaWNhdGU=", 400, "PARAMETER_ERROR.INVALID"),
        ("%%%", 400, "PARAMETER_ERROR.INVALID"),
        ("", 400, "ENTITY_ERROR.ATTRIBUTE.REQUIRED"),
    ],
)
def test_a_certificate_without_an_rsa_key_is_refused(data: str, status: int, code: str) -> None:
    axm = Axm()
    answer = create(axm, data=data)

    pointer = {"pointer": "/data/attributes/serverCertificate"}
    assert axm.error(answer) == (status, code, pointer)
    assert len(axm.get("/mdmServers")["data"]) == 2


@pytest.mark.parametrize("name", ["serverName", "serverCertificate"])
def test_what_is_missing_is_named(name: str) -> None:
    axm = Axm()
    attributes: dict[str, Any] = {
        "serverName": "x",
        "serverCertificate": {"name": "a", "data": GOOD},
    }
    del attributes[name]

    answer = axm.api("POST", "/mdmServers", sent(**attributes))
    expected = {"pointer": f"/data/attributes/{name}"}
    assert axm.error(answer) == (400, "ENTITY_ERROR.ATTRIBUTE.REQUIRED", expected)


def test_a_name_that_is_taken_is_a_conflict() -> None:
    axm = Axm()
    answer = create(axm, "Server a")

    expected = (409, "STATE_ERROR", {"pointer": "/data/attributes/serverName"})
    assert axm.error(answer) == expected
    assert axm.error(change(axm, axm.uuid("b"), serverName="Server a")) == expected


def test_only_what_is_given_changes() -> None:
    axm = Axm()
    before = axm.get(f"/mdmServers/{axm.uuid()}")["data"]["attributes"]
    axm.advance(60)
    assert change(axm, axm.uuid()).json["data"]["attributes"] == before
    changed = change(axm, axm.uuid(), serverName="Renamed").json["data"]["attributes"]

    assert changed["serverName"] == "Renamed"
    assert changed["updatedDateTime"] == "2026-03-01T12:01:00.000Z"
    assert changed["enableMdmDisownFlag"] is True


def test_a_family_has_one_default_server() -> None:
    axm = Axm()
    a, b = axm.uuid("a"), axm.uuid("b")
    name = {"pointer": "/data/attributes/defaultProductFamilies"}

    assert change(axm, a, defaultProductFamilies=["IPHONE", "MAC"]).status == 200
    taken = change(axm, b, defaultProductFamilies=["MAC"])
    assert axm.error(taken) == (409, "STATE_ERROR", name)
    none = change(axm, b, defaultProductFamilies=[])
    assert axm.error(none) == (400, "PARAMETER_ERROR.INVALID", name)
    strange = change(axm, b, defaultProductFamilies=["TOASTER"])
    assert axm.error(strange)[1] == "ENTITY_ERROR.ATTRIBUTE.INVALID"
    assert change(axm, a, defaultProductFamilies=["IPHONE"]).status == 200
    assert change(axm, b, defaultProductFamilies=["MAC"]).status == 200
    assert change(axm, a, defaultProductFamilies=[]).status == 200


def test_the_id_of_the_body_must_be_that_of_the_path() -> None:
    axm = Axm()
    body = sent(serverName="x")
    body["data"]["id"] = axm.uuid("b")

    answer = axm.api("PATCH", f"/mdmServers/{axm.uuid('a')}", body)
    assert axm.error(answer) == (400, "ENTITY_INVALID", {"pointer": "/data/id"})


def test_a_server_is_deleted_once_it_has_no_devices() -> None:
    axm = Axm()
    axm.add("SN1", server="b")
    uuid, session = axm.uuid("b"), axm.session("b")

    kept = axm.api("DELETE", f"/mdmServers/{uuid}")
    assert axm.error(kept)[:2] == (400, "PARAMETER_ERROR.INVALID")
    axm.home(lambda home: portal.unassign(home, "SN1", now_ms=axm.now_ms))
    header = axm.oauth("b")
    gone = axm.api("DELETE", f"/mdmServers/{uuid}")
    assert (gone.status, gone.response.body) == (204, b"")
    assert axm.api("GET", f"/mdmServers/{uuid}").status == 404
    assert axm.call("GET", "/account", session=session).status == 401
    assert axm.log_in(header).status == 401


def test_a_server_shows_when_and_from_where_it_spoke_to_dep() -> None:
    axm = Axm()
    before = axm.get(f"/mdmServers/{axm.uuid('b')}")["data"]["attributes"]
    assert "lastConnectedDateTime" not in before
    axm.advance(5)
    session = axm.session("b")
    shown = axm.get(f"/mdmServers/{axm.uuid('b')}")["data"]["attributes"]
    assert shown["lastConnectedDateTime"] == "2026-03-01T12:00:05.000Z"
    assert shown["lastConnectedIp"] == "127.0.0.1"
    axm.advance(5)
    axm.call("GET", "/account", session=session)
    shown = axm.get(f"/mdmServers/{axm.uuid('b')}")["data"]["attributes"]
    assert shown["lastConnectedDateTime"] == "2026-03-01T12:00:10.000Z"


def test_a_server_that_may_not_release_devices_does_not() -> None:
    axm = Axm()
    axm.add("SN1")
    change(axm, axm.uuid(), enableMdmDisownFlag=False)

    body = {"devices": ["SN1"]}
    refused = axm.call("POST", "/devices/disown", body, session=axm.session())
    assert (refused.status, refused.text) == (403, "ACCESS_DENIED")
    change(axm, axm.uuid(), enableMdmDisownFlag=True)
    done = axm.call("POST", "/devices/disown", body, session=axm.session()).json
    assert done == {"devices": {"SN1": "SUCCESS"}}


def test_servers_come_in_pages() -> None:
    axm = Axm()
    for number in range(5):
        create(axm, f"Server {number}")

    found = axm.pages("/mdmServers", limit=2)
    assert len({one["id"] for one in found}) == 7
    assert len(axm.home(servers.servers)) == 7


def test_the_devices_of_a_server_come_in_order_of_assignment() -> None:
    axm = Axm()
    axm.add("C", "A", "B")
    found = axm.pages(f"/mdmServers/{axm.uuid()}/relationships/devices", limit=2)

    assert found == [{"type": "orgDevices", "id": serial} for serial in ("C", "A", "B")]


def test_school_reads_servers_and_writes_none() -> None:
    axm = Axm("edu")
    assert axm.api("GET", f"/mdmServers/{axm.uuid()}").status == 200
    assert axm.error(create(axm))[:2] == (404, "PATH_ERROR")
    assert axm.error(axm.api("DELETE", f"/mdmServers/{axm.uuid()}"))[:2] == (404, "PATH_ERROR")
