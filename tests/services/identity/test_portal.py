"""The portal: a certificate is created, renewed, revoked, and mailed about."""

import base64
import json
import plistlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import NameOID

from simulator.pki.push import read_push_certificate
from simulator.pki.push_requests import sign_request
from simulator.protocol import quirks
from simulator.services import push_topics
from simulator.services.identity import certificates, vendors
from simulator.services.identity.certificates import Certificate
from tests.apple import AGENT, Answer, Apple, request
from tests.vendors import NOW, csr, developer, foreign, key, vendor

DAY_S = 86_400
SHORT_CSR = (
    "MIHXMIGCAgEAMB0xDjAMBgNVBAMMBXNob3J0MQswCQYDVQQGEwJTRTBcMA0GCSqGSIb3DQEBAQUAA0sAMEgCQQCz+jAC"
    "YFUDu8JoGluEKzODpDasaGYHVO+KwqMsYYG433ryroJpXZ1Y+woC6319hZzL9oa9qHreQEIEOGJME0GxAgMBAAGgADAN"
    "BgkqhkiG9w0BAQsFAANBAGTJRPT88oZqBRMK8BcNjUfJFOpdhs0MbduHbG1GnGl1gnHrS6gnsQMAV3E8Gbts3R/bbBP+"
    "IZT8r/G9K7G9j5c="
)
"""A request for a key of 512 bits."""


def upload(apple: Apple, content: bytes, path: str = "new", **more: Any) -> Answer:
    headers = [("Host", "identity.apple.com"), ("User-Agent", AGENT)]
    headers.append(("Content-Type", "text/x-xml-plist"))
    return apple.send(request("POST", f"/pushcert/caservice/{path}", headers, content, **more))


def good() -> bytes:
    return sign_request(csr(), vendor())


def certificate(answer: Answer) -> x509.Certificate:
    assert answer.status == 200, answer.text
    found = plistlib.loads(answer.response.body)["Response"]
    assert found["Status"] == {"ErrorCode": 0, "ErrorMessage": "", "ErrorDescription": ""}
    (one,) = found["Certificates"]
    return x509.load_pem_x509_certificate(one["Certificate"].encode())


def topic(found: x509.Certificate) -> str:
    return str(found.subject.get_attributes_for_oid(NameOID.USER_ID)[0].value)


def known(apple: Apple) -> list[Certificate]:
    return apple.run(certificates.all_of)


def test_a_certificate_is_issued_for_the_key_of_the_csr(apple: Apple) -> None:
    answer = upload(apple, good())
    made = certificate(answer)

    assert answer.exchange.organisation == "acme"
    assert made.public_key() == key().public_key()
    assert topic(made).startswith("com.apple.mgmt.External.")
    assert f"{made.not_valid_after_utc:%Y-%m-%d}" == "2027-03-01"
    identity = read_push_certificate(made.public_bytes(serialization.Encoding.DER))
    assert identity.environments == ("development", "production")
    (row,) = known(apple)
    assert (row.organisation, row.account, row.topic) == ("acme", "admin@acme.example", topic(made))
    assert row.vendor == "MDM Vendor: Example MDM"
    assert apple.run(lambda state: push_topics.names(state, "acme")) == [topic(made)]


def test_creating_again_gives_another_topic_and_renewing_keeps_it(apple: Apple) -> None:
    first = certificate(upload(apple, good()))
    second = certificate(upload(apple, good()))
    apple.advance(340 * DAY_S)
    path = f"renew?CertificateSerialNumber={first.serial_number:X}"
    third = certificate(upload(apple, good(), path))

    assert topic(first) != topic(second)
    assert topic(third) == topic(first)
    assert third.serial_number != first.serial_number
    assert f"{third.not_valid_after_utc:%Y-%m-%d}" == "2028-02-04"
    old = next(one for one in known(apple) if one.serial == f"{first.serial_number:x}")
    assert old.renewed_by == f"{third.serial_number:x}"
    assert old.state_at(apple.now_ms) == "active"


def test_two_renewals_of_one_certificate_are_both_good(apple: Apple) -> None:
    first = certificate(upload(apple, good()))
    path = f"renew?CertificateSerialNumber={first.serial_number:x}"

    made = [certificate(upload(apple, good(), path)) for _ in range(2)]

    assert {topic(one) for one in made} == {topic(first)}
    assert len({one.serial_number for one in (first, *made)}) == 3
    assert {one.state_at(apple.now_ms) for one in known(apple)} == {"active"}


