"""A device's identity: its certificate and key, and what it signs with them."""

import base64
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7, pkcs12
from msgspec import Struct

from simulator.pki.push_identity import UNREADABLE

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_LOADED = 256
"""Identities whose keys are held loaded."""
_IDLE = b"<string>Idle</string>"
_REPEATED = 10_000
"""Signatures of idle devices that are kept, 3 kB each."""


class Identity(Struct, frozen=True):
    """A certificate and its key, both DER; the key is PKCS #8, unencrypted."""

    certificate: bytes
    key: bytes

    @classmethod
    def of(cls, certificate: x509.Certificate, key: Key) -> "Identity":
        """Return the identity of a certificate and its key."""
        encoded = key.private_bytes(
            Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(certificate.public_bytes(Encoding.DER), encoded)

    def __repr__(self) -> str:
        """Return no key: it may stand in a traceback."""
        return f"Identity({len(self.certificate)} bytes)"

    def loaded(self) -> tuple[x509.Certificate, Key]:
        """Return certificate and key as objects."""
        return _load(self)

    def sign(
        self, content: bytes, *, detached: bool, chain: tuple[x509.Certificate, ...] = ()
    ) -> bytes:
        """Return *content* as CMS SignedData, DER, with the certificate and *chain* in it."""
        certificate, key = self.loaded()
        builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
        builder = builder.add_signer(certificate, key, hashes.SHA256())
        for one in chain:  # after the signer: it would be forgotten before
            builder = builder.add_certificate(one)
        options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities]
        if detached:
            options.append(pkcs7.PKCS7Options.DetachedSignature)
        return builder.sign(Encoding.DER, options)

    def mdm_signature(self, body: bytes) -> str:
        """Return the header ``Mdm-Signature`` for *body*: a detached signature, base64.

        A device says the same each time that it is idle, and to sign takes most of its time.
        """
        sign = _sign_again if _IDLE in body else _sign
        return sign(self, body)

    def pem(self) -> bytes:
        """Return certificate and key, PEM, as TLS libraries load them."""
        certificate, key = self.loaded()
        return certificate.public_bytes(Encoding.PEM) + key.private_bytes(
            Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def _sign(identity: Identity, body: bytes) -> str:
    return base64.b64encode(identity.sign(body, detached=True)).decode()


_sign_again = lru_cache(_REPEATED)(_sign)


@lru_cache(_LOADED)
def _load(identity: Identity) -> tuple[x509.Certificate, Key]:
    # The key is our own: to validate it takes 40 ms.
    key = serialization.load_der_private_key(
        identity.key, None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError("an identity has an RSA key or one of an elliptic curve")
    return x509.load_der_x509_certificate(identity.certificate), key


@lru_cache(_LOADED)
def open_pkcs12(content: bytes, password: str) -> Identity:
    """Return the identity in a PKCS #12 file; ValueError if it cannot be opened.

    To open one takes 40 ms, as its key is checked, and some servers give all devices the same.
    """
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(content, password.encode() or None)
    except UNREADABLE as error:
        raise ValueError("the PKCS #12 file is damaged, or its password is wrong") from error
    if certificate is None or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("the PKCS #12 file holds no certificate with an RSA or EC key")
    return Identity.of(certificate, key)
