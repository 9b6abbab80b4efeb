"""Those who sign requests for others: mdmcert.download and Fleet's website."""

import base64
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from simulator.protocol import quirks
from simulator.services.identity.signers import MAIL
from tests.apple import Answer, Apple, request
from tests.certificates import self_signed
from tests.services.identity.test_portal import certificate, upload
from tests.vendors import NOW, csr, key

PEM = serialization.Encoding.PEM


def post(apple: Apple, path: str, body: Any) -> Answer:
    headers = [("Host", "127.0.0.1:8443"), ("Content-Type", "application/json")]
    return apple.send(request("POST", path, headers, json.dumps(body).encode()))


def own_certificate() -> x509.Certificate:
    return self_signed(key(), "mdmcert.download", start=NOW)


def ask_mdmcert(apple: Apple, **changes: Any) -> Answer:
    body = {
        "csr": base64.b64encode(csr().public_bytes(PEM)).decode(),
        "email": "it@acme.example",
        "key": "ab" * 32,
        "encrypt": base64.b64encode(own_certificate().public_bytes(PEM)).decode(),
    }
    return post(apple, "/api/v1/signrequest", body | changes)


def mails(apple: Apple) -> list[dict[str, Any]]:
    return [one.body for one in apple.run(lambda state: state.scan(MAIL))]


def test_mdmcert_mails_what_only_the_asker_can_read_and_the_portal_takes(apple: Apple) -> None:
    answer = ask_mdmcert(apple)

    assert (answer.status, answer.json) == (200, {"result": "success"})
    (mail,) = mails(apple)
    assert mail["to"] == "it@acme.example"
    assert mail["name"] == "mdm_signed_request.20260301_120000_1.plist.b64.p7"
    # Lower-case hexadecimal without a line end, as its clients read it.
    assert mail["content"] == bytes.fromhex(mail["content"]).hex()
    plain = pkcs7.pkcs7_decrypt_der(bytes.fromhex(mail["content"]), own_certificate(), key(), [])
    assert certificate(upload(apple, plain)).public_key() == key().public_key()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"csr": "AAAA"}, "csr is no base64 of a CSR", id="csr"),
        pytest.param({"encrypt": "AAAA"}, "encrypt is no certificate", id="certificate"),
    ],
)
def test_mdmcert_fails_with_200_and_a_reason(
    apple: Apple, change: dict[str, str], reason: str
) -> None:
    answer = ask_mdmcert(apple, **change)

    assert (answer.status, answer.json) == (200, {"result": "failure", "reason": reason})
    assert mails(apple) == []


def test_a_signer_whose_vendor_has_expired_says_success_and_the_portal_refuses(
    apple: Apple,
) -> None:
    switch = "identity.vendor-expired"
    apple.run(lambda state: quirks.switch(state, switch, quirks.EVERYBODY, is_on=True))

    signed = ask_fleet(apple)

    assert signed.status == 200
    refused = upload(apple, base64.b64decode(signed.json["csr"]))
    assert refused.exchange.error == "VENDOR_EXPIRED"


def ask_fleet(apple: Apple, query: str = "?deliveryMethod=json", request_: Any = None) -> Answer:
    content = (request_ or csr()).public_bytes(PEM)
    body = {"unsignedCsrData": base64.b64encode(content).decode()}
    return post(apple, f"/api/v1/deliver-apple-csr{query}", body)


def test_fleet_gets_the_signed_request_or_has_it_mailed(apple: Apple) -> None:
    answered = ask_fleet(apple)
    mailed = ask_fleet(apple, "")

    assert upload(apple, base64.b64decode(answered.json["csr"])).status == 200
    assert mailed.status == 200
    (mail,) = mails(apple)
    assert upload(apple, mail["content"].encode()).status == 200


def test_fleet_refuses_free_mail_where_that_is_switched_on(apple: Apple) -> None:
    names = [x509.NameAttribute(NameOID.EMAIL_ADDRESS, "anna@gmail.com")]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    free = builder.sign(key(), hashes.SHA256())
    before = ask_fleet(apple, request_=free)
    apple.run(
        lambda state: quirks.switch(state, "identity.free-mail", quirks.EVERYBODY, is_on=True)
    )
    after = ask_fleet(apple, request_=free)

    assert before.status == 200
    assert (after.status, after.text) == (
        400,
        "this email address is not valid: Bad Request",
    )
    assert after.header("Content-Type") == "text/plain; charset=utf-8"


def test_what_is_no_csr_is_refused(apple: Apple) -> None:
    answer = post(apple, "/api/v1/deliver-apple-csr", {"unsignedCsrData": "AAAA"})

    assert (answer.status, answer.exchange.error) == (400, "INVALID_REQUEST")
