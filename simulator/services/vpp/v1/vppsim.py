"""What vppsim, Apple's old simulator of v1, had beside it: the content token for anybody."""

from simulator.core.state import Body
from simulator.protocol.fields import String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.vpp import errors
from simulator.services.vpp.access import refuse_vppsim
from simulator.services.vpp.domain.locations import everywhere
from simulator.services.vpp.v1.rows import LEGACY, STATUS


@operation(
    "GET /internal/get_stoken",
    "Get the content token of the first location, as vppsim gave it; with --dialect depsim only.",
    name="vpp1.get_stoken",
    response=(
        String("sToken", "Content token.", concept="vpp.content_token", source="CM"),
        STATUS,
    ),
    docs=LEGACY,
    source="CM",
    inferred="Not of Apple's service: commandment's tests ask vppsim for it.",
)
def get_stoken(call: Call) -> Body:
    """Return the newest content token of the first location that has one."""
    refuse_vppsim(call)
    for location in everywhere(call.state):
        if location.stoken:
            return {"sToken": location.stoken}
    raise ApiError(errors.NOT_FOUND, "no location has a content token")
