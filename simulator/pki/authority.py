"""The certificate authority that lets clients take us for Apple, and for nobody else.

Whoever runs a test trusts this CA on a machine that also does other things, so
critical name constraints confine it to Apple's hosts, this machine and the
names that were asked for when it was made. A stolen key is of no use against
any other site.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from simulator.pki.push_identity import UNREADABLE

LOCAL_NAMES: tuple[str, ...] = ("localhost", "127.0.0.1", "::1")
"""What a client on the same machine calls us."""

CA_LIFETIME = timedelta(days=3650)
LEAF_LIFETIME = timedelta(days=90)
CLOCK_SKEW = timedelta(days=1)
"""How far a client's clock may be behind ours."""

_REMEDY = "restore it, or remove CA certificate and key to have new ones made"

_Network = IPv4Network | IPv6Network
_Subtree = str | _Network
"""What a name constraint holds: a DNS name and all below it, or a network."""

_Extensions = tuple[tuple[x509.ExtensionType, bool], ...]

_ALWAYS_PERMITTED: tuple[_Subtree, ...] = (
    "apple.com",
    "localhost",
    IPv4Network("127.0.0.0/8"),
    IPv6Network("::1/128"),
)

# Underscores are no part of a host name, but container names have them. A name
# whose last label is a number would be read as an IPv4 address.
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*(?![0-9]+\Z){_LABEL}\Z")

_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A server certificate, its key (PKCS #8, unencrypted) and the chain to send, all PEM."""

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    chain_pem: bytes


@dataclass(frozen=True, slots=True)
class Authority:
    """A test CA: its *certificate* says what it may sign, its *key* signs."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def create(cls, now: datetime, *, sans: Iterable[str] = ()) -> Self:
        """Make a CA that may also sign for *sans*, DNS names or IP addresses.

        A DNS name includes the names below it. *now* is the time of the clients
        that will check the certificate, so the wall clock's, whatever time is
        simulated. Raise ValueError when one of *sans* is no such name.
        """
        permitted = dict.fromkeys((*_ALWAYS_PERMITTED, *map(_subtree, sans)))
        constraints = x509.NameConstraints([_general(tree) for tree in permitted], None)
        key = ec.generate_private_key(ec.SECP256R1())
        key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        subject = _subject(f"mdmsim test CA {key_id.digest.hex()[:8]}")
        extensions: _Extensions = (
            (x509.BasicConstraints(ca=True, path_length=0), True),
            (_usage("key_cert_sign", "crl_sign"), True),
            (constraints, True),
        )
        builder = _builder(subject, key.public_key(), now, CA_LIFETIME, extensions)
        return cls(builder.issuer_name(subject).sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, certificate_pem: bytes, key_pem: bytes) -> Self:
        """Return the CA that was kept as *certificate_pem* and *key_pem*.

        Raise ValueError when they are damaged, do not belong together, or are
        no CA confined by name constraints.
        """
        certificate = _read_certificate(certificate_pem)
        key = _read_key(key_pem)
        if certificate.public_key() != key.public_key():
            raise ValueError(f"the CA key is not the key of the CA certificate: {_REMEDY}")
        return cls(certificate, key)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate that clients are to trust, PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The signing key, PKCS #8, unencrypted, PEM. Keep it private."""
        return _key_pem(self.key)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate's DER, in hexadecimal."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def sans(self) -> tuple[str, ...]:
        """The names that were asked for when the CA was made."""
        return tuple(
            tree if isinstance(tree, str) else str(tree.network_address)
            for tree in self._permitted
            if tree not in _ALWAYS_PERMITTED
        )

    @property
    def names(self) -> tuple[str, ...]:
        """What we are called beside the names of the services: this machine's, and *sans*."""
        return tuple(dict.fromkeys((*LOCAL_NAMES, *self.sans)))

    def covers(self, name: str) -> bool:
        """Return whether the CA may sign for *name*; what is no host name is not covered."""
        try:
            wanted = _subtree(name)
        except ValueError:
            return False
        return any(_within(wanted, tree) for tree in self._permitted)

    def leaf(self, names: Sequence[str], now: datetime) -> ServerCertificate:
        """Make a server certificate for *names*, DNS names or IP addresses.

        *now* is the clients' time, as in `create`. Raise ValueError when there
        is no name, or one that the CA does not cover.
        """
        wanted = {name: _subtree(name) for name in names}
        if not wanted:
            raise ValueError("a server certificate needs at least one name")
        for name in wanted:
            if not self.covers(name):
                raise ValueError(
                    f"the CA does not cover {name!r}: its names are fixed when it is first made, "
                    f"so have a new one made with --san {name}"
                )
        key = ec.generate_private_key(ec.SECP256R1())
        issuer_key = x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
        alternatives = dict.fromkeys(_general(tree, alone=True) for tree in wanted.values())
        extensions: _Extensions = (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage("digital_signature"), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName(alternatives), False),
            (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), False),
        )
        # The common name is no host name on purpose: only the alternatives count.
        subject = _subject("mdmsim test server")
        certificate = (
            _builder(subject, key.public_key(), now, LEAF_LIFETIME, extensions)
            .issuer_name(self.certificate.subject)
            .sign(self.key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        return ServerCertificate(pem, _key_pem(key), pem + self.certificate_pem)

    @property
    def _permitted(self) -> tuple[_Subtree, ...]:
        constraints = self.certificate.extensions.get_extension_for_class(x509.NameConstraints)
        trees = constraints.value.permitted_subtrees or ()
        return tuple(t.value for t in trees if isinstance(t.value, _Subtree))


def _subtree(name: str) -> _Subtree:
    """Return *name* as the subtree that holds it: an address as the network of just itself."""
    if "%" not in name:  # an IPv6 zone means nothing in a certificate
        with suppress(ValueError):
            return ip_network(ip_address(name))
    host = name.lower().removesuffix(".")
    if not _HOST.match(host):
        raise ValueError(
            f"{name!r} is neither an IP address nor a DNS name (ASCII, no port, no wildcard)"
        )
    return host


def _general(tree: _Subtree, *, alone: bool = False) -> x509.GeneralName:
    """Return *tree* as certificates spell it; *alone* means its first address only."""
    if isinstance(tree, str):
        return x509.DNSName(tree)
    return x509.IPAddress(tree.network_address if alone else tree)


def _within(wanted: _Subtree, tree: _Subtree) -> bool:
    if isinstance(wanted, str) or isinstance(tree, str):
        # A network has a slash, a host has none: the two never match.
        return f".{wanted}".endswith(f".{tree}")
    return wanted.network_address in tree


def _subject(common_name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "mdmsim (not Apple)")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name,
    public: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta,
    extensions: _Extensions,
) -> x509.CertificateBuilder:
    """Return a certificate that lacks its issuer only; *extensions* are (value, critical)."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    return builder


def _usage(*wanted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in wanted for usage in _KEY_USAGES})


def _read_certificate(pem: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        certificate.extensions.get_extension_for_class(x509.NameConstraints)
    except x509.ExtensionNotFound as error:
        raise ValueError(f"the CA certificate has no name constraints: {_REMEDY}") from error
    except UNREADABLE as error:
        raise ValueError(f"the CA certificate is no PEM certificate: {_REMEDY}") from error
    return certificate


def _read_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"the CA key is no unencrypted PEM private key: {_REMEDY}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(  # noqa: TRY004 (what is wrong is a file's content, not a caller's type)
            f"the CA key is no elliptic curve key: {_REMEDY}"
        )
    return key


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
