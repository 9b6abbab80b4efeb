"""Organisations: who has Apple's services; all of these see the same."""

import hashlib
from typing import Any

from simulator.core.state import Body, Entity, State

ORGANISATION = "organisation"
"""Kind of entity, seen from no organisation."""
_BETA_PROGRAMS = (
    ("iOS", "iOS 27 AppleSeed Beta"),
    ("OSX", "macOS 27 AppleSeed Beta"),
    ("tvOS", "tvOS 27 AppleSeed Beta"),
)


def organisation(state: State, identifier: str) -> Body:
    """Return the organisation of that id; LookupError if there is none."""
    found = state.of("").get(ORGANISATION, identifier)
    if found is None:
        raise LookupError(f"no organisation has the id {identifier}")
    return found.body


def all_organisations(state: State) -> list[Entity]:
    """Return all organisations; the key of each is its id."""
    return state.of("").scan(ORGANISATION, limit=10_000)


def add_organisation(state: State, facts: Body) -> None:
    """Add an organisation; *state* is seen from none.

    *facts* has id, name, email, phone, address, org_id, org_type,
    org_version, admin_id and may have facilitator_id.
    """
    identifier = facts["id"]
    tokens = [
        {
            "token": hashlib.sha256(f"beta|{identifier}|{os}".encode()).hexdigest(),
            "title": title,
            "os": os,
        }
        for os, title in _BETA_PROGRAMS
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
