"""Vendor certificates: who may sign requests for push certificates, and what is above them.

An MDM vendor gets a signing certificate in Apple's developer portal; its
intermediate and root are the two files of ``www.apple.com`` that vendors' tools
fetch to complete the chain. Ours have Apple's names, and say that they are not
Apple's. Facts come from more.md section 1.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from simulator.pki import rsa_certificates
from simulator.pki.authority import CA_LIFETIME, CLOCK_SKEW
from simulator.pki.push_identity import UNREADABLE
from simulator.pki.rsa_certificates import (
    Extensions,
    RsaAuthority,
    builder,
    new_key,
    pem,
    usage,
)

VENDOR_LIFETIME = timedelta(days=365)
_MARK = ObjectIdentifier("1.2.840.113635.100.4.11")
"""Apple's purpose of certificates that sign requests for push certificates (inferred)."""
_PURPOSES = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING, _MARK])
_REMEDY = "restore it, or remove vendor CA certificate and key to have new ones made"


@dataclass(frozen=True, slots=True)
class Vendor:
    """A vendor's signing certificate with its chain, and its key."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """The certificate, its issuer and the root."""
    key: rsa.RSAPrivateKey = field(repr=False)

    @property
    def key_pem(self) -> bytes:
        """The key, PKCS #8, unencrypted, PEM."""
        return rsa_certificates.key_pem(self.key)

    @property
    def chain_pem(self) -> bytes:
        """All certificates, PEM, the vendor's first: ``PushCertCertificateChain``."""
        return b"".join(map(pem, self.chain))


class VendorAuthority(RsaAuthority):
    """The fake of Apple's developer relations authority."""

    __slots__ = ()
    what = "vendor CA"

    @classmethod
    def create(cls, now: datetime) -> Self:
        """Make a root and an intermediate, good for ten years from *now*, the wall clock's time."""
        root_key, key = new_key(), new_key()
        root_name = _name("Apple Root CA", "Apple Certification Authority")
        name = _name("Apple Worldwide Developer Relations Certification Authority", "G3")
        root = _ca(root_name, root_key, root_name, now, below=1).sign(root_key, hashes.SHA256())
        made = _ca(name, key, root_name, now, below=0).sign(root_key, hashes.SHA256())
        return cls(made, root, key)

    @property
    def intermediate_der(self) -> bytes:
        """What ``AppleWWDRCAG3.cer`` is."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def root_der(self) -> bytes:
        """What ``AppleIncRootCertificate.cer`` is."""
        return self.root.public_bytes(serialization.Encoding.DER)

    def vendor(self, name: str, now: datetime, *, not_after: datetime | None = None) -> Vendor:
        """Make a vendor with a key of its own, as `certify` does with somebody's key."""
        key = new_key()
        certificate = self.certify(name, key.public_key(), now, not_after=not_after)
        return Vendor(certificate, (certificate, self.certificate, self.root), key)

    def renewed(self, name: str, key_pem: bytes, now: datetime) -> Vendor:
        """Return the vendor with the key *key_pem*, and a certificate for as long as can be.

        Raise ValueError when that is no RSA key in PEM.
        """
        try:
            key = serialization.load_pem_private_key(key_pem, password=None)
        except UNREADABLE as error:
            raise ValueError(f"the vendor's key cannot be read: {_REMEDY}") from error
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("the vendor's key is no RSA key")  # noqa: TRY004 (a file's content)
        end = self.certificate.not_valid_after_utc
        certificate = self.certify(name, key.public_key(), now, not_after=end)
        return Vendor(certificate, (certificate, self.certificate, self.root), key)

    def certify(
        self,
        name: str,
        public: rsa.RSAPublicKey,
        now: datetime,
        *,
        not_after: datetime | None = None,
    ) -> x509.Certificate:
        """Make the signing certificate of a vendor called *name*, good for a year from *now*.

        *not_after* alone moves the year, so a time in the past gives an expired one.
        """
        end = not_after or now + VENDOR_LIFETIME
        begin = min(now, end - VENDOR_LIFETIME) - CLOCK_SKEW
        subject = _name(f"MDM Vendor: {name}"[:64], "Test vendor (not Apple)")
        extensions: Extensions = (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (usage(ca=False), True),
            (_PURPOSES, False),
        )
        frame = builder(subject, public, begin, end, extensions)
        return frame.issuer_name(self.certificate.subject).sign(self.key, hashes.SHA256())


def _ca(
    name: x509.Name, key: rsa.RSAPrivateKey, issuer: x509.Name, now: datetime, *, below: int
) -> x509.CertificateBuilder:
    extensions: Extensions = (
        (x509.BasicConstraints(ca=True, path_length=below), True),
        (usage(ca=True), True),
        (_PURPOSES, False),
    )
    begin, end = now - CLOCK_SKEW, now + CA_LIFETIME
    return builder(name, key.public_key(), begin, end, extensions).issuer_name(issuer)


def _name(common_name: str, unit: str) -> x509.Name:
    pairs = (
        (NameOID.COMMON_NAME, common_name),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
        (NameOID.ORGANIZATION_NAME, "mdmsim (not Apple)"),
        (NameOID.COUNTRY_NAME, "US"),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])
