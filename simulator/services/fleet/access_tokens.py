"""Access-management tokens: whose they are, and which are used up.

An MDM server answers one to GetToken, and Apple takes it from the device. All
functions take the state seen from anywhere, unless they say otherwise.
"""

from msgspec import Struct

from simulator.auth import access_token, jose
from simulator.auth.access_token import TokenHolder
from simulator.core.state import State
from simulator.core.timestamps import rfc3339
from simulator.services.fleet.servers import SERVER, server, servers
from simulator.services.organisations import all_organisations, identifiers

_USED = "dep.maid_jti"
_MOST_CERTIFICATES = 10
_MANAGED = "appleid."
"""What the domain of Managed Apple Accounts begins with where no domain was verified."""
_NONE = "*none*"
"""Stands for the organisation of an account that is of none."""


class Verdict(Struct, frozen=True):
    """What becomes of a token."""

    reason: str
    """One of `access_token.REASONS`; empty: it is good."""
    organisation: str = ""
    """Whose server has signed it; empty if that is not known."""


def keep_certificate(state: State, server_id: str, pem: str) -> None:
    """Note the certificate that the token of a server was encrypted to: its key signs tokens.

    *state* is seen from the server's organisation.
    """
    body = server(state, server_id)
    older = [one for one in body.get("certificates", []) if one != pem]
    kept = [*older, pem][-_MOST_CERTIFICATES:]
    state.put(SERVER, server_id, body | {"certificates": kept})


def verify(state: State, text: str, account: str, now_ms: int, *, use: bool = True) -> Verdict:
    """Judge the token *text* of who signs in to *account*, empty: that is not looked at.

    A good one is used up, unless *use* is false.
    """
    root = state.of("")
    token = jose.read(text.strip())
    found = _server(root, access_token.text_claim(token, "iss"))
    number = access_token.text_claim(token, "jti")
    used = bool(number) and root.has(_USED, number)
    organisation = (organisation_of(root, account) or _NONE) if account else ""
    reason = access_token.check(token, found, now_ms, is_used=used, organisation=organisation)
    if use and not reason:
        root.put(_USED, number, {"at": rfc3339(now_ms)})
    return Verdict(reason, found.organisation if found else "")


def _server(state: State, uuid: str) -> TokenHolder | None:
    for organisation in identifiers(state):
        for one in servers(state.of(organisation)):
            if one.body["uuid"] == uuid:
                return TokenHolder(organisation, one.body.get("certificates", []))
    return None


def organisation_of(state: State, account: str) -> str:
    """Return the organisation whose domain *account* has, empty if none has it."""
    domain = account.rpartition("@")[2].lower()
    for one in all_organisations(state):
        own = one.body["org_email"].rpartition("@")[2].lower()
        if domain in (own, _MANAGED + own):
            return one.key
    return ""
