"""Push topics: which there are, whose they are, and which certificates for them are revoked.

They belong to no organisation in the state, as a push tells its topic before it is known who
pushes: the state may be seen from anywhere.
"""

import hashlib

from simulator.core.state import Body, State

TOPIC = "apns.topic"
ONLY = "apns.only"
"""Under the key `TOPIC`: the topic, as long as there is only one."""


def dashed(digits: str) -> str:
    """Return the first 32 of *digits* grouped as in a UUID."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def add(state: State, organisation: str, topic: str) -> None:
    """Let certificates for *topic* push for *organisation*."""
    root, body = state.of(""), {"organisation": organisation, "revoked": []}
    root.put(TOPIC, topic, body, {"organisation": organisation})
    root.put(ONLY, TOPIC, {"topics": [one.key for one in root.scan(TOPIC, limit=2)]})


def only(state: State) -> str | None:
    """Return the topic if there is one only."""
    root = state.of("")
    found = root.get(ONLY, TOPIC)
    if found is None:  # a state from before this was kept
        names = [one.key for one in root.scan(TOPIC, limit=2)]
        root.put(ONLY, TOPIC, {"topics": names})
    else:
        names = found.body["topics"]
    return names[0] if len(names) == 1 else None


def made(organisation: str, seed: int, number: int = 0) -> str:
    """Return one of the topics that an organisation begins with; it has at least the first."""
    more = f"|{number}" if number else ""
    digits = hashlib.sha256(f"apns.topic|{organisation}|{seed}{more}".encode()).hexdigest()
    return f"com.apple.mgmt.External.{dashed(digits)}"


def find(state: State, topic: str) -> Body | None:
    """Return what is known of a topic, or None."""
    found = state.of("").get(TOPIC, topic)
    return None if found is None else found.body


def names(state: State, organisation: str) -> list[str]:
    """Return the topics of an organisation."""
    found = state.of("").find(TOPIC, "organisation", equals=organisation, limit=10_000)
    return [one.key for one in found]


def revoke(state: State, topic: str, serial: str) -> None:
    """Revoke one certificate of a topic by its serial number, or all with ``*``."""
    body = find(state, topic)
    if body is None:
        raise LookupError(f"no push topic is called {topic}")
    changed = body | {"revoked": [*body["revoked"], serial]}
    state.of("").put(TOPIC, topic, changed)
