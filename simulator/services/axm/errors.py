"""What the School and Business API answers when it refuses (axm.md 2.5 and 7.3).

The token endpoint answers the OAuth document ``{"error": ...}``, everything else the error
document of JSON:API. A row's *body* is the title there; the detail says what is wrong here.
"""

from collections.abc import Mapping
from typing import Any

from simulator.core.messages import Finding
from simulator.protocol.fields import ErrorCode
from simulator.protocol.operations import ApiError, Call

_ASC = "The code is App Store Connect's, which has the same error documents."


class OAuthError(ErrorCode, frozen=True):
    """A refusal of the token endpoint; its code is the document's ``error``."""


INVALID_CLIENT = OAuthError(
    "invalid_client",
    400,
    "The client, its key or its assertion is not accepted.",
    source="AXM-F1",
    inferred="Seen on appleid.apple.com, the sister host; its cause is not told.",
)
INVALID_REQUEST = OAuthError(
    "invalid_request",
    400,
    "A parameter is missing, doubled or malformed.",
    inferred="As RFC 6749 and Apple's TN3107 have it.",
)
UNSUPPORTED_GRANT_TYPE = OAuthError(
    "unsupported_grant_type",
    400,
    "grant_type is not client_credentials.",
    inferred="As RFC 6749 and Apple's TN3107 have it.",
)
INVALID_SCOPE = OAuthError(
    "invalid_scope",
    400,
    "The scope is unknown or that of the other product.",
    inferred="As RFC 6749 has it.",
)
UNAUTHORIZED_CLIENT = OAuthError(
    "unauthorized_client",
    400,
    "The account may not get a token this way.",
    inferred="As RFC 6749 has it; answered where a fault asks for it only.",
)
TOO_MANY_TOKENS = OAuthError(
    "too_many_requests",
    429,
    "Too many token requests: keep a token for its hour.",
    headers=(("Retry-After", "60"),),
    source="AXM-AS",
    inferred="The status was seen, the body is ours; no limit applies unless one is set.",
)

ENTITY_INVALID = ErrorCode(
    "ENTITY_INVALID",
    400,
    "The request entity is not a valid request document object",
    inferred=_ASC,
)
ATTRIBUTE_REQUIRED = ErrorCode(
    "ENTITY_ERROR.ATTRIBUTE.REQUIRED",
    400,
    "The provided entity is missing a required attribute",
    inferred=_ASC,
)
ATTRIBUTE_TYPE = ErrorCode(
    "ENTITY_ERROR.ATTRIBUTE.TYPE",
    400,
    "An attribute in the provided entity has the wrong type",
    inferred=_ASC,
)
ATTRIBUTE_UNKNOWN = ErrorCode(
    "ENTITY_ERROR.ATTRIBUTE.UNKNOWN",
    400,
    "The provided entity includes an unknown attribute",
    inferred=_ASC,
)
ATTRIBUTE_INVALID = ErrorCode(
    "ENTITY_ERROR.ATTRIBUTE.INVALID",
    409,
    "The provided entity includes an attribute with an invalid value",
    source="AXM-HI",
)
RELATIONSHIP_REQUIRED = ErrorCode(
    "ENTITY_ERROR.RELATIONSHIP.REQUIRED",
    400,
    "The provided entity is missing a required relationship",
    inferred=_ASC,
)
RELATIONSHIP_UNKNOWN = ErrorCode(
    "ENTITY_ERROR.RELATIONSHIP.UNKNOWN",
    400,
    "The provided entity includes an unknown relationship",
    inferred=_ASC,
)
RELATIONSHIP_INVALID = ErrorCode(
    "ENTITY_ERROR.RELATIONSHIP.INVALID",
    409,
    "The provided entity includes a relationship with an invalid value",
    source="AXM-D",
    inferred="Apple documents the status; " + _ASC,
)
MISSING_RESOURCES = ErrorCode(
    "MISSING_RESOURCES",
    409,
    "A blueprint needs an app, a package or a configuration",
    source="AXM-HI",
)
MISSING_MEMBERS = ErrorCode(
    "MISSING_MEMBERS",
    409,
    "A blueprint needs a device, a user or a user group",
    source="AXM-HI",
)
STATE_ERROR = ErrorCode(
    "STATE_ERROR",
    409,
    "The request cannot be fulfilled because of the state of another resource",
    source="AXM-TF",
    inferred=_ASC,
)
ENTITY_UNPROCESSABLE = ErrorCode(
    "ENTITY_UNPROCESSABLE",
    422,
    "The request entity cannot be processed",
    source="AXM-D",
    inferred="Apple lists the status without a cause: answered where a fault asks for it only.",
)
PARAMETER_REQUIRED = ErrorCode(
    "PARAMETER_ERROR.REQUIRED", 400, "A required parameter is missing", source="AXM-HI"
)
PARAMETER_INVALID = ErrorCode(
    "PARAMETER_ERROR.INVALID", 400, "A parameter has an invalid value", source="AXM-HI"
)
NOT_AUTHORIZED = ErrorCode(
    "NOT_AUTHORIZED",
    401,
    "Authentication credentials are missing or invalid.",
    inferred=_ASC,
)
FORBIDDEN = ErrorCode(
    "FORBIDDEN",
    403,
    "This request is forbidden for the role of the API account",
    source="AXM-D",
    inferred="Apple documents the status; the code is not known.",
)
FORBIDDEN_ERROR = ErrorCode(
    "FORBIDDEN_ERROR", 403, "The given operation is not allowed", source="AXM-HI"
)
AGREEMENTS = ErrorCode(
    "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED",
    403,
    "A required agreement is missing or has expired.",
    inferred=_ASC,
)
NOT_FOUND = ErrorCode("NOT_FOUND", 404, "The specified resource doesn't exist", source="AXM-D")
PATH_UNKNOWN = ErrorCode(
    "PATH_ERROR",
    404,
    "The path provided does not match a defined resource type",
    inferred="What an unknown path is answered is not known.",
)
NOT_ACCEPTABLE = ErrorCode(
    "NOT_ACCEPTABLE",
    406,
    "The resource is not available in a type that Accept names",
    source="AXM-NA",
    inferred="The author of a client notes the status; answered to an Accept without JSON only.",
)
TOO_LARGE = ErrorCode(
    "REQUEST_TOO_LARGE",
    413,
    "The body is larger than the simulator reads",
    inferred="Apple names no limit.",
)
UNSUPPORTED_MEDIA_TYPE = ErrorCode(
    "UNSUPPORTED_MEDIA_TYPE",
    415,
    "The body is not application/json",
    inferred="Apple documents the type, not what another one is answered.",
)
RATE_LIMIT = ErrorCode(
    "RATE_LIMIT_EXCEEDED",
    429,
    "The request rate limit has been reached.",
    headers=(("Retry-After", "60"),),
    source="AXM-TF",
    inferred="No limit is documented: none applies unless one is set.",
)
UNEXPECTED = ErrorCode(
    "UNEXPECTED_ERROR",
    500,
    "An unexpected error occurred.",
    inferred=_ASC,
)
UNAVAILABLE = ErrorCode(
    "SERVICE_UNAVAILABLE",
    503,
    "The service is not available",
    headers=(("Retry-After", "60"),),
    inferred="Answered where a fault asks for it only.",
)

