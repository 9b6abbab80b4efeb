"""What the bodies of calls for simulated devices hold: options, and the profile to enrol by."""

import base64
import binascii
from typing import TYPE_CHECKING

import msgspec
from cryptography import x509

from simulator.control.parts import bad
from simulator.core.state import Body
from simulator.protocol.fields import Boolean, Integer, Object, String

if TYPE_CHECKING:
    from simulator.devices.options import Options

_ATTESTATIONS = ("other-key", "stale", "foreign-ca", "none")
_CHECK_INS = ("Authenticate", "TokenUpdate")
OPTIONS = Object(
    "options",
    "How they deviate from other devices.",
    fields=(
        Object("origins", "Where they go instead, by origin: https://mdm.test."),
        String("trust", "Certificates, PEM, that they trust beside the system's."),
        String("ade_method", "How they ask for the enrolment profile.", values=("post", "get")),
        String("proxy_header", "Header in which they show their certificate, as a proxy would."),
        Boolean("shared_keys", "Whether SCEP keys come from a pool."),
        Integer("busy", "How many commands they refuse with NotNow.", least=0, most=10**6),
        Boolean("locked", "Whether the screen is locked."),
        String("lost_answer", "Check-in message whose first response is lost.", values=_CHECK_INS),
        Integer("failed_fetches", "How many of the next downloads fail.", least=0, most=10**6),
        Boolean("forgets_cookies", "Whether a web view loses its cookies."),
        Boolean("foreign_identity", "Whether messages are signed with another certificate."),
        Boolean("stale_token", "Whether the MDM is told a token that Apple has retired."),
        Boolean("never_configured", "Whether it goes on waiting after DeviceConfigured."),
        Boolean("silent_declarations", "Whether no status of declarations is sent."),
        String("attestation", "What is wrong with attestations in ACME.", values=_ATTESTATIONS),
    ),
)
PROFILE = (
    String("profile_url", "Where the profile is that a device enrols by."),
    String("profile", "The profile that a device enrols by, in base64."),
)


def options_of(given: Body) -> "Options":
    """Read the options of devices, or raise a problem."""
    from simulator.devices.options import Options  # noqa: PLC0415 (as in the host)

    try:
        options = msgspec.convert(given, Options)
        if options.trust:
            x509.load_pem_x509_certificates(options.trust.encode())
    except msgspec.ValidationError as error:
        raise bad(f"options: {error}") from None
    except ValueError:
        raise bad("options: trust must be certificates, PEM") from None
    return options


def profile_of(body: Body) -> bytes:
    """Return the profile in a body, empty if there is none."""
    try:
        return base64.b64decode(body.get("profile", ""), validate=True)
    except binascii.Error:
        raise bad("profile must be base64") from None
