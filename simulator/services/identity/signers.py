"""Who signs requests for those that are no vendors: mdmcert.download, and Fleet's website.

Both sign with the simulator's own vendor. What they would send by mail lies in
the outbox: the control API lists it.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from simulator.core.state import Body, State
from simulator.pki.authorities import Authorities
from simulator.pki.push_identity import UNREADABLE
from simulator.pki.push_requests import sign_request
from simulator.pki.vendor import Vendor
from simulator.protocol.fields import String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.identity import DOCS, authorities, errors, quirks

MAIL = "identity.mail"
_KEY_DIGITS = 64
_FREE_MAIL = ("gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "gmx.de")
_EMAIL = String(
    "email",
    "Address that the signed request is mailed to.",
    required=True,
    missing=errors.INVALID_REQUEST,
    concept="admin.email",
    example="admin@example.org",
    source="MM",
)


@operation(
    "POST /api/v1/signrequest",
    "Have mdmcert.download sign a request; it comes by mail, encrypted.",
    name="identity.mdmcert",
    request=(
        String(
            "csr",
            "Base64 of the CSR in PEM.",
            required=True,
            missing=errors.INVALID_REQUEST,
            concept="push.csr",
            decode="csr",
            source="MM",
        ),
        _EMAIL,
        String(
            "key",
            "Names the product: 64 hexadecimal digits.",
            required=True,
            missing=errors.INVALID_REQUEST,
            concept="server.product",
            longest=_KEY_DIGITS,
            source="MM",
        ),
        String(
            "encrypt",
            "Base64 of the certificate, PEM, that the response is encrypted to.",
            required=True,
            missing=errors.INVALID_REQUEST,
            concept="server.public_cert",
            source="MM",
        ),
    ),
    response=(
        String("result", "How it went.", concept="protocol", values=("success", "failure")),
        String("reason", "Why it failed.", concept="protocol", source="MM"),
    ),
    errors=(errors.INVALID_REQUEST,),
    docs=DOCS,
    source="MM, CM",
    inferred="Any address and any product count as registered.",
)
def mdmcert(call: Call) -> Body:
    """Sign the CSR and put the encrypted file into the outbox."""
    csr = _csr(call.body.get("csr", ""))
    recipient = _certificate(call.body.get("encrypt", ""))
    if csr is None or recipient is None:
        reason = "csr is no base64 of a CSR" if csr is None else "encrypt is no certificate"
        return {"result": "failure", "reason": reason}
    signed = sign_request(csr, _vendor(call))
    envelope = (
        pkcs7.PKCS7EnvelopeBuilder()
        .set_data(signed)
        .set_content_encryption_algorithm(algorithms.AES256)
        .add_recipient(recipient)
        .encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    )
    number = call.state.of("").reserve(MAIL)
    stamp = f"{datetime.fromtimestamp(call.now_ms / 1000, UTC):%Y%m%d_%H%M%S}"
    mail = {
        "name": f"mdm_signed_request.{stamp}_{number}.plist.b64.p7",
        "content": envelope.hex(),
        "subject": "mdmcert.download: your signed request",
    }
    _send(call.state, number, call.body["email"], mail, call.now_ms)
    return {"result": "success"}


@operation(
    "POST /api/v1/deliver-apple-csr",
    "Have Fleet's website sign a request; with deliveryMethod=json it is the response.",
    name="identity.fleet",
    request=(
        String(
            "unsignedCsrData",
            "Base64 of the CSR in PEM.",
            required=True,
            missing=errors.INVALID_REQUEST,
            concept="push.csr",
            decode="csr",
            source="FL",
        ),
        String(
            "deliveryMethod",
            "json: the response holds it; absent: it is mailed.",
            place="query",
            concept="protocol",
            source="FL",
        ),
    ),
    response=(String("csr", "Base64 of the signed request's file.", concept="push.csr"),),
    errors=(errors.INVALID_REQUEST, errors.BAD_EMAIL),
    docs=DOCS,
    source="FL",
)
def fleet(call: Call) -> Body:
    """Sign the CSR for the address in its subject."""
    csr = _csr(call.body.get("unsignedCsrData", ""))
    if csr is None:
        raise ApiError(errors.INVALID_REQUEST, "unsignedCsrData is no base64 of a CSR in PEM")
    found = csr.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)
    email = str(found[0].value) if found else ""
    free = call.has(quirks.FREE_MAIL) and email.lower().endswith(_FREE_MAIL)
    if not email or free:
        raise ApiError(errors.BAD_EMAIL)
    signed = sign_request(csr, _vendor(call))
    if call.query.get("deliveryMethod") == "json":
        return {"csr": base64.b64encode(signed).decode()}
    number = call.state.of("").reserve(MAIL)
    mail = {
        "name": "apple-apns-request.txt",
        "content": signed.decode(),
        "subject": "Fleet: your signed request",
    }
    _send(call.state, number, email, mail, call.now_ms)
    return {}


def _send(state: State, number: int, to: str, mail: Body, now_ms: int) -> None:
    state.of("").put(MAIL, f"{number:012d}", {"at_ms": now_ms, "to": to, **mail})


def _vendor(call: Call) -> Vendor:
    """Return our own vendor, with a certificate that has expired if the quirk has it so."""
    known: Authorities = authorities(call)
    vendor = known.vendor
    if not call.has(quirks.VENDOR_EXPIRED):
        return vendor
    now = datetime.fromtimestamp(call.now_ms / 1000, UTC)
    public = vendor.key.public_key()
    old = known.developer.certify("mdmsim", public, now, not_after=now - timedelta(days=1))
    return Vendor(old, (old, *vendor.chain[1:]), vendor.key)


def _csr(text: str) -> x509.CertificateSigningRequest | None:
    try:
        content = base64.b64decode(text, validate=True)
        pem = content.lstrip().startswith(b"-----")
        return x509.load_pem_x509_csr(content) if pem else x509.load_der_x509_csr(content)
    except (*UNREADABLE, binascii.Error):
        return None


def _certificate(text: str) -> x509.Certificate | None:
    try:
        certificate = x509.load_pem_x509_certificate(base64.b64decode(text, validate=True))
    except (*UNREADABLE, binascii.Error):
        return None
    return certificate if _is_rsa(certificate) else None


def _is_rsa(certificate: x509.Certificate) -> bool:
    try:
        return isinstance(certificate.public_key(), rsa.RSAPublicKey)
    except UNREADABLE:
        return False
