"""Access-management tokens, verified for who writes an MDM server: by the control API.

Apple's own service takes them from devices; nothing of it is called by an MDM server.
"""

from simulator.auth import access_token, jose
from simulator.auth.access_token import REASONS, TokenHolder
from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339
from simulator.protocol.fields import Boolean, Field, String
from simulator.services.fleet.servers import SERVER, server, servers
from simulator.services.organisations import all_organisations
from simulator.services.provisioning import ControlCall, Resource

_USED = "dep.maid_jti"
_MOST_CERTIFICATES = 10
_MANAGED = "appleid."


def keep_certificate(state: State, server_id: str, pem: str) -> None:
    """Note the certificate that the token of a server was encrypted to: its key signs tokens."""
    body = server(state, server_id)
    older = [one for one in body.get("certificates", []) if one != pem]
    kept = [*older, pem][-_MOST_CERTIFICATES:]
    state.put(SERVER, server_id, body | {"certificates": kept})


def _verify(call: ControlCall) -> Body:
    """Judge a token; a good one is used up."""
    token, account = jose.read(call.body["jwt"].strip()), call.body.get("account", "")
    found = _server(call.state, access_token.text_claim(token, "iss"))
    number = access_token.text_claim(token, "jti")
    used = bool(number) and call.state.has(_USED, number)
    organisation = _organisation(call.state, account) if account else ""
    reason = access_token.check(token, found, call.now_ms, is_used=used, organisation=organisation)
    if not reason and call.body.get("use", True):
        call.state.put(_USED, number, {"at": rfc3339(call.now_ms)})
    return {
        "ok": not reason,
        "reason": reason,
        "about": REASONS.get(reason, ""),
        "organisation": found.organisation if found else None,
    }


def _server(state: State, uuid: str) -> TokenHolder | None:
    for organisation in all_organisations(state):
        for one in servers(state.of(organisation.key)):
            if one.body["uuid"] == uuid:
                return TokenHolder(organisation.key, one.body.get("certificates", []))
    return None


def _organisation(state: State, account: str) -> str:
    """Return the organisation whose domain *account* has; what is none where there is none."""
    domain = account.rpartition("@")[2].lower()
    for one in all_organisations(state):
        own = one.body["org_email"].rpartition("@")[2].lower()
        if domain in (own, _MANAGED + own):
            return one.key
    return "*none*"


_ANSWER: tuple[Field, ...] = (
    Boolean("ok", "Whether Apple would take it.", required=True),
    String("reason", "Why not; empty if so.", required=True, values=("", *REASONS)),
    String("about", "How to mend it.", required=True),
    Field("organisation", "Whose server has signed it; null if that is not known.", required=True),
)
RESOURCES = (
    Resource(
        "POST",
        "/maid/verify",
        "Verify what an MDM server answers to GetToken for com.apple.maid.",
        _verify,
        body=(
            String("jwt", "The token: the text in TokenData.", required=True),
            String("account", "Managed Apple Account that signs in, name@domain."),
            Boolean("use", "Whether a good token counts as used; true if absent."),
        ),
        answer=_ANSWER,
    ),
)
