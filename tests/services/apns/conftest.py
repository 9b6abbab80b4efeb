from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace

from simulator.core.messages import Peer, Tls
from simulator.core.state import State
from simulator.pki.push import PushAuthority, PushCertificate
from simulator.services.apns import pushes, registry, topics
from tests.apple import START_MS, Answer, Apple, request

TOPIC = "com.apple.mgmt.External.5f0e4a52-6d0b-4c8e-9a53-2b7f6c1d8e90"
OTHER = "com.apple.mgmt.External.6f0e4a52-6d0b-4c8e-9a53-2b7f6c1d8e91"
TOKEN = "a1b2c3d4" * 8
MAGIC = "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"
NOW = datetime.fromtimestamp(START_MS / 1000, UTC)
PEER = Peer("127.0.0.1", 50000, 1, first=False)


@pytest.fixture(scope="session")
def authority() -> PushAuthority:
    return PushAuthority.create(NOW)


@dataclass
class Apns:
    """APNs with one topic, one registered device and one certificate."""

    apple: Apple
    certificate: PushCertificate
    authority: PushAuthority

    def push(
        self,
        token: str = TOKEN,
        body: bytes = b'{"mdm":"%s"}' % MAGIC.encode(),
        *,
        certificate: PushCertificate | None = None,
        shown: bool = True,
        host: str = "api.push.apple.com",
        method: str = "POST",
        path: str = "/3/device/",
        http: str = "2",
        peer: Peer = PEER,
        **headers: str,
    ) -> Answer:
        der = b""
        if shown:
            pem = (certificate or self.certificate).certificate_pem
            der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
        peer = replace(peer, tls=Tls("TLSv1.3", "x", host, "h2", der))
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return self.apple.send(
            request(method, path + token, [("host", host), *named], body, peer=peer, http=http)
        )

    def check_in(
        self,
        kind: str = "TokenUpdate",
        *,
        share: bool = False,
        environment: str = "",
        **changes: Any,
    ) -> list[registry.DeviceToken]:
        message = {
            "MessageType": kind,
            "Topic": TOPIC,
            "UDID": "device-1",
            "Token": bytes.fromhex(TOKEN),
            "PushMagic": MAGIC,
        } | changes
        return self.apple.home(
            lambda home: registry.check_in(
                home, message, self.apple.now_ms, environment=environment, share=share
            )
        )

    def take(self, token: str = TOKEN) -> pushes.Push | None:
        return self.apple.home(lambda home: self._take(home, token))

    def _take(self, home: State, token: str) -> pushes.Push | None:
        """Hand over what waits for the device, as a stream that has long been open."""
        found = pushes.waiting(home, "acme", f"{token}/", self.apple.now_ms)
        for one in found[:1]:
            pushes.delivered(home, one, self.apple.now_ms)
        return found[0].push if found else None


def make(authority: PushAuthority, **settings: Any) -> Apns:
    apple = Apple(**settings)
    apple.run(lambda state: topics.add(state, "acme", TOPIC))
    apns = Apns(apple, authority.mint(TOPIC, NOW), authority)
    apns.check_in()
    return apns


@pytest.fixture
def apns(authority: PushAuthority) -> Apns:
    return make(authority)
