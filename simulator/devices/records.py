"""What the record of a device consists of: its profiles, apps, enrolment, users."""

from typing import Any

from msgspec import Struct
from msgspec import field as struct_field

from simulator.devices.identity import Identity

Body = dict[str, Any]


class InstalledProfile(Struct):
    """A configuration profile on the device."""

    content: bytes
    """The property list, without its signature."""
    identifier: str
    managed: bool = True
    signers: list[bytes] = struct_field(default_factory=list)
    """Certificates of the signature, DER; none if it was not signed."""
    identities: list[Identity] = struct_field(default_factory=list)
    """What its SCEP, ACME and PKCS #12 payloads brought."""
    certificates: list[bytes] = struct_field(default_factory=list)
    """What its certificate payloads brought, DER."""


class App(Struct):
    """An app on the device."""

    identifier: str
    name: str
    version: str = "1.0"
    managed: bool = False
    state: str = "Managed"
    """Status in ManagedApplicationList."""
    flags: int = 0
    """ManagementFlags."""
    store_id: int = 0
    licensed: bool = False
    """Whether it was installed with a licence of the organisation."""
    configuration: Body | None = None
    attributes: Body | None = None


class Enrolment(Struct):
    """The device's enrolment in an MDM."""

    profile: str
    """Identifier of the enrolment profile."""
    server_url: str
    check_in_url: str
    topic: str
    identity: Identity
    sign_message: bool = False
    access_rights: int = 0
    check_out: bool = False
    """Whether it says goodbye: CheckOutWhenRemoved."""
    capabilities: list[str] = struct_field(default_factory=list)
    automated: bool = False
    """Whether it came by Automated Device Enrollment."""
    supervised: bool = False
    awaiting: bool = False
    """Whether Setup Assistant waits for DeviceConfigured."""
    user_enrolment: bool = False
    """Whether the device goes by ``EnrollmentID``, and tells no serial number and no UDID."""
    magic: str = ""
    bearer: str = ""
    """The token of an account-driven enrolment, which goes with every request."""


ANYBODY = "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"


class DeviceUser(Struct):
    """A person with an account on a Mac or Shared iPad, whom the MDM may manage by a channel."""

    id: str
    """A UUID; that of `ANYBODY` on a Shared iPad, where the name tells people apart."""
    name: str
    """The short name; on a Shared iPad the Managed Apple Account."""
    push_token: str
    away: bool = False
    """Whether the person is logged out: its channel is asleep."""
    awaiting: bool = False
    """Whether the log-in waits for UserConfigured."""
    auth_token: str = ""
    """What the MDM gave a network account for its password; it goes with all messages."""
    magic: str = ""
    """Empty: there is no channel to the MDM."""
    profiles: dict[str, InstalledProfile] = struct_field(default_factory=dict)
    """By identifier."""
    declarations: Body = struct_field(default_factory=dict)
    """What declarative management keeps for the channel."""


class Attestation(Struct, frozen=True):
    """What the device shows of itself with Apple's signature, until it gets another one."""

    at_ms: int
    certificate: bytes
    """DER."""


class EnrolmentAttempt(Struct, frozen=True):
    """How the device is enrolling; but for the token, nothing given: as Apple assigned it."""

    token: str
    """The push token that the device gets; another try after a restart takes the same."""
    content: bytes = b""
    """The profile that a person installs."""
    url: str = ""
    """Where that profile is."""
    account: str = ""
    """The account that a person signs in with."""


class ManagedAccount(Struct, frozen=True):
    """The Managed Apple Account that the device's person has signed in to, or tried to."""

    account: str
    token: bool = False
    """Whether a token of the MDM went with it."""
    problem: str = ""
    """Why Apple has refused it; empty: it is signed in."""


class LifeEvent(Struct, frozen=True):
    """Something that happened to a device."""

    at_ms: int
    what: str
    """Such as ``activated``, ``enrolled``, ``command``, ``failed``."""
    about: str = ""
