"""A device's SCEP client: against what micromdm's scepserver sent, and a CA that misbehaves."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import AttributeOID, NameOID

from simulator.devices.enrolment import scep
from simulator.devices.errors import DeviceError
from simulator.devices.flow import Apple, Compute, FlowResponse, NewKey, Pause, Save, Send
from simulator.devices.identity import Identity
from simulator.pki import cms, der
from tests.devices.test_flows import NOW, enrolled, world

URL = "http://ca.example/scep?tenant=7"
RECORDED = json.loads(Path(__file__).with_name("scepserver.json").read_bytes())
"""What scepserver v2.3.0 answered to a device with this key: it encrypts with single DES."""
CA_CERT = "application/x-x509-ca-cert"
RA_CERT = "application/x-x509-ca-ra-cert"
MESSAGE = "application/x-pki-message"
Respond = Callable[[Send], FlowResponse]


def recorded(name: str) -> bytes:
    return base64.b64decode(RECORDED[name])


def payload(**content: Any) -> dict[str, Any]:
    given = {"URL": URL, "Challenge": "pupils", "Keysize": 1024, "Subject": [[["CN", "0ZTEST"]]]}
    return {"PayloadType": "com.apple.security.scep", "PayloadContent": given | content}


def enrol(respond: Respond, key: rsa.RSAPrivateKey, **content: Any) -> Identity:
    """Run the client with *respond* in place of the network; its waits take no time."""
    flow = scep.enrol(payload(**content), enrolled("iPhone"), world())
    result: Any = None
    try:
        while True:
            step = flow.send(result)
            assert not isinstance(step, Apple | Compute | Save)
            match step:
                case Send():
                    result = respond(step)
                case NewKey():
                    result = key
                case Pause():
                    result = None
    except StopIteration as end:
        identity: Identity = end.value
        return identity


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    made = serialization.load_der_private_key(recorded("key"), None)
    assert isinstance(made, rsa.RSAPrivateKey)
    return made


def replay(outcome: str) -> Respond:
    """Return what answers as scepserver did."""
    answers = {
        "GetCACaps": FlowResponse(200, {"content-type": "text/plain"}, recorded("capabilities")),
        "GetCACert": FlowResponse(200, {"content-type": CA_CERT}, recorded("authority")),
        "PKIOperation": FlowResponse(200, {"content-type": MESSAGE}, recorded(outcome)),
    }
    return lambda step: answers[parse_qs(urlsplit(step.url).query)["operation"][0]]


def test_what_scepserver_issued_is_opened(key: rsa.RSAPrivateKey) -> None:
    certificate, own = enrol(replay("issued"), key).loaded()

    assert certificate.public_key() == own.public_key() == key.public_key()
    assert certificate.subject.rfc4514_string() == "CN=0ZTEST"
    assert certificate.issuer == x509.load_der_x509_certificate(recorded("authority")).subject


def test_scepservers_envelope_is_single_des(key: rsa.RSAPrivateKey) -> None:
    envelope = cms.read_signed(recorded("issued")).content or b""

    assert cms.open_envelope(envelope, key).is_weak


def test_what_scepserver_refused_is_said(key: rsa.RSAPrivateKey) -> None:
    with pytest.raises(DeviceError, match="badRequest; was the challenge wrong"):
        enrol(replay("refused"), key)


class Ca:
    """A SCEP server that can be told to misbehave."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")])
        self.certificate = self._issue(self.name, self.key.public_key(), 1)
        self.capabilities = b"POSTPKIOperation\nSHA-256\nAES"
        self.pending = 0
        """How often it puts the request off."""
        self.nonce = b""
        """What it answers in place of the client's nonce."""
        self.foreign = False
        """Whether it certifies another key."""
        self.messages: list[tuple[Send, cms.Signer]] = []
        self.request: x509.CertificateSigningRequest | None = None

    def _issue(self, name: x509.Name, key: rsa.RSAPublicKey, serial: int) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(serial)
            .not_valid_before(NOW)
            .not_valid_after(NOW + timedelta(days=9))
            .sign(self.key, hashes.SHA256())
        )

    def __call__(self, step: Send) -> FlowResponse:
        query = parse_qs(urlsplit(step.url).query)
        assert query["tenant"] == ["7"]
        match query["operation"][0]:
            case "GetCACaps":
                return FlowResponse(200, {}, self.capabilities)
            case "GetCACert":
                return self.authority()
            case _:
                pass
        message = step.body or base64.b64decode(query["message"][0])
        return FlowResponse(200, {"content-type": MESSAGE}, self._reply(step, message))

    def authority(self) -> FlowResponse:
        body = self.certificate.public_bytes(Encoding.DER)
        return FlowResponse(200, {"content-type": CA_CERT}, body)

    def _reply(self, step: Send, message: bytes) -> bytes:
        signed = cms.read_signed(message)
        temporary = cms.verify(signed)
        signer = signed.signers[0]
        self.messages.append((step, signer))
        content = cms.open_envelope(signed.content or b"", self.key).content
        if signer.attribute(scep.MESSAGE_TYPE) == scep.PKCS_REQ:
            self.request = x509.load_der_x509_csr(content)
        assert self.request is not None
        public = self.request.public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        if self.foreign:
            public = self.key.public_key()
        issued = self._issue(self.request.subject, public, 5)
        answer, status = b"", scep.SUCCESS
        if self.pending:
            self.pending, status = self.pending - 1, scep.PENDING
        else:
            degenerate = pkcs7.serialize_certificates([issued, self.certificate], Encoding.DER)
            answer = (
                pkcs7.PKCS7EnvelopeBuilder()
                .set_data(degenerate)
                .add_recipient(temporary)
                .encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])
            )
        attributes = {
            scep.MESSAGE_TYPE: der.write(der.PRINTABLE_STRING, scep.CERT_REP),
            scep.PKI_STATUS: der.write(der.PRINTABLE_STRING, status),
            scep.RECIPIENT_NONCE: der.write(
                der.OCTET_STRING, self.nonce or signer.attribute(scep.SENDER_NONCE) or b""
            ),
        }
        return cms.sign(answer, self.certificate, self.key, attributes)


