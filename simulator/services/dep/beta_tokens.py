"""``GET /os-beta-enrollment/tokens``: tokens for beta programs of the operating systems."""

from simulator.core.state import Body
from simulator.protocol.fields import Objects, String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.dep import errors
from simulator.services.dep.device_rows import DOCS
from simulator.services.organisations import organisation


@operation(
    "GET /os-beta-enrollment/tokens",
    "Get the organisation's tokens for beta programs.",
    name="dep.beta_tokens",
    auth="session",
    response=(
        Objects(
            "betaEnrollmentTokens",
            "One token per program.",
            source="AD",
            fields=(
                String("token", "The token.", concept="dep.beta_token", source="AD, PE"),
                String("title", "Name of the program.", concept="protocol", source="AD"),
                String(
                    "os",
                    "Operating system.",
                    concept="protocol",
                    values=("homePodOS", "iOS", "OSX", "tvOS", "visionOS", "watchOS"),
                    source="AD, PE",
                    inferred="macOS is OSX, as in the documented table and the live sample.",
                ),
            ),
        ),
    ),
    errors=(errors.APPLE_SEED_FOR_IT_TURNED_OFF,),
    docs=f"{DOCS}get-beta-enrollment-tokens",
    source="AD, PE",
    inferred="An organisation without tokens gets an empty array.",
)
def beta_tokens(call: Call) -> Body:
    """Return the organisation's tokens, unless it has turned AppleSeed off."""
    facts = organisation(call.state, call.principal.organisation)
    if not facts["apple_seed"]:
        raise ApiError(errors.APPLE_SEED_FOR_IT_TURNED_OFF)
    return {"betaEnrollmentTokens": facts["beta_tokens"]}
