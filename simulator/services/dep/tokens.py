"""Server tokens as Apple's portal hands them out, renews and revokes them."""

from datetime import UTC, datetime

from simulator.core.state import Body, State
from simulator.pki.credentials import Chance, ServerToken, mint_server_token
from simulator.services.dep.sessions import TOKEN, end_sessions
from simulator.services.fleet.servers import SERVER, server


def issue_token(
    state: State, org: str, server_id: str, *, now_ms: int, chance: Chance
) -> ServerToken:
    """Make a new token for a server of organisation *org*; it replaces the one before.

    The consumer key stays, as for a renewal by the same person (dep.md 1.2).
    """
    place = server(state, server_id)
    old = current_token(state, server_id)
    if old is not None:
        _set_token(state, old, "replaced")
    token = mint_server_token(
        chance,
        datetime.fromtimestamp(now_ms / 1000, UTC),
        server_number=place["number"],
        consumer_key=old["consumer_key"] if old is not None else None,
    )
    body = token.as_dict() | {
        "organisation": org,
        "server": server_id,
        "number": place["number"],
        "state": "active",
        "issued_ms": now_ms,
    }
    state.of("").put(TOKEN, token.access_token, body, {"server": f"{org}/{server_id}"})
    state.put(SERVER, server_id, place | {"access_token": token.access_token})
    return token


def current_token(state: State, server_id: str) -> Body | None:
    """Return the newest token of a server, be it revoked, or None before the first."""
    access_token = server(state, server_id).get("access_token")
    found = state.of("").get(TOKEN, access_token) if access_token else None
    return found.body if found is not None else None


def revoke_token(state: State, server_id: str) -> None:
    """Revoke the server's token; its sessions end."""
    token = current_token(state, server_id)
    if token is None:
        raise ValueError(f"DEP server {server_id} has no token")
    _set_token(state, token, "revoked")


def _set_token(state: State, token: Body, status: str) -> None:
    root = state.of("")
    root.put(TOKEN, token["access_token"], token | {"state": status})
    end_sessions(root, token["access_token"])
