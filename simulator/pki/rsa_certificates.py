"""What authorities with RSA keys share: keys, the frame of a certificate, reading them again."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from simulator.pki.push_identity import UNREADABLE

Extensions = tuple[tuple[x509.ExtensionType, bool], ...]
"""Values, and whether each is critical."""
_BITS = 2048


def new_key() -> rsa.RSAPrivateKey:
    """Make a key of 2048 bits."""
    return rsa.generate_private_key(65537, _BITS)


def key_pem(
    key: rsa.RSAPrivateKey,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
) -> bytes:
    """Return *key*, unencrypted, PEM."""
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def pem(certificate: x509.Certificate) -> bytes:
    """Return *certificate* in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def builder(
    subject: x509.Name,
    public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    begin: datetime,
    end: datetime,
    extensions: Extensions,
) -> x509.CertificateBuilder:
    """Return a certificate that lacks its issuer only."""
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    for value, critical in extensions:
        made = made.add_extension(value, critical=critical)
    return made


def usage(*, ca: bool) -> x509.KeyUsage:
    """Return what a CA's key, or a leaf's, is for."""
    return x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True, slots=True)
class RsaAuthority:
    """The fake of one of Apple's issuers: an intermediate CA, its key, and the root above it.

    The root's key is not kept: there is nothing more for it to sign.
    """

    what: ClassVar[str]
    """What errors call it."""
    certificate: x509.Certificate
    root: x509.Certificate
    key: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def load(cls, certificate_pem: bytes, private_pem: bytes) -> Self:
        """Return the authority that was kept as *certificate_pem* and *private_pem*.

        Raise ValueError when they are damaged or do not belong together.
        """
        return cls(*_read_authority(cls.what, certificate_pem, private_pem))

    @property
    def certificate_pem(self) -> bytes:
        """The intermediate and the root, PEM: what a listener checks client certificates by."""
        return pem(self.certificate) + pem(self.root)

    @property
    def key_pem(self) -> bytes:
        """The intermediate's key, PKCS #8, unencrypted, PEM. Keep it private."""
        return key_pem(self.key)


def _read_authority(
    what: str, certificate_pem: bytes, private_pem: bytes
) -> tuple[x509.Certificate, x509.Certificate, rsa.RSAPrivateKey]:
    """Return the intermediate, the root and the key of the authority that *what* names.

    Raise ValueError when they are damaged or do not belong together.
    """
    remedy = f"restore it, or remove {what} certificate and key to have new ones made"
    try:
        certificate, root = x509.load_pem_x509_certificates(certificate_pem)
        certificate.verify_directly_issued_by(root)
    except (*UNREADABLE, InvalidSignature) as error:
        raise ValueError(
            f"the {what} certificates are no intermediate and its root, PEM: {remedy}"
        ) from error
    try:
        # That its numbers belong together was so when we made it. To find out again takes longer
        # than all else of a start; its certificate is held against it in any case.
        key = serialization.load_pem_private_key(
            private_pem, password=None, unsafe_skip_rsa_key_validation=True
        )
    except UNREADABLE as error:
        raise ValueError(f"the {what} key is no unencrypted PEM private key: {remedy}") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(f"the {what} key is no RSA key: {remedy}")  # noqa: TRY004 (a file's content)
    if certificate.public_key() != key.public_key():
        raise ValueError(f"the {what} key is not the key of its certificate: {remedy}")
    return certificate, root, key
