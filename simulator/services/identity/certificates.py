"""Push certificates as the portal knows them: issued, renewed, revoked, and mailed about.

They belong to no organisation in the state, as topics do. All functions take
the state seen from anywhere.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import Struct
from msgspec.structs import asdict

from simulator.core.state import Entity, State
from simulator.pki.push import PUSH_LIFETIME, PushAuthority
from simulator.services import push_topics

CERTIFICATE = "identity.certificate"
_SERIES = "identity.topic"
_DAY_MS = 24 * 3600 * 1000
WARNINGS = (30, 10, 1)
"""Days before its expiry on which its account gets a mail (AY)."""
GRACE_DAYS = 30
"""Days after its expiry in which a certificate can still be renewed (AY, second hand)."""
_MOST = 100_000


class Certificate(Struct, frozen=True, kw_only=True):
    """One certificate in the portal."""

    serial: str
    """Serial number, hexadecimal, lower case."""
    topic: str
    organisation: str
    account: str
    """The Apple Account that owns it."""
    vendor: str
    note: str
    issued_ms: int
    expires_ms: int
    pem: str
    revoked: bool = False
    renewed_by: str = ""
    """Serial number of the certificate that took its place."""

    @classmethod
    def of(cls, entity: Entity) -> "Certificate":
        """Make it of what is stored."""
        return cls(serial=entity.key, **entity.body)

    def state_at(self, now_ms: int) -> str:
        """Return ``revoked``, ``expired`` or ``active``."""
        if self.revoked:
            return "revoked"
        return "active" if now_ms <= self.expires_ms else "expired"

    def days_left(self, now_ms: int) -> int:
        """Return for how many whole days it is good; below 0 once it has expired."""
        return (self.expires_ms - now_ms) // _DAY_MS

    def is_renewable(self, now_ms: int) -> bool:
        """Tell whether the portal still renews it."""
        return not self.revoked and now_ms <= self.expires_ms + GRACE_DAYS * _DAY_MS


class AcceptedRequest(Struct, frozen=True):
    """A request that the portal has accepted, and by whom."""

    public: rsa.RSAPublicKey
    vendor: str
    organisation: str
    account: str
    note: str


def write(state: State, certificate: Certificate) -> None:
    """Write a certificate."""
    body = {name: value for name, value in asdict(certificate).items() if name != "serial"}
    state.of("").put(
        CERTIFICATE, certificate.serial, body, {"organisation": certificate.organisation}
    )


def find(state: State, serial: str) -> Certificate | None:
    """Return a certificate by its serial number, or None."""
    found = state.of("").get(CERTIFICATE, serial.lower().lstrip("0"))
    return None if found is None else Certificate.of(found)


def all_of(state: State) -> list[Certificate]:
    """Return all certificates, the oldest first."""
    found = [Certificate.of(one) for one in state.of("").scan(CERTIFICATE, limit=_MOST)]
    return sorted(found, key=lambda one: (one.issued_ms, one.serial))


def new_topic(state: State, seed: int) -> str:
    """Return the topic of a certificate that is created, not renewed."""
    number = state.of("").reserve(_SERIES)
    digits = hashlib.sha256(f"{_SERIES}|{seed}|{number}".encode()).hexdigest()
    return f"com.apple.mgmt.External.{push_topics.dashed(digits)}"


def create(
    state: State, authority: PushAuthority, upload: AcceptedRequest, topic: str, now_ms: int
) -> Certificate:
    """Issue a certificate for *topic*, which is added to the organisation's if it is new."""
    if push_topics.find(state, topic) is None:
        push_topics.add(state, upload.organisation, topic)
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    # TLS looks at the wall clock, the service at the simulator's: it has begun by either.
    begin = min(now - timedelta(hours=1), authority.certificate.not_valid_before_utc)
    made = authority.certify(topic, upload.public, (begin, now + PUSH_LIFETIME))
    one = of_x509(made, topic=topic, upload=upload, now_ms=now_ms)
    write(state, one)
    return one


def of_x509(
    made: x509.Certificate, *, topic: str, upload: AcceptedRequest, now_ms: int
) -> Certificate:
    """Return what the portal knows of a certificate that was issued now."""
    return Certificate(
        serial=f"{made.serial_number:x}",
        topic=topic,
        organisation=upload.organisation,
        account=upload.account,
        vendor=upload.vendor,
        note=upload.note,
        issued_ms=now_ms,
        expires_ms=int(made.not_valid_after_utc.timestamp() * 1000),
        pem=made.public_bytes(serialization.Encoding.PEM).decode(),
    )


def renew(
    state: State, authority: PushAuthority, upload: AcceptedRequest, old: Certificate, now_ms: int
) -> Certificate:
    """Issue a certificate for the topic of *old*, which stays good until it expires."""
    made = create(state, authority, upload, old.topic, now_ms)
    write(state, _changed(old, renewed_by=made.serial))
    return made


def revoke(state: State, certificate: Certificate) -> Certificate:
    """Revoke a certificate: APNs refuses it from now on."""
    gone = _changed(certificate, revoked=True)
    write(state, gone)
    push_topics.revoke(state, certificate.topic, certificate.serial)
    return gone


def _changed(one: Certificate, **changes: object) -> Certificate:
    return Certificate(**(asdict(one) | changes))


class Mail(Struct, frozen=True):
    """A mail that the portal has sent to an account."""

    at_ms: int
    to: str
    subject: str
    text: str
    serial: str


def mails(state: State, now_ms: int) -> list[Mail]:
    """Return the mails about certificates that were sent by now, the oldest first.

    Nothing is kept of them: they follow from the certificates and the time.
    """
    found = (mail for one in all_of(state) for mail in _mails_of(one) if mail.at_ms <= now_ms)
    return sorted(found, key=lambda mail: mail.at_ms)


def _mails_of(one: Certificate) -> Iterator[Mail]:
    name = f"The push certificate of {one.vendor} with the serial number {one.serial}"
    expiry = f"{datetime.fromtimestamp(one.expires_ms / 1000, UTC):%Y-%m-%d}"
    subject = "Apple Push Notification Service certificate created"
    yield Mail(one.issued_ms, one.account, subject, f"{name} was created.", one.serial)
    if one.revoked:
        return
    for days in WARNINGS:
        subject = "Apple Push Notification Service certificate expiration"
        if days == 1:
            subject = (
                "Final notice-Tomorrow: Apple Push Notification Service certificate expiration"
            )
        text = f"{name} expires on {expiry}: renew it, and do not create another."
        yield Mail(one.expires_ms - days * _DAY_MS, one.account, subject, text, one.serial)