def test_the_request_holds_what_the_payload_asks_for(key: rsa.RSAPrivateKey) -> None:
    ca = Ca()
    names = {"rfc822Name": "a@example.com", "dNSName": ["a.example"], "ntPrincipalName": "a@ad"}

    enrol(ca, key, SubjectAltName=names, Subject=[[["O", "%SerialNumber%"]]], **{"Key Usage": 1})

    assert ca.request is not None
    assert ca.request.is_signature_valid
    assert ca.request.subject.rfc4514_string() == "O=0ZTEST"
    challenge = ca.request.attributes.get_attribute_for_oid(AttributeOID.CHALLENGE_PASSWORD)
    assert challenge.value == b"pupils"
    alternative = ca.request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert alternative.get_values_for_type(x509.DNSName) == ["a.example"]
    usage = ca.request.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment) == (True, False)


@pytest.mark.parametrize(
    ("capabilities", "method"),
    [(b"POSTPKIOperation", "POST"), (b"SCEPStandard", "POST"), (b"SHA-256", "GET"), (b"", "GET")],
)
def test_a_server_without_post_is_asked_by_get(
    key: rsa.RSAPrivateKey, capabilities: bytes, method: str
) -> None:
    ca = Ca()
    ca.capabilities = capabilities

    enrol(ca, key)

    assert [step.method for step, _ in ca.messages] == [method]


def test_a_pending_request_is_polled_for(key: rsa.RSAPrivateKey) -> None:
    ca = Ca()
    ca.pending = 2

    enrol(ca, key)

    kinds = [signer.attribute(scep.MESSAGE_TYPE) for _, signer in ca.messages]
    assert kinds == [scep.PKCS_REQ, scep.CERT_POLL, scep.CERT_POLL]
    assert len({signer.attribute(scep.TRANSACTION) for _, signer in ca.messages}) == 1


def _pending(ca: Ca) -> None:
    ca.pending = 9


def _nonce(ca: Ca) -> None:
    ca.nonce = b"another"


def _foreign(ca: Ca) -> None:
    ca.foreign = True


@pytest.mark.parametrize(
    ("change", "content", "said"),
    [
        pytest.param(_pending, {}, "has not issued the certificate in time", id="pending"),
        pytest.param(_nonce, {}, "to another request", id="nonce"),
        pytest.param(_foreign, {}, "no certificate for the device's key", id="foreign-key"),
        pytest.param(None, {"CAFingerprint": b"x" * 20}, "not the fingerprint", id="fingerprint"),
        pytest.param(None, {"Keysize": 500}, "Keysize must be one of", id="bits"),
        pytest.param(None, {"Retries": "3"}, "Retries is no whole number", id="retries"),
        pytest.param(None, {"Subject": "CN=x"}, "“Subject” is invalid", id="subject"),
        pytest.param(None, {"URL": 3}, "names no URL", id="url"),
    ],
)
def test_what_goes_wrong_is_said(
    key: rsa.RSAPrivateKey,
    change: Callable[[Ca], None] | None,
    content: dict[str, Any],
    said: str,
) -> None:
    ca = Ca()
    if change is not None:
        change(ca)
        content["Retries"] = 1

    with pytest.raises(DeviceError, match=said):
        enrol(ca, key, **content)


def test_the_right_fingerprint_is_taken(key: rsa.RSAPrivateKey) -> None:
    ca = Ca()
    fingerprint = ca.certificate.fingerprint(hashes.SHA256())

    certificate, _ = enrol(ca, key, CAFingerprint=fingerprint).loaded()

    assert certificate.issuer == ca.name


def test_certificates_of_a_chain_are_read(key: rsa.RSAPrivateKey) -> None:
    ca = Ca()
    chain = pkcs7.serialize_certificates([ca.certificate], Encoding.DER)
    ca.authority = lambda: FlowResponse(200, {"content-type": RA_CERT}, chain)  # type: ignore[method-assign]

    certificate, _ = enrol(ca, key).loaded()

    assert certificate.issuer == ca.name


@pytest.mark.parametrize(
    ("received", "said"),
    [
        (FlowResponse(500, {}, b"no"), r"status 500 \(no\)"),
        (FlowResponse(problem="nothing is there"), "nothing is there"),
        (FlowResponse(200, {"content-type": CA_CERT}, b"junk"), "cannot be read"),
    ],
)
def test_a_server_without_a_certificate(
    key: rsa.RSAPrivateKey, received: FlowResponse, said: str
) -> None:
    with pytest.raises(DeviceError, match=said):
        enrol(lambda _: received, key)
