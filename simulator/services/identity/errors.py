"""What the push certificate portal refuses, as its error triple says it (more.md 1.5)."""

from simulator.protocol.fields import ErrorCode

_UNKNOWN = "Its status and number are not known"
_TITLES = {
    "INVALID_REQUEST": (
        -80017,
        "Invalid Certificate Signing Request",
        "Make sure that request file was uploaded is in the correct format and not empty.",
    ),
    "INVALID_KEY": (
        -80017,
        "Invalid Certificate Signing Request",
        "The key of the Certificate Signing Request must be RSA with 2048 bits at least.",
    ),
    "SIGNATURE_INVALID": (
        -80018,
        "Certificate Signature Verification failed",
        "because the signature is invalid.",
    ),
    "VENDOR_EXPIRED": (
        -80018,
        "Certificate Signature Verification failed",
        "because the signing certificate is expired.",
    ),
    "VENDOR_REVOKED": (
        -80018,
        "Certificate Signature Verification failed",
        "because the signing certificate is revoked.",
    ),
}
"""Number, headline and further text of each."""


def triple(row: ErrorCode) -> dict[str, str | int]:
    """Return the error triple of a row."""
    number, title, text = _TITLES.get(row.code, (-row.status, row.about, ""))
    return {"ErrorCode": number, "ErrorMessage": title, "ErrorDescription": text}


def _row(code: str, status: int, about: str, source: str = "", inferred: str = "") -> ErrorCode:
    return ErrorCode(code, status, about, source=source, inferred=inferred or f"{_UNKNOWN}.")


INVALID_REQUEST = _row(
    "INVALID_REQUEST",
    400,
    "The upload is no signed request: a bare CSR, an empty file, no base64.",
    "GH micromdm/micromdm#796",
    f"{_UNKNOWN}; its texts are.",
)
INVALID_KEY = _row("INVALID_KEY", 400, "The key of the CSR is no RSA key, or has under 2048 bits.")
SIGNATURE_INVALID = _row(
    "SIGNATURE_INVALID",
    400,
    "Wrong key, wrong digest, or a chain that is incomplete or ends elsewhere: -80018.",
    "GH micromdm/micromdm#723, GH grinich/mdmvendorsign#2",
    "Its status is not known; its number and texts are.",
)
VENDOR_EXPIRED = _row(
    "VENDOR_EXPIRED",
    400,
    "The vendor's certificate has expired: -80018.",
    "GH micromdm/micromdm#1069",
    "Its status and number are not known; its texts are.",
)
VENDOR_REVOKED = _row("VENDOR_REVOKED", 400, "The vendor's certificate was revoked.")
ACCOUNT_UNKNOWN = _row("ACCOUNT_UNKNOWN", 401, "No organisation has this Apple Account.")
CERTIFICATE_UNKNOWN = _row(
    "CERTIFICATE_UNKNOWN", 404, "The account has no certificate with this serial number."
)
NOT_RENEWABLE = _row(
    "NOT_RENEWABLE",
    409,
    "The certificate was revoked, or expired too long ago, and cannot be renewed.",
    "live AY",
    "About 30 days after its expiry by second-hand report; status and texts are not known.",
)
NOT_FOUND = _row("NOT_FOUND", 404, "There is nothing of this name.")
METHOD_NOT_ALLOWED = _row("METHOD_NOT_ALLOWED", 405, "The path has no such method.")
TOO_LARGE = _row("REQUEST_TOO_LARGE", 413, "The body is larger than the simulator reads.")
BROKEN = _row("SERVER_ERROR", 500, "The simulator itself failed.")
UNAVAILABLE = _row(
    "SERVICE_UNAVAILABLE", 503, "The portal is closed for maintenance; a fault alone gives it."
)
BAD_EMAIL = ErrorCode(
    "BAD_EMAIL",
    400,
    "The signer refuses the e-mail address, as one of a free-mail provider.",
    body="this email address is not valid: Bad Request",
    source="GH fleetdm/fleet#23221",
)
COMMON = (NOT_FOUND, METHOD_NOT_ALLOWED, TOO_LARGE, BROKEN)
ON_DEMAND = (UNAVAILABLE,)
REQUEST = (
    INVALID_REQUEST,
    INVALID_KEY,
    SIGNATURE_INVALID,
    VENDOR_EXPIRED,
    VENDOR_REVOKED,
    ACCOUNT_UNKNOWN,
)
"""What an upload can be refused with."""
BY_REASON = {
    "request": INVALID_REQUEST,
    "csr": INVALID_REQUEST,
    "key": INVALID_KEY,
    "chain": SIGNATURE_INVALID,
    "signature": SIGNATURE_INVALID,
    "expired": VENDOR_EXPIRED,
    "revoked": VENDOR_REVOKED,
}
"""The row for each reason of `simulator.pki.push_requests`."""
