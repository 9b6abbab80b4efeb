"""What a sign-in is refused with. What Apple's service answers to devices is not known."""

from simulator.auth.access_token import REASONS
from simulator.protocol.fields import ErrorCode

_OURS = "What Apple answers devices is not known: status, code and text are ours."
BY_REASON = {
    reason: ErrorCode(
        reason.upper(), 403, f"{about[0].upper()}{about[1:]}.", source="AD", inferred=_OURS
    )
    for reason, about in REASONS.items()
}
"""The row for each reason to refuse a token."""


def _row(code: str, status: int, about: str) -> ErrorCode:
    return ErrorCode(code, status, about, inferred=_OURS)


TOKEN_REQUIRED = _row(
    "TOKEN_REQUIRED", 403, "The portal wants managed devices, and no token has come with it."
)
NOT_SUPERVISED = _row("NOT_SUPERVISED", 403, "The portal wants supervised devices.")
ACCOUNT_UNKNOWN = _row("ACCOUNT_UNKNOWN", 404, "No organisation has the domain of the account.")
INVALID_REQUEST = _row("INVALID_REQUEST", 400, "The request cannot be read.")
NOT_FOUND = _row("NOT_FOUND", 404, "There is nothing of this name.")
METHOD_NOT_ALLOWED = _row("METHOD_NOT_ALLOWED", 405, "The path has no such method.")
TOO_LARGE = _row("REQUEST_TOO_LARGE", 413, "The body is larger than the simulator reads.")
SERVER_ERROR = _row("SERVER_ERROR", 500, "The simulator itself failed.")
COMMON = (INVALID_REQUEST, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_LARGE, SERVER_ERROR)
