"""``POST /auth/oauth2/token``: an access token for a client assertion (axm.md 2).

Clients put the parameters into the body, the query or both, and label the body as they like:
all is taken. The same assertion may come again and again, as Apple's own script keeps one.
"""

from collections.abc import Iterator
from typing import Any

from simulator.auth import jose
from simulator.core.messages import Finding
from simulator.core.state import Body
from simulator.protocol.fields import ErrorCode, Field, Integer, String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.protocol.wire import pairs_of
from simulator.services.axm import accounts, errors, rates
from simulator.services.axm.accounts import Account
from simulator.services.axm.documents import BLOBS, BUSINESS, SCHOOL, host_name
from simulator.services.axm.tokens import LIFE_S, AccessToken, encode

AUDIENCE = "https://account.apple.com/auth/oauth2/v2/token"
"""What ``aud`` has to be, whichever of the two paths is asked."""
LONGEST_S = 180 * 24 * 3600
SKEW_S = 300
"""How far the client's clock may be ahead."""
GRANT = "client_credentials"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = ("business.api", "school.api")
_PARAMETERS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("grant_type", f"Always {GRANT}.", "protocol", {"values": (GRANT,)}),
    ("client_id", "Id of the API account.", "axm.client_id", {}),
    ("client_assertion_type", f"Always {ASSERTION}.", "protocol", {"values": (ASSERTION,)}),
    (
        "client_assertion",
        "JWT that the account's key has signed with ES256.",
        "axm.client_assertion",
        {"decode": "jwt"},
    ),
    ("scope", "business.api or school.api.", "protocol", {"values": SCOPES}),
)
NAMES = tuple(name for name, _, _, _ in _PARAMETERS)


def _rows() -> Iterator[Field]:
    for place in ("body", "query"):
        for name, about, concept, more in _PARAMETERS:
            where: Any = place
            yield String(name, about, place=where, concept=concept, source="AXM-D", **more)


@operation(
    "POST /auth/oauth2/token",
    "Get an access token, which is good for an hour.",
    name="axm.token",
    aliases=("/auth/oauth2/v2/token",),
    body_format="form",
    request=tuple(_rows()),
    response=(
        String("access_token", "The token.", concept="axm.access_token", source="AXM-D"),
        String("token_type", "Always Bearer.", concept="protocol", source="AXM-D"),
        Integer("expires_in", "Seconds that it is good for.", concept="protocol", source="AXM-D"),
        String("scope", "What it is for.", concept="protocol", source="AXM-D"),
    ),
    errors=(
        errors.INVALID_CLIENT,
        errors.INVALID_REQUEST,
        errors.UNSUPPORTED_GRANT_TYPE,
        errors.INVALID_SCOPE,
        errors.TOO_MANY_TOKENS,
    ),
    docs="https://developer.apple.com/documentation/applebusinessapi/"
    "implementing-oauth-for-the-apple-business-api",
    source="AXM-D, AXM-TF, AXM-AB",
    inferred="iss is not compared; exp may be 180 days after iat, as clients send just that. An "
    "assertion with crit, padding, base64url that is not canonical, or a name that stands twice is "
    "refused, as RFC 7515 has it.",
)
def token(call: Call) -> Body:
    """Check the assertion and issue a token; older ones stay good."""
    if host_name(call) in (BUSINESS, SCHOOL, BLOBS):
        raise errors.unknown_path(call)
    given = _parameters(call)
    if given["grant_type"] != GRANT:
        raise _bad(call, errors.UNSUPPORTED_GRANT_TYPE, "grant_type", f"grant_type must be {GRANT}")
    if given["client_assertion_type"] != ASSERTION:
        text = f"client_assertion_type must be {ASSERTION}"
        raise _bad(call, errors.INVALID_REQUEST, "client_assertion_type", text)
    account, key_id = _verified(call, given)
    if given["scope"] not in SCOPES or given["scope"] != account.scope:
        text = f"scope must be {account.scope}, that of the account"
        raise _bad(call, errors.INVALID_SCOPE, "scope", text)
    rates.count_token(call, account)
    call.exchange.organisation = account.organisation
    call.exchange.client = f"axm:{account.id}"
    number = call.state.of("").reserve("axm.token")
    issued = AccessToken(account.client_id, key_id, call.now_ms, number)
    return {
        "access_token": encode(issued, call.secret),
        "token_type": "Bearer",
        "expires_in": LIFE_S,
        "scope": account.scope,
    }


