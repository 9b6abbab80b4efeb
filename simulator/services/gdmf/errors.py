"""What the software look-up refuses with. Apple documents no error; clients expect these."""

from simulator.protocol.fields import ErrorCode

BAD_REQUEST = ErrorCode(
    "BAD_REQUEST",
    400,
    "The request cannot be read.",
    body="",
    inferred="No error of the look-up is documented.",
)
FORBIDDEN = ErrorCode(
    "FORBIDDEN", 403, "Access is refused, as seen once in 2018.", body="", source="live"
)
NOT_FOUND = ErrorCode(
    "NOT_FOUND",
    404,
    "There is nothing of this name.",
    body="",
    inferred="No error of the look-up is documented.",
)
METHOD_NOT_ALLOWED = ErrorCode(
    "METHOD_NOT_ALLOWED",
    405,
    "The look-up is a GET.",
    body="",
    inferred="No error of the look-up is documented.",
)
TOO_LARGE = ErrorCode(
    "REQUEST_TOO_LARGE",
    413,
    "The body is larger than the simulator reads.",
    body="",
    inferred="No error of the look-up is documented.",
)
TOO_MANY_REQUESTS = ErrorCode(
    "TOO_MANY_REQUESTS",
    429,
    "Too many requests: wait as long as Retry-After says.",
    body="",
    headers=(("Retry-After", "5"),),
    source="FL",
    inferred="Fleet expects it; no threshold is known, so a fault alone gives it.",
)
SERVER_ERROR = ErrorCode(
    "SERVER_ERROR",
    500,
    "The look-up failed.",
    body="",
    source="FL",
    inferred="Fleet expects it.",
)
SERVICE_UNAVAILABLE = ErrorCode(
    "SERVICE_UNAVAILABLE",
    503,
    "The look-up is overloaded.",
    body="",
    source="FL",
    inferred="Fleet expects it; a fault alone gives it.",
)
COMMON = (BAD_REQUEST, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_LARGE, SERVER_ERROR)
ON_DEMAND = (FORBIDDEN, TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE)
"""Only a fault gives them."""
