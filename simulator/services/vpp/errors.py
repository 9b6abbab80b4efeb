"""What VPP refuses with: one row per error number, for both generations (vpp.md 9).

``body`` is the text that goes out beside the number; clients are told to switch
on the number, as Apple has several texts for some. ``status`` is that of v2. In
v1 the HTTP status is 200 and the body says ``status: -1``, whatever the number.
"""

from simulator.protocol.fields import ErrorCode

_FAULT = "No state of the simulator leads there: it can be armed as a fault only."
_V1 = "L-obj, PE"
_V2 = "D-err"


def _row(number: int, status: int, text: str, source: str, inferred: str = "") -> ErrorCode:
    return ErrorCode(str(number), status, text, body=text, source=source, inferred=inferred)


def _old(number: int, text: str, inferred: str = _FAULT) -> ErrorCode:
    return _row(number, 200, text, _V1, inferred)


MISSING_ARGUMENT = _row(
    9600,
    400,
    "Missing required argument.",
    _V1,
    "Also the number of a v1 call without sToken, for which 9601 would do as well.",
)
LOGIN_REQUIRED = _row(
    9601,
    401,
    "Login required.",
    f"{_V1}, {_V2}",
    f"A missing Authorization header is 9722. {_FAULT}",
)
INVALID_ARGUMENT = _row(9602, 400, "Invalid argument.", f"{_V1}, {_V2}")
INTERNAL = ErrorCode(
    "9603",
    500,
    "Internal error.",
    body="Internal error.",
    headers=(("Retry-After", "30"),),
    source=f"{_V1}, {_V2}",
)
NOT_FOUND = _row(9604, 404, "Result not found.", _V1, "In v2 it is the answer to an unknown path.")
IRREVOCABLE = _row(9607, 400, "License is irrevocable.", _V1)
USER_NOT_FOUND = _row(9609, 400, "Unable to find the registered user.", f"{_V1}, {_V2}")
LICENSE_NOT_FOUND = _row(
    9610, 400, "License not found.", _V1, "None is free, or the app is not owned."
)
ALREADY_ASSIGNED = _row(9616, 400, "License already assigned.", _V1)
ALREADY_RETIRED = _row(9618, 400, "The user has already been retired.", _V1)
NOT_ASSOCIATED = _row(9619, 400, "License not associated.", _V1)
ALREADY_DELETED = _row(9620, 400, "The user has already been deleted.", _V1)
TOKEN_EXPIRED = _row(
    9621, 401, "The sToken has expired: renew it in School or Business Manager.", f"{_V1}, {_V2}"
)
TOKEN_INVALID = _row(
    9622,
    200,
    "Invalid authentication token.",
    "FL, ZE, live",
    "Apple documents 401 for every token error and lists no 9622 for v2; two clients are written "
    "for an HTTP 200. vpp_status_9622 sets it.",
)
PUSH_TOKEN_INVALID = _row(9623, 400, "Invalid APN token.", f"{_V1}, {_V2}")
TOKEN_REVOKED = _row(
    9625,
    401,
    "The server has revoked the sToken.",
    f"{_V1}, {_V2}, live",
    "Also the answer to a token that a renewed one has replaced.",
)
NOT_DEVICE_ASSIGNABLE_V1 = _row(9628, 400, "License not eligible for device assignment.", _V1)
FOREIGN_BATCH = _row(9629, 400, "The sToken does not fit the batchToken.", _V1)
NO_BATCH = _row(9633, 400, "No batch data for the token.", _V1)
GONE = _row(9634, 410, "This service is no longer available.", f"{_V1}, {_V2}")
ACCOUNT_REFUSED = _row(
    9635,
    400,
    "The Apple Account can't be associated with the user.",
    f"{_V1}, {_V2}",
    "Given to a Managed Apple Account outside the location's managed_domains, where it has any.",
)
NO_REGISTERED_USER = _old(9636, "No registered user found.")
NO_RIGHTS = _row(
    9637,
    403,
    "The sToken does not permit this operation.",
    f"{_V1}, {_V2}",
    "Apple says it of facilitator accounts; it is the only number that fits a read-only token.",
)
ACCOUNT_TAKEN = _row(
    9641, 400, "The Apple Account is already associated with a user.", f"{_V1}, {_V2}"
)
MAINTENANCE_V1 = _row(
    9644, 503, "The service is in maintenance mode.", f"{_V1}, {_V2}", "HTTP status of 9729."
)
TOO_MANY_REQUESTS = _row(
    9646,
    429,
    "Too many requests of this organization: try again later.",
    f"{_V1}, {_V2}",
    "Counted only where vpp_requests_per_second is set, so that suites may run at full speed.",
)
NOT_FOR_LEGACY = _row(9647, 403, "Not available to legacy tokens.", _V2)
PAGE_REQUIRED = _row(9649, 400, "A page index is required with a request id.", _V1)
PAGE_OUT_OF_RANGE = _row(
    9650,
    400,
    "The page index is out of range.",
    f"{_V1}, {_V2}",
    "Apple's text says that the index must be greater than 0; 0 is the first page. A client that "
    "pages until the index equals totalPages, as one page advises, gets this for the last.",
)

