"""Licences that are bought, and users that accept: one by one, or many, all of them or none.

Many are ordered in one small transaction, and done piece by piece before anybody looks at the
location. So what is ordered must be possible: whoever orders has asked `refuse` before.
All functions take the state as seen from the organisation, and raise LookupError for what does
not exist and ValueError for what cannot be done.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from simulator.core.state import Body, State
from simulator.services.vpp.domain import due, licences, notifications, users
from simulator.services.vpp.domain.licences import ASSET, LICENCE, Asset, LicenceUnitOfWork
from simulator.services.vpp.domain.locations import Location, location
from simulator.services.vpp.domain.products import KINDS, StoreProduct, find_product, put_product
from simulator.services.vpp.domain.users import USER, User
from simulator.services.vpp.limits import FREED, PRICING
from simulator.services.vpp.v2 import versions

DOMAIN = "school.example"
"""Where the Apple Accounts are with which ordered users accept."""
_LARGEST = 10_000_000
_PURCHASES = 20
"""How many purchases one transaction does."""
_USERS = 20
"""How many users accept in one transaction."""
_LOOKED_AT = 400
"""How many users one transaction looks at, to find such as have not accepted yet."""


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
    if not unlimited:
        _refuse(asset, quantity)
    changed = replace(asset, unlimited=True) if unlimited else _resized(state, asset, quantity)
    licences.put_assets(state, where, [changed])
    versions.touch(state, where, "assets")
    if not unlimited and quantity:
        content = {"adamId": adam_id, "pricingParam": pricing, "countDelta": quantity}
        notifications.enqueue_notification(state, where, "ASSET_COUNT", content, now_ms)
    return changed


def _refuse(asset: Asset, quantity: int) -> None:
    """Refuse so many licences more of an asset, or (below 0) less."""
    if asset.unlimited:
        raise ValueError(f"{asset.adam_id} is unlimited: there is nothing to buy")
    if asset.available + quantity < 0:
        raise ValueError(f"{asset.available} licences of {asset.adam_id} are free: no more can go")
    if not -_LARGEST <= quantity <= _LARGEST or asset.bought + quantity > _LARGEST:
        raise ValueError(f"the quantity must leave between 0 and {_LARGEST} licences")


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


def accept_invitation(
    state: State, identifier: str, client: str, account: str, *, now_ms: int
) -> User:
    """Let a user accept the invitation with an Apple Account; USER_ASSOCIATED tells of it."""
    where = location(state, identifier)
    user = users.active(state, where, client)
    if user is None:
        raise LookupError(f"location {identifier} has no active user {client}")
    unit = LicenceUnitOfWork(state, where)
    linked = _accept(state, where, unit, user, account, now_ms)
    unit.write()
    return linked


def _accept(
    state: State,
    where: Location,
    unit: LicenceUnitOfWork,
    user: User,
    account: str,
    now_ms: int,
) -> User:
    linked = users.accept(state, where, unit, user, account)
    shown = users.shown(linked) | {"inviteCode": user.invite_code}
    notifications.enqueue_notification(
        state, where, "USER_ASSOCIATED", {"associatedUsers": [shown]}, now_ms
    )
    return linked


def account_of(client: str) -> str:
    """Return the Apple Account with which an ordered user accepts."""
    return f"{client}@{DOMAIN}"


def refuse(state: State, where: Location, quantities: Mapping[str, int]) -> None:
    """Raise ValueError if so many licences of apps, by store id, cannot be bought."""
    keys = [licences.asset_key(adam_id, PRICING[0]) for adam_id in quantities]
    known = {
        asset.adam_id: asset
        for asset in map(Asset.of, state.get_many(where.kind(ASSET), keys).values())
    }
    for adam_id, quantity in quantities.items():
        _refuse(known.get(adam_id) or _asset(_app(adam_id), PRICING[0]), quantity)


def order(
    state: State,
    where: Location,
    purchases: Sequence[tuple[str, int]],
    accepting: int,
    *,
    now_ms: int,
) -> None:
    """Have *purchases*, store ids of free apps and quantities, and then users that accept.

    The apps are put into the store. *accepting* users do, or all that can, the oldest first.
    Nothing may be due.
    """
    lots = range(0, len(purchases), _PURCHASES)
    rows: list[Body] = [{"purchases": purchases[at : at + _PURCHASES]} for at in lots]
    rows.append({"accepting": accepting, "after": ""})
    for number, row in enumerate(rows):
        _leave(state, where, now_ms, number, row)


def _leave(state: State, where: Location, now_ms: int, number: int, row: Body) -> None:
    what = {"supply": row | {"number": number}}
    due.schedule_rest(state, where, now_ms, f"supply/{where.uid}/{number:06d}", what)


def do_ordered(state: State, where: Location, what: Body, now_ms: int, most: int) -> int:
    """Do a piece of what was ordered; return *most*, as it takes a transaction of its own."""
    for adam_id, quantity in what.get("purchases", ()):
        put_product(state, _app(adam_id))
        buy(state, where.id, adam_id, quantity, now_ms=now_ms)
    if what.get("accepting"):
        _accept_some(state, where, what, now_ms, most)
    return most


def has_accepted(where: Location, user: User) -> bool:
    """Tell whether a user has an account such as those that accept as ordered."""
    linked = users.hash_of(where, account_of(user.client))
    return user.status == "Associated" and user.id_hash == linked


def _app(adam_id: str) -> StoreProduct:
    return StoreProduct(adam_id, f"App {adam_id}", "App")


def _accept_some(state: State, where: Location, what: Body, now_ms: int, most: int) -> None:
    unit = LicenceUnitOfWork(state, where)
    after, accepted = what["after"], 0
    found = state.scan(where.kind(USER), after=after, limit=_LOOKED_AT)
    end = len(found) < _LOOKED_AT
    for user in map(User.of, found):
        if accepted == min(what["accepting"], _USERS) or unit.size * FREED >= most:
            end = False
            break
        after = users.key_of(user.number)
        if user.status == "Registered":
            with suppress(ValueError):  # that account is another user's
                _accept(state, where, unit, user, account_of(user.client), now_ms)
                accepted += 1
    unit.write()
    left = what["accepting"] - accepted
    if left and not end:
        _leave(state, where, now_ms, what["number"], {"accepting": left, "after": after})
