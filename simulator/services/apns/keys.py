"""The keys that provider tokens are signed with."""

from msgspec import Struct
from msgspec.structs import asdict

from simulator.core.state import State

KEY = "apns.key"


class ProviderKey(Struct, frozen=True):
    """A key that provider tokens are signed with."""

    key_id: str
    """Ten characters."""
    team: str
    public_key: str
    """PEM."""
    organisation: str
    environment: str = ""
    """``development`` or ``production``; empty: both."""


def add(state: State, key: ProviderKey) -> None:
    """Let tokens that *key* has signed push; *state* is seen from anywhere."""
    body = {name: value for name, value in asdict(key).items() if name != "key_id"}
    state.of("").put(KEY, key.key_id, body)


def find(state: State, key_id: str) -> ProviderKey | None:
    """Return a key by its id, or None."""
    found = state.of("").get(KEY, key_id)
    return None if found is None else ProviderKey(key_id, **found.body)


def every(state: State) -> list[ProviderKey]:
    """Return all keys."""
    found = state.of("").scan(KEY, limit=10_000)
    return [ProviderKey(one.key, **one.body) for one in found]


def revoke(state: State, key_id: str) -> bool:
    """Revoke a key; return whether there was one."""
    return state.of("").delete(KEY, key_id)
