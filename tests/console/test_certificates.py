"""The push certificate portal in the console."""

import io

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.pki.push_requests import sign_request
from simulator.pki.vendor import Vendor
from tests.console.conftest import Console
from tests.vendors import csr, vendor

PLACE = "/world/certificates"


async def signed(console: Console) -> bytes:
    """Return a request that a vendor of the simulator has signed."""
    made = await console.api("POST", "/vendor-certificates", {"name": "Acme"})
    own = serialization.load_pem_private_key(made["key"].encode(), password=None)
    assert isinstance(own, rsa.RSAPrivateKey)
    chain = tuple(x509.load_pem_x509_certificates(made["chain"].encode()))
    return sign_request(csr(), Vendor(chain[0], chain, own))


async def test_a_certificate_is_renewed_downloaded_and_revoked(console: Console) -> None:
    page = await console.open(PLACE)
    (own,) = (await console.api("GET", "/push-certificates"))["push_certificates"]

    renewed = await console.submit(
        page,
        PLACE,
        request=io.BytesIO(await signed(console)),
        renews=own["serial"],
        note="For next year",
    )
    _, new = (await console.api("GET", "/push-certificates"))["push_certificates"]
    file = await console.open(f"{PLACE}/{new['serial']}")
    revoked = await console.submit(renewed, f"{PLACE}/{new['serial']}/revoke")

    assert f"Renewed for {own['topic']}." in renewed.words
    assert "For next year" in renewed.words
    assert file.text == new["certificate"]
    assert "MDM_MDM_Vendor_Acme_Certificate.pem" in file.headers["Content-Disposition"]
    assert f"The certificate {new['serial']} is revoked." in revoked.words
    assert "certificate created" in revoked.words


async def test_creating_beside_a_good_one_is_warned_of(console: Console) -> None:
    page = await console.open(PLACE)

    created = await console.submit(
        page, PLACE, request=io.BytesIO(await signed(console)), organisation="demo"
    )

    assert "are not reached by it: renew that one instead" in created.words


async def test_a_refusal_has_the_words_of_the_portal(console: Console) -> None:
    page = await console.open(PLACE)

    foreign = await console.submit(
        page, PLACE, request=io.BytesIO(sign_request(csr(), vendor())), organisation="demo"
    )
    empty = await console.submit(page, PLACE, organisation="demo")
    lost = await console.open(f"{PLACE}/none")

    assert "Certificate Signature Verification failed" in foreign.words
    assert "Invalid Certificate Signing Request" in empty.words
    assert lost.status == 404
