"""How a device deviates from what it is by default: what real devices, networks and people do."""

from typing import Literal

from msgspec import Struct
from msgspec import field as struct_field


class Options(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """How a device deviates from what it is by default."""

    origins: dict[str, str] = struct_field(default_factory=dict)
    """Where the device goes instead, by origin: ``https://mdm.test`` -> ``http://127.0.0.1:9000``.

    Servers whose own URL is not reachable from here need it (device.md 3.3)."""
    trust: str = ""
    """Certificates, PEM, that the device trusts beside the system's."""
    ade_method: Literal["post", "get"] = "post"
    """``get``: the enrolment profile is fetched unsigned, as micromdm's check of the real
    device CA cannot be passed (device.md 2.3)."""
    proxy_header: str = ""
    """Header in which the device shows its certificate, as a TLS proxy would (RFC 9440)."""
    shared_keys: bool = False
    """Whether SCEP keys are taken from a pool, as large fleets need it: a key takes 40 ms."""
    busy: int = 0
    """How many of the next commands are answered NotNow."""
    locked: bool = False
    """Whether the screen is locked: commands that wait for an unlock are answered NotNow."""
    lost_answer: str = ""
    """A check-in message whose first answer is lost, such as ``Authenticate``: it is sent again."""
    failed_fetches: int = 0
    """How many of the next downloads fail: of profiles, manifests and assets."""
    forgets_cookies: bool = False
    """Whether a web view loses its cookies on the way."""
    foreign_identity: bool = False
    """Whether messages are signed with the certificate from the factory, not the enrolment's."""
    stale_token: bool = False
    """Whether the MDM is told a token that Apple has retired."""
    never_configured: bool = False
    """Whether Setup Assistant goes on waiting after DeviceConfigured."""
    silent_declarations: bool = False
    """Whether no status report is sent for declarations."""
    attestation: Literal["", "other-key", "stale", "foreign-ca", "none"] = ""
    """What is wrong with what the device shows an ACME server: it is of another key, for another
    challenge, of another CA, or missing."""
