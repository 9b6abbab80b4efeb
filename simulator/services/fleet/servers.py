"""DEP servers: the MDM servers that an organisation has in Apple's portal.

They are what devices are assigned to, whichever service shows or changes that.
"""

from typing import Any

from simulator.core.state import Body, Entity, State
from simulator.pki.credentials import RandomHex

SERVER = "dep.server"
"""Kind of entity, seen from the organisation."""
CONTACT = "dep.contact"
"""When a server spoke to Apple last, and from which address; seen from the organisation."""
TOKEN, SESSION = "dep.token", "dep.session"
"""Kinds of entity, seen from none: server tokens, and what was opened with them."""


def server(state: State, identifier: str) -> Body:
    """Return the server of that id in the organisation that *state* is seen from."""
    found = state.get(SERVER, identifier)
    if found is None:
        raise LookupError(f"no DEP server has the id {identifier}")
    return found.body


def servers(state: State) -> list[Entity]:
    """Return the servers of the organisation that *state* is seen from."""
    return state.scan(SERVER, limit=10_000)


def add_server(
    state: State, server_id: str, name: str, *, random_hex: RandomHex, now_ms: int = 0
) -> Body:
    """Add an MDM server; its name is unique in the organisation.

    With an empty *server_id* it has the same id as in the School and Business API.
    """
    for one in servers(state):
        if one.body["name"] == name:
            raise ValueError(f"a DEP server is called {name} already")
    number = state.of("").reserve(SERVER)
    uuid = random_hex(32).upper()
    key = server_id or uuid
    body: Body = {"id": key, "name": name, "uuid": uuid, "number": number}
    if now_ms:
        body |= {"created_ms": now_ms, "updated_ms": now_ms}
    state.put(SERVER, key, body)
    return body


def change_server(state: State, identifier: str, *, now_ms: int = 0, **changes: Any) -> Body:
    """Set facts of a server, such as ``may_release`` or ``families``; return the server."""
    body = server(state, identifier) | changes
    if now_ms:
        body["updated_ms"] = now_ms
    state.put(SERVER, identifier, body)
    return body


def remove_server(state: State, server_id: str) -> None:
    """Delete a server that has no devices; its token and its sessions are good no more."""
    gone, root = server(state, server_id), state.of("")
    if token := gone.get("access_token"):
        end_sessions(root, token)
        root.delete(TOKEN, token)
    state.delete(CONTACT, server_id)
    state.delete(SERVER, server_id)


def end_sessions(state: State, access_token: str) -> None:
    """End all sessions opened with *access_token*; *state* is seen from no organisation."""
    for session in state.find(SESSION, "access_token", equals=access_token, limit=10_000):
        state.delete(SESSION, session.key)


def note_contact(state: State, server_id: str, address: str, now_ms: int) -> None:
    """Note that a server has spoken to Apple."""
    state.put(CONTACT, server_id, {"at_ms": now_ms, "address": address})