TOO_MANY_ASSETS = _row(9700, 400, "Too many assets.", _V2)
TOO_MANY_USER_IDS = _row(9701, 400, "Too many clientUserIds.", _V2)
TOO_MANY_SERIALS = _row(9702, 400, "Too many serialNumbers.", _V2)
DUPLICATE_ASSETS = _row(9703, 400, "Duplicate assets.", _V2)
DUPLICATE_USER_IDS = _row(9704, 400, "Duplicate clientUserIds.", _V2)
DUPLICATE_SERIALS = _row(9705, 400, "Duplicate serialNumbers.", _V2)
NOT_REVOCABLE = _row(9706, 400, "The asset isn't revocable.", _V2)
NOT_DEVICE_ASSIGNABLE = _row(9707, 400, "The asset isn't device-assignable.", _V2)
EVENT_NOT_FOUND = _row(9708, 400, "Unable to find the event.", _V2)
NOT_ENOUGH_ASSETS = _row(
    9709,
    400,
    "Not enough assets are available.",
    _V2,
    "As many as there are go out, in the order of the request; also the number for an app that "
    "the location does not own.",
)
URL_AND_TOKEN = _row(9710, 400, "notificationUrl and notificationAuthToken are both required.", _V2)
NOTIFICATION_TOO_LONG = _row(9711, 400, "notificationUrl or its token is too long.", _V2)
URL_INVALID = _row(9712, 400, "notificationUrl isn't a valid https URL.", _V2)
METADATA_TOO_LONG = _row(9713, 400, "The metadata of mdmInfo is too long.", _V2)
TOO_MANY_USERS = _row(9714, 400, "Too many users.", _V2)
DUPLICATE_USERS = _row(9715, 400, "Duplicate users.", _V2)
USER_EXISTS = _row(9716, 400, "The clientUserId is already registered.", _V2)
EMAIL_INVALID = _row(9717, 400, "Invalid email.", _V2)
NO_ASSETS = _row(9718, 400, "No assets were given.", _V2)
NO_TARGETS = _row(9719, 400, "Neither clientUserIds nor serialNumbers were given.", _V2)
NO_USERS = _row(9720, 400, "No users were given.", _V2)
VERSION_INVALID = _row(9721, 400, "Invalid version id.", _V2)
AUTHORIZATION_INVALID = _row(
    9722,
    401,
    "The Authorization header must be Bearer {sToken}.",
    _V2,
    "Also the answer to a missing header, for which 9601 would do as well.",
)
MDM_INFO_INCOMPLETE = _row(9723, 400, "mdmInfo needs name, id and metadata.", _V2)
MDM_ID_TOO_LONG = _row(9724, 400, "The id of mdmInfo is too long.", _V2)
MDM_NAME_TOO_LONG = _row(9725, 400, "The name of mdmInfo is too long.", _V2)
METHOD_NOT_SUPPORTED = _row(9726, 405, "The method is not supported.", _V2)
TYPE_NOT_SUPPORTED = _row(9727, 415, "The content type is not supported.", _V2)
URL_UNREACHABLE = _row(
    9728,
    400,
    "notificationUrl can't be reached.",
    _V2,
    "Also for an address that callback_allow does not list, with which nothing is exchanged.",
)
UNAVAILABLE = ErrorCode(
    "9729",
    503,
    "The service is temporarily unavailable.",
    body="The service is temporarily unavailable.",
    headers=(("Retry-After", "60"),),
    source=f"{_V1}, {_V2}",
    inferred="v1 words it as a server that moved (refresh the DNS entry); there it is 9644 here.",
)
SUBSCRIPTION_INVALID = _row(
    9811,
    400,
    "Invalid subscription association.",
    _V2,
    "Given where the subscription is not active.",
)
CURSOR_INVALID = _row(9812, 400, "Invalid cursor.", _V2)
ADAM_ID_INVALID = _row(9813, 400, "Invalid Adam ID.", _V2)
NO_ASSOCIATED_USER = _row(9814, 400, "Unable to find an associated user.", _V2)
USER_LACKS_SUBSCRIPTION = _row(9815, 400, "The user doesn't have the adamId.", _V2)
SUBSCRIPTION_LIMIT = _row(9816, 400, "Too many subscriptions or clientUserIds.", _V2)
ASSIGNED_BY_GROUP = _row(9817, 400, "Already assigned through a group.", _V2)
CANNOT_DISABLE = _row(9818, 400, "Subscriptions exist, so that they can't be disabled.", _V2)
TOO_LARGE = _row(
    9602, 413, "The body is larger than the simulator reads.", "", "Apple names no limit."
)

