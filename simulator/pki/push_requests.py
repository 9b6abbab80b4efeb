"""Push certificate requests: a CSR, the vendor's chain and the vendor's signature.

The request is base64 of a property list with three texts (more.md 1.2). It is
checked in the order that is given for Apple's portal there: file, CSR, chain,
dates of the signing certificate, signature.
"""

import base64
import binascii
import plistlib
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from msgspec import Struct

from simulator.pki.push_identity import UNREADABLE
from simulator.pki.vendor import Vendor

KEYS = ("PushCertRequestCSR", "PushCertCertificateChain", "PushCertSignature")
LEAST_BITS = 2048
_LONGEST_CHAIN = 4


class RequestRefused(Exception):  # noqa: N818 (the portal's word)
    """A request is refused; *reason* is one of `REASONS`."""

    def __init__(self, reason: str, about: str) -> None:
        """Keep the reason and a sentence of what is wrong and how to mend it."""
        super().__init__(about)
        self.reason = reason


REASONS = ("request", "csr", "key", "chain", "expired", "revoked", "signature")


class PushRequest(Struct, frozen=True):
    """A request that can be read."""

    csr: x509.CertificateSigningRequest
    chain: tuple[x509.Certificate, ...]
    signature: bytes
    signed: bytes = b""
    """What the signature is over; empty: the DER of the CSR."""
    sha1: bool = False
    """Whether a signature with SHA-1 is documented for it."""

    @property
    def vendor(self) -> x509.Certificate:
        """The certificate that is meant to have signed the request."""
        return self.chain[0]


class Rules(Struct, frozen=True):
    """What a portal demands."""

    root: x509.Certificate
    """Where a chain has to end."""
    now: datetime
    """Time at which the vendor's certificate must not have expired."""
    sha1: bool = False
    """Whether a signature with SHA-1 passes too."""
    check_signature: bool = True
    check_key: bool = True
    """Whether keys that are not RSA, or too short, are refused."""
    revoked: frozenset[int] = frozenset()
    """Serial numbers of vendors' certificates that are revoked."""


def read_request(tree: Mapping[str, Any]) -> PushRequest:
    """Return the request in the decoded property list *tree*; RequestRefused if there is none."""
    texts = {name: tree.get(name) for name in KEYS}
    for name, text in texts.items():
        if not isinstance(text, str) or not text:
            raise RequestRefused("request", f"the property list has no {name}: sign the CSR again")
    csr = _csr(str(texts["PushCertRequestCSR"]))
    chain = read_chain(_pem(str(texts["PushCertCertificateChain"])))
    try:
        signature = base64.b64decode(
            "".join(str(texts["PushCertSignature"]).split()), validate=True
        )
    except binascii.Error:
        raise RequestRefused("signature", "PushCertSignature is no base64") from None
    return PushRequest(csr, chain, signature)


def _csr(text: str) -> x509.CertificateSigningRequest:
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
        if content.startswith(b"-----"):
            raise RequestRefused("csr", "PushCertRequestCSR is base64 of PEM: encode the DER")
        csr = x509.load_der_x509_csr(content)
        valid = csr.is_signature_valid
    except UNREADABLE:  # binascii.Error is a ValueError
        raise RequestRefused("csr", "PushCertRequestCSR is no base64 of a DER CSR") from None
    if not valid:
        raise RequestRefused("csr", "the CSR is not signed by its own key: make another")
    return csr


def _pem(text: str) -> bytes:
    if "-----BEGIN" in text:
        return text.encode()
    try:  # data instead of a text
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        return b""


def read_chain(content: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates in *content*, PEM; RequestRefused if there are none."""
    try:
        return tuple(x509.load_pem_x509_certificates(content))
    except UNREADABLE:
        about = "PushCertCertificateChain is no certificates in PEM: join vendor, WWDR and root"
        raise RequestRefused("chain", about) from None


def verify(request: PushRequest, rules: Rules) -> None:
    """Check *request* by *rules*; RequestRefused says what the portal refuses it for."""
    if rules.check_key:
        _check_key(request.csr)
    _check_chain(request.chain, rules.root)
    _check_dates(request.vendor, rules)
    if request.vendor.serial_number in rules.revoked:
        raise RequestRefused("revoked", "the vendor's certificate was revoked: get another")
    if rules.check_signature:
        _check_signature(request, sha1=rules.sha1 or request.sha1)


def _check_key(csr: x509.CertificateSigningRequest) -> None:
    try:
        key = csr.public_key()
    except (UnsupportedAlgorithm, ValueError):
        key = None
    if not isinstance(key, rsa.RSAPublicKey):
        raise RequestRefused("key", "the CSR's key is no RSA key: make one of 2048 bits")
    if key.key_size < LEAST_BITS:
        about = f"the CSR's key has {key.key_size} bits: make one of {LEAST_BITS}"
        raise RequestRefused("key", about)


def _check_chain(chain: tuple[x509.Certificate, ...], root: x509.Certificate) -> None:
    if not 1 < len(chain) <= _LONGEST_CHAIN:
        about = f"the chain has {len(chain)} certificates: join vendor, WWDR and root"
        raise RequestRefused("chain", about)
    top = chain[-1]
    if top != root:
        about = "the chain does not end with the root of this simulator: GET /appleca of it"
        raise RequestRefused("chain", about)
    if not all(_is_issued_by(below, above) for below, above in pairwise(chain)):
        about = "a certificate of the chain was not issued by the next one: put them in order"
        raise RequestRefused("chain", about)


def _is_issued_by(below: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
        return above.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (*UNREADABLE, InvalidSignature, x509.ExtensionNotFound):
        return False


def _check_dates(vendor: x509.Certificate, rules: Rules) -> None:
    # From when on it is valid is not looked at: the simulated time may well be before that.
    end = vendor.not_valid_after_utc
    if rules.now > end:
        about = f"the vendor's certificate was valid until {end:%Y-%m-%d}: get another"
        raise RequestRefused("expired", about)


def _check_signature(request: PushRequest, *, sha1: bool) -> None:
    key = request.vendor.public_key()
    signed = request.signed or request.csr.public_bytes(serialization.Encoding.DER)
    digests = (hashes.SHA256(), hashes.SHA1()) if sha1 else (hashes.SHA256(),)  # noqa: S303 (what old tools sign with)
    if isinstance(key, rsa.RSAPublicKey):
        for digest in digests:
            try:
                key.verify(request.signature, signed, padding.PKCS1v15(), digest)
            except InvalidSignature:
                continue
            return
    what = "PushCertRequestPlist" if request.signed else "the DER of the CSR"
    about = f"the signature is not the vendor's over {what}, by RSA with SHA-256"
    raise RequestRefused("signature", about)


def sign_request(csr: x509.CertificateSigningRequest, vendor: Vendor) -> bytes:
    """Return the request file for *csr*, signed by *vendor*: base64 in one line, no line end."""
    der = csr.public_bytes(serialization.Encoding.DER)
    signature = vendor.key.sign(der, padding.PKCS1v15(), hashes.SHA256())
    values = (base64.b64encode(der), vendor.chain_pem, base64.b64encode(signature))
    texts = {name: value.decode() for name, value in zip(KEYS, values, strict=True)}
    return base64.b64encode(plistlib.dumps(texts))
