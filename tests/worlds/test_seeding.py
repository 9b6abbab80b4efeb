from collections.abc import Iterator
from typing import Any

import pytest

from simulator.core.settings import ConfigurationError
from simulator.core.state import State
from simulator.core.timestamps import milliseconds
from simulator.hardware.devices import BLOCK, generate
from simulator.services.apns import registry, topics
from simulator.services.fleet import arrivals, orders, portal
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.servers import SERVER
from simulator.store.opening import open_store
from simulator.store.protocols import Store
from simulator.worlds.organisations import World
from simulator.worlds.seeding import refuse_clashes, seed_world, steps
from simulator.worlds.world import parse_world
from tests.apple import described

NOW = milliseconds("2026-03-01T08:00:00Z")
TWO = """
[world]
name = "two"

[[organisation]]
id = "acme"
name = "Acme"
email = "it@acme.example"
phone = "+1-555-0101"
address = "1 Road"
org_id = "77"
org_type = "org"
admin_id = "admin@acme.example"
dep_server = [{ id = "main", name = "Main" }, { id = "spare", name = "Spare" }]

[[organisation.devices]]
server = "spare"
assigned_by = "buyer@acme.example"
assigned_from = 2026-01-01T00:00:00Z
every_s = 5

[[organisation.devices.device]]
serial_number = "0ZA"
model = "iMac"
description = "IMAC"
os = "OSX"
device_family = "Mac"

[[organisation.devices.device]]
serial_number = "0ZB"
model = "iPad"
description = "IPAD"
os = "iPadOS"
device_family = "iPad"
imei = ["00 129600 314225 3"]

[[organisation.devices]]
server = "main"
assigned_by = "admin@acme.example"
assigned_from = 2026-01-05T10:00:00Z
every_s = 60
count = 12

[[organisation]]
id = "school"
name = "School"
email = "it@school.example"
phone = "+1-555-0102"
address = "2 Road"
org_id = "78"
org_type = "edu"
admin_id = "admin@school.example"
facilitator_id = "old@school.example"
dep_server = [{ id = "classes", name = "Classes" }]

[[organisation.devices]]
server = "classes"
assigned_by = "admin@school.example"
assigned_from = 2026-01-06T10:00:00Z
count = 7
families = ["iPad"]
"""


class Mint:
    """Give digits that tell how many were given before."""

    def __init__(self, first: int) -> None:
        self._next = first

    def __call__(self, digits: int) -> str:
        self._next += 1
        return f"{self._next:0{digits}x}"


@pytest.fixture
def world() -> World:
    return parse_world(TWO, "two.toml")


@pytest.fixture
def store() -> Iterator[Store]:
    opened = open_store(None)
    yield opened
    opened.close()


@pytest.fixture
def state(store: Store) -> Iterator[State]:
    with store.transaction() as opened:
        yield opened


def devices(state: State, organisation: str) -> list[dict[str, Any]]:
    return [entity.body for entity in state.of(organisation).scan(fleet.DEVICE, limit=1000)]


def everything_but_tokens(world: World, generate_secret: Mint) -> list[list[dict[str, Any]]]:
    """Return what a new store has after seeding, the access tokens left out."""
    opened = open_store(None)
    with opened.transaction() as state:
        seed_world(state, world, seed=4, generate_secret=generate_secret, now_ms=NOW)
        listed = described(state)
        for server in (server for each in listed for server in each["dep_servers"]):
            del server["token"]
        servers = [
            {name: value for name, value in entity.body.items() if name != "access_token"}
            for organisation in ("acme", "school")
            for entity in state.of(organisation).scan(SERVER)
        ]
        found = [listed, servers, devices(state, "acme"), devices(state, "school")]
    opened.close()
    return found


def test_every_organisation_has_its_servers_with_a_token_each(state: State, world: World) -> None:
    seed_world(state, world, seed=1, generate_secret=Mint(0), now_ms=NOW)

    listed = described(state)
    assert {
        each["id"]: [(server["id"], server["name"]) for server in each["dep_servers"]]
        for each in listed
    } == {"acme": [("main", "Main"), ("spare", "Spare")], "school": [("classes", "Classes")]}
    tokens = [server["token"] for each in listed for server in each["dep_servers"]]
    assert {token["access_token_expiry"] for token in tokens} == {"2027-03-01T08:00:00Z"}
    assert len({token["consumer_key"] for token in tokens}) == 3


