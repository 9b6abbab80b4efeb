"""Push certificates: what Apple's Push Certificates Portal issues, and how APNs reads them.

An MDM server shows such a certificate to APNs, and its subject says which topic
it may push to. Ours are shaped like Apple's, but their issuer says that it is
not Apple, and it can vouch for TLS clients only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from simulator.pki import rsa_certificates
from simulator.pki.authority import CA_LIFETIME, CLOCK_SKEW
from simulator.pki.push_identity import (
    ENVIRONMENTS,
    PushIdentity,
    entitlements,
    read_push_certificate,
)
from simulator.pki.rsa_certificates import Extensions, RsaAuthority, builder, new_key, pem, usage

__all__ = [
    "ENVIRONMENTS",
    "MDM_PREFIX",
    "PUSH_LIFETIME",
    "PushAuthority",
    "PushCertificate",
    "PushIdentity",
    "new_key",
    "read_push_certificate",
]

PUSH_LIFETIME = timedelta(days=365)
MDM_PREFIX = "com.apple.mgmt."
"""How the topics of MDM begin."""

_TOPIC = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_LONGEST_TOPIC = 255
_LONGEST_COMMON_NAME = 64  # X.520's bound; Apple's longer topics are cut here


_CaKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

P12_PASSWORD = "mdmsim"  # noqa: S105 (it hides nothing: Java finds no key in a file without)
"""What PKCS #12 files are opened with."""


_ROUNDS = 2048
"""Of deriving a key from the password, which is no secret: more would only take longer."""
_MODERN = (
    serialization.PrivateFormat.PKCS12.encryption_builder()
    .kdf_rounds(_ROUNDS)
    .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
    .hmac_hash(hashes.SHA256())
    .build(P12_PASSWORD.encode())
)
_LEGACY = (
    serialization.PrivateFormat.PKCS12.encryption_builder()
    .kdf_rounds(_ROUNDS)
    .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
    .hmac_hash(hashes.SHA1())  # noqa: S303 (it is what the form is made of)
    .build(P12_PASSWORD.encode())
)


def _packed(
    topic: str,
    key: rsa.RSAPrivateKey,
    certificate: x509.Certificate,
    encryption: serialization.KeySerializationEncryption,
) -> bytes:
    # Without the chain: common Go libraries refuse a second certificate.
    name = _common_name(topic).encode()
    return pkcs12.serialize_key_and_certificates(name, key, certificate, None, encryption)


@dataclass(frozen=True, slots=True)
class PushCertificate:
    """A push certificate and its private key, in the forms that clients load.

    *key_pem* is PKCS #1, unencrypted. *chain_pem* is the certificate and its
    issuer. *p12* holds certificate and key under `P12_PASSWORD`; *legacy_p12*
    holds the same with 3DES and SHA-1, which is all that Go's usual loaders read.
    """

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    chain_pem: bytes
    p12: bytes = field(repr=False)
    legacy_p12: bytes = field(repr=False)
    serial: int

    @property
    def joined_pem(self) -> bytes:
        """Certificate and key in one text, as NanoMDM's ``pushcert`` and some libraries take it."""
        return self.certificate_pem + self.key_pem


