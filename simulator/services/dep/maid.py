"""Access-management tokens, verified for who writes an MDM server: by the control API."""

from simulator.auth.access_token import REASONS
from simulator.core.state import Body
from simulator.protocol.fields import Boolean, Field, String
from simulator.services.fleet import access_tokens
from simulator.services.provisioning import ControlCall, Resource


def _verify(call: ControlCall) -> Body:
    """Judge a token; a good one is used up."""
    verdict = access_tokens.verify(
        call.state,
        call.body["jwt"],
        call.body.get("account", ""),
        call.now_ms,
        use=call.body.get("use", True),
    )
    return {
        "ok": not verdict.reason,
        "reason": verdict.reason,
        "about": REASONS.get(verdict.reason, ""),
        "organisation": verdict.organisation or None,
    }


_ANSWER: tuple[Field, ...] = (
    Boolean("ok", "Whether Apple would take it.", required=True),
    String("reason", "Why not; empty if so.", required=True, values=("", *REASONS)),
    String("about", "How to fix it.", required=True),
    Field("organisation", "Whose server has signed it; null if that is not known.", required=True),
)
RESOURCES = (
    Resource(
        "POST",
        "/maid/verify",
        "Verify the response of an MDM server to GetToken for com.apple.maid.",
        _verify,
        body=(
            String("jwt", "The token: the text in TokenData.", required=True),
            String("account", "Managed Apple Account that signs in, name@domain."),
            Boolean("use", "Whether a good token counts as used; true if absent."),
        ),
        answer=_ANSWER,
    ),
)
