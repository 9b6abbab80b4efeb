"""Push certificates as macOS Server's client asked for them: account and CSRs in a signed plist."""

import plistlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from tests.apple import Answer, Apple
from tests.services.identity.test_portal import known, topic, upload
from tests.vendors import csr, key, vendor

HASH = "c0ffee00" * 8
PEM = csr().public_bytes(serialization.Encoding.PEM).decode()
ENTRY = {"CSR": PEM, "CertRequestNo": 3, "Description": "mail.acme", "ServiceType": "Service_Mgmt"}
CALENDAR = ENTRY | {"CertRequestNo": 0, "ServiceType": "Service_Calendar"}


def form(
    *entries: Any, digest: Any = None, account: str = "admin@acme.example", **changes: Any
) -> bytes:
    """Return the outer property list, signed by the vendor with SHA-1 unless another is given."""
    request = {
        "CertRequestList": list(entries),
        "ProfileType": "Production",
        "RequesterType": "XServer",
        "User": {"AccountName": account, "PasswordHash": HASH},
    }
    inner = plistlib.dumps({"Header": {"ClientApplicationName": "XServer"}, "Request": request})
    signed = vendor().key.sign(inner, padding.PKCS1v15(), digest or hashes.SHA1())  # noqa: S303 (as documented)
    outer = {
        "PushCertCertificateChain": vendor().chain_pem,
        "PushCertRequestPlist": inner,
        "PushCertSignature": signed,
        "PushCertSignedRequest": True,
    }
    return plistlib.dumps(outer | changes)


def issued(answer: Answer) -> list[tuple[int, x509.Certificate]]:
    assert answer.status == 200, answer.text
    found = plistlib.loads(answer.response.body)["Response"]
    assert found["Status"]["ErrorCode"] == 0
    return [
        (one["CertRequestNo"], x509.load_pem_x509_certificate(one["Certificate"].encode()))
        for one in found["Certificates"]
    ]


@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA256()], ids=["sha1", "sha256"])  # noqa: S303 (as the portal takes)
def test_a_certificate_is_issued_for_the_csr_of_mdm(apple: Apple, digest: Any) -> None:
    answer = upload(apple, form(CALENDAR, ENTRY, digest=digest))

    ((number, made),) = issued(answer)
    (row,) = known(apple)
    assert (number, made.public_key()) == (3, key().public_key())
    assert (row.account, row.note, row.topic) == ("admin@acme.example", "mail.acme", topic(made))
    assert answer.rules == []


def test_renewing_names_the_serial_number_in_the_request_and_keeps_the_topic(apple: Apple) -> None:
    ((_, first),) = issued(upload(apple, form(ENTRY)))
    renewal = ENTRY | {"CertificateSerialNumber": f"{first.serial_number:X}"}

    ((_, second),) = issued(upload(apple, form(renewal), "renew"))
    unnamed = upload(apple, form(ENTRY), "renew")

    assert topic(second) == topic(first)
    assert second.serial_number != first.serial_number
    assert unnamed.exchange.error == "CERTIFICATE_UNKNOWN"


def test_the_hash_of_the_password_is_written_down_nowhere(apple: Apple) -> None:
    answer = upload(apple, form(ENTRY))

    body = answer.exchange.request.body
    inner = plistlib.loads(body)["PushCertRequestPlist"]
    assert inner.startswith("<sealed push.portal_request ")
    assert HASH.encode() not in body


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(form(), "INVALID_REQUEST", id="no-csr"),
        pytest.param(form(CALENDAR), "INVALID_REQUEST", id="another-service"),
        pytest.param(form("text"), "INVALID_REQUEST", id="no-dictionary"),
        pytest.param(form(*[ENTRY] * 6), "INVALID_REQUEST", id="too-many"),
        pytest.param(form(ENTRY | {"CSR": "no PEM"}), "INVALID_REQUEST", id="no-pem"),
        pytest.param(form(ENTRY, PushCertRequestPlist=b"{}"), "INVALID_REQUEST", id="no-plist"),
        pytest.param(
            form(ENTRY, PushCertRequestPlist=plistlib.dumps({"Request": []})),
            "INVALID_REQUEST",
            id="no-request",
        ),
        pytest.param(form(ENTRY, PushCertSignature=b"x" * 256), "SIGNATURE_INVALID", id="forged"),
        pytest.param(form(ENTRY, PushCertCertificateChain=b"x"), "SIGNATURE_INVALID", id="chain"),
        pytest.param(form(ENTRY, account="b@other.example"), "ACCOUNT_UNKNOWN", id="account"),
    ],
)
def test_what_is_no_such_request_is_refused_and_changes_nothing(
    apple: Apple, content: bytes, code: str
) -> None:
    answer = upload(apple, content)

    assert (answer.status >= 400, answer.exchange.error) == (True, code)
    assert known(apple) == []


def test_a_request_has_as_many_csrs_as_others_can_wait_for(apple: Apple) -> None:
    answer = upload(apple, form(*(ENTRY | {"CertRequestNo": number} for number in range(5))))

    assert [number for number, _ in issued(answer)] == list(range(5))


def test_all_is_issued_or_nothing(apple: Apple) -> None:
    short = csr(key(1024)).public_bytes(serialization.Encoding.PEM).decode()

    answer = upload(apple, form(ENTRY, ENTRY | {"CSR": short}))

    assert answer.exchange.error == "INVALID_KEY"
    assert known(apple) == []
