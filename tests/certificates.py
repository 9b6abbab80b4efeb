"""Certificates that whoever holds a key makes for himself, as MDM servers do for the portal."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

START = datetime(2026, 1, 1, tzinfo=UTC)


def self_signed(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    name: str = "mdm",
    *,
    kind: x509.ObjectIdentifier = NameOID.COMMON_NAME,
    start: datetime = START,
) -> x509.Certificate:
    """Return a certificate of *key*, good for ten years."""
    subject = x509.Name([x509.NameAttribute(kind, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )


def uploaded() -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    """Return a certificate that is uploaded for a server token, and its key."""
    key = rsa.generate_private_key(65537, 2048)
    return self_signed(key), key