def test_generated_devices_are_those_of_the_seed_at_their_times(state: State, world: World) -> None:
    seed_world(state, world, seed=3, generate_secret=Mint(0), now_ms=NOW)

    page, more = fleet.page(state.of("acme"), "main", 0, 100)
    hardware = list(generate(12, 3, start=BLOCK))
    times = [f"2026-01-05T10:{minute:02}:00Z" for minute in range(12)]
    assert not more
    assert [device.record for device in page] == [
        facts
        | {
            "profile_status": "empty",
            "device_assigned_by": "admin@acme.example",
            "device_assigned_date": time,
        }
        for facts, time in zip(hardware, times, strict=True)
    ]


def test_listed_devices_come_as_they_are_in_the_file(state: State, world: World) -> None:
    seed_world(state, world, seed=3, generate_secret=Mint(0), now_ms=NOW)

    page, _ = fleet.page(state.of("acme"), "spare", 0, 100)
    assert [device.record for device in page] == [
        {
            "serial_number": "0ZA",
            "model": "iMac",
            "description": "IMAC",
            "os": "OSX",
            "device_family": "Mac",
            "profile_status": "empty",
            "device_assigned_by": "buyer@acme.example",
            "device_assigned_date": "2026-01-01T00:00:00Z",
        },
        {
            "serial_number": "0ZB",
            "model": "iPad",
            "description": "IPAD",
            "os": "iPadOS",
            "device_family": "iPad",
            "imei": ["00 129600 314225 3"],
            "profile_status": "empty",
            "device_assigned_by": "buyer@acme.example",
            "device_assigned_date": "2026-01-01T00:00:05Z",
        },
    ]


def test_families_of_a_list_hold(state: State, world: World) -> None:
    seed_world(state, world, seed=3, generate_secret=Mint(0), now_ms=NOW)

    page, _ = fleet.page(state.of("school"), "classes", 0, 100)

    assert [device.record["device_family"] for device in page] == ["iPad"] * 7


def test_seeding_tells_no_sync(state: State, world: World) -> None:
    seed_world(state, world, seed=3, generate_secret=Mint(0), now_ms=NOW)

    assert state.of("acme").count(fleet.EVENT) == 0


def test_same_seed_gives_the_same_state_but_for_credentials(world: World) -> None:
    assert everything_but_tokens(world, Mint(0)) == everything_but_tokens(world, Mint(1000))


def test_server_ids_of_the_system_differ(state: State, world: World) -> None:
    seed_world(state, world, seed=1, generate_secret=Mint(0), now_ms=NOW)

    uuids = {
        entity.body["uuid"]
        for organisation in ("acme", "school")
        for entity in state.of(organisation).scan(SERVER)
    }

    assert len(uuids) == 3
    assert all(len(uuid) == 32 for uuid in uuids)


def test_steps_may_be_committed_one_by_one(store: Store, world: World) -> None:
    written = []
    for step in steps(world, seed=1, generate_secret=Mint(0), now_ms=NOW, chunk=5):
        with store.transaction() as state:
            written.append(step(state))

    with store.transaction() as state:
        found = [len(devices(state, organisation)) for organisation in ("acme", "school")]
    # First both organisations, then the list of the school, which has no other: it is begun, filled
    # by serial number, arranged. What is there without organisations; the servers of each, with
    # tokens and topics. Then the lists of acme, of which one names its devices.
    school = [0, 0, 4, 2, 1, 0, 0]
    acme = [0, 2, 0, 4, 4, 2, 1, 1, 0, 0]
    assert written == [0, *school, 0, 1, 0, 0, 1, 0, 0, *acme]
    assert sum(written) == 23
    assert found == [14, 7]


def test_chunks_do_not_change_what_is_written(store: Store, world: World) -> None:
    with store.transaction() as state:
        for step in steps(world, seed=4, generate_secret=Mint(0), now_ms=NOW, chunk=3):
            step(state)
        in_chunks = devices(state, "acme"), devices(state, "school")

    assert list(in_chunks) == everything_but_tokens(world, Mint(0))[2:]


def test_progress_adds_up_to_organisations_and_devices(state: State, world: World) -> None:
    seen: list[int] = []

    seed_world(
        state, world, seed=1, generate_secret=Mint(0), now_ms=NOW, progress=seen.append, devices=300
    )

    assert sum(seen) == world.resized(300).size() == 311
    assert state.of("acme").count(fleet.DEVICE) == 302


def test_another_size_leaves_the_other_lists_as_they_are(world: World) -> None:
    sized = world.resized(40)

    assert everything_but_tokens(sized, Mint(0))[3] == everything_but_tokens(world, Mint(0))[3]


