"""What people do in Apple's portal, and users on their devices: there is no VPP call for it.

All functions take the state as seen from the organisation, unless they say
otherwise, and raise LookupError for what does not exist and ValueError for
what cannot be done.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from simulator.core.state import Body, State
from simulator.pki.credentials import CONTENT_TOKEN_LIFETIME, RandomHex, mint_content_token
from simulator.services.organisations import organisation
from simulator.services.vpp.domain import events, subscriptions, users
from simulator.services.vpp.domain.licences import LicenceUnitOfWork
from simulator.services.vpp.domain.locations import (
    LOCATION,
    SERVICE_STATE,
    TOKEN,
    Location,
    find_location,
    location,
    locations,
    put,
    token,
)
from simulator.services.vpp.domain.subscriptions import Subscription

RIGHTS = ("purchase", "manage", "read")


def add_location(
    state: State, org: str, identifier: str, name: str, *, random_hex: RandomHex, **facts: Any
) -> Location:
    """Add a location to organisation *org*; it has no token yet.

    *facts* are further attributes of `Location`, such as ``country``.
    """
    if find_location(state, identifier) is not None:
        raise ValueError(f"a location has the id {identifier} already")
    owner = organisation(state, org)
    school = owner["org_type"] == "edu"
    number = state.of("").reserve(LOCATION)
    known = {
        "platform": "volumestore" if school else "enterprisestore",
        "website": f"https://{'school' if school else 'business'}.apple.com",
        "manager": owner["admin_id"],
        "org_name": f"ORG.{owner['org_id']}",
    }
    return put(
        state,
        Location(
            id=identifier,
            organisation=org,
            name=name,
            number=2_100_000_000_000_000 + number,
            uid=str(2_049_025_000_000_000 + number),
            salt=random_hex(32),
            **{**known, **facts},
        ),
    )


def issue_token(
    state: State,
    identifier: str,
    *,
    now_ms: int,
    random_hex: RandomHex,
    days: float | None = None,
    rights: str = "purchase",
    legacy: bool = False,
    keep: bool = False,
    given: str = "",
) -> str:
    """Download a new token for a location; unless *keep*, the one before is good no more.

    It expires in *days*, a year if None; less than 0 gives one that has
    expired. *legacy* makes one of the kind before locations. *given* is the token
    itself, such as one that another simulator has; ValueError if it is another's.
    """
    if rights not in RIGHTS:
        raise ValueError(f"rights must be one of {', '.join(RIGHTS)}")
    where = location(state, identifier)
    if given and (taken := token(state, given)) and taken["location"] != where.id:
        raise ValueError("the token is that of another location: choose another")
    if where.stoken and not keep:
        _set_state(state, where.stoken, "replaced")
    lifetime = CONTENT_TOKEN_LIFETIME if days is None else timedelta(days=days)
    expires = datetime.fromtimestamp(now_ms / 1000, UTC) + lifetime
    stoken = given or mint_content_token(random_hex, expires, where.org_name)
    body = {
        "organisation": where.organisation,
        "location": where.id,
        "state": "active",
        "issued_ms": now_ms,
        "expires_ms": int(expires.timestamp()) * 1000,
        "rights": rights,
        "legacy": legacy,
    }
    state.of("").put(TOKEN, stoken, body, {"location": where.id})
    put(state, replace(where, stoken=stoken))
    return stoken


def revoke_token(state: State, identifier: str) -> None:
    """Revoke a location's newest token."""
    where = location(state, identifier)
    if not where.stoken:
        raise ValueError(f"location {identifier} has no token")
    _set_state(state, where.stoken, "revoked")


def _set_state(state: State, stoken: str, status: str) -> None:
    found = token(state, stoken)
    if found is not None and found["state"] == "active":
        state.of("").put(TOKEN, stoken, found | {"state": status})


def add_user(
    state: State, location: Location, client: str, *, email: str = "", account: str = ""
) -> users.User:
    """Register a user as an MDM server would, without an event and without telling anybody."""
    if users.active(state, location, client) is not None:
        raise ValueError(f"location {location.id} has an active user {client} already")
    unit = LicenceUnitOfWork(state, location)
    added = users.register(state, location, unit, client, email, account)
    unit.write()
    return added


def complete_event(state: State, identifier: str, event: str, *, now_ms: int) -> Body:
    """Complete an event by hand, however it would have come to its end."""
    return events.complete(state, location(state, identifier), event, now_ms)


def add_subscription(
    state: State, identifier: str, subscription: Subscription, *, now_ms: int
) -> Subscription:
    """Buy a subscription into a location, which must have them enabled, or change its seats."""
    where = location(state, identifier)
    if not where.subscriptions:
        raise ValueError(f"location {identifier} has subscriptions disabled: enable them first")
    if subscriptions.find(state, where, subscription.adam_id) is not None:
        left = subscriptions.counts(state, where, subscription)["available"]
        if min(left.values()) < 0:
            raise ValueError("more seats are assigned than would be left")
    subscriptions.put(state, where, subscription)
    subscriptions.schedule(state, where, subscription)
    subscriptions.enqueue_count_notification(state, where, subscription, now_ms)
    return subscription


def set_maintenance(state: State, *, on: bool) -> None:
    """Put the whole service into maintenance, or end that."""
    state.of("").put(SERVICE_STATE, "all", {"maintenance": on})


def describe(state: State, org: str) -> list[Mapping[str, Any]]:
    """Return the locations of an organisation with their tokens, as ``ready.json`` has them."""
    return [
        {"id": one.id, "name": one.name, "stoken": one.stoken or None}
        for one in locations(state.of(org))
    ]
