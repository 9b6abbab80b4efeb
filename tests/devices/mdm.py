"""An MDM server for tests: small, on aiohttp, with a queue of commands per device."""

import asyncio
import plistlib
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

CHECK_IN = "application/x-apple-aspen-mdm-checkin"
COMMAND = "application/x-apple-aspen-mdm; charset=UTF-8"
PROFILE = "application/x-apple-aspen-config"
PASSWORD = "sekret"
Body = dict[str, Any]


def certificate(
    name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, address: str = ""
) -> x509.Certificate:
    """Return a self-signed certificate, of a server at *address* if it is given."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
    )
    if address:
        names = [x509.IPAddress(ip_address(address))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())


KEY = rsa.generate_private_key(65537, 2048)
IDENTITY = certificate("device identity", KEY)
P12 = pkcs12.serialize_key_and_certificates(
    b"identity",
    KEY,
    IDENTITY,
    None,
    serialization.BestAvailableEncryption(PASSWORD.encode()),
)


def profile(identifier: str, *payloads: Body, **more: Any) -> bytes:
    """Return a configuration profile."""
    body = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": identifier,
        "PayloadUUID": f"{identifier}-uuid",
        "PayloadDisplayName": identifier.title(),
        "PayloadContent": list(payloads),
    }
    return plistlib.dumps(body | more)


def identity_payload(**more: Any) -> Body:
    """Return a payload with the identity of all devices of this server."""
    return {
        "PayloadType": "com.apple.security.pkcs12",
        "PayloadIdentifier": "identity",
        "PayloadUUID": "identity-uuid",
        "PayloadVersion": 1,
        "PayloadContent": P12,
        "Password": PASSWORD,
    } | more


class Mdm:
    """The server, as a test sees it."""

    def __init__(self, topic: str) -> None:
        self.url = ""
        self.topic = topic
        self.check_ins: list[Body] = []
        """Every check-in message, in order."""
        self.results: list[Body] = []
        """Every message to the command channel."""
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        """Every request: method, path, headers by lower-case name, body."""
        self.keeps_requests = True
        self.client_certificates: list[bytes | None] = []
        """The certificate that the client showed in TLS, for every request."""
        self.queue: dict[str, deque[bytes]] = defaultdict(deque)
        self.status: dict[str, list[int]] = defaultdict(list)
        """Statuses that the next messages of a type get instead of 200."""
        self.payloads: list[Body] = []
        """Further payloads of the enrolment profile."""
        self.mdm: Body = {}
        """What the MDM payload has in place of its defaults; None takes a key away."""
        self.enrol: Callable[[web.Request], web.StreamResponse] | None = None
        """Answers a request for the profile in place of the server."""
        self.answers: dict[str, list[Any]] = defaultdict(list)
        """What the next check-in messages of a type are answered with."""
        self.on_result: Callable[[Body], None] | None = None
        """Called with each message to the command channel before it is answered."""
        self.on_check_in: Callable[[Body], None] | None = None
        """Called with each check-in message before it is answered."""
        self.bootstrap_token = b""
        self.token: Any = None
        """What GetToken is answered with; None: nothing."""
        self.arrived = asyncio.Event()
        """Set by each message, once it has been noted."""

    @property
    def kinds(self) -> list[str]:
        """The types of the check-in messages."""
        return [str(one["MessageType"]) for one in self.check_ins]

    def profile(self) -> bytes:
        """Return the enrolment profile."""
        values = {
            "PayloadType": "com.apple.mdm",
            "PayloadIdentifier": "mdm",
            "PayloadUUID": "mdm-uuid",
            "PayloadVersion": 1,
            "IdentityCertificateUUID": "identity-uuid",
            "Topic": self.topic,
            "ServerURL": f"{self.url}/connect",
            "CheckInURL": f"{self.url}/checkin",
            "SignMessage": True,
            "AccessRights": 8191,
            "CheckOutWhenRemoved": True,
            "ServerCapabilities": ["com.apple.mdm.bootstraptoken"],
        } | self.mdm
        kept = {key: value for key, value in values.items() if value is not None}
        return profile("com.example.enrolment", identity_payload(), *self.payloads, kept)

    def queue_command(self, udid: str, request_type: str, **values: Any) -> str:
        """Queue a command and return its UUID."""
        uuid = f"{request_type}-{len(self.results)}-{len(self.queue[udid])}"
        command = {"CommandUUID": uuid, "Command": {"RequestType": request_type, **values}}
        self.queue[udid].append(plistlib.dumps(command))
        return uuid

    def result(self, uuid: str) -> Body:
        """Return the last result of a command."""
        found = [one for one in self.results if one.get("CommandUUID") == uuid]
        assert found, f"no result of {uuid}; there are {self.results}"
        return found[-1]

    async def _enrol(self, request: web.Request) -> web.StreamResponse:
        await self._seen(request)
        if self.enrol is not None:
            return self.enrol(request)
        return web.Response(body=self.profile(), content_type=PROFILE)

    async def _seen(self, request: web.Request) -> bytes:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not self.keeps_requests:
            return body
        self.requests.append((request.method, request.path_qs, headers, body))
        tls = request.transport and request.transport.get_extra_info("ssl_object")
        self.client_certificates.append(tls.getpeercert(binary_form=True) if tls else None)
        return body

    def _fails(self, kind: str) -> int:
        return self.status[kind].pop(0) if self.status[kind] else 0

    async def _check_in(self, request: web.Request) -> web.Response:
        message = plistlib.loads(await self._seen(request))
        assert request.headers["Content-Type"] == CHECK_IN
        self.check_ins.append(message)
        self.arrived.set()
        if self.on_check_in is not None:
            self.on_check_in(message)
        if status := self._fails(message["MessageType"]):
            return web.Response(status=status)
        if self.answers[message["MessageType"]]:
            return web.Response(body=plistlib.dumps(self.answers[message["MessageType"]].pop(0)))
        if message["MessageType"] == "SetBootstrapToken":
            self.bootstrap_token = message["BootstrapToken"]
        if message["MessageType"] == "GetToken" and self.token is not None:
            return web.Response(body=plistlib.dumps({"TokenData": self.token}))
        return web.Response()

    async def _connect(self, request: web.Request) -> web.Response:
        message = plistlib.loads(await self._seen(request))
        assert request.headers["Content-Type"] == COMMAND
        self.results.append(message)
        self.arrived.set()
        if self.on_result is not None:
            self.on_result(message)
        if status := self._fails(message["Status"]):
            return web.Response(status=status)
        who = message.get("UDID", message.get("EnrollmentID", ""))
        if "UserShortName" in message:
            who = f"{who}/{message['UserShortName']}"
        waiting = self.queue[who]
        return web.Response(body=waiting.popleft() if waiting else b"")

    def application(self) -> web.Application:
        """Return the server's application."""
        application = web.Application(client_max_size=2**25)
        application.router.add_route("*", "/enrol", self._enrol)
        for path in ("/page/{step}", "/.well-known/com.apple.remotemanagement"):
            application.router.add_route("*", path, self._enrol)
        application.router.add_put("/checkin", self._check_in)
        application.router.add_put("/connect", self._connect)
        return application


@asynccontextmanager
async def serving(mdm: Mdm, **site: Any) -> AsyncIterator[Mdm]:
    """Run the server on a free port of loopback; *site* may hold its TLS context."""
    runner = web.AppRunner(mdm.application(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, **site).start()
        scheme = "https" if site else "http"
        mdm.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
        yield mdm
    finally:
        await runner.cleanup()
