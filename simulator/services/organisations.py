"""Organisations: who has Apple's services; all of these see the same."""

import hashlib
import string
from typing import Any

from simulator.core.state import Body, Entity, State

ORGANISATION = "organisation"
"""Kind of entity, seen from no organisation."""
_BETA_PROGRAMS = {
    "iOS": ("iOS", (27, 26, 18)),
    "OSX": ("macOS", (27, 26, 15)),
    "tvOS": ("tvOS", (27, 26, 18)),
    "watchOS": ("watchOS", (27, 26)),
    "visionOS": ("visionOS", (27, 26)),
    "homePodOS": ("HomePod Software", (27, 26)),
}
"""Wire name of each operating system -> what people call it, and its versions in beta.

About 15 rows, several for a system, were seen live (dep.md, amendments)."""
_DIGITS = string.ascii_letters + string.digits
_TOKEN_LENGTH = 64
_MOST = 10_000
"""Organisations that a world has at most."""


def _beta_token(identifier: str, title: str) -> str:
    """Return 64 letters of either case and digits, as seen live, always the same."""
    number = int.from_bytes(hashlib.shake_256(f"beta|{identifier}|{title}".encode()).digest(64))
    digits = []
    for _ in range(_TOKEN_LENGTH):
        number, rest = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[rest])
    return "".join(digits)


def organisation(state: State, identifier: str) -> Body:
    """Return the organisation of that id; LookupError if there is none."""
    found = state.of("").get(ORGANISATION, identifier)
    if found is None:
        raise LookupError(f"no organisation has the id {identifier}")
    return found.body


def all_organisations(state: State) -> list[Entity]:
    """Return all organisations; the key of each is its id."""
    return state.of("").scan(ORGANISATION, limit=_MOST)


def identifiers(state: State) -> list[str]:
    """Return the ids of all organisations, in order; far faster than `all_organisations`."""
    return state.of("").keys(ORGANISATION, limit=_MOST)


def add_organisation(state: State, facts: Body) -> None:
    """Add an organisation; *state* is seen from none.

    *facts* has id, name, email, phone, address, org_id, org_type,
    org_version, admin_id and may have facilitator_id.
    """
    identifier = facts["id"]
    programs = [
        (os, f"{name} {version} AppleSeed Beta")
        for os, (name, versions) in _BETA_PROGRAMS.items()
        for version in versions
    ]
    tokens = [
        {"token": _beta_token(identifier, title), "title": title, "os": os}
        for os, title in programs
    ]
    body = {
        "id": identifier,
        "org_name": facts["name"],
        "org_email": facts["email"],
        "org_phone": facts["phone"],
        "org_address": facts["address"],
        "org_id": facts["org_id"],
        "org_id_hash": hashlib.sha256(facts["org_id"].encode()).hexdigest(),
        "org_type": facts["org_type"],
        "org_version": facts["org_version"],
        "admin_id": facts["admin_id"],
        "facilitator_id": facts.get("facilitator_id", ""),
        "terms_accepted": True,
        "apple_seed": True,
        "beta_tokens": tokens,
    }
    state.of("").put(ORGANISATION, identifier, body)


def change_organisation(state: State, identifier: str, **changes: Any) -> Body:
    """Set facts such as ``terms_accepted`` or ``apple_seed``; return the organisation."""
    body = organisation(state, identifier) | changes
    state.of("").put(ORGANISATION, identifier, body)
    return body
