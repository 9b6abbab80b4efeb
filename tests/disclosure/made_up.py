"""Made-up services for pushes and for apps: what such services have and DEP has not."""

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from simulator.core.messages import Peer, Request, Tls
from simulator.disclosure.observe.observation import Observer
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.fields import Object, String, Strings
from simulator.protocol.operations import Operation
from simulator.protocol.service import Service
from tests.disclosure.factories import DEFINE, FINGERPRINTER, MADE

AGENT = String("user-agent", "Client.", place="header", concept="net.user_agent")
APNS = replace(
    MADE,
    name="apns",
    hosts=("api.push.apple.com",),
    headers=(
        String("authorization", "Token.", place="header", concept="push.provider_token"),
        String("apns-topic", "Topic.", place="header", concept="push.topic"),
        String("apns-push-type", "Type.", place="header", concept="protocol"),
        String("apns-priority", "Priority.", place="header", concept="protocol"),
        String("apns-expiration", "Until.", place="header", concept="protocol"),
        String("apns-id", "Id.", place="header", concept="protocol"),
        String("apns-collapse-id", "Group.", place="header", concept="push.collapse_id"),
        AGENT,
    ),
)
PUSH = Operation(
    "apns.push",
    ("POST",),
    "/3/device/{token}",
    "Push.",
    DEFINE.handler,
    request=(
        String("token", "Token.", place="path", concept="push.token"),
        String("mdm", "Magic.", concept="push.magic"),
    ),
)
VPP = replace(
    MADE,
    name="vpp",
    hosts=("vpp.itunes.apple.com",),
    headers=(
        String("authorization", "Token.", place="header", concept="vpp.content_token"),
        AGENT,
    ),
)
REGISTER = Operation(
    "vpp.register",
    ("POST",),
    "/mdm/registerVPPUserSrv",
    "Register.",
    DEFINE.handler,
    request=(
        String("sToken", "Token.", concept="vpp.content_token"),
        String("clientUserIdStr", "User.", concept="vpp.client_user_id"),
        String("managedAppleIDStr", "Account.", concept="user.managed_apple_id"),
        String("email", "Mail.", concept="user.email"),
    ),
)
CONFIGURE = Operation(
    "vpp.config",
    ("POST",),
    "/mdm/v2/client/config",
    "Configure.",
    DEFINE.handler,
    request=(
        Object(
            "mdmInfo",
            "Server.",
            fields=(
                String("id", "Id.", concept="server.install_guid"),
                String("name", "Name.", concept="server.product"),
                String("metadata", "Text.", concept="server.metadata"),
            ),
        ),
        String("notificationUrl", "URL.", concept="server.notify_url"),
        String("notificationAuthToken", "Token.", concept="server.notify_token"),
        Strings(
            "notificationTypes",
            "Types.",
            concept="server.notify_type",
            values=("ASSET_MANAGEMENT", "USER_ASSOCIATED"),
        ),
    ),
)
CATALOGUE = Catalogue([(APNS, [PUSH]), (VPP, [REGISTER, CONFIGURE])])
OBSERVER = Observer(CATALOGUE, FINGERPRINTER)

TOPIC = "com.apple.mgmt.External.5f0e4a52-6d0b-4c8e-9a53-2b7f6c1d8e90"
DEVICE = "a1b2c3d4" * 8
MAGIC = "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"
SUBJECT = (("UID", TOPIC), ("CN", TOPIC.replace("com.apple.mgmt.External.", "APSP:")), ("C", "SE"))
SIGNATURE = "U2lnbmF0dXJl" * 7
_NAMES = {
    "UID": NameOID.USER_ID,
    "CN": NameOID.COMMON_NAME,
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "title": NameOID.TITLE,
}


@cache
def certificate(
    subject: tuple[tuple[str, str], ...] = SUBJECT, serial: int = 0x3A5F19C2B7
) -> bytes:
    """Return a client's certificate, DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.Name([x509.NameAttribute(_NAMES[name], value) for name, value in subject])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Issuer")])
    made = x509.CertificateBuilder(issuer, names, key.public_key(), serial)
    made = made.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
    made = made.not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def peer(der: bytes = b"", *, first: bool = True) -> Peer:
    """Return the end of a connection with the client's certificate *der*."""
    return Peer("127.0.0.1", 50000, 1, Tls("TLSv1.3", "x", client_certificate=der), first)


def push(
    token: str = DEVICE,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b'{"mdm": "7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"}',
    **more: Any,
) -> Request:
    """Return a push to *token*, which is put into the path as it is."""
    head = (("Host", "api.push.apple.com"), *headers)
    more.setdefault("peer", peer())
    method = more.pop("method", "POST")
    return Request(method, f"/3/device/{token}", head, body, "https", **more)


def coded(tree: Any) -> str:
    """Return *tree* as JSON in base64 without padding."""
    return base64.urlsafe_b64encode(json.dumps(tree).encode()).decode().rstrip("=")


def provider_token(claims: Any = None, head: Any = None) -> str:
    """Return a JSON web token with a made-up signature."""
    head = {"alg": "ES256", "kid": "ABC123DEFG"} if head is None else head
    claims = {"iss": "DEF123GHIJ", "iat": 1767225600} if claims is None else claims
    return f"{coded(head)}.{coded(claims)}.{SIGNATURE}"


def service_of(operation: Operation | None) -> Service:
    """Return the service of an operation; that for pushes if there is none."""
    return CATALOGUE.services[operation.service] if operation else APNS


def observed(sent: Request, operation: Operation | None = PUSH) -> Any:
    """Return the records of a request from the wire."""
    return OBSERVER.observe(sent, operation, service_of(operation), sealed=False)


def sealed(sent: Request, operation: Operation | None = PUSH) -> Request:
    """Return the request as it is stored."""
    return OBSERVER.seal_request(sent, operation, service_of(operation))


def recorded(sent: Request, operation: Operation | None = PUSH) -> Any:
    """Return the records of the request as it is stored."""
    return OBSERVER.observe(sealed(sent, operation), operation, service_of(operation))