REFUSED = [
    pytest.param(b"", "INVALID_REQUEST", -80017, id="empty"),
    pytest.param(b"no base64!", "INVALID_REQUEST", -80017, id="not-base64"),
    pytest.param(base64.b64encode(b"<plist/>"), "INVALID_REQUEST", -80017, id="not-a-plist"),
    pytest.param(
        csr().public_bytes(serialization.Encoding.PEM),
        "INVALID_REQUEST",
        -80017,
        id="bare-csr",
    ),
    pytest.param(
        sign_request(csr(), replace(vendor(), key=key())),
        "SIGNATURE_INVALID",
        -80018,
        id="another-key",
    ),
    pytest.param(sign_request(csr(), foreign()), "SIGNATURE_INVALID", -80018, id="foreign-chain"),
    pytest.param(sign_request(csr(key(1024)), vendor()), "INVALID_KEY", -80017, id="1024-bits"),
    pytest.param(
        sign_request(x509.load_der_x509_csr(base64.b64decode(SHORT_CSR)), vendor()),
        "INVALID_KEY",
        -80017,
        id="512-bits",
    ),
]


@pytest.mark.parametrize(("content", "code", "number"), REFUSED)
def test_a_bad_request_is_refused_and_changes_nothing(
    apple: Apple, content: bytes, code: str, number: int
) -> None:
    answer = upload(apple, content)

    assert (answer.status, answer.exchange.error) == (400, code)
    status = plistlib.loads(answer.response.body)["Response"]["Status"]
    assert status["ErrorCode"] == number
    assert any(finding.refused for finding in answer.exchange.findings)
    assert known(apple) == []
    assert apple.run(lambda state: push_topics.names(state, "acme")) == []


def test_an_expired_vendor_is_told_apart_from_a_wrong_signature(apple: Apple) -> None:
    wrong = upload(apple, sign_request(csr(), replace(vendor(), key=key())))
    apple.advance(400 * DAY_S)
    late = upload(apple, good())

    texts = [
        plistlib.loads(one.response.body)["Response"]["Status"]["ErrorDescription"]
        for one in (wrong, late)
    ]
    assert texts == [
        "because the signature is invalid.",
        "because the signing certificate is expired.",
    ]
    assert late.exchange.error == "VENDOR_EXPIRED"


def test_a_revoked_vendor_is_refused(apple: Apple) -> None:
    apple.run(lambda state: vendors.revoke(state, vendor().certificate.serial_number))

    assert upload(apple, good()).exchange.error == "VENDOR_REVOKED"


def test_only_an_own_certificate_that_is_good_is_renewed(apple: Apple) -> None:
    first = certificate(upload(apple, good()))
    path = f"renew?CertificateSerialNumber={first.serial_number:x}"
    unknown = upload(apple, good(), "renew?CertificateSerialNumber=abc")
    unnamed = upload(apple, good(), "renew")
    apple.advance(394 * DAY_S)
    fresh = sign_request(csr(), developer().vendor("Late", NOW + timedelta(days=390)))
    late = upload(apple, fresh, path)
    apple.advance(2 * DAY_S)
    too_late = upload(apple, fresh, path)

    assert [one.exchange.error for one in (unknown, unnamed)] == ["CERTIFICATE_UNKNOWN"] * 2
    assert late.status == 200
    assert (too_late.status, too_late.exchange.error) == (409, "NOT_RENEWABLE")


def test_a_revoked_certificate_is_refused_by_apns_and_not_renewed(apple: Apple) -> None:
    made = certificate(upload(apple, good()))
    row = known(apple)[0]
    apple.run(lambda state: certificates.revoke(state, row))

    path = f"renew?CertificateSerialNumber={row.serial}"
    assert upload(apple, good(), path).exchange.error == "NOT_RENEWABLE"
    assert known(apple)[0].state_at(apple.now_ms) == "revoked"
    found = apple.run(lambda state: push_topics.find(state, topic(made)))
    assert found is not None
    assert found["revoked"] == [row.serial]


