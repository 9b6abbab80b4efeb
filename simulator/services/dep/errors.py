"""What DEP refuses with: one row per code word.

Bodies are the bare code as text, without quotes or a line end (PR, 4.4.0; the
``depsim`` dialect wraps them in quotes). Sources: dep.md section 5.
"""

from simulator.protocol.fields import ErrorCode

MALFORMED_REQUEST_BODY = ErrorCode(
    "MALFORMED_REQUEST_BODY", 400, "The body is not valid JSON, or does not bind.", source="PR"
)
USER_AGENT_MISSING = ErrorCode(
    "USER_AGENT_MISSING",
    400,
    "No User-Agent was sent.",
    source="AD, EV",
    inferred="Checked above protocol version 3 only, as live refusals began with newer versions.",
)
USER_AGENT_INVALID = ErrorCode(
    "USER_AGENT_INVALID",
    400,
    "The User-Agent is one that the service refuses.",
    source="GH micromdm/nanodep#42",
    inferred="The list is what was seen refused: python-requests and nanodep-godep.",
)
UNAUTHORIZED = ErrorCode(
    "UNAUTHORIZED",
    401,
    "The session token is missing, unknown or has expired: call GET /session.",
    headers=(("WWW-Authenticate", "ADM-Auth-Token"),),
    source="PR",
)
FORBIDDEN = ErrorCode(
    "FORBIDDEN",
    403,
    "The session token is not one of this service (depsim dialect; AD folds it into 401).",
    source="PR, ND",
)
ACCESS_DENIED = ErrorCode(
    "ACCESS_DENIED",
    403,
    "The MDM server, its key or its token may not perform the request.",
    source="PR, AD",
    inferred="Nothing says when, so it is answered where a fault asks for it only.",
)
T_C_NOT_SIGNED = ErrorCode(
    "T_C_NOT_SIGNED", 403, "The organization must accept new terms in the portal.", source="PR, AD"
)
NOT_FOUND = ErrorCode(
    "NOT_FOUND", 404, "There is nothing of this name.", also=("PROFILE_NOT_FOUND",), source="PR"
)
METHOD_NOT_ALLOWED = ErrorCode(
    "METHOD_NOT_ALLOWED", 405, "The path has no such method.", body="", source="PR"
)
REQUEST_TOO_LARGE = ErrorCode(
    "REQUEST_TOO_LARGE",
    413,
    "The body is larger than the simulator reads.",
    inferred="Apple names no limit.",
)
UNSUPPORTED_MEDIA_TYPE = ErrorCode(
    "UNSUPPORTED_MEDIA_TYPE",
    415,
    "The body is not application/json.",
    source="PR",
    inferred="PR says that only application/json is taken, not with which status.",
)
TOO_MANY_REQUESTS = ErrorCode(
    "TOO_MANY_REQUESTS",
    429,
    "Too many requests in a short time: wait as long as Retry-After says.",
    headers=(("Retry-After", "10"),),
    source="PR-R, CM",
    inferred="No threshold is documented, so it is answered where a fault asks for it only.",
)
SERVER_ERROR = ErrorCode("SERVER_ERROR", 500, "The simulator itself failed.", body="", source="PR")
SERVICE_UNAVAILABLE = ErrorCode(
    "SERVICE_UNAVAILABLE",
    503,
    "The service is overloaded: wait as long as Retry-After says.",
    body="",
    headers=(("Retry-After", "120"),),
    source="PR, CM",
    inferred="Answered where a fault asks for it only.",
)

COMMON = (
    MALFORMED_REQUEST_BODY,
    USER_AGENT_MISSING,
    USER_AGENT_INVALID,
    UNAUTHORIZED,
    FORBIDDEN,
    ACCESS_DENIED,
    T_C_NOT_SIGNED,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    REQUEST_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    TOO_MANY_REQUESTS,
    SERVER_ERROR,
    SERVICE_UNAVAILABLE,
)

INTERNAL_SERVER_ERROR = ErrorCode(
    "INTERNAL_SERVER_ERROR",
    500,
    "Apple's own failure, as seen for odd profiles.",
    body="Internal Server Error",
    source="GH micromdm/micromdm#838",
)
ON_DEMAND = (INTERNAL_SERVER_ERROR,)
"""Only a fault gives them."""

