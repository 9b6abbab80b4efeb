"""A device's SCEP client (RFC 8894): from a SCEP payload to an identity."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from cryptography.x509.oid import AttributeOID
from msgspec import Struct

from simulator.devices.device import VirtualDevice
from simulator.devices.enrolment.subjects import alternative_names, key_usage, subject
from simulator.devices.errors import DeviceError, enrolment_failed
from simulator.devices.flow import OK, Flow, FlowResponse, Send, new_key, pause, perform
from simulator.devices.identity import Identity
from simulator.devices.world import DeviceEnvironment
from simulator.pki import cms, der
from simulator.pki.push_identity import UNREADABLE

_ATTRIBUTE = "2.16.840.1.113733.1.9."
MESSAGE_TYPE, PKI_STATUS, FAIL_INFO = (_ATTRIBUTE + end for end in ("2", "3", "4"))
SENDER_NONCE, RECIPIENT_NONCE, TRANSACTION = (_ATTRIBUTE + end for end in ("5", "6", "7"))
PKCS_REQ, CERT_POLL, CERT_REP = b"19", b"20", b"3"
SUCCESS, FAILURE, PENDING = b"0", b"2", b"3"
_REASONS = {
    b"0": "badAlg",
    b"1": "badMessageCheck",
    b"2": "badRequest",
    b"3": "badTime",
    b"4": "badCertId",
}
_MESSAGE = "application/x-pki-message"
_DEFAULT_BITS = 1024
_BITS = (1024, 2048, 4096)
_DEFAULT_RETRIES, _DEFAULT_DELAY_S = 3, 10
_NONCE_DIGITS = 32


def _failed(text: str) -> DeviceError:
    return enrolment_failed(f"The SCEP server could not be used: {text}")


class _Enrolment(Struct, frozen=True):
    """One enrolment, from the CA's certificates on."""

    url: str
    capabilities: frozenset[str]
    authority: x509.Certificate
    """To whom requests are encrypted."""
    key: rsa.RSAPrivateKey
    temporary: x509.Certificate
    """What requests are signed with: self-signed, with the key that is to be certified."""
    nonce: bytes
    roots: tuple[bytes, ...]

    @property
    def transaction(self) -> bytes:
        """The transaction's name: a hash of the public key."""
        public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(public).hexdigest().encode()

    def message(self, message_type: bytes, content: bytes) -> bytes:
        """Return a message with *content*, encrypted to the authority and signed."""
        envelope = (
            pkcs7.PKCS7EnvelopeBuilder()
            .set_data(content)
            .set_content_encryption_algorithm(AES128)
            .add_recipient(self.authority)
            .encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])
        )
        attributes = {
            MESSAGE_TYPE: der.write(der.PRINTABLE_STRING, message_type),
            TRANSACTION: der.write(der.PRINTABLE_STRING, self.transaction),
            SENDER_NONCE: der.write(der.OCTET_STRING, self.nonce),
        }
        return cms.sign(envelope, self.temporary, self.key, attributes)


def enrol(
    payload: Mapping[str, Any],
    device: VirtualDevice,
    world: DeviceEnvironment,
    roots: tuple[bytes, ...] = (),
) -> Flow[Identity]:
    """Get the identity that a SCEP *payload* asks for; DeviceError says why there is none.

    *roots* are trusted beside what the device trusts.
    """
    content = payload.get("PayloadContent")
    if not isinstance(content, dict) or not isinstance(content.get("URL"), str):
        raise _failed("the payload names no URL")
    url = content["URL"]
    capabilities = yield from _capabilities(url, roots)
    authority = yield from _authority(content, url, roots)
    bits = _number(content, "Keysize", _DEFAULT_BITS)
    if bits not in _BITS:
        raise _failed(f"the payload's Keysize must be one of {', '.join(map(str, _BITS))}")
    key = yield from new_key(bits, shared=device.options.shared_keys)
    name = subject(content.get("Subject"), device)
    own = _Enrolment(
        url,
        capabilities,
        authority,
        key,
        _self_signed(name, key, int(world.random_hex(16), 16) | 1, world.wall_clock()),
        bytes.fromhex(world.random_hex(_NONCE_DIGITS)),
        roots,
    )
    received = yield from _operation(own, own.message(PKCS_REQ, _request(content, name, key)))
    reply = _reply(received, own)
    retries = _number(content, "Retries", _DEFAULT_RETRIES)
    while reply.attribute(PKI_STATUS) == PENDING and retries > 0:
        yield from pause(_number(content, "RetryDelay", _DEFAULT_DELAY_S))
        issuer_and_subject = der.sequence(authority.subject.public_bytes(), name.public_bytes())
        received = yield from _operation(own, own.message(CERT_POLL, issuer_and_subject))
        reply = _reply(received, own)
        retries -= 1
    return Identity.of(_issued(received, reply, own), key)


def _number(content: Mapping[str, Any], key: str, default: int) -> int:
    value = content.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _failed(f"the payload's {key} is no whole number")
    return value


def _capabilities(url: str, roots: tuple[bytes, ...]) -> Flow[frozenset[str]]:
    received = yield from _ask(url, "GetCACaps", roots)
    if received.status != OK:  # a server without the call has no capabilities
        return frozenset()
    return frozenset(received.body.decode("ascii", "replace").split())


