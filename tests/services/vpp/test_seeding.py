"""The invented apps, books and users of a world's locations."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from simulator.core.state import State
from simulator.core.timestamps import milliseconds
from simulator.protocol.operations import ApiError
from simulator.services.vpp.domain import licences, portal, users
from simulator.services.vpp.domain.licences import ASSET, Asset
from simulator.services.vpp.domain.locations import Location, location
from simulator.services.vpp.domain.products import find_product
from simulator.services.vpp.domain.users import USER, User
from simulator.services.vpp.seeding import offers
from simulator.store.opening import open_store
from simulator.store.protocols import Store
from simulator.worlds.seeding import seed_world
from simulator.worlds.world import load_world, parse_world
from tests.worlds.test_world import HEAD, ORGANISATION, SERVER, refusal

NOW = milliseconds("2026-03-01T08:00:00Z")
Seeded = Callable[..., Store]


def place_of(state: State) -> tuple[State, Location]:
    own = state.of("demo")
    return own, location(own, "campus")


@pytest.fixture
def seeded() -> Iterator[Seeded]:
    """Yield what opens a store of the world demo."""
    with ExitStack() as stack:

        def opened(seed: int = 1, digit: str = "ab") -> Store:
            store = stack.enter_context(closing(open_store(None)))
            with store.transaction() as state:
                seed_world(
                    state,
                    load_world("demo"),
                    seed=seed,
                    generate_secret=lambda digits: (digit * digits)[:digits],
                    now_ms=NOW,
                )
            return store

        yield opened


def people(store: Store) -> list[User]:
    with store.transaction() as state:
        own, place = place_of(state)
        return [User.of(one) for one in licences.every(own, place.kind(USER))]


def test_demo_has_apps_of_every_kind(seeded: Seeded) -> None:
    with seeded().transaction() as state:
        own, place = place_of(state)
        assets = [Asset.of(one) for one in licences.every(own, place.kind(ASSET))]
        products = [find_product(own, one.adam_id) for one in assets]

    assert len(assets) == 12
    assert {one.product_type for one in assets} == {"App", "Book"}
    assert sum(one.unlimited for one in assets) == 1
    assert sum(not one.revocable for one in assets) == 2
    assert any(one.revocable and not one.device_assignable for one in assets)
    assert {one.type_id for one in assets} == {7, 8, 10}
    assert {bool(one and one.price) for one in products} == {True, False}
    assert sorted({one.bought for one in assets}) == [0, 2, 50]
    assert place.platform == "volumestore"


def test_demo_has_forty_users_of_whom_some_are_linked(seeded: Seeded) -> None:
    found = people(seeded())

    assert len(found) == len({one.client for one in found}) == 40
    assert sum(one.status == "Associated" for one in found) == 10
    assert all(one.email.endswith("@school.example") for one in found)


def test_users_follow_from_the_seed_and_tokens_do_not(seeded: Seeded) -> None:
    first, same, other = seeded(), seeded(digit="cd"), seeded(seed=2)

    assert people(first) == people(same)
    assert {one.client for one in people(first)}.isdisjoint(one.client for one in people(other))
    tokens = []
    for store in (first, same):
        with store.transaction() as state:
            tokens.append(place_of(state)[1].stoken)
    assert tokens[0] != tokens[1]
    assert json.loads(base64.b64decode(tokens[0]))["expDate"] == "2027-03-01T08:00:00+0000"


def test_no_two_products_are_alike() -> None:
    found = [one.product for one in offers(500)]

    for name in ("adam_id", "name"):
        assert len({getattr(one, name) for one in found}) == 500


def test_school_is_large() -> None:
    world = load_world("school")

    (organisation,) = world.organisations
    assert world.device_count() == 20_000
    assert len(organisation.parts["vpp"]) == 3
    assert sum(one.users for one in organisation.parts["vpp"]) == 5000


PLACE = """
[[organisation.vpp_location]]
id = "main"
name = "Main"
"""


def test_a_location_needs_little() -> None:
    (organisation,) = parse_world(HEAD + ORGANISATION + PLACE + SERVER, "w.toml").organisations

    (place,) = organisation.parts["vpp"]
    assert (place.id, place.apps, place.users, place.licences) == ("main", 12, 0, 50)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(PLACE + PLACE, "id 'main' is taken by", id="twice"),
        pytest.param(PLACE + "apps = -1\n", "apps must be a whole number from 0", id="number"),
        pytest.param(PLACE + "rooms = 1\n", "rooms is not known here", id="unknown"),
    ],
)
def test_a_bad_location_is_said(table: str, expected: str) -> None:
    assert expected in refusal(HEAD + ORGANISATION + table + SERVER)


def test_a_user_of_the_world_can_be_found(seeded: Seeded) -> None:
    with seeded().transaction() as state:
        own, place = place_of(state)
        some: Any = next(licences.every(own, place.kind(USER)))
        found = users.active(own, place, some.body["client"])

    assert found is not None


def test_many_users_are_registered_as_one_by_one(seeded: Seeded) -> None:
    given = [(f"client-{n}", f"{n}@x.example", f"{n}@x.example" * (n % 2)) for n in range(5)]
    one_by_one, at_once = seeded(), seeded()
    with one_by_one.transaction() as state:
        own, place = place_of(state)
        for client, email, account in given:
            portal.add_user(own, place, client, email=email, account=account)
    with at_once.transaction() as state:
        own, place = place_of(state)
        users.add_many(own, place, given)
        found = [users.active(own, place, client) for client, _, _ in given]
        by_hash = [one for each in found if each for one in users.by_hash(own, place, each.id_hash)]
        taken = [(given[0][0], "", given[1][2])]
        with pytest.raises(ApiError):
            users.add_many(own, place, taken)

    assert people(at_once) == people(one_by_one)
    assert [one and one.email for one in found] == [email for _, email, _ in given]
    assert [one.client for one in by_hash] == ["client-1", "client-3"]