def test_mint_makes_every_digit_of_a_credential(state: State, world: World) -> None:
    drawn: list[int] = []

    def generate_secret(digits: int) -> str:
        drawn.append(digits)
        return "a" * (digits - 2) + f"{len(drawn):02}"

    seed_world(state, world, seed=1, generate_secret=generate_secret, now_ms=NOW)

    token = described(state)[0]["dep_servers"][0]["token"]
    assert drawn
    assert all("aaaa" in token[name] for name in token if name != "access_token_expiry")


def test_devices_of_the_world_can_be_pushed_to() -> None:
    one = TWO.replace(
        "[[organisation.devices]]",
        f"""[[organisation.push_device]]
udid = "device-1"
token = "{"A1" * 32}"
magic = "magic-1"

[[organisation.devices]]""",
        1,
    )
    store = open_store(None)

    with store.transaction() as state:
        seed_world(
            state, parse_world(one, "x.toml"), seed=1, generate_secret=lambda n: "0" * n, now_ms=NOW
        )
        found = registry.find(state.of("acme"), "a1" * 32)
        [topic] = topics.names(state, "acme")
    store.close()

    assert found is not None
    assert (found.topic, found.magic, found.owner) == (topic, "magic-1", "device-1")


@pytest.mark.parametrize("token", ["", "a", "zz", "a1" * 101])
def test_a_token_of_the_world_is_hexadecimal(token: str) -> None:
    table = f'push_device = [{{ udid = "d", token = "{token}", magic = "m" }}]'

    with pytest.raises(ConfigurationError, match="must be a device token"):
        parse_world(TWO.replace('org_type = "org"', f'org_type = "org"\n{table}', 1), "x.toml")


def test_devices_can_be_moved_after_they_were_generated(store: Store, world: World) -> None:
    with store.transaction() as state:
        for step in steps(world, seed=4, generate_secret=Mint(0), now_ms=NOW, chunk=4):
            step(state)

        found, more = fleet.page(state.of("acme"), "main", 0, 100)
        assert [device.serial for device in found] == [
            hardware["serial_number"] for hardware in generate(12, 4, start=BLOCK)
        ]
        assert not more
        moved = portal.assign(state.of("acme"), found[0].serial, "spare", by="a@b", now_ms=NOW)
        left, _ = fleet.page(state.of("acme"), "main", 0, 100)
        assert [device.serial for device in left] == [one.serial for one in found[1:]]
        assert moved.place > found[-1].place


def clashing(serial: str, count: int) -> World:
    text = TWO.replace('"0ZA"', f'"{serial}"').replace("count = 12", f"count = {count}")
    return parse_world(text, "two.toml")


def test_a_listed_serial_number_that_is_generated_too_is_refused() -> None:
    serial = list(generate(12, 9, start=BLOCK))[-1]["serial_number"]

    with pytest.raises(ConfigurationError) as caught:
        refuse_clashes(clashing(serial, 12), 9)

    assert str(caught.value) == (
        f"world two: serial_number {serial!r} of a listed device is one that is generated with "
        "seed 9: give the device another"
    )
    refuse_clashes(clashing(serial, 11), 9)
    refuse_clashes(clashing(serial, 12), 8)


def test_what_is_to_arrive_is_ordered_from_the_time_of_loading_on(state: State) -> None:
    text = TWO.replace(
        "count = 12\n",
        """count = 12

[[organisation.arrivals]]
server = "main"
assigned_by = "admin@acme.example"
count = 2
every_s = 60
""",
    )
    seed_world(state, parse_world(text, "two.toml"), seed=1, generate_secret=Mint(0), now_ms=NOW)

    own = state.of("acme")
    (one,) = orders.ordered(own)
    assert (one.server, one.next_ms, one.times) == ("main", NOW + 60_000, 0)
    arrivals.materialise_due(own, NOW + 120_000)
    assert len(fleet.page(own, "main", 0, 100)[0]) == 12 + 4


def test_an_organisation_has_as_many_push_topics_as_the_world_says(state: State) -> None:
    text = TWO.replace('org_id = "77"', 'org_id = "77"\npush_topics = 3')

    seed_world(state, parse_world(text, "two.toml"), seed=1, generate_secret=Mint(0), now_ms=NOW)

    assert len(topics.names(state, "acme")) == 3
    assert topics.names(state, "school") == [topics.made("school", 1)]