def test_the_account_gets_mails_as_time_goes_by(apple: Apple) -> None:
    upload(apple, good())

    def subjects() -> list[str]:
        return [mail.subject for mail in apple.run(lambda s: certificates.mails(s, apple.now_ms))]

    counts, start = [], apple.now_ms
    for day in (0, 334, 335, 354, 355, 363, 364):
        apple.now_ms = start + day * DAY_S * 1000
        counts.append(len(subjects()))

    assert counts == [1, 1, 2, 2, 3, 3, 4]
    assert subjects()[0] == "Apple Push Notification Service certificate created"
    assert subjects()[-1].startswith("Final notice-Tomorrow:")
    mail = apple.run(lambda s: certificates.mails(s, apple.now_ms))[0]
    assert mail.to == "admin@acme.example"


def test_a_certificate_that_was_revoked_is_mailed_about_no_more(apple: Apple) -> None:
    upload(apple, good())
    apple.run(lambda state: certificates.revoke(state, certificates.all_of(state)[0]))
    apple.advance(400 * DAY_S)

    assert len(apple.run(lambda s: certificates.mails(s, apple.now_ms))) == 1


def test_an_unknown_account_is_named_with_those_that_there_are(apple: Apple) -> None:
    answer = upload(apple, good(), "new?AccountName=x@y.example")

    assert (answer.status, answer.exchange.error) == (401, "ACCOUNT_UNKNOWN")
    assert upload(apple, good(), "new?AccountName=admin@acme.example").status == 200


def signed_with_sha1() -> bytes:
    """Return a good request whose signature is an old tool's."""
    texts = plistlib.loads(base64.b64decode(good()))
    der = base64.b64decode(texts["PushCertRequestCSR"])
    signature = vendor().key.sign(der, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 (old tools)
    texts["PushCertSignature"] = base64.b64encode(signature).decode()
    return base64.b64encode(plistlib.dumps(texts))


@pytest.mark.parametrize(
    ("quirk", "content"),
    [
        pytest.param("identity.sha1", signed_with_sha1(), id="sha1"),
        pytest.param("identity.any-key", sign_request(csr(key(1024)), vendor()), id="key"),
        pytest.param(
            "identity.any-signature",
            sign_request(csr(), replace(vendor(), key=key())),
            id="signature",
        ),
    ],
)
def test_a_switch_turns_a_check_off(apple: Apple, quirk: str, content: bytes) -> None:
    before = upload(apple, content)
    apple.run(lambda state: quirks.switch(state, quirk, "acme", is_on=True))

    assert (before.status, upload(apple, content).status) == (400, 200)


def test_the_request_discloses_who_asks_and_by_whom_it_was_signed(apple: Apple) -> None:
    answer = upload(apple, good(), "new?note=Ask+anna@acme.example")
    operation = apple.catalogue.operations["identity.create"]
    service = apple.catalogue.services["identity"]

    records = apple.observer.observe(answer.exchange.request, operation, service)

    found = {(one.at, one.concept, one.via) for one in records}
    assert ("/PushCertRequestCSR#/subject.emailAddress", "org.email", "csr") in found
    assert ("/PushCertRequestCSR#/subject.O", "org.name", "csr") in found
    assert ("/PushCertRequestCSR#/subject.C", "push.cert_country", "csr") in found
    assert ("note", "push.portal_note", "") in found
    chain = {one.at for one in records if one.concept == "push.vendor_chain"}
    assert "/PushCertCertificateChain#/subject.CN" in chain
    note = next(one for one in records if one.at == "note")
    assert note.flags == ("value:email-in-free-text",)


def test_the_files_of_the_chain_are_der(apple: Apple) -> None:
    paths = ("/certificateauthority/AppleWWDRCAG3.cer", "/appleca/AppleIncRootCertificate.cer")
    answers = [apple.send(request("GET", path, [("Host", "www.apple.com")])) for path in paths]

    issuer, root = (x509.load_der_x509_certificate(one.response.body) for one in answers)
    issuer.verify_directly_issued_by(root)
    assert answers[0].header("Content-Type") == "application/pkix-cert"
    assert (issuer, root) == vendor().chain[1:]


def test_a_wrong_path_and_method_are_told_by_the_triple(apple: Apple) -> None:
    lost = apple.send(request("GET", "/pushcert", [("Host", "identity.apple.com")]))
    got = apple.send(request("GET", "/pushcert/caservice/new", [("Host", "identity.apple.com")]))

    assert json.loads(lost.text)["ErrorMessage"] == "There is nothing of this name."
    assert got.status == 405
