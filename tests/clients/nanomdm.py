"""micromdm's nanomdm as its users run it, and a device that enrols in it.

nanomdm has Apple's push host built in: it reaches the simulator by the proxy.
"""

import base64
import json
import plistlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.clients.harness import Answer, Simulator, binary, call, environment, running, until
from tests.ports import free_port

_KEY = "nanomdm"
AUTHORIZATION = "Basic " + base64.b64encode(f"nanomdm:{_KEY}".encode()).decode()
_CHECK_IN = "application/x-apple-aspen-mdm-checkin"
_COMMAND = "application/x-apple-aspen-mdm; charset=UTF-8"


class Identity:
    """The certificate that a device signs with; it is its own CA."""

    def __init__(self, udid: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, udid)])
        now = datetime.now(UTC)  # noqa: TID251 (nanomdm checks it against its own clock)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def sign(self, body: bytes) -> str:
        """Return the header Mdm-Signature for *body*: a detached CMS signature, base64."""
        builder = pkcs7.PKCS7SignatureBuilder().set_data(body)
        signed = builder.add_signer(self.certificate, self._key, hashes.SHA256()).sign(
            Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
        )
        return base64.b64encode(signed).decode()


@dataclass(frozen=True, slots=True)
class Device:
    """A device as nanomdm meets it."""

    url: str
    identity: Identity
    udid: str
    topic: str
    token: bytes
    magic: str

    def _put(self, content_type: str, message: dict[str, Any]) -> Answer:
        body = plistlib.dumps(message)
        headers = {"Content-Type": content_type, "Mdm-Signature": self.identity.sign(body)}
        return call("PUT", f"{self.url}/mdm", body, headers)

    def enrol(self) -> bytes:
        """Check in as a new device does, and return its TokenUpdate."""
        about = {"UDID": self.udid, "Topic": self.topic}
        update = about | {
            "MessageType": "TokenUpdate",
            "Token": self.token,
            "PushMagic": self.magic,
        }
        for message in (about | {"MessageType": "Authenticate"}, update):
            answer = self._put(_CHECK_IN, message)
            assert answer.status == 200, answer.text
        return plistlib.dumps(update)

    def poll(self) -> dict[str, Any]:
        """Ask for a command, as a device does when it is pushed to; empty if there is none."""
        answer = self._put(_COMMAND, {"UDID": self.udid, "Status": "Idle"})
        assert answer.status == 200, answer.text
        return dict(plistlib.loads(answer.body)) if answer.body else {}


@dataclass(frozen=True, slots=True)
class Nanomdm:
    """A running nanomdm."""

    url: str

    def api(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call nanomdm's own API."""
        sent = {"Authorization": AUTHORIZATION, **(headers or {})}
        return call(method, f"{self.url}/v1{path}", body, sent)

    def take_push_certificate(self, simulator: Simulator) -> str:
        """Give nanomdm the demo world's push certificate, and return its topic."""
        (given,) = simulator.ready["organisations"][0]["push_topics"]
        pair = Path(given["certificate"]).read_bytes() + Path(given["key"]).read_bytes()
        answer = self.api("PUT", "/pushcert", pair)
        assert answer.status == 200, answer.text
        return str(answer.json["topic"])

    def enqueue(
        self, udid: str, request_type: str, uuid: str = "c-1", **values: Any
    ) -> dict[str, Any]:
        """Queue a command, which makes nanomdm push; return what it says of that."""
        command = {"CommandUUID": uuid, "Command": {"RequestType": request_type, **values}}
        answer = self.api("PUT", f"/enqueue/{udid}", plistlib.dumps(command))
        told: dict[str, Any] = json.loads(answer.body)
        return told


@contextmanager
def nanomdm(home: Path, simulator: Simulator, trusted: bytes, *flags: str) -> Iterator[Nanomdm]:
    """Run nanomdm with its storage in memory; it reaches Apple by the simulator's proxy.

    *trusted* is the CA of the devices' certificates, PEM.
    """
    authority = home / "devices.pem"
    authority.write_bytes(trusted)
    port = free_port()
    command = (
        binary("nanomdm"),
        *("-listen", f"127.0.0.1:{port}", "-api", _KEY, "-ca", str(authority)),
        *("-storage", "inmem", "-storage-dsn", "x", "-debug", *flags),
    )
    env = environment(simulator.ca) | {"HTTPS_PROXY": simulator.ready["proxy"]}
    log = home / "nanomdm.log"
    with running(command, env=env, log=log) as process:

        def probe() -> Answer | None:
            assert process.poll() is None, f"nanomdm ended:\n{log.read_text()}"
            try:
                return call("GET", f"http://127.0.0.1:{port}/version")
            except ConnectionRefusedError:
                return None

        until(probe, "nanomdm")
        yield Nanomdm(f"http://127.0.0.1:{port}")
