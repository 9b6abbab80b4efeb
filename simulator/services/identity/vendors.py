"""Vendors: which of their certificates are revoked."""

from simulator.core.state import State

REVOKED = "identity.revoked_vendor"


def revoke(state: State, serial: int) -> None:
    """Revoke a vendor's certificate: nothing that it signs is taken any more."""
    state.of("").put(REVOKED, f"{serial:x}", {})


def revoked(state: State) -> frozenset[int]:
    """Return the serial numbers of the certificates that are revoked."""
    found = state.of("").scan(REVOKED, limit=10_000)
    return frozenset(int(one.key, 16) for one in found)