def _bad(call: Call, row: ErrorCode, name: str, about: str) -> ApiError:
    rule = "auth-refused" if row is errors.INVALID_CLIENT else "oauth-parameter"
    in_query = any(pair.name == name for pair in call.pairs)
    part, at = ("query", name) if in_query else ("body", f"/{name}")
    call.note(Finding(rule, part, at, about, refused=True))
    return ApiError(row, about)


def _parameters(call: Call) -> dict[str, str]:
    """Return the five parameters; 400 if one is missing, empty or given with two values."""
    given: dict[str, str] = {}
    in_body = [(name, value) for name, value in pairs_of(dict(call.body)) if name in NAMES]
    twice = any(one.rule == "field-duplicate" for one in call.exchange.findings)
    for name, value in [*((pair.name, pair.value) for pair in call.pairs), *in_body]:
        if name in NAMES:
            twice = twice or given.get(name, value) != value
            given[name] = value
    if twice:
        raise _bad(call, errors.INVALID_REQUEST, NAMES[0], "a parameter is given more than once")
    for name in NAMES:
        if not given.get(name):
            raise _bad(call, errors.INVALID_REQUEST, name, f"{name} is missing")
    return given


def _verified(call: Call, given: dict[str, str]) -> tuple[Account, str]:
    """Return the account whose key has signed the assertion, and the key's id."""
    jwt = jose.read(given["client_assertion"])
    account = accounts.find(call.state, given["client_id"])
    key_id = jwt.header.get("kid")
    key = account.key(key_id) if account is not None and isinstance(key_id, str) else None
    if account is None:
        about = "no API account has this client_id"
    elif jwt.header.get("alg") != "ES256":
        about = "the assertion's alg must be ES256"
    elif jwt.defects:
        about = "; ".join(jose.DEFECTS[one] for one in jwt.defects)
    elif key is None:
        about = "the assertion's kid names no key of the account that is good"
    elif len(jwt.signature) != 2 * jose.COORDINATE or not jose.verifies(
        jwt.signed, jwt.signature, key["public"].encode()
    ):
        about = "the assertion's signature does not fit: sign with the key of its kid, as R and S"
    elif not (about := _wrong_claims(jwt.claims, account, call.now_ms // 1000)):
        return account, str(key_id)
    raise _bad(call, errors.INVALID_CLIENT, "client_assertion", about)


def _wrong_claims(claims: dict[str, Any], account: Account, now_s: int) -> str:
    """Return what is wrong with the claims of an assertion, or an empty string."""
    if claims.get("sub") != account.client_id:
        return "the assertion's sub must be the client_id"
    if not isinstance(claims.get("iss"), str) or not claims["iss"]:
        return "the assertion has no iss: send the client_id"
    if claims.get("aud") not in (AUDIENCE, [AUDIENCE]):
        return f"the assertion's aud must be {AUDIENCE}"
    return _wrong_times(claims.get("iat"), claims.get("exp"), now_s)


def _wrong_times(issued: Any, expires: Any, now_s: int) -> str:
    """Return what is wrong with iat and exp, or an empty string."""
    if not _is_time(issued) or not _is_time(expires):
        return "the assertion's iat and exp must be seconds since 1970"
    if issued > now_s + SKEW_S:
        return "the assertion's iat is in the future: set the client's clock"
    if expires <= now_s:
        return "the assertion has expired: make another"
    too_long = expires - issued > LONGEST_S
    return "the assertion's exp is more than 180 days after its iat" if too_long else ""


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**53
