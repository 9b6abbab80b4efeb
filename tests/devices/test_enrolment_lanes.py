"""The ways to an enrolment profile, and the ways to prove who the device is."""

import base64
import plistlib
import ssl
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from simulator.pki import cms
from tests.devices import mdm as server
from tests.devices.conftest import Bench
from tests.devices.mdm import IDENTITY, PROFILE, Mdm, serving

Tls = tuple[ssl.SSLContext, str]


@pytest.fixture
async def secure(bench: Bench, server_tls: Tls) -> AsyncIterator[Bench]:
    """The same, but the MDM server has TLS, with a certificate that nobody trusts yet."""
    async with serving(Mdm(bench.mdm.topic), ssl_context=server_tls[0]) as mdm:
        bench.mdm = mdm
        yield bench


def anchors(pem: str) -> list[str]:
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()]


def root(pem: str) -> dict[str, object]:
    """Return a payload that has the device trust a certificate."""
    return {
        "PayloadType": "com.apple.security.pem",
        "PayloadUUID": "root",
        "PayloadIdentifier": "root",
        "PayloadContent": pem.encode(),
    }


async def test_an_anchor_certificate_is_trusted_for_the_profile_only(
    secure: Bench, server_tls: Tls
) -> None:
    device = await secure.device(anchor_certs=anchors(server_tls[1]))

    assert [method for method, *_ in secure.mdm.requests] == ["POST"]
    assert "is not trusted" in device["trouble"]


async def test_a_root_of_the_profile_is_trusted_from_then_on(
    secure: Bench, server_tls: Tls
) -> None:
    secure.mdm.payloads.append(root(server_tls[1]))

    device = await secure.device(anchor_certs=anchors(server_tls[1]))

    assert (device["state"], device["trouble"]) == ("enrolled", None)


async def test_without_signatures_the_identity_is_shown_in_tls(
    secure: Bench, server_tls: Tls
) -> None:
    secure.mdm.mdm["SignMessage"] = False

    device = await secure.device(options={"trust": server_tls[1]})

    assert (device["state"], device["trouble"]) == ("enrolled", None)
    assert "mdm-signature" not in secure.mdm.requests[-1][2]
    own = IDENTITY.public_bytes(Encoding.DER)
    assert secure.mdm.client_certificates == [None, own, own, own]


async def test_a_web_view_follows_redirects_and_keeps_cookies(
    secure: Bench, server_tls: Tls
) -> None:
    def page(request: web.Request) -> web.Response:
        if request.path == "/page/1":
            answer = web.Response(status=302, headers={"Location": "/page/2"})
            answer.set_cookie("who", "anna")
            return answer
        assert request.cookies == {"who": "anna"}
        return web.Response(body=secure.mdm.profile(), content_type=PROFILE)

    secure.mdm.enrol = page

    device = await secure.device(
        options={"trust": server_tls[1]}, configuration_web_url=f"{secure.mdm.url}/page/1"
    )

    method, _, headers, _ = secure.mdm.requests[0]
    assert "x-apple-aspen-deviceinfo" not in secure.mdm.requests[1][2]
    signed = cms.read_signed(base64.b64decode(headers["x-apple-aspen-deviceinfo"]))
    info = plistlib.loads(signed.content or b"")
    assert (method, info["SERIAL"]) == ("GET", device["serial_number"])
    assert (device["state"], device["trouble"]) == ("enrolled", None)


async def test_a_web_view_that_loses_its_cookies_comes_without_them(
    secure: Bench, server_tls: Tls
) -> None:
    def page(request: web.Request) -> web.Response:
        if request.path == "/page/1":
            answer = web.Response(status=302, headers={"Location": "/page/2"})
            answer.set_cookie("who", "anna")
            return answer
        return web.Response(status=200 if request.cookies else 403)

    secure.mdm.enrol = page

    device = await secure.device(
        options={"trust": server_tls[1], "forgets_cookies": True},
        configuration_web_url=f"{secure.mdm.url}/page/1",
    )

    assert len(secure.mdm.requests) == 2
    assert "status 403" in device["trouble"]


async def test_a_signed_profile_is_read_and_its_signer_listed(bench: Bench) -> None:
    def signed(_: web.Request) -> web.Response:
        builder = pkcs7.PKCS7SignatureBuilder().set_data(bench.mdm.profile())
        made = builder.add_signer(IDENTITY, server.KEY, hashes.SHA256()).sign(
            Encoding.DER, [pkcs7.PKCS7Options.Binary]
        )
        return web.Response(body=made, content_type=PROFILE)

    bench.mdm.enrol = signed
    device = await bench.device()

    listed = await bench.run(device["udid"], device["serial_number"], "ProfileList")

    own = IDENTITY.public_bytes(Encoding.DER)
    assert listed["ProfileList"][0]["SignerCertificates"] == [own]


async def test_a_proxys_header_shows_the_certificate(bench: Bench) -> None:
    bench.mdm.mdm["SignMessage"] = False

    await bench.device(options={"proxy_header": "Client-Cert"})

    own = base64.b64encode(IDENTITY.public_bytes(Encoding.DER)).decode()
    assert bench.mdm.requests[-1][2]["client-cert"] == f":{own}:"


async def test_a_profile_service_is_asked_before_the_enrolment(bench: Bench) -> None:
    service = {
        "PayloadType": "Profile Service",
        "PayloadIdentifier": "com.example.service",
        "PayloadUUID": "service",
        "PayloadVersion": 1,
        "PayloadContent": {
            "URL": f"{bench.mdm.url}/enrol",
            "DeviceAttributes": ["UDID", "SERIAL", "IMEI"],
            "Challenge": "secret",
        },
    }

    def enrol(request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.Response(body=plistlib.dumps(service), content_type=PROFILE)
        return web.Response(body=bench.mdm.profile(), content_type=PROFILE)

    bench.mdm.enrol = enrol
    (made,) = (await bench.call("POST", "/simulated-devices", {"count": 1, "families": ["Mac"]}))[
        "simulated_devices"
    ]

    device = await bench.act(made["serial_number"], "enrol", profile_url=f"{bench.mdm.url}/enrol")

    info = plistlib.loads(cms.read_signed(bench.mdm.requests[1][3]).content or b"")
    assert info == {
        "UDID": device["udid"],
        "SERIAL": device["serial_number"],
        "CHALLENGE": "secret",
    }
    assert device["state"] == "enrolled"


async def test_an_origin_is_mapped_to_where_the_server_really_is(bench: Bench) -> None:
    real, named = bench.mdm.url, "https://mdm.test"
    bench.mdm.url = named

    device = await bench.device(options={"origins": {named: real}})

    assert (device["state"], device["server_url"]) == ("enrolled", f"{named}/connect")
