"""What depsim, Apple's old simulator of this service, had beside it: the server token for anybody.

It is there with ``--dialect depsim`` only. Clients that were written against depsim know its
constant token, which the first server of a world has then (`simulator.worlds.depsim`).
"""

from simulator.core.state import Body
from simulator.protocol.fields import String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.dep import errors, tokens
from simulator.services.fleet.servers import servers
from simulator.services.organisations import identifiers

_VALUES = (
    String("consumer_key", "Consumer key.", concept="dep.consumer_key", source="CM"),
    String("consumer_secret", "Its secret.", concept="dep.consumer_secret", source="CM"),
    String("access_token", "Access token.", concept="dep.access_token", source="CM"),
    String("access_secret", "Its secret.", concept="dep.access_secret", source="CM"),
    String("access_token_expiry", "When it expires.", concept="device.time", source="CM"),
)


@operation(
    "GET /token",
    "Get the token of the first server, as depsim gave it; with --dialect depsim only.",
    name="dep.depsim_token",
    response=_VALUES,
    docs="https://developer.apple.com/documentation/devicemanagement/device-assignment",
    source="CM",
    inferred="Not of Apple's service: commandment's tests ask depsim for it.",
)
def depsim_token(call: Call) -> Body:
    """Return the newest token of the first server that has one."""
    if call.settings.dialect == "depsim":
        for organisation in identifiers(call.state):
            own = call.state.of(organisation)
            for one in servers(own):
                if (token := tokens.current_token(own, one.key)) is not None:
                    return {row.name: token[row.name] for row in _VALUES}
    raise ApiError(errors.NOT_FOUND, "GET /token is depsim's: start with --dialect depsim")
