"""Where devices of an organisation's accounts find its MDM server: set by DEP, told by discovery.

All functions take the state as seen from the organisation.
"""

from simulator.core.state import Body, State

KIND, _KEY = "dep.discovery", "url"


def find(state: State) -> Body | None:
    """Return ``url`` and ``updated_ms``, or None if no URL is set."""
    found = state.get(KIND, _KEY)
    return None if found is None else found.body


def put(state: State, url: str, now_ms: int) -> None:
    """Set the URL."""
    state.put(KIND, _KEY, {"url": url, "updated_ms": now_ms})


def delete(state: State) -> bool:
    """Forget the URL; return whether there was one."""
    return state.delete(KIND, _KEY)
