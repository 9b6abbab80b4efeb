"""What discovery refuses with. Neither status nor body of a refusal is known."""

from simulator.protocol.fields import ErrorCode

_UNKNOWN = "Status and body are not known; a device goes on to the next step after any but 200."
NOT_FOUND = ErrorCode(
    "NOT_FOUND",
    404,
    "No organisation has the domain, or it has registered no URL.",
    body="{}",
    inferred=_UNKNOWN,
)
IDENTIFIER_INVALID = ErrorCode(
    "IDENTIFIER_INVALID",
    404,
    "The user identifier is missing, or no name@domain with one @ in plain characters.",
    body="{}",
    inferred=_UNKNOWN,
)
METHOD_NOT_ALLOWED = ErrorCode(
    "METHOD_NOT_ALLOWED", 405, "Discovery is a GET.", body="{}", inferred=_UNKNOWN
)
TOO_LARGE = ErrorCode(
    "REQUEST_TOO_LARGE",
    413,
    "The body is larger than the simulator reads.",
    body="{}",
    inferred=_UNKNOWN,
)
SERVER_ERROR = ErrorCode(
    "SERVER_ERROR", 500, "The simulator itself failed.", body="{}", inferred=_UNKNOWN
)
COMMON = (NOT_FOUND, IDENTIFIER_INVALID, METHOD_NOT_ALLOWED, TOO_LARGE, SERVER_ERROR)
