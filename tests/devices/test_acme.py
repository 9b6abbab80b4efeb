"""A device's ACME client: what it shows a server, what a server refuses, what it says then."""

import sys
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from simulator.devices.enrolment import acme
from simulator.devices.enrolment.profile import read_profile
from simulator.devices.errors import DeviceError
from simulator.devices.flow import FlowResponse
from simulator.devices.identity import Identity
from simulator.devices.judging.profiles import judge_profile
from simulator.devices.options import Options
from tests.devices.acme_server import URL, AcmeServer
from tests.devices.mdm import profile
from tests.devices.test_flows import authority, drive, enrolled, world

PERMANENT_IDENTIFIER = "1.3.6.1.5.5.7.8.3"


def enrol(server: AcmeServer, attestation: Any = "", **more: Any) -> Identity:
    """Run the client against *server*; its waits take no time."""
    device = enrolled("iPhone")
    device.options = Options(attestation=attestation)
    payload = {
        "PayloadType": "com.apple.security.acme",
        "DirectoryURL": f"{URL}/directory",
        "ClientIdentifier": "%SerialNumber%",
        "KeyType": "ECSECPrimeRandom",
        "KeySize": 384,
        "HardwareBound": True,
        "Attest": True,
        "Subject": [[["CN", "%SerialNumber%"]]],
    } | more
    kept = {key: value for key, value in payload.items() if value is not None}
    return drive(acme.enrol(kept, device, world(), ()), server.respond)


def served(**more: Any) -> AcmeServer:
    return AcmeServer(authority().certificate, **more)


def test_an_attested_key_gets_its_certificate() -> None:
    server = served()

    certificate, key = enrol(server, UsageFlags=1, ExtendedKeyUsage=["1.3.6.1.5.5.7.3.2"]).loaded()

    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp384r1"
    assert server.shown == certificate.public_key() == key.public_key()
    serial = enrolled("iPhone").serial
    assert certificate.subject.rfc4514_string() == f"CN={serial}"
    names = server.request.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    (name,) = names.value
    assert isinstance(name, x509.OtherName)
    assert (names.critical, name.type_id.dotted_string) == (True, PERMANENT_IDENTIFIER)
    assert name.value == bytes((0x30, len(serial) + 2, 0x0C, len(serial))) + serial.encode()
    assert server.asked[0] == "/directory"
    assert server.asked[-1] == "/certificate"


def test_without_attest_an_empty_statement_is_sent() -> None:
    server = served(attested=False)
    wanted = {"KeyType": "RSA", "KeySize": 2048, "HardwareBound": False, "Attest": None}

    _, key = enrol(server, **wanted).loaded()

    assert isinstance(key, rsa.RSAPrivateKey)
    assert server.shown is None


@pytest.mark.parametrize(
    ("attestation", "says"),
    [
        ("other-key", "the order is invalid .badCSR: another key"),
        ("stale", "badAttestationStatement: challenge token does not match"),
        ("foreign-ca", "badAttestationStatement: x5c is not valid"),
        ("none", "badAttestationStatement: x5c not present"),
    ],
)
def test_what_is_wrong_with_an_attestation_is_said(attestation: str, says: str) -> None:
    with pytest.raises(DeviceError, match=says):
        enrol(served(), attestation)


def test_another_identifier_than_the_devices_is_refused() -> None:
    with pytest.raises(DeviceError, match="permanent identifier does not match"):
        enrol(served(), ClientIdentifier="0ZOTHER")


PROBLEM = b'{"type": "urn:ietf:params:acme:error:unauthorized", "detail": "not you"}'
NONCE = {"replay-nonce": "bm9uY2UtNA"}
PENDING = FlowResponse(200, NONCE, b'{"status": "pending", "challenges": []}')


@pytest.mark.parametrize(
    ("path", "instead", "says"),
    [
        ("/directory", FlowResponse(problem="nothing is there"), "nothing is there"),
        ("/directory", FlowResponse(200, {}, b"[]"), "no JSON object"),
        ("/newNonce", FlowResponse(503), "status 503"),
        ("/newAccount", FlowResponse(403, {}, PROBLEM), "status 403 .unauthorized: not you"),
        ("/newOrder", FlowResponse(200, {}, b"<html>"), "no JSON object"),
        ("/authorization", PENDING, "no challenge device-attest-01"),
        ("/certificate", FlowResponse(200, {}, b"none"), "cannot be read"),
    ],
)
def test_a_server_that_fails_is_named(path: str, instead: FlowResponse, says: str) -> None:
    server = served()
    server.instead[path] = instead

    with pytest.raises(DeviceError, match=says):
        enrol(server)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cbor2", None)

    with pytest.raises(DeviceError, match=r"pip install 'mdmsim\[acme\]'"):
        enrol(served())


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"DirectoryURL": None}, "“DirectoryURL” is missing"),
        ({"ClientIdentifier": ""}, "“ClientIdentifier” is missing"),
        ({"KeyType": "RSA", "KeySize": 2048}, "with HardwareBound"),
        ({"KeySize": 521}, "with HardwareBound with 256 or 384"),
        ({"KeySize": [384]}, "KeySize"),
        ({"ExtendedKeyUsage": ["no.oid"]}, "“ExtendedKeyUsage” is invalid"),
    ],
)
def test_a_payload_that_cannot_be_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(DeviceError, match=says):
        enrol(served(), **more)


def test_a_profile_that_a_real_device_would_not_take_is_found() -> None:
    payload = {
        "PayloadType": "com.apple.security.acme",
        "PayloadIdentifier": "a",
        "PayloadUUID": "a",
        "PayloadVersion": 1,
        "DirectoryURL": "http://acme.example/directory",
        "ClientIdentifier": "0Z1",
        "KeyType": "ECSECPrimeRandom",
        "KeySize": 384,
        "HardwareBound": False,
        "Subject": [],
        "Attest": True,
    }
    content = read_profile(profile("com.example.acme", payload))

    found = judge_profile(content, enrolled("iPhone"))

    places = [one.at for one in found]
    assert places == ["/PayloadContent/0/DirectoryURL", "/PayloadContent/0/Attest"]
