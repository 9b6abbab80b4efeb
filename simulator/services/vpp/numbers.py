"""Which error numbers each generation lists, and all of them."""

from simulator.services.vpp import errors

SYNCHRONOUS_V2 = (
    errors.LOGIN_REQUIRED,
    errors.INVALID_ARGUMENT,
    errors.INTERNAL,
    errors.USER_NOT_FOUND,
    errors.TOKEN_EXPIRED,
    errors.TOKEN_REVOKED,
    errors.GONE,
    errors.TOO_MANY_REQUESTS,
    errors.PAGE_OUT_OF_RANGE,
    errors.TOO_MANY_ASSETS,
    errors.TOO_MANY_USER_IDS,
    errors.TOO_MANY_SERIALS,
    errors.DUPLICATE_ASSETS,
    errors.DUPLICATE_USER_IDS,
    errors.DUPLICATE_SERIALS,
    errors.NOT_REVOCABLE,
    errors.NOT_DEVICE_ASSIGNABLE,
    errors.EVENT_NOT_FOUND,
    errors.NOT_ENOUGH_ASSETS,
    errors.URL_AND_TOKEN,
    errors.NOTIFICATION_TOO_LONG,
    errors.URL_INVALID,
    errors.METADATA_TOO_LONG,
    errors.TOO_MANY_USERS,
    errors.DUPLICATE_USERS,
    errors.USER_EXISTS,
    errors.EMAIL_INVALID,
    errors.NO_ASSETS,
    errors.NO_TARGETS,
    errors.NO_USERS,
    errors.VERSION_INVALID,
    errors.AUTHORIZATION_INVALID,
    errors.MDM_INFO_INCOMPLETE,
    errors.MDM_ID_TOO_LONG,
    errors.MDM_NAME_TOO_LONG,
    errors.METHOD_NOT_SUPPORTED,
    errors.TYPE_NOT_SUPPORTED,
    errors.URL_UNREACHABLE,
)
"""What v2's service config lists: 38 numbers (vpp.md 4.1)."""

V1 = tuple(
    sorted(
        (
            *errors.FOR_FAULTS_ONLY,
            errors.MISSING_ARGUMENT,
            errors.LOGIN_REQUIRED,
            errors.INVALID_ARGUMENT,
            errors.INTERNAL,
            errors.NOT_FOUND,
            errors.IRREVOCABLE,
            errors.USER_NOT_FOUND,
            errors.LICENSE_NOT_FOUND,
            errors.ALREADY_ASSIGNED,
            errors.ALREADY_RETIRED,
            errors.NOT_ASSOCIATED,
            errors.ALREADY_DELETED,
            errors.TOKEN_EXPIRED,
            errors.TOKEN_INVALID,
            errors.PUSH_TOKEN_INVALID,
            errors.TOKEN_REVOKED,
            errors.NOT_DEVICE_ASSIGNABLE_V1,
            errors.FOREIGN_BATCH,
            errors.NO_BATCH,
            errors.GONE,
            errors.ACCOUNT_REFUSED,
            errors.NO_RIGHTS,
            errors.ACCOUNT_TAKEN,
            errors.MAINTENANCE_V1,
            errors.TOO_MANY_REQUESTS,
            errors.PAGE_REQUIRED,
            errors.PAGE_OUT_OF_RANGE,
            errors.UNAVAILABLE,
        ),
        key=lambda row: row.code,
    )
)
"""What v1's service config lists (vpp.md 9.2)."""

ON_DEMAND = (*errors.FOR_FAULTS_ONLY, errors.LOGIN_REQUIRED)
"""What no state leads to."""
COMMON = (
    *(row for row in V1 if row not in ON_DEMAND),
    *(row for row in SYNCHRONOUS_V2 if row not in (*V1, *ON_DEMAND)),
    errors.NOT_FOR_LEGACY,
    errors.SUBSCRIPTION_INVALID,
    errors.CURSOR_INVALID,
    errors.ADAM_ID_INVALID,
    errors.NO_ASSOCIATED_USER,
    errors.USER_LACKS_SUBSCRIPTION,
    errors.SUBSCRIPTION_LIMIT,
    errors.ASSIGNED_BY_GROUP,
    errors.CANNOT_DISABLE,
)
"""Every other number, in order within its generation."""
