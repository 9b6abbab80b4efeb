"""Logging in by OAuth 1.0a with the server token: parameters, signature, nonce, state.

Order of the checks (dep.md 5.2, inferred): header syntax 400; key, token,
signature, nonce 401; state of the token 403; terms 403.
"""

from collections import Counter
from collections.abc import Mapping

from simulator.auth import oauth1
from simulator.core.messages import Finding
from simulator.core.state import Body
from simulator.core.timestamps import milliseconds
from simulator.protocol.fields import ErrorCode
from simulator.protocol.head import Principal
from simulator.protocol.oauth import parse_authorization
from simulator.protocol.operations import ApiError, Call
from simulator.services.dep import errors
from simulator.services.dep.sessions import find_token
from simulator.services.fleet.servers import end_sessions

_KNOWN = {
    "realm",
    "oauth_consumer_key",
    "oauth_token",
    "oauth_signature_method",
    "oauth_signature",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_version",
}
_REQUIRED = _KNOWN - {"realm", "oauth_version", "oauth_token"}
"""realm is sent by some clients only, oauth_version is optional in OAuth 1.0a; a signature
without a token is the two-legged form, which is a 401 (clients.md, trap 11)."""
_NONCE = "dep.nonce"
_YEAR_S = 365 * 86_400
_DECADE_S = 10 * _YEAR_S
_STATES: Mapping[str, tuple[ErrorCode, str]] = {
    "replaced": (errors.SIGNATURE_INVALID, "the portal has issued a newer token: use that"),
    "revoked": (errors.TOKEN_REJECTED, "the token was revoked: get a new one"),
    "orphaned": (errors.FORBIDDEN, "who made the token left the portal: renew it as another"),
}
"""Refusal and advice by the state of a token that is not active."""


def by_signature(call: Call) -> Principal:
    """Recognise the server token by its signature; refuse one that is revoked or expired."""
    given = _parameters(call)
    token = _token(call, given)
    _check_signature(call, given, token)
    _check_nonce(call, given)
    if token["state"] != "active":
        raise _refused(call, *_STATES[token["state"]])
    if milliseconds(token["access_token_expiry"]) <= call.now_ms:
        end_sessions(call.state, token["access_token"])
        raise _refused(call, errors.TOKEN_EXPIRED, "the token has expired: get a new one")
    return Principal(token["organisation"], f"dep:{token['server']}", token["server"])


def _refused(call: Call, row: ErrorCode, about: str) -> ApiError:
    rule = "oauth-parameter" if row is errors.OAUTH_BAD_REQUEST else "auth-refused"
    finding = Finding(rule, "header", "authorization", about, refused=True)
    call.note(finding)
    return ApiError(row, about)


def _parameters(call: Call) -> dict[str, str]:
    """Return the OAuth parameters by name; 400 if they are incomplete, repeated or unknown."""
    headers = [v for k, v in call.request.headers if k.lower() == "authorization"]
    if len(headers) != 1:
        about = "send one Authorization header with OAuth parameters"
        raise _refused(call, errors.OAUTH_BAD_REQUEST, about)
    scheme, parameters = parse_authorization(headers[0])
    names = Counter(parameter.name for parameter in parameters)
    given = {parameter.name: parameter.value for parameter in parameters}
    about = (
        "the Authorization header must be of scheme OAuth"
        if scheme.lower() != "oauth"
        else _wrong_names(names) or _wrong_values(given)
    )
    if about:
        raise _refused(call, errors.OAUTH_BAD_REQUEST, about)
    return given


def _wrong_names(names: Counter[str]) -> str:
    if repeated := [name for name in _KNOWN if names[name] > 1]:
        return f"{min(repeated)} is repeated"
    if any(name.startswith("oauth_") and name not in _KNOWN for name in names):
        return "an oauth_ parameter is none of those that the service knows"
    if missing := _REQUIRED - names.keys():
        return f"{min(missing)} is missing"
    return ""


def _wrong_values(given: dict[str, str]) -> str:
    if given["oauth_signature_method"] != "HMAC-SHA1":
        return "oauth_signature_method must be HMAC-SHA1"
    if given.get("oauth_version", "1.0") != "1.0":
        return "oauth_version must be 1.0"
    if not (given["oauth_timestamp"].isascii() and given["oauth_timestamp"].isdigit()):
        return "oauth_timestamp must be whole seconds since 1970"
    return "" if given["oauth_nonce"] else "oauth_nonce must not be empty"


def _token(call: Call, given: dict[str, str]) -> Body:
    token = find_token(call.state, given.get("oauth_token", ""))
    if token is None or token["consumer_key"] != given["oauth_consumer_key"]:
        about = "no server token has this oauth_token and oauth_consumer_key"
        raise _refused(call, errors.OAUTH_UNAUTHORIZED, about)
    return token


def _check_signature(call: Call, given: dict[str, str], token: Body) -> None:
    request = call.request
    path, mark, _ = request.target.partition("?")
    pairs = list(given.items())
    if mark:
        pairs += [(pair.name, pair.value) for pair in call.pairs]
    forwarded = [
        (name, value.strip())
        for name in ("x-forwarded-proto", "x-forwarded-host")
        if (value := request.header(name))
    ]
    good = oauth1.verifies(
        given["oauth_signature"],
        request.method,
        oauth1.urls(request.scheme, request.header("host") or "", call.prefix + path, forwarded),
        pairs,
        consumer_secret=token["consumer_secret"],
        token_secret=token["access_secret"],
    )
    if not good:
        about = (
            "the signature does not fit: sign the URL that was requested, host and port "
            "included, with both secrets of the token"
        )
        raise _refused(call, errors.OAUTH_UNAUTHORIZED, about)


def _check_nonce(call: Call, given: dict[str, str]) -> None:
    stamp = int(given["oauth_timestamp"][:15])
    window = call.settings.oauth_window_s
    behind = call.now_ms // 1000 - stamp
    way = "behind" if behind > 0 else "ahead of"
    if window and abs(behind) > window:
        about = (
            f"oauth_timestamp is {abs(behind)} s {way} the "
            f"simulator's clock, and {window} s are allowed: set the client's clock"
        )
        raise _refused(call, errors.OAUTH_UNAUTHORIZED, about)
    if abs(behind) > _DECADE_S:
        text = (
            f"oauth_timestamp is {abs(behind) // _YEAR_S} years {way} the simulator's clock: it "
            "counts seconds since 1970"
        )
        call.note(Finding("oauth-timestamp", "header", "authorization", text))
    key = f"{given['oauth_consumer_key']}|{stamp}|{given['oauth_nonce']}"
    if call.state.get(_NONCE, key) is not None:
        about = "the nonce was used before with this time stamp"
        raise _refused(call, errors.OAUTH_UNAUTHORIZED, about)
    call.state.put(_NONCE, key, {"used_ms": call.now_ms})
