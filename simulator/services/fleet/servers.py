"""DEP servers: the MDM servers that an organisation has in Apple's portal.

They are what devices are assigned to, whichever service shows or changes that.
"""

from typing import Any

from simulator.core.state import Body, Entity, State
from simulator.pki.credentials import Chance

SERVER = "dep.server"
"""Kind of entity, seen from the organisation."""


def server(state: State, identifier: str) -> Body:
    """Return the server of that id in the organisation that *state* is seen from."""
    found = state.get(SERVER, identifier)
    if found is None:
        raise LookupError(f"no DEP server has the id {identifier}")
    return found.body


def servers(state: State) -> list[Entity]:
    """Return the servers of the organisation that *state* is seen from."""
    return state.scan(SERVER, limit=10_000)


def change_server(state: State, identifier: str, **changes: Any) -> Body:
    """Set facts of a server, such as ``may_release``; return the server."""
    body = server(state, identifier) | changes
    state.put(SERVER, identifier, body)
    return body


def add_server(state: State, server_id: str, name: str, *, chance: Chance) -> Body:
    """Add an MDM server; its name is unique in the organisation."""
    for one in servers(state):
        if one.body["name"] == name:
            raise ValueError(f"a DEP server is called {name} already")
    number = state.of("").reserve(SERVER)
    body = {"id": server_id, "name": name, "uuid": chance(32).upper(), "number": number}
    state.put(SERVER, server_id, body)
    return body
