"""CMS messages (RFC 5652): sign with attributes of one's own, read signed ones, open envelopes.

`cryptography` makes the plain kinds; this is what it leaves: SCEP's signed
attributes, the content and signer of a signed profile, and envelopes that are
encrypted with DES, as SCEP servers in Go make them (device.md 4.4).
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128, AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct

from simulator.pki import der
from simulator.pki.der import Element
from simulator.pki.push_identity import UNREADABLE

DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
ENVELOPED_DATA = "1.2.840.113549.1.7.3"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SHA256 = "2.16.840.1.101.3.4.2.1"
_RSA = "1.2.840.113549.1.1.1"
_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "1.3.14.3.2.26": hashes.SHA1(),  # noqa: S303 (older signers have it, and we only read it)
    _SHA256: hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_DES = "1.3.14.3.2.7"
_CIPHERS: Mapping[str, Callable[[bytes], BlockCipherAlgorithm]] = {
    _DES: TripleDES,
    "1.2.840.113549.3.7": TripleDES,
    "2.16.840.1.101.3.4.1.2": AES128,
    "2.16.840.1.101.3.4.1.42": AES256,
}
_EXPLICIT_0 = der.CONTEXT | der.CONSTRUCTED
_IMPLICIT_0 = der.CONTEXT | der.CONSTRUCTED
_PRIMITIVE_0 = der.CONTEXT
_SIGNED_DATA_FIELDS = 4
_SIGNER_FIELDS = 5


class Signer(Struct, frozen=True):
    """One signature of a signed message."""

    issuer: bytes
    """Name of the certificate's issuer, DER; empty where the key identifier names the signer."""
    serial: int
    digest: str
    """Object identifier of the hash."""
    attributes: Mapping[str, bytes]
    """First value of each signed attribute, DER, by object identifier."""
    signature: bytes
    signed: bytes = b""
    """The signed attributes as they are signed, DER; empty if there are none."""

    def attribute(self, identifier: str) -> bytes | None:
        """Return the content of a signed attribute's string, or None if there is no such one."""
        value = self.attributes.get(identifier)
        return None if value is None else der.read(value).content


class Signed(Struct, frozen=True):
    """A signed message, not verified yet."""

    content: bytes | None
    """What was signed; None if it goes beside the message."""
    certificates: Sequence[bytes]
    """DER, in the order in which they stand."""
    signers: Sequence[Signer]


def sign(
    content: bytes,
    certificate: x509.Certificate,
    key: rsa.RSAPrivateKey,
    attributes: Mapping[str, bytes],
) -> bytes:
    """Return *content*, signed with SHA-256 and *attributes*: values in DER by identifier."""
    signed = der.set_of(
        _attribute(CONTENT_TYPE, der.object_id(DATA)),
        _attribute(MESSAGE_DIGEST, der.write(der.OCTET_STRING, hashlib.sha256(content).digest())),
        *(_attribute(identifier, value) for identifier, value in attributes.items()),
    )
    encoded = certificate.public_bytes(Encoding.DER)
    sha256 = der.sequence(der.object_id(_SHA256), der.write(der.NULL))
    signer = der.sequence(
        der.integer(1),
        der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number)),
        sha256,
        bytes((_IMPLICIT_0,)) + signed[1:],
        der.sequence(der.object_id(_RSA), der.write(der.NULL)),
        der.write(der.OCTET_STRING, key.sign(signed, PKCS1v15(), hashes.SHA256())),
    )
    message = der.sequence(
        der.integer(1),
        der.write(der.SET, sha256),
        der.sequence(
            der.object_id(DATA), der.write(_EXPLICIT_0, der.write(der.OCTET_STRING, content))
        ),
        der.write(_IMPLICIT_0, encoded),
        der.write(der.SET, signer),
    )
    return der.sequence(der.object_id(SIGNED_DATA), der.write(_EXPLICIT_0, message))


def _attribute(identifier: str, value: bytes) -> bytes:
    return der.sequence(der.object_id(identifier), der.write(der.SET, value))


def read_signed(message: bytes) -> Signed:
    """Return what a signed message consists of; ValueError if it is none, or damaged."""
    try:
        return _read_signed(message)
    except IndexError:
        raise ValueError("the signed message lacks fields") from None


def _read_signed(message: bytes) -> Signed:
    fields = _content(message, SIGNED_DATA)
    if len(fields) < _SIGNED_DATA_FIELDS:
        raise ValueError("the signed message lacks fields")
    inner = fields[2].expect(der.SEQUENCE).parts()
    content = inner[1].parts()[0].octets() if len(inner) > 1 else None
    certificates = [
        one.encoded
        for part in fields[3:-1]
        if part.tag == _IMPLICIT_0
        for one in part.parts()
        if one.tag == der.SEQUENCE
    ]
    signers = [_signer(one) for one in fields[-1].expect(der.SET).parts()]
    return Signed(content, certificates, signers)


