"""What people do in Apple's portal, and users on their devices: there is no VPP call for it.

All functions take the state as seen from the organisation, unless they say
otherwise, and raise LookupError for what does not exist and ValueError for
what cannot be done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.core.state import Body, State
from simulator.pki.credentials import CONTENT_TOKEN_LIFETIME, RandomHex, mint_content_token
from simulator.services.organisations import organisation
from simulator.services.vpp.domain import events, licences, notifications, subscriptions, users
from simulator.services.vpp.domain.licences import LICENCE, Asset, LicenceUnitOfWork
from simulator.services.vpp.domain.locations import (
    LOCATION,
    SERVICE_STATE,
    TOKEN,
    Location,
    everywhere,
    location,
    locations,
    put,
    token,
)
from simulator.services.vpp.domain.products import KINDS, StoreProduct, find_product
from simulator.services.vpp.domain.subscriptions import Subscription
from simulator.services.vpp.limits import PRICING
from simulator.services.vpp.v2 import versions

RIGHTS = ("purchase", "manage", "read")
_LARGEST = 10_000_000


def add_location(
    state: State, org: str, identifier: str, name: str, *, random_hex: RandomHex, **facts: Any
) -> Location:
    """Add a location to organisation *org*; it has no token yet.

    *facts* are further attributes of `Location`, such as ``country``.
    """
    if any(one.id == identifier for one in everywhere(state)):
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


def buy(
    state: State,
    identifier: str,
    adam_id: str,
    quantity: int,
    *,
    now_ms: int,
    pricing: str = PRICING[0],
    unlimited: bool = False,
) -> Asset:
    """Buy licences of a product of the store; with a quantity below 0, give free ones back.

    Free apps may be *unlimited*, whatever the quantity. Clients that want
    ASSET_COUNT hear of it.
    """
    where, product = location(state, identifier), find_product(state, adam_id)
    if product is None:
        raise LookupError(f"the store has no product {adam_id}")
    if pricing not in PRICING or (pricing != PRICING[0] and not product.book):
        raise ValueError(f"pricing must be {PRICING[0]}, or {PRICING[1]} for a book")
    if unlimited and (product.book or product.price):
        raise ValueError("only free apps are unlimited")
    asset = licences.find_asset(state, where, adam_id, pricing) or _asset(product, pricing)
    if asset.available + quantity < 0 and not unlimited:
        raise ValueError(f"{asset.available} licences of {adam_id} are free: no more can go")
    if not -_LARGEST <= quantity <= _LARGEST or asset.bought + quantity > _LARGEST:
        raise ValueError(f"the quantity must leave between 0 and {_LARGEST} licences")
    changed = replace(asset, unlimited=True) if unlimited else _resized(state, asset, quantity)
    licences.put_assets(state, where, [changed])
    versions.touch(state, where, "assets")
    if not unlimited and quantity:
        content = {"adamId": adam_id, "pricingParam": pricing, "countDelta": quantity}
        notifications.enqueue_notification(state, where, "ASSET_COUNT", content, now_ms)
    return changed


def _asset(product: StoreProduct, pricing: str) -> Asset:
    return Asset(
        product.adam_id,
        pricing,
        "Book" if product.book else "App",
        KINDS[product.kind],
        product.platforms,
        revocable=not product.book,
        device_assignable=product.device_assignable and not product.book,
    )


def _resized(state: State, asset: Asset, quantity: int) -> Asset:
    """Return the asset with more licences, or without as many free ones."""
    if asset.unlimited:
        raise ValueError(f"{asset.adam_id} is unlimited: there is nothing to buy")
    grown = replace(asset, bought=asset.bought + quantity)
    if quantity >= 0:
        block = ((state.reserve(LICENCE, quantity), quantity),) if quantity else ()
        return replace(grown, blocks=(*asset.blocks, *block))
    # Those that were never assigned go first, from the last one on; then those given back first.
    never = min(-quantity, sum(count for _, count in asset.blocks) - asset.taken)
    left = asset.released[-quantity - never :]
    return replace(grown, blocks=tuple(_shortened(asset.blocks, never)), released=left)


def _shortened(blocks: Sequence[tuple[int, int]], less: int) -> list[tuple[int, int]]:
    """Return *blocks* with so many ids *less* at their end."""
    left = list(blocks)
    while less:
        first, count = left.pop()
        if count > less:
            left.append((first, count - less))
        less -= min(count, less)
    return left


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


def accept_invitation(
    state: State, identifier: str, client: str, account: str, *, now_ms: int
) -> users.User:
    """Let a user accept the invitation with an Apple Account; USER_ASSOCIATED tells of it."""
    where = location(state, identifier)
    user = users.active(state, where, client)
    if user is None:
        raise LookupError(f"location {identifier} has no active user {client}")
    unit = LicenceUnitOfWork(state, where)
    linked = users.accept(state, where, unit, user, account)
    unit.write()
    shown = users.shown(linked) | {"inviteCode": user.invite_code}
    notifications.enqueue_notification(
        state, where, "USER_ASSOCIATED", {"associatedUsers": [shown]}, now_ms
    )
    return linked


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
