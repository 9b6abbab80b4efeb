"""The push certificate portal as people use it, by the control API."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.pki.push_requests import sign_request
from simulator.pki.vendor import Vendor
from tests.control.conftest import Control
from tests.vendors import csr, key, vendor

PEM = serialization.Encoding.PEM
LATER = {"mode": "frozen", "now": "2099-01-01T00:00:00Z"}


async def certificates(control: Control) -> list[dict[str, Any]]:
    _, found = await control.call("GET", "/push-certificates")
    listed: list[dict[str, Any]] = found["push_certificates"]
    return listed


async def make_vendor(control: Control, **body: Any) -> tuple[str, Vendor]:
    """Return the serial number of a vendor of the simulator, and the vendor."""
    status, made = await control.call("POST", "/vendor-certificates", body)
    assert status == 201
    chain = tuple(x509.load_pem_x509_certificates(made["chain"].encode()))
    own = serialization.load_pem_private_key(made["key"].encode(), password=None)
    assert isinstance(own, rsa.RSAPrivateKey)
    return made["serial"], Vendor(chain[0], chain, own)


async def upload(control: Control, signer: Vendor, **more: Any) -> tuple[int, Any]:
    request = sign_request(csr(), signer).decode()
    return await control.call("POST", "/push-certificates", {"request": request, **more})


async def test_the_certificate_of_the_world_is_renewed_in_the_portal(control: Control) -> None:
    (first,) = await certificates(control)
    ready = control.simulator.ready["organisations"][0]
    _, own = await make_vendor(control)

    status, made = await upload(control, own, renews=first["serial"], note="For 2027")

    assert first["topic"] == ready["push_topics"][0]["topic"]
    assert (first["state"], first["days_left"]) == ("active", 364)
    assert status == 201
    assert (made["topic"], made["is_other_topic"]) == (first["topic"], False)
    assert made["note"] == "For 2027"
    assert (await certificates(control))[0]["renewed_by"] == made["serial"]
    loaded = x509.load_pem_x509_certificate(made["certificate"].encode())
    assert loaded.public_key() == key().public_key()


async def test_creating_another_is_told_to_orphan_the_devices(control: Control) -> None:
    _, own = await make_vendor(control)

    _, made = await upload(control, own)

    assert made["is_other_topic"] is True
    assert len({one["topic"] for one in await certificates(control)}) == 2


async def test_a_vendor_signs_with_a_certificate_for_its_own_csr(control: Control) -> None:
    pem = csr().public_bytes(PEM).decode()

    _, made = await control.call("POST", "/vendor-certificates", {"csr": pem, "name": "Acme"})

    assert made["key"] is None
    cer = x509.load_der_x509_certificate(base64.b64decode(made["cer"]))
    assert cer.public_key() == key().public_key()
    chain = tuple(x509.load_pem_x509_certificates(made["chain"].encode()))
    assert (await upload(control, Vendor(cer, chain, key())))[0] == 201


async def test_the_portal_says_what_is_wrong_with_a_request(control: Control) -> None:
    foreign, problem = await upload(control, vendor())
    serial, own = await make_vendor(control)
    gone, _ = await control.call("DELETE", f"/vendor-certificates/{serial}")
    revoked, why = await upload(control, own)
    none, said = await control.call("POST", "/push-certificates", {"request": "no base64!"})

    assert (foreign, gone, revoked, none) == (409, 200, 409, 409)
    assert problem["detail"].startswith(
        "Certificate Signature Verification failed because the signature is invalid. (-80018): "
        "the chain does not end with the root of this simulator"
    )
    assert "because the signing certificate is revoked." in why["detail"]
    assert said["detail"].startswith("Invalid Certificate Signing Request")
    assert len(await certificates(control)) == 1


async def test_an_expired_vendor_is_made_on_demand(control: Control) -> None:
    _, own = await make_vendor(control, expires_in_s=-60)

    status, problem = await upload(control, own)

    assert status == 409
    assert "because the signing certificate is expired." in problem["detail"]


async def test_a_certificate_is_revoked_and_then_not_renewed(control: Control) -> None:
    (first,) = await certificates(control)
    _, own = await make_vendor(control)

    status, gone = await control.call("DELETE", f"/push-certificates/{first['serial']}")
    refused, problem = await upload(control, own, renews=first["serial"])

    assert (status, gone["state"], refused) == (200, "revoked", 409)
    assert problem["detail"].startswith("The certificate was revoked")
    assert (await control.call("DELETE", "/push-certificates/abc"))[0] == 404


async def test_mails_come_as_the_clock_is_moved(control: Control) -> None:
    _, before = await control.call("GET", "/mails")
    await control.call("PUT", "/clock", LATER)
    _, after = await control.call("GET", "/mails")

    assert [one["subject"].split()[-1] for one in before["mails"]] == ["created"]
    assert after["mails"][0]["subject"].startswith("Final notice-Tomorrow:")
    assert len(after["mails"]) == 4
    assert (await certificates(control))[0]["state"] == "expired"


async def test_mdmcert_and_fleet_sign_with_a_vendor_that_the_portal_knows(
    control: Control,
) -> None:
    body = {"unsignedCsrData": base64.b64encode(csr().public_bytes(PEM)).decode()}
    url = f"{control.service}/api/v1/deliver-apple-csr?deliveryMethod=json"
    async with control.http.post(url, json=body) as answer:
        signed = base64.b64decode((await answer.json())["csr"]).decode()

    status, _ = await control.call("POST", "/push-certificates", {"request": signed})

    assert status == 201


@pytest.mark.parametrize("body", [{"csr": "none"}, {"name": ""}, {"expires_in_s": 10**12}])
async def test_a_vendor_that_cannot_be_is_refused(control: Control, body: Any) -> None:
    status, _ = await control.call("POST", "/vendor-certificates", body)

    assert status in (400, 409)