def _content(message: bytes, kind: str) -> list[Element]:
    """Return the fields of a message of *kind*; ValueError if it is another."""
    outer = der.read(message).expect(der.SEQUENCE).parts()
    if len(outer) < 2 or outer[0].object_id() != kind:  # noqa: PLR2004 (its kind and its content)
        raise ValueError("the CMS message is of another kind")
    inner = outer[1].expect(_EXPLICIT_0).parts()
    if not inner:
        raise ValueError("the CMS message is empty")
    return inner[0].expect(der.SEQUENCE).parts()


def _signer(element: Element) -> Signer:
    fields = element.expect(der.SEQUENCE).parts()
    if len(fields) < _SIGNER_FIELDS:
        raise ValueError("the signed message's signer lacks fields")
    _, who, digest, *rest = fields
    issuer, serial = b"", 0
    if who.tag == der.SEQUENCE:
        issuer, serial = who.parts()[0].encoded, who.parts()[1].integer()
    attributes: dict[str, bytes] = {}
    signed = b""
    if rest[0].tag == _IMPLICIT_0:
        signed = bytes((der.SET,)) + rest[0].encoded[1:]
        for attribute in rest.pop(0).parts():
            kind, values = attribute.parts()
            attributes[kind.object_id()] = values.parts()[0].encoded
    return Signer(
        issuer, serial, digest.parts()[0].object_id(), attributes, rest[1].octets(), signed
    )


def verify(signed: Signed, content: bytes | None = None) -> x509.Certificate:
    """Return the certificate that the first signature was made with; ValueError if it is wrong.

    *content* is what was signed where the message does not hold it. Chain and
    validity of the certificate are not looked at.
    """
    content = signed.content if content is None else content
    if not signed.signers or content is None:
        raise ValueError("the message has no signature, or no content")
    signer = signed.signers[0]
    certificate = _certificate(signed, signer)
    algorithm = _HASHES.get(signer.digest)
    if algorithm is None:
        raise ValueError(f"the message is signed with the unknown hash {signer.digest}")
    if signer.signed:
        digest = hashes.Hash(algorithm)
        digest.update(content)
        if signer.attribute(MESSAGE_DIGEST) != digest.finalize():
            raise ValueError("the message is not what was signed")
    try:
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signer.signature, signer.signed or content, PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signer.signature, signer.signed or content, ec.ECDSA(algorithm))
        else:
            raise ValueError(  # noqa: TRY004 (the message is wrong, not a caller's type)
                "the signer's key is neither RSA nor of an elliptic curve"
            )
    except InvalidSignature:
        raise ValueError("the signature is wrong") from None
    except UnsupportedAlgorithm:
        raise ValueError("the signer's key is of an unknown kind") from None
    return certificate


def _certificate(signed: Signed, signer: Signer) -> x509.Certificate:
    for encoded in signed.certificates:
        try:
            certificate = x509.load_der_x509_certificate(encoded)
        except UNREADABLE:
            continue
        named = certificate.serial_number == signer.serial
        if not signer.issuer or (named and certificate.issuer.public_bytes() == signer.issuer):
            return certificate
    raise ValueError("the message does not hold its signer's certificate")


@dataclass(frozen=True, slots=True)
class Opened:
    """The content of an envelope, and what it was encrypted with."""

    content: bytes = field(repr=False)
    cipher: str
    """Object identifier of the cipher."""

    @property
    def is_weak(self) -> bool:
        """Whether the cipher is single DES."""
        return self.cipher == _DES


def open_envelope(message: bytes, key: rsa.RSAPrivateKey) -> Opened:
    """Return what is in an envelope to *key*; ValueError if it cannot be opened.

    Whoever the recipients are, the one that the key opens is taken.
    """
    try:
        fields = _content(message, ENVELOPED_DATA)
        recipients = next(one for one in fields if one.tag == der.SET)
        _, cipher, content, *_ = fields[-1].expect(der.SEQUENCE).parts()
        name, start = cipher.parts()
    except StopIteration:
        raise ValueError("the envelope has no recipients") from None
    identifier = name.object_id()
    algorithm = _CIPHERS.get(identifier)
    if algorithm is None or content.tag not in (_PRIMITIVE_0, _IMPLICIT_0):
        raise ValueError(f"the envelope is encrypted with the unknown cipher {identifier}")
    secret = _secret(recipients.parts(), key)
    try:
        if identifier == _DES:
            secret *= 3
        made = algorithm(secret)
        decryptor = Cipher(made, CBC(start.octets())).decryptor()
        padded = decryptor.update(content.octets()) + decryptor.finalize()
        unpadder = padding.PKCS7(made.block_size).unpadder()
        return Opened(unpadder.update(padded) + unpadder.finalize(), identifier)
    except ValueError:
        raise ValueError("the envelope is damaged, or was made for another key") from None


def _secret(recipients: Iterable[Element], key: rsa.RSAPrivateKey) -> bytes:
    """Return the key of the content, from the recipient whose key is *key*."""
    for recipient in recipients:
        try:
            return key.decrypt(recipient.parts()[-1].octets(), PKCS1v15())
        except (ValueError, IndexError):
            continue
    raise ValueError("the envelope is to another key")
