"""What the removal of Activation Lock answers (more.md 3.2). Bodies are not known."""

from simulator.protocol.fields import ErrorCode

_BODY = "The body is not known."
_UNKNOWN = "What the real service does here is not known."
BAD_REQUEST = ErrorCode(
    "BAD_REQUEST",
    400,
    "The query or the form is malformed, or lacks something.",
    body="malformed request",
    source="NM",
    inferred=_BODY,
)
CERTIFICATE_REQUIRED = ErrorCode(
    "CERTIFICATE_REQUIRED",
    403,
    "No client certificate was shown.",
    body="client certificate required",
    inferred="Apple ends the TLS handshake with an alert; here the port serves other hosts too.",
)
CERTIFICATE_REFUSED = ErrorCode(
    "CERTIFICATE_REFUSED",
    403,
    "The client certificate is no push certificate of this world, has expired or was revoked.",
    body="client certificate refused",
    inferred=_UNKNOWN,
)
DEVICE_UNKNOWN = ErrorCode(
    "DEVICE_UNKNOWN",
    404,
    "No device of the organisation has the serial number, or not that IMEI or MEID.",
    body="device not found",
    source="NM",
    inferred=_BODY,
)
MISMATCH = ErrorCode(
    "ESCROW_KEY_MISMATCH",
    404,
    "The code is not the one that the device was locked with.",
    body="escrow key mismatch",
    source="NM, live",
)
NOT_LOCKED = ErrorCode(
    "NOT_LOCKED",
    404,
    "The device is not locked.",
    body="device not locked",
    inferred=f"{_UNKNOWN} A quirk answers 200.",
)
NOT_FOUND = ErrorCode("NOT_FOUND", 404, "There is nothing of this name.", inferred=_UNKNOWN)
METHOD_NOT_ALLOWED = ErrorCode(
    "METHOD_NOT_ALLOWED", 405, "The call is a POST.", body="", inferred=_UNKNOWN
)
TOO_LARGE = ErrorCode(
    "REQUEST_TOO_LARGE", 413, "The body is larger than the simulator reads.", inferred=_UNKNOWN
)
WRONG_TYPE = ErrorCode(
    "UNSUPPORTED_MEDIA_TYPE", 415, "The body is no form.", body="", inferred=_UNKNOWN
)
SERVER_ERROR = ErrorCode(
    "SERVER_ERROR", 500, "Try again later.", body="try again later", source="NM", inferred=_BODY
)
COMMON = (
    BAD_REQUEST,
    CERTIFICATE_REQUIRED,
    CERTIFICATE_REFUSED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    TOO_LARGE,
    WRONG_TYPE,
    SERVER_ERROR,
)
