"""Locations of a world, with the invented apps and books that they own and their users.

All of it follows from the seed and an index, as devices do; tokens, which do not, come later.
Rule: no clock, no random generator.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import product
from typing import Any

from msgspec import Struct

from simulator.core.random_hex import seeded_hex
from simulator.core.state import State
from simulator.services.provisioning import Step, TimelessSeeding
from simulator.services.vpp.domain import locations, portal, supply, users
from simulator.services.vpp.domain.products import StoreProduct, put_product

FIRST_ADAM_ID = 1_900_000_001
"""Store ids of invented products start here."""
CHUNK = 100
"""How many users one step writes at most."""
_PRODUCTS = 20
"""How many products one step buys at most."""
LINKED_EVERY = 4
"""Every so many users have a Managed Apple Account."""
_SCARCE = 2
"""Licences of the products that are made to run out."""
_LEFT = ("Plain", "Quiet", "Bright", "Northern", "Paper", "Copper", "Little", "Second")
_RIGHT = ("Notes", "Sums", "Maps", "Sketch", "Phonics", "Atlas", "Ledger", "Timetable", "Lab")
_NAMES = tuple(f"{left} {right}" for right, left in product(_RIGHT, _LEFT))


@dataclass(frozen=True, slots=True)
class VppLocation:
    """One location as a world's file has it."""

    id: str
    name: str
    apps: int
    """How many products it owns."""
    users: int
    licences: int
    """How many licences of each product that is neither unlimited nor scarce."""
    country: str
    stoken: str = field(default="", repr=False)
    """The content token; empty: made."""


class Offer(Struct, frozen=True):
    """One product, and how a location owns it."""

    product: StoreProduct
    unlimited: bool = False
    scarce: bool = False


def offers(count: int) -> Iterator[Offer]:
    """Yield *count* invented products: every twelve of them have each kind."""
    for index in range(count):
        number, name = FIRST_ADAM_ID + index, _NAMES[index % len(_NAMES)]
        if index >= len(_NAMES):
            name += f" {index // len(_NAMES) + 1}"
        yield _offer(index % 12, str(number), name)


def _offer(kind: int, adam_id: str, name: str) -> Offer:
    bundle = f"example.{name.lower().replace(' ', '-')}"
    touch = ("iOS",)
    if kind in (4, 9):
        book = StoreProduct(
            adam_id, f"The {name} Book", "Book", platforms=("iOS", "macOS"), price=9.99
        )
        return Offer(book, scarce=kind == 9)  # noqa: PLR2004 (one of twelve)
    if kind == 3:  # noqa: PLR2004 (one of twelve)
        return Offer(StoreProduct(adam_id, name, "Mac", bundle, platforms=("macOS",), price=29.99))
    rows = {
        0: Offer(
            StoreProduct(adam_id, name, "App", bundle, platforms=("iOS", "macOS"), price=4.99)
        ),
        1: Offer(StoreProduct(adam_id, name, "App", bundle, platforms=touch), unlimited=True),
        5: Offer(
            StoreProduct(adam_id, name, "App", bundle, platforms=touch, device_assignable=False)
        ),
        6: Offer(StoreProduct(adam_id, name, "App", bundle, platforms=("tvOS",))),
        7: Offer(
            StoreProduct(adam_id, name, "App", bundle, platforms=touch, price=0.99), scarce=True
        ),
        8: Offer(StoreProduct(adam_id, name, "App", bundle, platforms=touch, custom=True)),
        10: Offer(
            StoreProduct(adam_id, name, "App", bundle, platforms=("iOS", "visionOS"), price=1.99)
        ),
    }
    return rows.get(kind) or Offer(StoreProduct(adam_id, name, "App", bundle, platforms=touch))


def add_location(state: State, *, organisation: str, location: VppLocation, seed: int) -> int:
    """Add a location, which has no token yet; *state* is seen from no organisation."""
    own = state.of(organisation)
    random_hex = seeded_hex(seed, organisation, location.id)
    portal.add_location(
        own,
        organisation,
        location.id,
        location.name,
        random_hex=random_hex,
        country=location.country,
    )
    return 0


def stock(state: State, *, organisation: str, location: VppLocation, some: Sequence[Offer]) -> int:
    """Buy products for a location; *state* is seen from no organisation."""
    own = state.of(organisation)
    for offer in some:
        put_product(state, offer.product)
        quantity = _SCARCE if offer.scarce else location.licences
        supply.buy(
            own,
            location.id,
            offer.product.adam_id,
            0 if offer.unlimited else quantity,
            now_ms=0,  # of notifications, which nobody can have asked for yet
            unlimited=offer.unlimited,
        )
    return 0


def populate(
    state: State,
    *,
    organisation: str,
    location: VppLocation,
    domain: str,
    seed: int,
    indices: range,
) -> int:
    """Add the users with *indices* to a location; *state* is seen from no organisation."""
    own = state.of(organisation)
    where = locations.location(own, location.id)
    people = []
    for index in indices:
        client = client_id(seed, organisation, location.id, index)
        email = f"{client[:8]}@{domain}"
        people.append((client, email, email if index % LINKED_EVERY == 0 else ""))
    users.add_many(own, where, people)
    return 0


def client_id(seed: int, organisation: str, location: str, index: int) -> str:
    """Return the clientUserId of a user: a UUID that says nothing, as Apple advises."""
    text = repr((seed, organisation, location, index)).encode()
    return str(uuid.UUID(bytes=blake2b(text, digest_size=16).digest(), version=4))


def location_steps(seeding: TimelessSeeding, location: VppLocation) -> Iterator[Step]:
    """Yield what writes one location but for its token, piece by piece."""
    facts: dict[str, Any] = {
        "organisation": seeding.organisation,
        "location": location,
        "seed": seeding.seed,
    }
    yield partial(add_location, **facts)
    offered = list(offers(location.apps))
    for first in range(0, len(offered), _PRODUCTS):
        yield partial(
            stock,
            organisation=seeding.organisation,
            location=location,
            some=offered[first : first + _PRODUCTS],
        )
    domain = seeding.facts["email"].rpartition("@")[2]
    for first in range(0, location.users, CHUNK):
        indices = range(first, min(first + CHUNK, location.users))
        yield partial(populate, domain=domain, indices=indices, **facts)
