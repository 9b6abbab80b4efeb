"""``GET /session``: OAuth 1.0a with the server token, answered with a session token."""

from typing import Any

from simulator.protocol.fields import String
from simulator.protocol.operations import Call, operation
from simulator.services.dep import errors
from simulator.services.dep.sessions import check_terms, open_session


@operation(
    "GET /session",
    "Log in with the server token and get a session token.",
    name="dep.session",
    request=(
        String(
            "authorization",
            "OAuth 1.0a, HMAC-SHA1, with the values of the server token; realm is optional.",
            place="header",
            required=True,
            concept="dep.oauth_signature",
            source="AD, PR",
        ),
    ),
    response=(
        String(
            "auth_session_token",
            "Session token for the header X-ADM-Auth-Session.",
            concept="dep.session_token",
            source="AD",
        ),
    ),
    errors=(
        errors.OAUTH_BAD_REQUEST,
        errors.OAUTH_UNAUTHORIZED,
        errors.TOKEN_REJECTED,
        errors.SIGNATURE_INVALID,
        errors.TOKEN_EXPIRED,
    ),
    auth="oauth",
    runs_inline=True,
    docs="https://developer.apple.com/documentation/devicemanagement/authenticating-for-automated-device-enrollment",
    source="AD, PR",
)
def session(call: Call) -> Any:
    """Start a session for the server token that signed."""
    check_terms(call.state, call.principal.organisation)
    opened = open_session(call)
    call.headers.append(("X-ADM-Auth-Session", opened))
    return {"auth_session_token": opened}
