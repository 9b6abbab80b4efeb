"""The CA of the devices: in Apple's factory each device gets a certificate (device.md 2.3).

Its subject is that of Apple's, as servers look for it, but it says in an
extension that it is not Apple's, and its key is made anew for each data
directory. Servers that check the chain have to be given ``device-ca.pem``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from simulator.devices.identity import Identity
from simulator.pki.push_identity import UNREADABLE

LIFETIME = timedelta(days=3650)
_SKEW = timedelta(days=1)
_BITS = 2048
_PREFIX_DIGITS = 8
_COMMENT = ObjectIdentifier("2.16.840.1.113730.1.13")
"""Netscape's comment, which tools print as text."""
_NOT_APPLE = b"\x16\x12mdmsim (not Apple)"
_REMEDY = "restore it, or remove device-ca.pem and device-ca.key to have new ones made"


def _name(*pairs: tuple[ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


_SUBJECT = _name(
    (NameOID.COUNTRY_NAME, "US"),
    (NameOID.ORGANIZATION_NAME, "Apple Inc."),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "Apple iPhone"),
    (NameOID.COMMON_NAME, "Apple iPhone Device CA"),
)
"""Zentral compares the issuer of a device's certificate with exactly this."""


@dataclass(frozen=True, slots=True)
class DeviceAuthority:
    """The CA: its certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def create(cls, now: datetime) -> Self:
        """Make a CA, good for ten years from *now*, the wall clock's time."""
        key = rsa.generate_private_key(65537, _BITS)
        builder = _builder(_SUBJECT, key.public_key(), now).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, certificate_pem: bytes, key_pem: bytes) -> Self:
        """Return the CA that was kept; ValueError if it is damaged."""
        try:
            certificate = x509.load_pem_x509_certificate(certificate_pem)
            key = serialization.load_pem_private_key(
                key_pem, None, unsafe_skip_rsa_key_validation=True
            )
        except UNREADABLE as error:
            raise ValueError(f"the device CA cannot be read: {_REMEDY}") from error
        if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
            raise ValueError(f"the device CA's key is not that of its certificate: {_REMEDY}")
        return cls(certificate, key)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate, PEM: what a server has to trust that checks MachineInfo."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key, PEM. Keep it private."""
        return self.key.private_bytes(
            Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def token_prefix(self) -> str:
        """What the push tokens of this CA's devices begin with, so that one stream has them all."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()[:_PREFIX_DIGITS]

    def issue(self, udid: str, key: rsa.RSAPrivateKey, serial: int, now: datetime) -> Identity:
        """Return the identity of the device *udid*, as the factory makes it."""
        subject = _name((NameOID.COMMON_NAME, udid))
        certificate = _builder(subject, key.public_key(), now, serial).sign(
            self.key, hashes.SHA256()
        )
        return Identity.of(certificate, key)

    def attest(
        self,
        key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
        extensions: Mapping[str, bytes],
        serial: int,
        now: datetime,
    ) -> x509.Certificate:
        """Return a certificate that says of a device what the *extensions* hold, by their OIDs."""
        subject = _name((NameOID.COMMON_NAME, "Device attestation (mdmsim)"))
        builder = _builder(subject, key, now, serial)
        for oid, value in extensions.items():
            extension = x509.UnrecognizedExtension(ObjectIdentifier(oid), value)
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())


def _builder(
    subject: x509.Name,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    now: datetime,
    serial: int = 1,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(_SUBJECT)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.UnrecognizedExtension(_COMMENT, _NOT_APPLE), critical=False)
    )