def _ask(
    url: str, operation: str, roots: tuple[bytes, ...], message: str = ""
) -> Flow[FlowResponse]:
    received = yield from perform(
        Send(method="GET", url=_with(url, operation, message), purpose="scep", roots=roots)
    )
    return received


def _with(url: str, operation: str, message: str = "") -> str:
    """Return *url* with its operation; a query that it has already is kept."""
    query = urlencode({"operation": operation}) + (f"&message={message}" if message else "")
    return f"{url}{'&' if urlsplit(url).query else '?'}{query}"


def _authority(
    content: Mapping[str, Any], url: str, roots: tuple[bytes, ...]
) -> Flow[x509.Certificate]:
    """Return the certificate that requests are encrypted to: the RA's, or else the CA's."""
    received = yield from _ask(url, "GetCACert", roots, quote(str(content.get("Name", ""))))
    if received.status != OK:
        raise _failed(f"GetCACert got {_what(received)}")
    try:
        if received.content_type == "application/x-x509-ca-cert":
            found = [x509.load_der_x509_certificate(received.body)]
        else:
            encoded = cms.read_signed(received.body).certificates
            found = [x509.load_der_x509_certificate(one) for one in encoded]
    except UNREADABLE:
        raise _failed("the CA's certificate cannot be read") from None
    wanted = content.get("CAFingerprint")
    if isinstance(wanted, bytes) and wanted and not any(_has(one, wanted) for one in found):
        raise _failed("the CA's certificate has not the fingerprint of the payload")
    for one in sorted(found, key=_is_ca):
        if isinstance(one.public_key(), rsa.RSAPublicKey):
            return one
    raise _failed("the CA has no RSA certificate to encrypt to")


def _has(certificate: x509.Certificate, fingerprint: bytes) -> bool:
    algorithms = (hashes.MD5(), hashes.SHA1(), hashes.SHA256())  # noqa: S303 (the payload's choice)
    return any(certificate.fingerprint(one) == fingerprint for one in algorithms)


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False


def _self_signed(
    name: x509.Name, key: rsa.RSAPrivateKey, serial: int, now: datetime
) -> x509.Certificate:
    usage = key_usage(5)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _request(content: Mapping[str, Any], name: x509.Name, key: rsa.RSAPrivateKey) -> bytes:
    """Return the certificate request, DER."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    if names := alternative_names(content.get("SubjectAltName")):
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usage := _number(content, "Key Usage", 0):
        builder = builder.add_extension(key_usage(usage), critical=True)
    challenge = content.get("Challenge")
    if isinstance(challenge, str) and challenge:
        builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, challenge.encode())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _operation(own: _Enrolment, message: bytes) -> Flow[FlowResponse]:
    if own.capabilities & {"POSTPKIOperation", "SCEPStandard"}:
        post = Send(
            method="POST",
            url=_with(own.url, "PKIOperation"),
            headers={"Content-Type": _MESSAGE},
            body=message,
            purpose="scep",
            roots=own.roots,
        )
        return (yield from perform(post))
    text = quote(base64.b64encode(message).decode(), safe="")
    return (yield from _ask(own.url, "PKIOperation", own.roots, text))


def _what(received: FlowResponse) -> str:
    """Return what came instead of what should have."""
    if not received.status:
        return received.problem
    said = received.body[:80].decode(errors="replace").strip()
    return f"status {received.status}" + (f" ({said})" if said else "")


def _reply(received: FlowResponse, own: _Enrolment) -> cms.Signer:
    """Return the signer of a reply, whose attributes say what came of the request."""
    if received.status != OK:
        raise _failed(f"the request got {_what(received)}")
    try:
        signed = cms.read_signed(received.body)
        signer = signed.signers[0]
        cms.verify(signed)
    except (ValueError, IndexError) as error:
        raise _failed(f"its reply cannot be read ({error})") from None
    if signer.attribute(MESSAGE_TYPE) != CERT_REP:
        raise _failed("its reply is no CertRep")
    if signer.attribute(RECIPIENT_NONCE) != own.nonce:
        raise _failed("its reply is to another request, by the nonce")
    if signer.attribute(PKI_STATUS) == FAILURE:
        reason = signer.attribute(FAIL_INFO) or b""
        name = _REASONS.get(reason, reason.decode(errors="replace") or "no reason")
        raise _failed(f"it refused the request: {name}; was the challenge wrong?")
    return signer


def _issued(received: FlowResponse, reply: cms.Signer, own: _Enrolment) -> x509.Certificate:
    """Return the certificate in a reply: the one for our key."""
    if reply.attribute(PKI_STATUS) == PENDING:
        raise _failed("it has not issued the certificate in time")
    try:
        envelope = cms.read_signed(received.body).content or b""
        inner = cms.read_signed(cms.open_envelope(envelope, own.key).content)
        found = [x509.load_der_x509_certificate(one) for one in inner.certificates]
    except UNREADABLE as error:
        raise _failed(f"the certificate in its reply cannot be read ({error})") from None
    for certificate in found:
        if certificate.public_key() == own.key.public_key():
            return certificate
    raise _failed("it issued no certificate for the device's key")
