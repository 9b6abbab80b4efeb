"""Vendors: their certificates as the developer portal makes them, and which are revoked."""

import base64
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339
from simulator.pki.authorities import Authorities
from simulator.pki.push_identity import UNREADABLE
from simulator.protocol.fields import Boolean, Field, Integer, String
from simulator.services.provisioning import ControlCall, Resource

_LONGEST_S = 10 * 365 * 24 * 3600

REVOKED = "identity.revoked_vendor"


def revoke(state: State, serial: int) -> None:
    """Revoke a vendor's certificate: nothing that it signs is taken any more."""
    state.of("").put(REVOKED, f"{serial:x}", {})


def revoked(state: State) -> frozenset[int]:
    """Return the serial numbers of the certificates that are revoked."""
    found = state.of("").scan(REVOKED, limit=10_000)
    return frozenset(int(one.key, 16) for one in found)


def authorities(call: ControlCall) -> Authorities:
    """Return what issues certificates; LookupError where there is none."""
    if isinstance(call.authorities, Authorities):
        return call.authorities
    raise LookupError("this simulator has no authorities to issue certificates with")


def _vendor(call: ControlCall) -> Body:
    """Make a vendor's signing certificate, for its CSR or with a key of its own."""
    developer = authorities(call).developer
    now = datetime.fromtimestamp(call.now_ms / 1000, UTC)
    seconds = call.body.get("expires_in_s")
    end = None if seconds is None else now + timedelta(seconds=seconds)
    name, key = call.body.get("name", "Example"), None
    if "csr" in call.body:
        made = developer.certify(name, _key_of(call.body["csr"]), now, not_after=end)
    else:
        vendor = developer.vendor(name, now, not_after=end)
        made, key = vendor.certificate, vendor.key_pem.decode()
    pem = made.public_bytes(serialization.Encoding.PEM)
    return {
        "serial": f"{made.serial_number:x}",
        "expires": rfc3339(int(made.not_valid_after_utc.timestamp() * 1000)),
        "certificate": pem.decode(),
        "cer": base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode(),
        "chain": (pem + developer.certificate_pem).decode(),
        "key": key,
    }


def _key_of(text: str) -> rsa.RSAPublicKey:
    try:
        key = x509.load_pem_x509_csr(text.encode()).public_key()
    except UNREADABLE:
        raise ValueError("csr is no certificate request in PEM") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("the key of the csr must be RSA")  # noqa: TRY004 (it is what was sent)
    return key


def _revoke_vendor(call: ControlCall) -> Body:
    serial = call.path["serial"]
    try:
        revoke(call.state, int(serial, 16))
    except ValueError:
        raise LookupError(f"{serial} is no serial number in hexadecimal") from None
    return {"serial": serial, "revoked": True}


_VENDOR: tuple[Field, ...] = (
    String("serial", "Serial number, hexadecimal.", required=True),
    String("expires", "When it expires.", required=True),
    String("certificate", "PEM.", required=True),
    String("cer", "Base64 of the DER, as mdm.cer has it.", required=True),
    String("chain", "It, its issuer and the root, PEM.", required=True),
    Field("key", "The key, PEM; null if there was a csr.", required=True),
)
RESOURCES = (
    Resource(
        "POST",
        "/vendor-certificates",
        "Make a vendor's certificate, which signs requests for push certificates.",
        _vendor,
        body=(
            String("name", "Name of the vendor.", shortest=1, longest=40),
            String("csr", "Its certificate request, PEM; without it a key is made."),
            Integer(
                "expires_in_s",
                "Seconds from now; below 0 for one that has expired.",
                least=-_LONGEST_S,
                most=_LONGEST_S,
            ),
        ),
        answer=_VENDOR,
        status=201,
        is_stateless=True,
    ),
    Resource(
        "DELETE",
        "/vendor-certificates/{serial}",
        "Revoke a vendor's certificate.",
        _revoke_vendor,
        answer=(
            String("serial", "Serial number, hexadecimal.", required=True),
            Boolean("revoked", "That it is revoked.", required=True),
        ),
    ),
)
