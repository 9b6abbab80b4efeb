"""Requests for push certificates: what a portal reads, and each check with its refusal."""

import base64
import plistlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from msgspec import structs

from simulator.pki.push_requests import (
    KEYS,
    PushRequest,
    RequestRefused,
    Rules,
    read_request,
    sign_request,
    verify,
)
from simulator.pki.vendor import Vendor, VendorAuthority
from tests.vendors import NOW, csr, developer, foreign, key, vendor

CSR, CHAIN, SIGNATURE = KEYS


def tree(signer: Vendor | None = None, request: Any = None) -> dict[str, str]:
    """Return the property list of a request, as the file holds it."""
    content = sign_request(request or csr(), signer or vendor())
    found: dict[str, str] = plistlib.loads(base64.b64decode(content))
    return found


def rules(**changes: Any) -> Rules:
    return structs.replace(Rules(developer().root, NOW), **changes)


def refused(request: PushRequest, **changes: Any) -> str:
    with pytest.raises(RequestRefused) as caught:
        verify(request, rules(**changes))
    return caught.value.reason


def test_a_request_is_base64_in_one_line_of_three_texts() -> None:
    content = sign_request(csr(), vendor())

    assert b"\n" not in content
    found = plistlib.loads(base64.b64decode(content, validate=True))
    assert list(found) == sorted(KEYS)
    pem = found[CHAIN].split("-----END CERTIFICATE-----\n")
    assert len(pem) == 4
    assert max(len(line) for line in found[CHAIN].splitlines()) == 64
    # The signature is that of the vendor over the DER, as openssl would verify it.
    signed = base64.b64decode(found[CSR])
    vendor().key.public_key().verify(
        base64.b64decode(found[SIGNATURE]), signed, padding.PKCS1v15(), hashes.SHA256()
    )


def test_a_good_request_is_accepted() -> None:
    request = read_request(tree())

    verify(request, rules())

    assert request.csr.public_key() == key().public_key()
    assert request.vendor.subject == vendor().certificate.subject


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({CSR: None}, "request", id="no-csr"),
        pytest.param({CHAIN: ""}, "request", id="empty-chain"),
        pytest.param({SIGNATURE: 5}, "request", id="number"),
        pytest.param({CSR: "no base64!"}, "csr", id="csr-not-base64"),
        pytest.param({CSR: "AAAA"}, "csr", id="csr-not-der"),
        pytest.param({CHAIN: "-----BEGIN CERTIFICATE-----\nAAAA"}, "chain", id="chain-damaged"),
        pytest.param({CHAIN: "AAAA"}, "chain", id="chain-not-pem"),
        pytest.param({CHAIN: "%"}, "chain", id="chain-not-base64"),
        pytest.param({SIGNATURE: "no base64!"}, "signature", id="signature-not-base64"),
    ],
)
def test_what_cannot_be_read_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RequestRefused) as caught:
        read_request(tree() | change)

    assert caught.value.reason == reason


def test_a_csr_in_pem_or_changed_after_it_was_signed_is_refused() -> None:
    pem = csr().public_bytes(serialization.Encoding.PEM)
    der = bytearray(csr().public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    for content, says in ((pem, "encode the DER"), (bytes(der), "not signed by its own key")):
        with pytest.raises(RequestRefused, match=says):
            read_request(tree() | {CSR: base64.b64encode(content).decode()})


def test_a_chain_may_be_data_and_texts_may_be_wrapped() -> None:
    made = tree()
    wrapped = base64.encodebytes(base64.b64decode(made[CSR])).decode()
    chain = base64.b64encode(made[CHAIN].encode()).decode()

    verify(read_request(made | {CSR: wrapped, CHAIN: chain}), rules())


def test_a_signature_by_another_key_is_refused() -> None:
    other = replace(vendor(), key=key())

    assert refused(read_request(tree(other))) == "signature"


def test_a_signature_over_the_pem_is_refused() -> None:
    pem = csr().public_bytes(serialization.Encoding.PEM)
    signature = vendor().key.sign(pem, padding.PKCS1v15(), hashes.SHA256())

    request = read_request(tree() | {SIGNATURE: base64.b64encode(signature).decode()})

    assert refused(request) == "signature"
    verify(request, rules(check_signature=False))


def test_sha_1_passes_only_where_it_is_allowed() -> None:
    der = csr().public_bytes(serialization.Encoding.DER)
    signature = vendor().key.sign(der, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 (old tools)

    request = read_request(tree() | {SIGNATURE: base64.b64encode(signature).decode()})

    assert refused(request) == "signature"
    verify(request, rules(sha1=True))


def test_a_chain_that_ends_elsewhere_is_refused() -> None:
    assert refused(read_request(tree(foreign()))) == "chain"


@pytest.mark.parametrize(
    "pick",
    [
        pytest.param((0,), id="vendor-only"),
        pytest.param((0, 1), id="no-root"),
        pytest.param((0, 2), id="no-intermediate"),
        pytest.param((1, 0, 2), id="wrong-order"),
        pytest.param((0, 1, 1, 1, 2), id="too-long"),
    ],
)
def test_an_incomplete_chain_is_refused(pick: tuple[int, ...]) -> None:
    whole = vendor().chain
    cut = replace(vendor(), chain=tuple(whole[number] for number in pick))

    assert refused(read_request(tree(cut))) == "chain"


def test_a_vendor_that_another_vendor_has_issued_is_refused() -> None:
    below = VendorAuthority(vendor().certificate, developer().root, vendor().key)
    leaf = below.vendor("Below", NOW)
    chain = (leaf.certificate, *vendor().chain)

    assert refused(read_request(tree(replace(leaf, chain=chain)))) == "chain"


def test_a_vendor_is_good_for_a_year() -> None:
    request = read_request(tree())

    verify(request, rules(now=NOW + timedelta(days=365)))
    assert refused(request, now=NOW + timedelta(days=366)) == "expired"
    verify(request, rules(now=NOW - timedelta(days=400)))


def test_a_revoked_vendor_is_refused() -> None:
    serial = vendor().certificate.serial_number

    assert refused(read_request(tree()), revoked=frozenset({serial})) == "revoked"


def test_short_and_other_keys_are_refused() -> None:
    short = read_request(tree(request=csr(key(1024))))
    curve = read_request(tree(request=csr(ec.generate_private_key(ec.SECP256R1()))))

    assert refused(short) == refused(curve) == "key"
    verify(short, rules(check_key=False))


def test_the_order_of_the_checks_is_that_of_the_portal() -> None:
    """Key, chain, dates, signature: what is wrong first is what is said (more.md 1.5)."""
    worst = replace(foreign(), key=key())
    request = read_request(tree(worst, csr(key(1024))))
    late = NOW + timedelta(days=400)

    assert refused(request, now=late) == "key"
    assert refused(request, now=late, check_key=False) == "chain"
    own = read_request(tree(replace(vendor(), key=key())))
    assert refused(own, now=late) == "expired"
    assert refused(own) == "signature"


def test_an_authority_is_kept_and_read_again() -> None:
    made = developer()

    again = VendorAuthority.load(made.certificate_pem, made.key_pem)

    assert (again.certificate, again.root) == (made.certificate, made.root)
    der = x509.load_der_x509_certificate(made.intermediate_der)
    assert der.issuer == x509.load_der_x509_certificate(made.root_der).subject
    with pytest.raises(ValueError, match="no intermediate and its root"):
        VendorAuthority.load(b"", made.key_pem)
    with pytest.raises(ValueError, match="not the key of its certificate"):
        VendorAuthority.load(made.certificate_pem, vendor().key_pem)
