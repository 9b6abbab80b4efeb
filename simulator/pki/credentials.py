"""Credentials that Apple's portals hand out: server tokens (enrolment) and content tokens (apps).

The portal encrypts a server token to the certificate that the MDM server's
administrator uploaded, and lets the result be downloaded as a ``.p7m`` file.
Shapes and layout: a real file, and what the clients that read it insist on.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import pkcs7

from simulator.pki.push_identity import UNREADABLE

RandomHex = Callable[[int], str]
"""A source of credentials: takes a number of digits, returns as many hexadecimal ones."""

CONTENT_TOKEN_LIFETIME = timedelta(days=365)
SERVER_TOKEN_LIFETIME = timedelta(days=365)

MINIMUM_RSA_BITS = 1024
"""Less than this, common libraries no longer read."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST_SERVER_NUMBER = 9_999_999_999  # ten digits, as seen

_OUTER = (
    b'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data\n'
    b"Content-Transfer-Encoding: base64\n"
    b'Content-Disposition: attachment; filename="smime.p7m"\n'
    b"Content-Description: S/MIME Encrypted Message\n"
    b"\n"
)
_INNER = (
    b"Content-Type: text/plain;charset=UTF-8\r\n"
    b"Content-Transfer-Encoding: 7bit\r\n"
    b"\r\n"
    b"-----BEGIN MESSAGE-----\n"
    b"%s\n"
    b"-----END MESSAGE-----\n"
)

_PEM_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_CERTIFICATE_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})

_CONVERT = "convert it with: openssl x509 -inform DER -in FILE -out FILE.pem"
_PRIVATE_KEY = (
    "a private key was given: keep it to yourself, and give the certificate that belongs to it"
)
_REQUEST = (
    "a certificate signing request was given: have it signed "
    "(openssl x509 -req -signkey does), and give the certificate"
)
_MISTAKES = {
    "PRIVATE KEY": _PRIVATE_KEY,
    "RSA PRIVATE KEY": _PRIVATE_KEY,
    "EC PRIVATE KEY": _PRIVATE_KEY,
    "ENCRYPTED PRIVATE KEY": _PRIVATE_KEY,
    "OPENSSH PRIVATE KEY": _PRIVATE_KEY,
    "CERTIFICATE REQUEST": _REQUEST,
    "NEW CERTIFICATE REQUEST": _REQUEST,
    "PUBLIC KEY": "a bare public key was given: give a certificate for it",
    "RSA PUBLIC KEY": "a bare public key was given: give a certificate for it",
}
"""What people give instead of a certificate, by PEM label."""


@dataclass(frozen=True, slots=True)
class ServerToken:
    """What an MDM server signs ``GET /session`` with (OAuth 1.0a).

    *access_token_expiry* is RFC 3339, UTC, whole seconds, ``Z``.
    """

    consumer_key: str
    consumer_secret: str = field(repr=False)
    access_token: str
    access_secret: str = field(repr=False)
    access_token_expiry: str

    def as_dict(self) -> dict[str, str]:
        """Return the token under the names, and in the order, of Apple's file."""
        return asdict(self)


def mint_server_token(
    random_hex: RandomHex, now: datetime, *, consumer_key: str | None = None, server_number: int
) -> ServerToken:
    """Return a new token for the MDM server *server_number*, good for 365 days.

    Renewing passes the *consumer_key* of the token before, as the portal keeps
    it for the same user and server. Raise ValueError when *server_number* has
    more than ten digits.
    """
    if not 0 <= server_number <= _LARGEST_SERVER_NUMBER:
        raise ValueError(f"server number {server_number} is not within 0 and ten digits")
    created_ms = (now - _EPOCH) // timedelta(milliseconds=1)
    expiry = (now + SERVER_TOKEN_LIFETIME).astimezone(UTC)
    return ServerToken(
        consumer_key=f"CK_{random_hex(96)}" if consumer_key is None else consumer_key,
        consumer_secret=f"CS_{random_hex(40)}",
        access_token=f"AT_O{server_number:010d}O{random_hex(40)}O{created_ms}",
        access_secret=f"AS_{random_hex(40)}",
        access_token_expiry=f"{expiry:%Y-%m-%dT%H:%M:%SZ}",
    )


def given_server_token(values: Mapping[str, Any], now_ms: int) -> ServerToken:
    """Return the token with given *values*; without an expiry it is good for 365 days.

    ValueError names what is missing, no text, or no time.
    """
    names = ("consumer_key", "consumer_secret", "access_token", "access_secret")
    if wrong := [name for name in names if not isinstance(values.get(name), str)]:
        raise ValueError(f"{wrong[0]} must be a text: give {', '.join(names)}")
    key, secret, token, token_secret = (values[name] for name in names)
    expiry = datetime.fromtimestamp(now_ms / 1000, UTC) + SERVER_TOKEN_LIFETIME
    given = values.get("access_token_expiry") or f"{expiry:%Y-%m-%dT%H:%M:%SZ}"
    return ServerToken(key, secret, token, token_secret, given)


def mint_content_token(random_hex: RandomHex, expires: datetime, org_name: str) -> str:
    """Return a new content token (sToken): base64 of JSON with token, expDate and orgName.

    The JSON is compact, and the time in UTC with an offset without a colon, as in
    Apple's samples; clients send the whole, and never the *token* inside.
    """
    content = {
        "token": base64.b64encode(bytes.fromhex(random_hex(96))).decode(),
        "expDate": f"{expires.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+0000",
        "orgName": org_name,
    }
    return base64.b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def seal_server_token(token: ServerToken, certificate_pem: bytes) -> bytes:
    """Return the ``.p7m`` file: *token*, encrypted to the uploaded *certificate_pem*.

    Issuer, validity, key usage and CA flags are not looked at: clients upload
    certificates that are expired within days or name a made-up issuer. Raise
    ValueError, saying how to mend it, when there is no certificate or its key
    is not RSA.
    """
    content = json.dumps(token.as_dict(), separators=(",", ":")).encode()
    # RSA PKCS #1 v1.5 and AES-128-CBC, as Apple's: some clients know no other.
    # Without `Binary` the line ends would be rewritten.
    envelope = (
        pkcs7.PKCS7EnvelopeBuilder()
        .set_data(_INNER % content)
        .set_content_encryption_algorithm(algorithms.AES128)
        .add_recipient(_recipient(certificate_pem))
        .encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
    )
    return _OUTER + base64.encodebytes(envelope)


def _recipient(pem: bytes) -> x509.Certificate:
    labels = [label.decode() for label in _PEM_LABEL.findall(pem)]
    if not labels:
        raise ValueError(f"the certificate is not PEM: if it is DER, {_CONVERT}")
    if _CERTIFICATE_LABELS.isdisjoint(labels):
        mistake = f"PEM of kind {labels[0]!r} was given: give a CERTIFICATE"
        raise ValueError(_MISTAKES.get(labels[0], mistake))
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except UNREADABLE as error:
        raise ValueError(
            "the certificate cannot be read: it is damaged or its key is of an unknown kind; "
            "give an X.509 certificate with an RSA key"
        ) from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError(  # noqa: TRY004 (what is wrong is an upload's content, not a caller's type)
            "the certificate's key is not RSA, and the token can be encrypted to RSA keys only: "
            "give a certificate with an RSA key of 2048 bits or more"
        )
    if key.key_size < MINIMUM_RSA_BITS:
        raise ValueError(
            f"the certificate's RSA key has {key.key_size} bits: "
            "give a certificate with an RSA key of 2048 bits or more"
        )
    return certificate