COMMON = (
    ENTITY_INVALID,
    PARAMETER_INVALID,
    NOT_AUTHORIZED,
    FORBIDDEN,
    FORBIDDEN_ERROR,
    AGREEMENTS,
    NOT_FOUND,
    PATH_UNKNOWN,
    NOT_ACCEPTABLE,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    RATE_LIMIT,
    UNEXPECTED,
)
ON_DEMAND = (UNAUTHORIZED_CLIENT, ENTITY_UNPROCESSABLE, UNAVAILABLE)
"""Only a fault gives them."""
ENTITY = (
    ATTRIBUTE_REQUIRED,
    ATTRIBUTE_TYPE,
    ATTRIBUTE_UNKNOWN,
    ATTRIBUTE_INVALID,
    RELATIONSHIP_REQUIRED,
    RELATIONSHIP_UNKNOWN,
    RELATIONSHIP_INVALID,
)
"""What is wrong with the document of a write."""


class Refused(ErrorCode, frozen=True):
    """An error row with what is wrong in this request."""

    detail: str = ""
    where: Mapping[str, str] | None = None
    """The document's ``source``: ``{"pointer": ...}`` or ``{"parameter": ...}``."""


def refused(row: ErrorCode, detail: str, parameters: Mapping[str, str] | None = None) -> ApiError:
    """Return the refusal of *row* with a detail that the answer alone shows."""
    named: dict[str, Any] = {"body": row.body, "headers": row.headers}
    return ApiError(
        Refused(row.code, row.status, row.about, **named, detail=detail, where=parameters),
        row.about,
    )


def unknown_path(call: Call) -> ApiError:
    """Note that there is no such path here, and return the refusal."""
    text = "the host, the product or the version has no such path"
    call.note(Finding("path-unknown", "path", "", text, refused=True))
    return refused(PATH_UNKNOWN, PATH_UNKNOWN.about)


def not_found(kind: str, identifier: str) -> ApiError:
    """Return the 404 of a resource that is not there."""
    return refused(NOT_FOUND, f"There is no resource of type '{kind}' with id '{identifier}'")


def not_allowed(kind: str, operation: str, *allowed: str) -> ApiError:
    """Return the 403 of an operation that a resource or relationship does not offer."""
    return refused(
        FORBIDDEN_ERROR,
        f"The resource '{kind}' does not allow '{operation}'. "
        f"Allowed operations are: {', '.join(allowed)}",
    )


def wrong_entity(
    call: Call, row: ErrorCode, pointer: str, about: str, *, rule: str = "field-invalid"
) -> ApiError:
    """Note what is wrong at *pointer* of the body, and return the refusal."""
    call.note(Finding(rule, "body", pointer, about, refused=True))
    return refused(row, f"{about[:1].upper()}{about[1:]}", {"pointer": pointer})


def wrong_parameter(call: Call, row: ErrorCode, name: str, about: str) -> ApiError:
    """Note what is wrong with a query parameter, and return the refusal."""
    rule = "field-missing" if row is PARAMETER_REQUIRED else "field-invalid"
    call.note(Finding(rule, "query", name, about, refused=True))
    return refused(row, f"{about[:1].upper()}{about[1:]}", {"parameter": name})
