"""What a world gives instead of having it made: server tokens, content tokens, deadlines."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from simulator.core.settings import ConfigurationError
from simulator.core.state import State
from simulator.core.timestamps import milliseconds
from simulator.services.dep import tokens
from simulator.services.fleet import devices as fleet
from simulator.services.vpp.domain import locations
from simulator.store.opening import open_store
from simulator.store.protocols import Store
from simulator.worlds.seeding import seed_world
from simulator.worlds.world import load_world, parse_world
from tests.worlds.test_seeding import TWO

NOW = milliseconds("2026-03-01T08:00:00Z")
TOKEN = {
    "consumer_key": "CK_given",
    "consumer_secret": "CS_given",
    "access_token": "AT_given",
    "access_secret": "AS_given",
}
SERVER = '{ id = "main", name = "Main" }'


def with_token(**values: str) -> str:
    """Return the world two whose server ``main`` has a token with *values*."""
    inside = ", ".join(f'{name} = "{value}"' for name, value in values.items())
    return TWO.replace(SERVER, SERVER.replace(" }", f", token = {{ {inside} }} }}"))


def with_stoken(*stokens: str) -> str:
    """Return the world two with a location for each of *stokens*."""
    tables = [
        f'[[organisation.vpp_location]]\nid = "l{number}"\nname = "L"\n'
        + (f'stoken = "{one}"\n' if one else "")
        for number, one in enumerate(stokens)
    ]
    return TWO + "\n" + "\n".join(tables)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


def seeded(store: Store, source: str) -> None:
    world = parse_world(source, "two.toml")
    with store.transaction() as state:
        seed_world(state, world, seed=1, generate_secret=lambda n: "ab" * n, now_ms=NOW)


def found(store: Store, work: Callable[[State], Any]) -> Any:
    with store.transaction() as state:
        return work(state)


@pytest.mark.parametrize(
    ("more", "expiry"),
    [
        pytest.param({}, "2027-03-01T08:00:00Z", id="a-year"),
        pytest.param(
            {"access_token_expiry": "2026-04-01T00:00:00Z"}, "2026-04-01T00:00:00Z", id="given"
        ),
    ],
)
def test_a_server_has_the_token_that_is_given(
    store: Store, more: dict[str, str], expiry: str
) -> None:
    seeded(store, with_token(**TOKEN, **more))

    main = found(store, lambda state: tokens.current_token(state.of("acme"), "main"))
    spare = found(store, lambda state: tokens.current_token(state.of("acme"), "spare"))

    assert {name: main[name] for name in TOKEN} == TOKEN
    assert main["access_token_expiry"] == expiry
    assert spare["consumer_key"].startswith("CK_ab")


def test_a_location_has_the_content_token_that_is_given(store: Store) -> None:
    seeded(store, with_stoken("Z2l2ZW4=", ""))

    first, second = found(store, lambda state: locations.locations(state.of("school")))

    assert first.stoken == "Z2l2ZW4="
    assert len(second.stoken) > 100


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param(
            with_token(**{name: value for name, value in TOKEN.items() if name[:6] != "access"}),
            r'access_token, access_secret are missing: add access_token = "AT_1", access_secret =',
            id="lacking",
        ),
        pytest.param(
            with_token(**TOKEN, access_token_expiry="soon"),
            "access_token_expiry must be a time",
            id="no-time",
        ),
        pytest.param(
            with_token(**TOKEN).replace(
                '"Classes" }',
                '"Classes", token = { consumer_key = "a", consumer_secret = "b", '
                'access_token = "AT_given", access_secret = "c" } }',
            ),
            "access_token 'AT_given' is taken by",
            id="twice",
        ),
        pytest.param(with_stoken("x", "x"), "stoken 'x' is taken by", id="content-token-twice"),
    ],
)
def test_what_cannot_be_given_is_one_sentence(source: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        parse_world(source, "two.toml")


@pytest.mark.parametrize("listed", [False, True], ids=["invented", "listed"])
def test_devices_come_with_the_deadline_that_is_given(store: Store, listed: bool) -> None:
    place = "every_s = 5" if listed else "every_s = 60\ncount = 12"
    seeded(store, TWO.replace(place, f"{place}\nmigrate_in_days = 14", 1))

    server = "spare" if listed else "main"
    devices, _ = found(store, lambda state: fleet.page(state.of("acme"), server, -1, 100))

    assert {one.record["mdm_migration_deadline"] for one in devices} == {"2026-03-15T08:00:00Z"}
    assert {one.migration for one in devices} == {"REQUESTED"}


def test_the_world_migration_has_macs_that_have_to_move(store: Store) -> None:
    with store.transaction() as state:
        seed_world(
            state, load_world("migration"), seed=1, generate_secret=lambda n: "ab" * n, now_ms=NOW
        )

    new, _ = found(store, lambda state: fleet.page(state.of("moving"), "new", -1, 100))
    old, _ = found(store, lambda state: fleet.page(state.of("moving"), "old", -1, 100))

    assert (len(new), len(old)) == (10, 6)
    assert {one.record["device_family"] for one in new} == {"Mac"}
    assert all(one.record["mdm_migration_deadline"] == "2026-03-15T08:00:00Z" for one in new)
    assert not any("mdm_migration_deadline" in one.record for one in old)
