"""Configuration profiles: read them, signed or bare, and find what an enrolment needs in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct

from simulator.devices.errors import profile_invalid
from simulator.devices.plists import read_dictionary
from simulator.pki import cms
from simulator.pki.push_identity import UNREADABLE

MDM = "com.apple.mdm"
SCEP = "com.apple.security.scep"
PKCS12 = "com.apple.security.pkcs12"
ACME = "com.apple.security.acme"
_CERTIFICATES = (
    "com.apple.security.root",
    "com.apple.security.pkcs1",
    "com.apple.security.pem",
)
TOPIC_PREFIX = "com.apple.mgmt."
_SEQUENCE = b"\x30"
_KEPT, _SMALL = 256, 64 * 1024
"""How many profiles stay read, and of how many bytes at most: each is looked at several times,
and many are every device's."""


class Profile(Struct, frozen=True):
    """A configuration profile."""

    content: bytes
    """The property list."""
    values: Mapping[str, Any]
    """The same, read."""
    signers: Sequence[bytes] = ()
    """Certificates of its signature, DER; none if it is not signed."""
    problem: str = ""
    """What is wrong with its signature: a device shows the profile as not verified."""

    @property
    def identifier(self) -> str:
        """Its PayloadIdentifier."""
        return str(self.values["PayloadIdentifier"])

    def payloads(self) -> list[Mapping[str, Any]]:
        """Return its payloads; none where its content is no array, as in a profile service."""
        content = self.values.get("PayloadContent")
        listed = content if isinstance(content, list) else []
        return [one for one in listed if isinstance(one, dict)]

    def certificates(self) -> list[bytes]:
        """Return what its certificate payloads hold, DER; DeviceError if one is unreadable."""
        return [
            _certificate(one) for one in self.payloads() if one.get("PayloadType") in _CERTIFICATES
        ]

    def of_type(self, payload_type: str) -> list[Mapping[str, Any]]:
        """Return its payloads of one type."""
        return [one for one in self.payloads() if one.get("PayloadType") == payload_type]


def read_profile(content: bytes) -> Profile:
    """Return the profile in *content*: a property list, bare or in CMS SignedData.

    DeviceError says why it is none. A wrong signature keeps nobody from
    installing it; it is noted (device.md 3.1). Nobody changes what is returned.
    """
    return _read_again(content) if len(content) <= _SMALL else _read(content)


def _read(content: bytes) -> Profile:
    signers: Sequence[bytes] = ()
    problem = ""
    if content.startswith(_SEQUENCE):
        try:
            signed = cms.read_signed(content)
        except ValueError as error:
            raise profile_invalid(f"The profile's signature cannot be read: {error}.") from None
        signers = signed.certificates
        try:
            cms.verify(signed)
        except ValueError as error:
            problem = str(error)
        content = signed.content or b""
    try:
        values = read_dictionary(content, "The profile")
    except ValueError as error:
        raise profile_invalid(f"{error}.") from None
    for key in ("PayloadIdentifier", "PayloadUUID", "PayloadType"):
        if not isinstance(values.get(key), str) or not values[key]:
            raise profile_invalid(f"The required field “{key}” is missing.")
    return Profile(content, values, signers, problem)


_read_again = lru_cache(_KEPT)(_read)


def _certificate(payload: Mapping[str, Any]) -> bytes:
    content = payload.get("PayloadContent")
    if not isinstance(content, bytes):
        raise profile_invalid("The required field “PayloadContent” is missing.")
    try:
        if b"-----BEGIN" in content:
            certificate = x509.load_pem_x509_certificate(content)
        else:
            certificate = x509.load_der_x509_certificate(content)
    except UNREADABLE:
        raise profile_invalid("The certificate could not be read.") from None
    return certificate.public_bytes(Encoding.DER)


@dataclass(frozen=True, slots=True)
class MdmPayload:
    """The payload ``com.apple.mdm`` of an enrolment profile, and the identity that it names."""

    values: Mapping[str, Any] = field(repr=False)
    identity: Mapping[str, Any] = field(repr=False)
    """The payload of the identity: SCEP, PKCS #12 or ACME."""

    def text(self, key: str, default: str = "") -> str:
        """Return a string of the payload."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            raise profile_invalid(f"The field “{key}” is invalid.")
        return value

    def flag(self, key: str) -> bool:
        """Return a boolean of the payload, false where it is absent."""
        return self.values.get(key) is True


def mdm_payload(profile: Profile) -> MdmPayload:
    """Return what an enrolment profile says of the MDM; DeviceError if it does not."""
    found = profile.of_type(MDM)
    if not found:
        raise profile_invalid("The profile has no MDM payload.")
    if len(found) > 1:
        raise profile_invalid("The profile has more than one MDM payload.")
    values = found[0]
    for key in ("ServerURL", "Topic", "IdentityCertificateUUID"):
        if not isinstance(values.get(key), str) or not values[key]:
            raise profile_invalid(f"The required field “{key}” is missing.")
    if not values["Topic"].startswith(TOPIC_PREFIX):
        raise profile_invalid("The field “Topic” is invalid.")
    for key in ("ServerURL", "CheckInURL"):
        if not str(values.get(key, "https:")).startswith(("https:", "http:")):
            raise profile_invalid(f"The field “{key}” is invalid.")
    wanted = values["IdentityCertificateUUID"]
    for payload in profile.payloads():
        if payload.get("PayloadUUID") == wanted and payload is not values:
            return MdmPayload(values, payload)
    raise profile_invalid("The identity certificate of the MDM payload is not in the profile.")
