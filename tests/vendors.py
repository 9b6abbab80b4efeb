"""Authorities, vendors and requests for push certificates, made once as their keys take long."""

from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from simulator.pki.authorities import Authorities
from simulator.pki.push import PushAuthority
from simulator.pki.vendor import Vendor, VendorAuthority

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@cache
def authorities() -> Authorities:
    return Authorities(
        PushAuthority.create(NOW), developer, lambda found: found.vendor("mdmsim", NOW)
    )


@cache
def developer() -> VendorAuthority:
    return VendorAuthority.create(NOW)


@cache
def foreign() -> Vendor:
    """A vendor below another root."""
    return VendorAuthority.create(NOW).vendor("Foreign", NOW)


@cache
def vendor() -> Vendor:
    return developer().vendor("Example MDM", NOW)


@cache
def key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def csr(
    own: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
) -> x509.CertificateSigningRequest:
    """A CSR as MDM servers make them."""
    names = (
        (NameOID.COMMON_NAME, "Example push"),
        (NameOID.ORGANIZATION_NAME, "Acme"),
        (NameOID.COUNTRY_NAME, "SE"),
        (NameOID.EMAIL_ADDRESS, "it@acme.example"),
    )
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(own or key(), hashes.SHA256())
