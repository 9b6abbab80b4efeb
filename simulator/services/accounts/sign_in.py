"""``POST /device/v1/sign-in``: a person signs in on a device, with the token of its MDM server."""

from simulator.core.messages import Finding
from simulator.core.state import Body
from simulator.protocol.fields import Boolean, String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.accounts import DOCS, errors, quirks
from simulator.services.fleet import access_tokens


@operation(
    "POST /device/v1/sign-in",
    "Sign in to a Managed Apple Account on a device.",
    name="accounts.sign_in",
    request=(
        String(
            "account",
            "Managed Apple Account, name@domain.",
            required=True,
            missing=errors.INVALID_REQUEST,
            invalid=errors.INVALID_REQUEST,
            pattern=r"[^@\s]+@[^@\s]+",
            says="name@domain",
            concept="user.managed_apple_id",
            example="anna@acme.example",
            source="AD",
        ),
        String(
            "token",
            "The MDM server's response to GetToken, if it was asked.",
            concept="server.maid_token",
            source="AD, ND",
        ),
        Boolean("supervised", "Whether the device is supervised.", concept="protocol", source="AD"),
    ),
    response=(
        Boolean(
            "managed",
            "Whether a token has shown that the organisation manages the device.",
            concept="protocol",
        ),
    ),
    errors=(
        errors.ACCOUNT_UNKNOWN,
        errors.TOKEN_REQUIRED,
        errors.NOT_SUPERVISED,
        *errors.BY_REASON.values(),
    ),
    docs=DOCS,
    source="AD, ND",
    inferred="Host, path and form are ours: only the token and what is checked of it is "
    "documented. Any name of the organisation's domain is an account, and no password is asked.",
)
def sign_in(call: Call) -> Body:
    """Check the token against the account's organisation, and use it up."""
    account = call.body["account"]
    organisation = access_tokens.organisation_of(call.state, account)
    if not organisation:
        raise ApiError(errors.ACCOUNT_UNKNOWN)
    call.exchange.organisation = organisation
    token = call.body.get("token", "")
    supervised_only = call.has(quirks.SUPERVISED_ONLY)
    if not token and (supervised_only or call.has(quirks.MANAGED_ONLY)):
        raise ApiError(errors.TOKEN_REQUIRED)
    if token:
        reason = access_tokens.verify(call.state, token, account, call.now_ms).reason
        if reason:
            row = errors.BY_REASON[reason]
            call.note(Finding("access-token", "body", "/token", row.about, refused=True))
            raise ApiError(row)
    if supervised_only and not call.body.get("supervised"):
        raise ApiError(errors.NOT_SUPERVISED)
    return {"managed": bool(token)}
