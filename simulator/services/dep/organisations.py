"""Organisations and the servers they have in the portal."""

from simulator.core.state import Body, State

ORGANISATION = "organisation"
SERVER = "dep.server"


def organisation(state: State, identifier: str) -> Body:
    """Return the organisation of that id; LookupError if there is none."""
    found = state.of("").get(ORGANISATION, identifier)
    if found is None:
        raise LookupError(f"no organisation has the id {identifier}")
    return found.body


def server(state: State, identifier: str) -> Body:
    """Return the server of that id in the organisation that *state* is seen from."""
    found = state.get(SERVER, identifier)
    if found is None:
        raise LookupError(f"no DEP server has the id {identifier}")
    return found.body
