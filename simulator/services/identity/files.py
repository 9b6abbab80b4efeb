"""Two files of ``www.apple.com``: what vendors' tools complete their chain with."""

from simulator.protocol.operations import Call, operation
from simulator.services.identity import DOCS, authorities


@operation(
    "GET /certificateauthority/AppleWWDRCAG3.cer",
    "Get the intermediate that issues vendors' certificates, DER.",
    name="identity.intermediate",
    docs=DOCS,
    source="MM, ZE",
)
def intermediate(call: Call) -> bytes:
    """Return the simulator's own intermediate."""
    return authorities(call).developer.intermediate_der


@operation(
    "GET /appleca/AppleIncRootCertificate.cer",
    "Get the root above it, DER.",
    name="identity.root",
    docs=DOCS,
    source="MM, ZE",
)
def root(call: Call) -> bytes:
    """Return the simulator's own root."""
    return authorities(call).developer.root_der