class PushAuthority(RsaAuthority):
    """The fake of Apple's issuer of push certificates."""

    __slots__ = ()
    what = "push CA"

    @classmethod
    def create(cls, now: datetime) -> Self:
        """Make a root and an intermediate, good for ten years from *now*, the wall clock's time."""
        # An RSA key takes a twentieth of a second. Apple's are; of the root's, which signs once,
        # no client sees more than that it is trusted.
        root_key, key = ec.generate_private_key(ec.SECP256R1()), new_key()
        key_id = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
        root_name = _name(f"mdmsim push root {key_id.digest.hex()[:8]}")
        # The name is as long as a name may be, and clients that look for Apple's find it.
        name = _name("Apple Application Integration 2 Certification Authority (mdmsim)")
        root = _ca(root_name, root_key, 1, now).issuer_name(root_name)
        intermediate = _ca(name, key, 0, now, root_key).issuer_name(root_name)
        sha256 = hashes.SHA256()
        return cls(intermediate.sign(root_key, sha256), root.sign(root_key, sha256), key)

    def mint(
        self,
        topic: str,
        now: datetime,
        *,
        topics: Sequence[str] = (),
        environments: Sequence[str] = tuple(ENVIRONMENTS),
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key: rsa.RSAPrivateKey | None = None,
    ) -> PushCertificate:
        """Make a certificate for *topic*, good for 365 days from *now*, the wall clock's time.

        *topics* makes it one of several topics, *topic* being the first of them.
        *not_after* alone moves the 365 days when they would end too late, so a
        time in the past gives an expired certificate. It is for *key*, or for a new one.
        Raise ValueError when a topic is no topic, an environment is unknown or the end is
        before the start.
        """
        for name in (topic, *topics):
            if len(name) > _LONGEST_TOPIC or not _TOPIC.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no topic: letters, digits and hyphens, parted by single dots, "
                    f"at most {_LONGEST_TOPIC} characters"
                )
        begin = not_before or min(now, (not_after or now + PUSH_LIFETIME) - PUSH_LIFETIME)
        end = not_after or begin + PUSH_LIFETIME
        key = key or new_key()
        certificate = self.certify(
            topic, key.public_key(), (begin, end), topics=topics, environments=environments
        )
        own = pem(certificate)
        return PushCertificate(
            certificate_pem=own,
            # Some servers know "RSA PRIVATE KEY" only.
            key_pem=rsa_certificates.key_pem(key, serialization.PrivateFormat.TraditionalOpenSSL),
            chain_pem=own + pem(self.certificate),
            p12=_packed(topic, key, certificate, _MODERN),
            legacy_p12=_packed(topic, key, certificate, _LEGACY),
            serial=certificate.serial_number,
        )

    def certify(
        self,
        topic: str,
        public: rsa.RSAPublicKey,
        valid: tuple[datetime, datetime],
        *,
        topics: Sequence[str] = (),
        environments: Sequence[str] = tuple(ENVIRONMENTS),
    ) -> x509.Certificate:
        """Make a certificate for *topic* and somebody's *public* key, *valid* from one time to one.

        Raise ValueError when an environment is unknown or the end is before the start.
        """
        listed = tuple(dict.fromkeys((topic, *topics))) if topics else ()
        extensions: Extensions = (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_issued_by(self.key), False),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
            (usage(ca=False), True),
            *((value, False) for value in entitlements(listed, environments)),
        )
        return (
            builder(_subject(topic), public, *valid, extensions)
            .issuer_name(self.certificate.subject)
            .sign(self.key, hashes.SHA256())
        )


def _common_name(topic: str) -> str:
    if topic.startswith(MDM_PREFIX):
        return f"APSP:{topic.rpartition('.')[2]}"[:_LONGEST_COMMON_NAME]
    return f"Apple Push Services: {topic}"[:_LONGEST_COMMON_NAME]


def _subject(topic: str) -> x509.Name:
    # The UID stands first: clients that take the subject's text apart rely on it.
    return _attributes(
        (NameOID.USER_ID, topic),
        (NameOID.COMMON_NAME, _common_name(topic)),
        (NameOID.COUNTRY_NAME, "US"),
    )


def _name(common_name: str) -> x509.Name:
    return _attributes(
        (NameOID.COMMON_NAME, common_name),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Test Certification Authority (not Apple)"),
        (NameOID.ORGANIZATION_NAME, "mdmsim (not Apple)"),
        (NameOID.COUNTRY_NAME, "US"),
    )


def _attributes(*pairs: tuple[ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def _ca(
    name: x509.Name,
    key: _CaKey,
    below: int,
    now: datetime,
    issuer_key: _CaKey | None = None,
) -> x509.CertificateBuilder:
    """Return a CA that lacks its issuer's name only, with at most *below* CAs below it."""
    extensions: Extensions = (
        (x509.BasicConstraints(ca=True, path_length=below), True),
        (_issued_by(issuer_key or key), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
        (usage(ca=True), True),
    )
    return builder(name, key.public_key(), now - CLOCK_SKEW, now + CA_LIFETIME, extensions)


def _issued_by(key: _CaKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
