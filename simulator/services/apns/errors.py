"""The reasons that APNs refuses with: one row each (apns.md 3.2)."""

from simulator.protocol.fields import ErrorCode, Field, Integer

_TIMESTAMP = Integer(
    "timestamp",
    "Since when the token is dead, milliseconds since the epoch.",
    least=0,
    most=10**15,
    example=1_772_366_400_000,
)


def _row(
    status: int, reason: str, about: str, inferred: str = "", takes: tuple[Field, ...] = ()
) -> ErrorCode:
    return ErrorCode(reason, status, about, takes=takes, source="A-RESP", inferred=inferred)


BAD_COLLAPSE_ID = _row(400, "BadCollapseId", "apns-collapse-id is longer than 64 bytes.")
BAD_DEVICE_TOKEN = _row(
    400, "BadDeviceToken", "The token is not hexadecimal, has a wrong length or was never issued."
)
BAD_EXPIRATION_DATE = _row(400, "BadExpirationDate", "apns-expiration is no epoch time.")
BAD_MESSAGE_ID = _row(400, "BadMessageId", "apns-id is no UUID.")
BAD_PRIORITY = _row(400, "BadPriority", "apns-priority is none of 1, 5 and 10.")
BAD_TOPIC = _row(
    400,
    "BadTopic",
    "apns-topic is no topic.",
    "For what cannot be a bundle id; no public report of this reason was found.",
)
DEVICE_TOKEN_NOT_FOR_TOPIC = _row(
    400, "DeviceTokenNotForTopic", "The token belongs to another topic."
)
DUPLICATE_HEADERS = _row(400, "DuplicateHeaders", "A header stands more than once.")
INVALID_PUSH_TYPE = _row(400, "InvalidPushType", "apns-push-type is not known.")
MISSING_DEVICE_TOKEN = _row(400, "MissingDeviceToken", "The path has no token.")
MISSING_TOPIC = _row(400, "MissingTopic", "No apns-topic, and the credential has not just one.")
PAYLOAD_EMPTY = _row(400, "PayloadEmpty", "There is no body.")
TOPIC_DISALLOWED = _row(
    400,
    "TopicDisallowed",
    "The credential may not push to the topic.",
    "Certificates get it for a topic of another (node-apn#479, django-push-notifications#424), and "
    "provider tokens for MDM topics, which Apple allows to certificates only (node-apn#517, #635).",
)
BAD_CERTIFICATE = _row(
    403,
    "BadCertificate",
    "The certificate is revoked, out of date or of nobody known; the connection ends.",
)
BAD_CERTIFICATE_ENVIRONMENT = _row(
    403,
    "BadCertificateEnvironment",
    "The certificate is for the other environment; the connection ends.",
)
EXPIRED_PROVIDER_TOKEN = _row(403, "ExpiredProviderToken", "The provider token is over 1 h old.")
INVALID_PROVIDER_TOKEN = _row(
    403, "InvalidProviderToken", "The provider token is not one, or of an unknown key."
)
MISSING_PROVIDER_TOKEN = _row(
    403, "MissingProviderToken", "Neither a client certificate nor a provider token."
)
FORBIDDEN = _row(403, "Forbidden", "The action is not allowed.", "Given by an armed fault only.")
UNRELATED_KEY_ID = _row(
    403, "UnrelatedKeyIdInToken", "The key is not the one that the connection began with."
)
BAD_ENVIRONMENT_KEY = ErrorCode(
    "BadEnvironmentKeyInToken",
    403,
    "The key is for the other environment; documented as BadEnvironmentKeyIdInToken.",
    also=("BadEnvironmentKeyIdInToken",),
    source="APNSwift#229",
)
BAD_PATH = _row(404, "BadPath", "The path is not /3/device/<token>.")
METHOD_NOT_ALLOWED = _row(405, "MethodNotAllowed", "The method is not POST.")
EXPIRED_TOKEN = _row(410, "ExpiredToken", "The device token has expired.", takes=(_TIMESTAMP,))
UNREGISTERED = _row(
    410,
    "Unregistered",
    "The device token is no longer active for the topic.",
    takes=(_TIMESTAMP,),
)
PAYLOAD_TOO_LARGE = _row(413, "PayloadTooLarge", "The body is larger than 4096 bytes, voip 5120.")
TOO_MANY_REQUESTS = _row(
    429, "TooManyRequests", "Too many pushes to one device token: it was throttled."
)
TOO_MANY_TOKEN_UPDATES = _row(
    429,
    "TooManyProviderTokenUpdates",
    "The connection's provider token was changed within 20 minutes.",
    "Without the slack that was seen, whose size is not known.",
)
INTERNAL_SERVER_ERROR = _row(500, "InternalServerError", "The simulator itself failed.")
_UNPROVOKED = "As an answer given by an armed fault only; {}"
IDLE_TIMEOUT = _row(
    400,
    "IdleTimeout",
    "The connection was idle for too long.",
    _UNPROVOKED.format("else the reason of the GOAWAY that ends an idle connection."),
)
SERVICE_UNAVAILABLE = _row(
    503, "ServiceUnavailable", "The service is not available.", "Given by an armed fault only."
)
SHUTDOWN = _row(
    503,
    "Shutdown",
    "The server is stopping.",
    _UNPROVOKED.format("else the reason of the GOAWAY with which connections end."),
)

COMMON = (
    MISSING_PROVIDER_TOKEN,
    INVALID_PROVIDER_TOKEN,
    EXPIRED_PROVIDER_TOKEN,
    BAD_CERTIFICATE,
    BAD_CERTIFICATE_ENVIRONMENT,
    FORBIDDEN,
    UNRELATED_KEY_ID,
    BAD_ENVIRONMENT_KEY,
    TOO_MANY_TOKEN_UPDATES,
    IDLE_TIMEOUT,
    SERVICE_UNAVAILABLE,
    SHUTDOWN,
    BAD_PATH,
    METHOD_NOT_ALLOWED,
    PAYLOAD_TOO_LARGE,
    INTERNAL_SERVER_ERROR,
)
ENDS_CONNECTION = (BAD_CERTIFICATE, BAD_CERTIFICATE_ENVIRONMENT)
"""Seen on the wire as GOAWAY with the reason as debug data, never as an answer (apns.md 1.3)."""
