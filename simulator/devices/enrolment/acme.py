"""A device's ACME client (RFC 8555): ``device-attest-01`` with an attestation of our device CA.

The packages of the extra ``acme`` sign what is sent (certbot's) and encode the
attestation (cbor2); what is said when is device.md 4.7 and the draft
draft-ietf-acme-device-attest.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ObjectIdentifier

from simulator.devices.commands.attestation import properties
from simulator.devices.device import VirtualDevice
from simulator.devices.device_ca import DeviceAuthority
from simulator.devices.enrolment.subjects import (
    alternative_names,
    filled,
    key_usage,
    permanent_identifier,
    subject,
)
from simulator.devices.errors import DeviceError, enrolment_failed, profile_invalid
from simulator.devices.flow import Flow, FlowResponse, Send, compute, pause, perform
from simulator.devices.identity import Identity, Key
from simulator.devices.world import DeviceEnvironment
from simulator.pki.push_identity import UNREADABLE

if TYPE_CHECKING:
    from josepy.jwk import JWKEC

_CURVES: Mapping[int, Callable[[], ec.EllipticCurve]] = {
    256: ec.SECP256R1,
    384: ec.SECP384R1,
    521: ec.SECP521R1,
}
_RSA_BITS = (2048, 3072, 4096)
_BOUND_BITS = (256, 384)
_CHALLENGE, _FORMAT = "device-attest-01", "apple"
_NONCE = "replay-nonce"
_SERIAL_DIGITS = 32
_POLLS, _POLL_S = 10, 2
"""How often a device asks whether the server is done, and the seconds between: our choice."""
_GOOD = 2
Body = dict[str, Any]


def _failed(text: str) -> DeviceError:
    return enrolment_failed(f"The ACME server could not be used: {text}")


@dataclass(slots=True)
class _Account:
    """An account at a server, which each enrolment makes anew."""

    key: "JWKEC"
    roots: tuple[bytes, ...]
    directory: Body
    nonce: str = ""
    number: str | None = None
    """The account's URL, once there is one."""

    def post(self, url: object, body: Body | None = None) -> Flow[FlowResponse]:
        """Send a signed message, empty without *body*; DeviceError if it is not taken."""
        from acme.jws import JWS  # noqa: PLC0415 (an extra)
        from josepy.b64 import b64decode  # noqa: PLC0415 (an extra)
        from josepy.jwa import ES256  # noqa: PLC0415 (an extra)

        if not self.nonce:
            fresh = yield from _get(self.directory.get("newNonce"), self.roots, "HEAD")
            self.nonce = fresh.headers.get(_NONCE, "")
        content = b"" if body is None else json.dumps(body).encode()
        nonce = b64decode(self.nonce)
        signed = JWS.sign(content, self.key, ES256, nonce, str(url), self.number)
        received = yield from perform(
            Send(
                method="POST",
                url=str(url),
                headers={"Content-Type": "application/jose+json"},
                body=signed.json_dumps().encode(),
                purpose="acme",
                roots=self.roots,
            )
        )
        self.nonce = received.headers.get(_NONCE, "")
        return _taken(received)

    def state(self, url: object) -> Flow[Body]:
        """Return what the server says of an order, authorization or challenge."""
        received = yield from self.post(url)
        return _json(received)

    def settled(self, url: object, *waiting: str) -> Flow[Body]:
        """Ask until what *url* names is in another state than *waiting*."""
        found: Body = {}
        for _ in range(_POLLS):
            found = yield from self.state(url)
            if found.get("status") not in waiting:
                return found
            yield from pause(_POLL_S)
        raise _failed(f"it is still {found.get('status')}")


def _get(url: object, roots: tuple[bytes, ...], method: str = "GET") -> Flow[FlowResponse]:
    received = yield from perform(Send(method=method, url=str(url), purpose="acme", roots=roots))
    return _taken(received)


def _taken(received: FlowResponse) -> FlowResponse:
    """Return a response; DeviceError says what the server's problem is, if it has one."""
    if received.status // 100 == _GOOD:
        return received
    what = f"status {received.status}" if received.status else received.problem
    raise _failed(f"{what}{_detail(received.body)}")


def _detail(content: bytes) -> str:
    try:
        problem = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    return _why(problem) if isinstance(problem, dict) else ""


def _why(problem: Body) -> str:
    """Return type and detail of a problem document (RFC 7807)."""
    kind = str(problem.get("type", "")).rpartition(":")[2]
    return f" ({kind}: {problem.get('detail', 'no detail')})"