NO_DEVELOPER_TOKEN = ErrorCode(
    "40100", 401, "No developer token, or none that is good.", body="Unauthorized", source="M-req"
)
STOKEN_REFUSED = ErrorCode(
    "40300",
    403,
    "The cookie itvt holds no good token, or no ids were asked for.",
    body="Invalid Stoken or Empty/Null ids Request Parameter",
    source="live, GH fleetdm/fleet#43596",
    inferred="Seen for good tokens too, sporadically: arm it as a fault.",
)
TOO_MANY_IDS = ErrorCode(
    "40005", 400, "More than 150 ids.", body="Too many ids", source="M-apps", inferred="The code."
)
METADATA = (NO_DEVELOPER_TOKEN, STOKEN_REFUSED, TOO_MANY_IDS)
"""What the newer metadata services refuse with."""

FOR_FAULTS_ONLY = (
    _old(9605, "The account's storefront is incorrect."),
    _old(9606, "Error constructing the token."),
    _old(9608, "Empty response from the SharedData service."),
    _old(9611, "Admin user not found."),
    _old(9612, "The claim job failed."),
    _old(9613, "The unclaim job failed."),
    _old(9614, "Invalid date format."),
    _old(9615, "OrgCountry not found."),
    _old(9617, "The URL has moved: call VPPServiceConfigSrv again."),
    _old(9624, "The license was refunded and is no longer valid."),
    _old(9626, "The license is already assigned to another user."),
    _old(9627, "Disassociation failed: re-associated too frequently."),
    _old(9630, "Too many identical calls: the license is already assigned."),
    _old(9631, "Too many identical calls: no license is available."),
    _old(9632, "Too many identical manage requests."),
    NO_REGISTERED_USER,
    _old(9638, "The member has no managed id."),
    _old(9639, "The managed id was not found."),
    _old(9640, "The details are unavailable."),
    _old(9642, "The account is a manager's whose store account is not ready."),
    _old(9643, "The license is locked for a pending transfer."),
)
"""Numbers of v1 that no state leads to."""
