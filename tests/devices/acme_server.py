"""An ACME server for tests (RFC 8555, device-attest-01), which checks what a device shows it.

Written by the standard, not by the client: it reads JWS with `cryptography` alone.
"""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from simulator.devices.flow import Apple, FlowResponse, Send

URL = "https://acme.example"
TOKEN = "challenge-token"
_SERIAL, _FRESHNESS = "1.2.840.113635.100.8.9.1", "1.2.840.113635.100.8.11.1"


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class AcmeServer:
    """A server with one order."""

    def __init__(self, root: x509.Certificate, *, attested: bool = True) -> None:
        """Trust attestations of *root*; without *attested*, take an empty one too."""
        self.root, self.attested = root, attested
        self.issuer = ec.generate_private_key(ec.SECP256R1())
        self.nonces = 0
        self.order: dict[str, Any] = {}
        self.problem = ""
        """Why the attestation was refused."""
        self.shown: Any = None
        """The public key that was attested."""
        self.certificate = b""
        self.instead: dict[str, FlowResponse] = {}
        """Responses to be given instead, by path."""
        self.asked: list[str] = []

    def respond(self, step: Send | Apple) -> FlowResponse:
        """Answer a request."""
        assert isinstance(step, Send)
        path = step.url.removeprefix(URL)
        self.asked.append(path)
        if path in self.instead:
            return self.instead[path]
        if path == "/directory":
            names = ("newNonce", "newAccount", "newOrder")
            return self._said({name: f"{URL}/{name}" for name in names})
        if path == "/newNonce":
            return self._said(None)
        return self._posted(path, self._read(step))

    def _said(self, body: Any, status: int = 200, **headers: str) -> FlowResponse:
        self.nonces += 1
        nonce = base64.urlsafe_b64encode(f"nonce-{self.nonces}".encode()).rstrip(b"=").decode()
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return FlowResponse(status, {"replay-nonce": nonce, **headers}, content)

    def _read(self, step: Send) -> Any:
        """Return what a message says, None if nothing: its signature, nonce and URL are right."""
        assert (step.method, step.headers["Content-Type"]) == ("POST", "application/jose+json")
        jws = json.loads(step.body)
        protected = json.loads(_decoded(jws["protected"]))
        assert (protected["alg"], protected["url"]) == ("ES256", step.url)
        assert _decoded(protected["nonce"]) == f"nonce-{self.nonces}".encode()
        if step.url.endswith("/newAccount"):
            x, y = (int.from_bytes(_decoded(protected["jwk"][one])) for one in "xy")
            self.key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        else:
            assert (protected["kid"], "jwk" in protected) == (f"{URL}/account/1", False)
        raw = _decoded(jws["signature"])
        halves = (int.from_bytes(raw[at : at + 32]) for at in (0, 32))
        signature = utils.encode_dss_signature(*halves)
        signed = f"{jws['protected']}.{jws['payload']}".encode()
        self.key.verify(signature, signed, ec.ECDSA(SHA256()))
        return json.loads(_decoded(jws["payload"])) if jws["payload"] else None

    def _posted(self, path: str, body: Any) -> FlowResponse:
        challenge = {"type": "device-attest-01", "url": f"{URL}/challenge", "token": TOKEN}
        said: Any = self.order
        if path == "/newAccount":
            return self._said({"status": "valid"}, 201, location=f"{URL}/account/1")
        if path == "/newOrder":
            (self.identifier,) = body["identifiers"]
            assert self.identifier["type"] == "permanent-identifier"
            urls = {"authorizations": [f"{URL}/authorization"], "finalize": f"{URL}/finalize"}
            self.order = {"status": "pending", "certificate": f"{URL}/certificate", **urls}
            return self._said(self.order, 201, location=f"{URL}/order")
        if path == "/authorization":
            said = {"status": "pending", "challenges": [challenge]}
        elif path == "/challenge":
            if body is not None:
                self.problem = self._refused(cbor2.loads(_decoded(body["attObj"])))
                self.order["status"] = "invalid" if self.problem else "ready"
            error = {"type": "urn:ietf:params:acme:error:badAttestationStatement"}
            state = "invalid" if self.problem else "valid"
            said = challenge | {"status": state, "error": error | {"detail": self.problem}}
        elif path == "/finalize":
            self._finalize(x509.load_der_x509_csr(_decoded(body["csr"])))
        elif path == "/certificate":
            said = self.certificate
        else:
            assert path == "/order"
        return self._said(said)

    def _finalize(self, request: x509.CertificateSigningRequest) -> None:
        assert request.is_signature_valid
        if self.shown not in (None, request.public_key()):
            error = {"type": "urn:ietf:params:acme:error:badCSR", "detail": "another key"}
            self.order |= {"status": "invalid", "error": error}
            return
        self.request = request
        self.certificate = self._issued(request).public_bytes(Encoding.PEM)
        self.order["status"] = "valid"

    def _issued(self, request: x509.CertificateSigningRequest) -> x509.Certificate:
        start = datetime(2026, 1, 1, tzinfo=UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(request.subject)
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ACME CA")]))
            .public_key(request.public_key())
            .serial_number(9)
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=3650))
        )
        return builder.sign(self.issuer, SHA256())

    def _refused(self, attestation: Any) -> str:
        """Return why an attestation is refused, empty if it is not."""
        assert attestation["fmt"] == "apple"
        chain = attestation["attStmt"].get("x5c")
        if not chain:
            return "x5c not present" if self.attested else ""
        leaf = x509.load_der_x509_certificate(chain[0])
        try:
            leaf.verify_directly_issued_by(self.root)
        except Exception:  # noqa: BLE001 (of many kinds)
            return "x5c is not valid"
        values = {one.oid.dotted_string: one.value for one in leaf.extensions}
        if values[_FRESHNESS].value != hashlib.sha256(TOKEN.encode()).digest():
            return "challenge token does not match"
        if values[_SERIAL].value.decode() != self.identifier["value"]:
            return "permanent identifier does not match"
        self.shown = leaf.public_key()
        return ""
