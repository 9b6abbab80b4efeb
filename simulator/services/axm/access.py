"""Who may call: the bearer token, its product and the role of its account.

The order of the checks is ours, as none is documented: token 401, product and version as if the
path were unknown, terms 403, role 403, rate 429.
"""

from simulator.protocol.fields import span
from simulator.protocol.head import Principal, RequestHead
from simulator.protocol.operations import ApiError, Call
from simulator.services.axm import accounts, errors, rates, versions
from simulator.services.axm.accounts import Account
from simulator.services.axm.documents import ACCOUNT, BLOBS, BUSINESS, SCHOOL, host_name
from simulator.services.axm.tokens import LIFE_S, decode
from simulator.services.fleet import arrivals, changes
from simulator.services.organisations import organisation

_AREAS = {
    "devices": ("axm.devices", "axm.activit"),
    "servers": ("axm.servers",),
    "people": ("axm.people",),
    "audit": ("axm.audit",),
}
"""What an operation's name begins with, by what a role has to have for it; else ``content``."""


def by_token(head: RequestHead) -> Principal:
    """Recognise the access token in the Authorization header."""
    scheme, _, text = (head.header("authorization") or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise ApiError(errors.NOT_AUTHORIZED, "send Authorization: Bearer and the access token")
    token = decode(text.strip(), head.secret)
    caller = None if token is None else accounts.find(head.state, token.client_id)
    if token is None or caller is None:
        raise ApiError(errors.NOT_AUTHORIZED, "the access token was not issued to an account")
    ends_ms = token.issued_ms + LIFE_S * 1000
    if not token.issued_ms <= head.time(token.issued_ms, ends_ms) < ends_ms:
        raise ApiError(errors.NOT_AUTHORIZED, "the access token has expired: get another")
    if head.settings.axm_revoked_keys == "refuse" and caller.key(token.key_id) is None:
        raise ApiError(errors.NOT_AUTHORIZED, "the key that the access token came by was revoked")
    if host_name(head) in {SCHOOL, BUSINESS} - {SCHOOL if caller.is_school else BUSINESS}:
        text = f"the token's scope is {caller.scope}: ask the host of that product"
        raise ApiError(errors.NOT_AUTHORIZED, text)
    return Principal(caller.organisation, f"axm:{caller.id}", caller.client_id)


def account(call: Call) -> Account:
    """Return the account whose token the call came with."""
    found = accounts.find(call.state, call.principal.id)
    if found is None:
        raise LookupError("the account was recognised, and is gone")
    return found


def admit(call: Call) -> None:
    """Refuse what the product, its version or the role does not have, and what is too much."""
    _admit(call, business_only=False)


def admit_business(call: Call) -> None:
    """Do the same for what School Manager does not have: there its path is unknown."""
    _admit(call, business_only=True)


def _admit(call: Call, *, business_only: bool) -> None:
    caller = account(call)
    call.exchange.organisation = caller.organisation
    call.version = call.exchange.version = versions.of(call.settings, is_school=caller.is_school)
    low, high = span(call.operation.versions)
    wrong_host = host_name(call) in {ACCOUNT, BLOBS}
    if wrong_host or (business_only and caller.is_school) or not low <= call.version <= high:
        raise errors.unknown_path(call)
    if not organisation(call.state, caller.organisation)["terms_accepted"]:
        raise ApiError(errors.AGREEMENTS)
    if _area(call.operation.name) not in accounts.ROLES[caller.role]:
        raise ApiError(errors.FORBIDDEN, f"the role {caller.role} of the account may not do this")
    rates.count_request(call, caller)
    own = call.state.of(caller.organisation)
    arrivals.require(own, caller.organisation, call.now_ms)
    changes.complete_due(own, call.now_ms)


def _area(name: str) -> str:
    found = (area for area, starts in _AREAS.items() if name.startswith(starts))
    return next(found, "content")