OAUTH_BAD_REQUEST = ErrorCode(
    "oauth_bad_request",
    400,
    "An OAuth parameter is missing, repeated or not supported.",
    body="oauth_problem_adviceBad Request",
    source="AD, live PE",
)
OAUTH_UNAUTHORIZED = ErrorCode(
    "oauth_unauthorized",
    401,
    "Consumer key, token, signature, time stamp or nonce was not accepted.",
    body="oauth_problem_adviceUnauthorized",
    source="AD, live PE",
)
TOKEN_REJECTED = ErrorCode(
    "token_rejected",
    403,
    "The server token was revoked.",
    source="FL godep/account.go",
    inferred="Seen as 403 and as 401.",
)
SIGNATURE_INVALID = ErrorCode(
    "signature_invalid",
    403,
    "The signature was made with a token that the portal has replaced.",
    source="FL godep/account.go, GH fleetdm/fleet#47700",
    inferred="Documented as 401; seen live as 403, once a download has renewed the token.",
)
TOKEN_EXPIRED = ErrorCode(
    "token_expired",
    403,
    "The server token is past its access_token_expiry.",
    body="token_expiredForbidden",
    source="live PE",
)

INVALID_CURSOR = ErrorCode(
    "INVALID_CURSOR", 400, "The cursor was not issued to this server.", source="EV, PR"
)
EXHAUSTED_CURSOR = ErrorCode(
    "EXHAUSTED_CURSOR", 400, "The fetch has returned everything: call /devices/sync.", source="PR"
)
EXPIRED_CURSOR = ErrorCode(
    "EXPIRED_CURSOR", 400, "The cursor is older than 7 days: fetch again without one.", source="PR"
)
CURSOR_REQUIRED = ErrorCode("CURSOR_REQUIRED", 400, "Sync needs a cursor.", source="PR")
DEVICE_ID_REQUIRED = ErrorCode(
    "DEVICE_ID_REQUIRED", 400, "The request holds no serial numbers.", source="PR"
)
PROFILE_UUID_REQUIRED = ErrorCode(
    "PROFILE_UUID_REQUIRED", 400, "The request names no profile.", source="PR"
)
CONFIG_NAME_REQUIRED = ErrorCode(
    "CONFIG_NAME_REQUIRED", 400, "The profile has no profile_name.", source="EV"
)
CONFIG_NAME_INVALID = ErrorCode(
    "CONFIG_NAME_INVALID", 400, "profile_name is empty or too long.", source="EV"
)
CONFIG_URL_REQUIRED = ErrorCode("CONFIG_URL_REQUIRED", 400, "The profile has no url.", source="EV")
CONFIG_URL_INVALID = ErrorCode(
    "CONFIG_URL_INVALID", 400, "url is empty, too long or no URL.", source="EV"
)
DEPARTMENT_INVALID = ErrorCode(
    "DEPARTMENT_INVALID", 400, "department is empty or too long.", source="EV"
)
FLAGS_INVALID = ErrorCode(
    "FLAGS_INVALID",
    400,
    "is_mdm_removable is false although is_supervised is not true.",
    source="EV, GH fleetdm/fleet#21397",
)
LOCALE_INVALID = ErrorCode(
    "LOCALE_INVALID", 400, "language and region are no locale.", source="EV, PR"
)
MAGIC_INVALID = ErrorCode("MAGIC_INVALID", 400, "org_magic is empty or too long.", source="EV")
SUPPORT_EMAIL_INVALID = ErrorCode(
    "SUPPORT_EMAIL_INVALID", 400, "support_email_address is empty or too long.", source="EV"
)
SUPPORT_PHONE_INVALID = ErrorCode(
    "SUPPORT_PHONE_INVALID", 400, "support_phone_number is empty or too long.", source="EV"
)
DEVICE_NOT_FOUND = ErrorCode(
    "DEVICE_NOT_FOUND",
    400,
    "No device of this server has the serial number.",
    source="live PE",
)
DEVICE_NOT_FOUND_404 = ErrorCode(
    "DEVICE_NOT_FOUND_404", 404, "The same, as documented.", body="DEVICE_NOT_FOUND", source="AD"
)
APPLE_SEED_FOR_IT_TURNED_OFF = ErrorCode(
    "APPLE_SEED_FOR_IT_TURNED_OFF", 403, "The organization has turned AppleSeed off.", source="EV"
)
DISCOVERY_URL_REQUIRED = ErrorCode(
    "MDM_SERVICE_DISCOVERY_URL_REQUIRED", 400, "No mdm_service_discovery_url.", source="EV"
)
DISCOVERY_URL_NOT_VALID = ErrorCode(
    "MDM_SERVICE_DISCOVERY_URL_NOT_VALID",
    400,
    "mdm_service_discovery_url is no https URL.",
    source="EV",
)
ORG_NOT_SUPPORTED = ErrorCode(
    "ORG_NOT_SUPPORTED", 400, "The organization is not in School or Business Manager.", source="EV"
)