def _json(received: FlowResponse) -> Body:
    try:
        body = json.loads(received.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _failed("its response is no JSON object")
    return body


def enrol(
    payload: Mapping[str, Any],
    device: VirtualDevice,
    world: DeviceEnvironment,
    roots: tuple[bytes, ...],
) -> Flow[Identity]:
    """Get the identity that an ACME *payload* asks for; DeviceError says why there is none."""
    try:
        import acme.jws  # noqa: F401, PLC0415 (an extra)
        import cbor2  # noqa: F401, PLC0415 (an extra)
        from josepy.jwk import JWKEC  # noqa: PLC0415 (an extra)
    except ImportError:
        text = "mdmsim speaks ACME with its extra only: pip install 'mdmsim[acme]'"
        raise profile_invalid(text) from None
    key = yield from compute(_key_maker(payload))
    identifier = filled(_text(payload, "ClientIdentifier"), device)
    directory = yield from _get(_text(payload, "DirectoryURL"), roots)
    own = yield from compute(partial(ec.generate_private_key, ec.SECP256R1()))
    account = _Account(JWKEC(key=own), roots, _json(directory))
    terms = {"termsOfServiceAgreed": True}
    made = yield from account.post(account.directory.get("newAccount"), terms)
    account.number = made.headers.get("location", "")
    wanted = {"identifiers": [{"type": "permanent-identifier", "value": identifier}]}
    ordered = yield from account.post(account.directory.get("newOrder"), wanted)
    order, where = _json(ordered), ordered.headers.get("location", "")
    for url in order.get("authorizations", ()):
        yield from _authorize(account, url, payload, key, device, world)
    order = yield from account.settled(where, "pending")
    request = _request(payload, identifier, key, device)
    csr = {"csr": base64.urlsafe_b64encode(request).rstrip(b"=").decode()}
    yield from account.post(order.get("finalize"), csr)
    order = yield from account.settled(where, "processing", "ready")
    if order.get("status") != "valid":
        raise _failed(f"the order is {order.get('status')}{_why(order.get('error') or {})}")
    issued = yield from account.post(order.get("certificate"))
    return Identity.of(_issued(issued.body, key), key)


def _authorize(
    account: _Account,
    url: object,
    payload: Mapping[str, Any],
    key: Key,
    device: VirtualDevice,
    world: DeviceEnvironment,
) -> Flow[None]:
    """Answer the challenge of an authorization with an attestation of the key."""
    found = yield from account.state(url)
    challenge = next(
        (one for one in found.get("challenges", ()) if one.get("type") == _CHALLENGE), None
    )
    if challenge is None:
        raise _failed(f"it offers no challenge {_CHALLENGE}")
    statement = {}
    if payload.get("Attest") is True and device.options.attestation != "none":
        token = str(challenge.get("token"))
        leaf = yield from compute(partial(_attested, key, token, device, world))
        statement = {"x5c": [leaf]}
    answered = challenge.get("url")
    yield from account.post(answered, {"attObj": _encoded(statement)})
    # The authorization may stay pending when the challenge has failed.
    done = yield from account.settled(answered, "pending", "processing")
    if done.get("status") != "valid":
        raise _failed(f"it did not accept the attestation{_why(done.get('error') or {})}")


def _encoded(statement: Body) -> str:
    import cbor2  # noqa: PLC0415 (an extra)

    content = cbor2.dumps({"fmt": _FORMAT, "attStmt": statement})
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _attested(key: Key, token: str, device: VirtualDevice, world: DeviceEnvironment) -> bytes:
    """Return the certificate that says whose *key* is, DER, or what the option has of it."""
    fault, now = device.options.attestation, world.wall_clock()
    fresh = hashlib.sha256(b"stale" if fault == "stale" else token.encode()).digest()
    said = dict(properties(device, fresh, anonymous=device.anonymous))
    authority = DeviceAuthority.create(now) if fault == "foreign-ca" else world.authority
    shown = ec.generate_private_key(ec.SECP384R1()) if fault == "other-key" else key
    serial = int(world.random_hex(_SERIAL_DIGITS), 16) >> 1 | 1
    made = authority.attest(shown.public_key(), said, serial, now)
    return made.public_bytes(Encoding.DER)


def _text(payload: Mapping[str, Any], key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str) or not value:
        raise profile_invalid(f"The required field “{key}” is missing.")
    return value


def _key_maker(payload: Mapping[str, Any]) -> Callable[[], Key]:
    """Return what makes the key that a payload asks for."""
    kind, bits = payload.get("KeyType"), payload.get("KeySize")
    bits = bits if isinstance(bits, int) else 0
    bound = payload.get("HardwareBound") is True
    if kind == "ECSECPrimeRandom" and bits in (_BOUND_BITS if bound else _CURVES):
        return partial(ec.generate_private_key, _CURVES[bits]())
    if kind == "RSA" and bits in _RSA_BITS and not bound:
        return partial(rsa.generate_private_key, 65537, bits)
    text = "“KeyType” and “KeySize” must be RSA with 2048 bits and more, or ECSECPrimeRandom"
    raise profile_invalid(f"{text} with 256, 384 or 521, with HardwareBound with 256 or 384.")


def _request(payload: Mapping[str, Any], identifier: str, key: Key, device: VirtualDevice) -> bytes:
    """Return the certificate request, DER."""
    names = [permanent_identifier(identifier), *alternative_names(payload.get("SubjectAltName"))]
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject(payload.get("Subject", []), device))
        .add_extension(x509.SubjectAlternativeName(names), critical=True)
    )
    if isinstance(usage := payload.get("UsageFlags"), int) and usage:
        builder = builder.add_extension(key_usage(usage), critical=True)
    if isinstance(purposes := payload.get("ExtendedKeyUsage"), list) and purposes:
        try:
            usages = x509.ExtendedKeyUsage([ObjectIdentifier(one) for one in purposes])
        except (ValueError, TypeError):
            raise profile_invalid("The field “ExtendedKeyUsage” is invalid.") from None
        builder = builder.add_extension(usages, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _issued(content: bytes, key: Key) -> x509.Certificate:
    """Return the certificate for *key* in a PEM chain."""
    try:
        for certificate in x509.load_pem_x509_certificates(content):
            if certificate.public_key() == key.public_key():
                return certificate
    except UNREADABLE as error:
        raise _failed(f"the certificate cannot be read ({error})") from None
    raise _failed("it issued no certificate for the device's key")
