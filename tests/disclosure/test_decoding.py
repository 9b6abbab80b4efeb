"""Values inside values, and flags that values earn by what they are."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from simulator.protocol.operations import Operation
from tests.disclosure.factories import (
    FINGERPRINTER,
    GET,
    LOG_IN,
    TOKEN,
    observed,
    post,
    recorded,
    request,
)


def _certificate() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Root"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "it@acme.example"),
        ]
    )
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Issuer")])
    made = x509.CertificateBuilder(issuer, subject, key.public_key(), 0xABC)
    made = made.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    made = made.not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    return made.sign(key, hashes.SHA256())


CERTIFICATE = _certificate()


def test_a_url_is_taken_apart() -> None:
    url = "https://anna:pw@m.example/e?a=1&b&c=&=2#frag"

    records = observed(post({"url": url}))

    assert [(one.at, one.via, one.len) for one in records] == [
        ("/url", "", len("https://m.example/e")),
        ("/url@userinfo", "url-userinfo", 7),
        ("/url?a", "url-query", 1),
        ("/url?", "url-query", 1),
        ("/url?c", "url-query", 0),
        ("/url?", "url-query", 1),
        ("/url#fragment", "url-fragment", 4),
    ]
    assert {one.concept for one in records[1:]} == {"dep.enrol_url.query"}
    assert records[0].shape == "url"
    assert records[1].field == "userinfo"


def test_a_certificate_is_taken_apart() -> None:
    der = base64.b64encode(CERTIFICATE.public_bytes(Encoding.DER)).decode()

    records = observed(post({"anchor_certs": [der, "no certificate"]}))

    assert [one.at for one in records] == [
        "/anchor_certs/0",
        "/anchor_certs/0#/subject.CN",
        "/anchor_certs/0#/subject.O",
        "/anchor_certs/0#/subject.emailAddress",
        "/anchor_certs/0#/issuer.CN",
        "/anchor_certs/0#/serial",
        "/anchor_certs/1",
    ]
    assert {one.concept for one in records} == {"dep.anchor_cert"}
    assert records[1].generic == "/anchor_certs/*#/subject.CN"
    assert records[1].fp == FINGERPRINTER.fingerprint("dep.anchor_cert", "Root")
    assert records[5].via == "x509"


def test_a_certificate_may_be_pem() -> None:
    pem = CERTIFICATE.public_bytes(Encoding.PEM).decode()

    assert len(observed(post({"anchor_certs": [pem]}))) == 6


def test_oauth_parameters_are_records_and_the_header_is_none() -> None:
    header = 'OAuth oauth_token="AT", oauth_odd=1, oauth_signature="a%3D"'

    records = observed(request("GET", "/session", headers=(("Authorization", header),)), LOG_IN)

    assert [(one.part, one.at, one.via, one.documented, one.len) for one in records] == [
        ("oauth1", "oauth_token", "header:authorization", True, 2),
        ("oauth1", "oauth_odd", "header:authorization", False, 1),
        ("oauth1", "oauth_signature", "header:authorization", True, 2),
    ]


@pytest.mark.parametrize(
    ("operation", "value", "concept", "length"),
    [
        pytest.param(GET, "Bearer abcdef", "net.authorization", 6, id="bearer"),
        pytest.param(GET, "abcdef", "net.authorization", 6, id="no-scheme"),
        pytest.param(LOG_IN, "Basic abcd", "dep.oauth_signature", 4, id="where-oauth-should-be"),
        pytest.param(LOG_IN, "OAuth oauth_token", "dep.oauth_signature", 11, id="broken-oauth"),
    ],
)
def test_another_authorization_is_one_secret_record(
    operation: Operation, value: str, concept: str, length: int
) -> None:
    (record,) = observed(request("GET", headers=(("Authorization", value),)), operation)

    assert (record.part, record.at, record.concept) == ("header", "authorization", concept)
    assert (record.len, record.secret, record.documented) == (length, "yes", False)


@pytest.mark.parametrize(
    ("tree", "flags"),
    [
        pytest.param(
            {"person": "anna@b.example"}, [("value:email-in-opaque-id",)], id="mail-as-identifier"
        ),
        pytest.param(
            {"person": "Anna@B.example", "contact": "Anna@b.EXAMPLE"},
            [("value:email-in-opaque-id", "value:same-as:user.email"), ()],
            id="identifier-is-contact",
        ),
        pytest.param(
            {"contact": "a@b.example", "email": "a@b.example"},
            [(), ("value:same-as:user.email",)],
            id="two-contacts",
        ),
        pytest.param(
            {"message": "call +46 8 465 004 00 or it@b.example"},
            [("value:email-in-free-text", "value:phone-in-free-text")],
            id="free-text",
        ),
        pytest.param({"message": "08-465 004 00"}, [("value:phone-in-free-text",)], id="local"),
        pytest.param({"message": "2026-01-01, adam 361309726"}, [()], id="no-phone"),
        pytest.param({"email": "anna@gmail.com"}, [("value:personal-mailbox",)], id="mailbox"),
    ],
)
def test_values_are_flagged(tree: Any, flags: list[tuple[str, ...]]) -> None:
    records = observed(post(tree), version=2)

    assert [one.flags for one in records] == flags
    sent = post(tree, ("X-Server-Protocol-Version", "2"))
    assert [one.flags for one in recorded(sent)][1:] == flags


def test_a_credential_somewhere_else_is_flagged_and_hidden() -> None:
    sent = post({"message": TOKEN}, ("X-Session", TOKEN))

    header, body = recorded(sent)

    assert header.flags == ()
    assert body.flags == ("misplaced-credential",)
    assert body.concept == "lock.message"
