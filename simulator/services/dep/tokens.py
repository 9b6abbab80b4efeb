"""Server tokens as Apple's portal hands them out, renews and revokes them."""

from datetime import UTC, datetime

from simulator.core.state import Body, State
from simulator.pki.credentials import RandomHex, ServerToken, mint_server_token
from simulator.services.fleet.servers import SERVER, TOKEN, end_sessions, server


def issue_token(
    state: State,
    org: str,
    server_id: str,
    *,
    now_ms: int,
    random_hex: RandomHex,
    by_another: bool = False,
) -> ServerToken:
    """Make a new token for a server of organisation *org*; it replaces the one before.

    The consumer key stays, unless *by_another* says that another person renews it
    (nanodep#7, #11).
    """
    old = current_token(state, server_id)
    token = mint_server_token(
        random_hex,
        datetime.fromtimestamp(now_ms / 1000, UTC),
        server_number=server(state, server_id)["number"],
        consumer_key=None if old is None or by_another else old["consumer_key"],
    )
    put_token(state, org, server_id, token, now_ms=now_ms)
    return token


def put_token(
    state: State, org: str, server_id: str, token: ServerToken, *, now_ms: int
) -> ServerToken:
    """Let a server of organisation *org* have *token*, such as one with given values.

    It replaces the one before. ValueError if its access token is another's.
    """
    place = server(state, server_id)
    old = current_token(state, server_id)
    known = state.of("").get(TOKEN, token.access_token)
    if known is not None and known.body != old:
        raise ValueError("the access token is that of another server token: choose another")
    if old is not None:
        _set_token(state, old, "replaced")
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


def orphan_token(state: State, server_id: str) -> None:
    """Note that the person who made the server's token left the portal; its sessions end."""
    _set_token(state, _existing(state, server_id), "orphaned")


def end_server_sessions(state: State, server_id: str) -> None:
    """End all sessions of the server; its token stays good."""
    end_sessions(state.of(""), _existing(state, server_id)["access_token"])


def revoke_token(state: State, server_id: str) -> None:
    """Revoke the server's token; its sessions end."""
    _set_token(state, _existing(state, server_id), "revoked")


def _existing(state: State, server_id: str) -> Body:
    token = current_token(state, server_id)
    if token is None:
        raise ValueError(f"DEP server {server_id} has no token")
    return token


def _set_token(state: State, token: Body, status: str) -> None:
    root = state.of("")
    root.put(TOKEN, token["access_token"], token | {"state": status})
    end_sessions(root, token["access_token"])
