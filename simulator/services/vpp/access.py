"""Who may call: the content token in a header, a body or a cookie, and what it permits.

The order of the checks is that of vpp.md, A1: shape, known, revoked, expired,
legacy, rights, rate, maintenance.
"""

from urllib.parse import unquote

from simulator.core.state import Body
from simulator.protocol.head import Principal, RequestHead
from simulator.protocol.operations import ApiError, Call
from simulator.services.vpp import errors
from simulator.services.vpp.domain import events
from simulator.services.vpp.domain.locations import Location, location, service_state, token

RATE = "vpp.rate"
COOKIE = "itvt"


def is_v1(call: Call) -> bool:
    """Tell whether the request is for v1: by its operation, or by where its path starts."""
    name = call.exchange.operation
    if name:
        return name.startswith("vpp1.")
    return not call.request.target.startswith(("/mdm/v2", "/v1/", "/WebObjects/MZStorePlatform"))


def by_bearer(head: RequestHead) -> Principal:
    """Recognise the token in the Authorization header, for what only reads."""
    return _recognise(head, _bearer(head), legacy=False, writes=False)


def by_managing_bearer(head: RequestHead) -> Principal:
    """Recognise the token in the Authorization header, for what writes."""
    return _recognise(head, _bearer(head), legacy=False, writes=True)


def by_body(call: Call) -> Principal:
    """Recognise the token in the body, for what only reads; survive it in the query."""
    return _recognise(call, _in_body(call), legacy=True, writes=False)


def by_managing_body(call: Call) -> Principal:
    """Recognise the token in the body, for what writes."""
    return _recognise(call, _in_body(call), legacy=True, writes=True)


def _bearer(head: RequestHead) -> str:
    scheme, _, credential = (head.header("authorization") or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise ApiError(errors.AUTHORIZATION_INVALID, "send Authorization: Bearer {sToken}")
    return credential.strip()


def refuse_vppsim(call: Call) -> None:
    """Refuse the paths that only vppsim had: calls at the root, and ``/internal``."""
    path = call.request.target.partition("?")[0]
    if call.settings.dialect != "depsim" and (
        path.count("/") == 1 or path.startswith("/internal/")
    ):
        raise ApiError(errors.NOT_FOUND, "the path is vppsim's: start with --dialect depsim")


def _in_body(call: Call) -> str:
    refuse_vppsim(call)
    sent = call.body.get("sToken")
    if sent is None:
        sent = next((pair.value for pair in call.pairs if pair.name == "sToken"), "")
    if not sent.strip():
        raise ApiError(errors.MISSING_ARGUMENT, "send sToken in the body")
    # A plus sign in a query that nobody escaped has become a space.
    return str(sent).strip().replace(" ", "+")


def cookie_token(head: RequestHead) -> str:
    """Return the token in the cookie ``itvt``, or an empty text."""
    for value in head.values("cookie"):
        for part in value.split(";"):
            key, _, text = part.strip().partition("=")
            if key == COOKIE:
                return unquote(text.strip().strip('"'))
    return ""


def good_token(head: RequestHead, stoken: str) -> Body | None:
    """Return the token if it is known and still good, for services that do not say why not."""
    found = token(head.state, stoken)
    if found is None or found["state"] != "active" or _has_expired(head, found):
        return None
    return found


def _has_expired(head: RequestHead, found: Body) -> bool:
    return head.time(found["expires_ms"]) >= int(found["expires_ms"])


def _recognise(head: RequestHead, stoken: str, *, legacy: bool, writes: bool) -> Principal:
    found = token(head.state, stoken)
    if found is None:
        text = "no location of the simulator has the token: send the outer base64 text verbatim"
        raise ApiError(errors.TOKEN_INVALID, text)
    if found["state"] != "active":
        raise ApiError(errors.TOKEN_REVOKED)
    if _has_expired(head, found):
        raise ApiError(errors.TOKEN_EXPIRED)
    if found["legacy"] and not legacy:
        raise ApiError(errors.NOT_FOR_LEGACY)
    if writes and found["rights"] == "read":
        raise ApiError(errors.NO_RIGHTS)
    organisation, identifier = found["organisation"], found["location"]
    return Principal(organisation, f"vpp:{identifier}", identifier)


def admit(call: Call) -> None:
    """Refuse what is too many or comes during maintenance; first comes what is due."""
    _count(call)
    if service_state(call.state)["maintenance"]:
        raise ApiError(errors.MAINTENANCE_V1 if is_v1(call) else errors.UNAVAILABLE)
    events.require(call.state, call.now_ms, call.principal.organisation)


def _count(call: Call) -> None:
    """Count the requests of this second, where that is set, and refuse what is too many."""
    most = call.settings.vpp_requests_per_second
    if not most:
        return
    second, key = call.now_ms // 1000, f"{call.principal.organisation}/{call.principal.id}"
    counted = call.state.get(RATE, key)
    body = {"second": second, "count": 0}
    if counted is not None and counted.body["second"] == second:
        body = counted.body
    if body["count"] >= most:
        raise ApiError(errors.TOO_MANY_REQUESTS)
    call.state.put(RATE, key, body | {"count": body["count"] + 1})


def location_of_token(call: Call) -> Location:
    """Return the location that the token is for."""
    return location(call.state, call.principal.id)


def sent_token(call: Call) -> Body:
    """Return what is known of the token that the call came with."""
    found = token(call.state, _in_body(call) if is_v1(call) else _bearer(call))
    if found is None:
        raise LookupError("the token was recognised, and is gone")
    return found
