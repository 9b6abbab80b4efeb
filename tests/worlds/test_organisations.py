from dataclasses import replace

import pytest

from simulator.core.settings import ConfigurationError
from simulator.hardware.devices import BLOCK
from simulator.worlds.organisations import DepServer, DeviceList, Organisation, World

GENERATED = DeviceList(
    number=0,
    server="main",
    assigned_by="admin@acme.example",
    assigned_from_ms=0,
    every_s=60,
    count=10,
    families=None,
)
LISTED = replace(GENERATED, count=1, listed=({"serial_number": "0ZA"},))


def organisation(*devices: DeviceList, facilitator_id: str | None = None) -> Organisation:
    return Organisation(
        id="acme",
        name="Acme",
        email="it@acme.example",
        phone="+1-555-0101",
        address="1 Road",
        org_id="77",
        org_type="org",
        org_version="v2",
        admin_id="admin@acme.example",
        facilitator_id=facilitator_id,
        dep_servers=(DepServer("main", "Main"),),
        devices=devices,
    )


FACTS = {
    "id": "acme",
    "name": "Acme",
    "email": "it@acme.example",
    "phone": "+1-555-0101",
    "address": "1 Road",
    "org_id": "77",
    "org_type": "org",
    "org_version": "v2",
    "admin_id": "admin@acme.example",
}


def test_facts_are_what_the_portal_asks_for() -> None:
    assert organisation(GENERATED).facts() == FACTS


def test_facilitator_is_a_fact_where_there_is_one() -> None:
    facts = organisation(facilitator_id="old@acme.example").facts()

    assert facts == FACTS | {"facilitator_id": "old@acme.example"}


def test_resized_changes_the_first_generated_list_only() -> None:
    lists = (LISTED, replace(GENERATED, number=1), replace(GENERATED, number=2))
    world = World("w", "", (organisation(*lists), organisation(replace(GENERATED, number=3))))

    resized = world.resized(1000)

    assert [devices.count for _, devices in resized.device_lists()] == [1, 1000, 10, 10]
    assert (world.device_count(), resized.device_count()) == (31, 1021)


def test_lists_do_not_share_indices() -> None:
    starts = [replace(GENERATED, number=number).start for number in range(3)]

    assert starts == [0, BLOCK, 2 * BLOCK]


def test_world_of_listed_devices_cannot_be_resized() -> None:
    world = World("small", "", (organisation(LISTED),))

    with pytest.raises(ConfigurationError, match="world small generates no devices: give one"):
        world.resized(10)


@pytest.mark.parametrize("count", [0, -1, BLOCK + 1])
def test_impossible_size_is_refused(count: int) -> None:
    world = World("w", "", (organisation(GENERATED),))

    with pytest.raises(ConfigurationError, match=f"whole number from 1 to {BLOCK}"):
        world.resized(count)
