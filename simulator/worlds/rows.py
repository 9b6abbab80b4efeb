"""What may stand in a world's file: one row per key, for the reader and for the JSON Schema."""

from collections.abc import Iterable
from typing import Any

from simulator import services
from simulator.hardware.devices import BLOCK
from simulator.hardware.products import FAMILIES
from simulator.protocol.documents import (
    Key,
    Schema,
    choice,
    email,
    identifier,
    instant,
    integer,
    prose,
    schema_of,
    several,
    table,
    tables,
    text,
)
from simulator.services.provisioning import Provisioning

HARDWARE = (
    Key("serial_number", identifier, '"0ZEXAMPLE1"', "Serial number, its own in the whole file."),
    Key("model", text, '"MacBook Pro"', "Marketing name."),
    Key("description", text, '"MBP 14 SILVER/M4/16GB/512GB-USA"', "Description."),
    Key("color", text, '"SILVER"', "Colour.", required=False),
    Key("asset_tag", text, '"AT-1"', "Asset tag.", required=False),
    Key(
        "os",
        choice(tuple(dict.fromkeys(FAMILIES.values()))),
        '"OSX"',
        "Operating system, the one that goes with the family.",
    ),
    Key("device_family", choice(FAMILIES), '"Mac"', "Product family."),
    Key("imei", several(text), '["00 129600 314225 1"]', "IMEIs.", required=False),
    Key("meid", several(text), '["00129600314225"]', "MEIDs.", required=False),
    Key("eid", text, '"89999000000000000000000000000000"', "EID.", required=False),
    Key("wifi_mac_address", text, '"AE:00:00:00:00:00"', "Wi-Fi address.", required=False),
    Key("bluetooth_mac_address", text, '"AE:00:00:00:00:01"', "Bluetooth.", required=False),
    Key("ethernet_mac_address", text, '"AE:00:00:00:00:02"', "Ethernet.", required=False),
)
_SERVER = Key("server", identifier, '"main"', "Id of the DEP server that they are assigned to.")
_ASSIGNED_BY = Key("assigned_by", email, '"admin@example.org"', "Who assigns them.")
_FAMILIES = Key(
    "families",
    several(choice(FAMILIES)),
    '["iPad", "Mac"]',
    "Families to invent; all if absent.",
    required=False,
)
DEVICES = (
    _SERVER,
    _ASSIGNED_BY,
    Key("assigned_from", instant, "2026-01-05T10:00:00Z", "When the first is assigned."),
    Key(
        "every_s",
        integer(0, 31_536_000),
        "60",
        "Seconds from one assignment to the next.",
        required=False,
        default=60,
    ),
    Key("count", integer(1, BLOCK), "25", "How many to invent.", required=False),
    _FAMILIES,
    Key("device", tables(HARDWARE), "[…]", "Devices, instead.", required=False, default=[]),
)
_ONE_WAY = {"oneOf": [{"required": ["count"]}, {"required": ["device"]}]}
"""Devices are either invented or listed."""
ARRIVALS = (
    _SERVER,
    _ASSIGNED_BY,
    Key("count", integer(1, 100_000), "5", "How many come each time."),
    Key("every_s", integer(1, 31_536_000), "3600", "Seconds from one time to the next."),
    Key(
        "starts",
        instant,
        "2026-01-05T10:00:00Z",
        "When the first come; if absent, every_s after the world is loaded.",
        required=False,
    ),
    Key(
        "ends",
        instant,
        "2026-02-05T10:00:00Z",
        "From when on none come any more.",
        required=False,
    ),
    Key("times", integer(1, 1_000_000_000), "24", "How many times they come.", required=False),
    _FAMILIES,
)
DEP_SERVER = (
    Key("id", identifier, '"main"', "Id, its own in the whole file."),
    Key("name", text, '"Main MDM"', "Name, its own in the organisation."),
)
ORGANISATION = (
    Key("id", identifier, '"demo"', "Id, its own in the file."),
    Key("name", text, '"Example School"', "Name."),
    Key("email", email, '"it@example.org"', "E-mail address."),
    Key("phone", text, '"+1-555-0100"', "Telephone number."),
    Key("address", text, '"1 Example Street, Springfield"', "Address."),
    Key("org_id", text, '"1234567890"', "Apple's customer number, its own in the file."),
    Key("org_type", choice(("org", "edu")), '"org"', "Business or school."),
    Key(
        "org_version",
        choice(("v2", "v1")),
        '"v2"',
        "v1: the Deployment Programs of before.",
        required=False,
        default="v2",
    ),
    Key("admin_id", email, '"admin@example.org"', "Who set up the DEP servers."),
    Key("facilitator_id", email, '"old@example.org"', "The old name of that.", required=False),
    Key("dep_server", tables(DEP_SERVER), "[…]", "Its DEP servers.", required=False, default=[]),
    Key(
        "devices",
        tables(DEVICES, **_ONE_WAY),
        "[…]",
        "Devices that are there from the start.",
        required=False,
        default=[],
    ),
    Key(
        "arrivals", tables(ARRIVALS), "[…]", "Devices that come later.", required=False, default=[]
    ),
)
WORLD = (
    Key("name", identifier, '"demo"', "Name, that of the file."),
    Key("about", prose, '"…"', "What is in it.", required=False, default=""),
)


def organisation_keys(provisionings: Iterable[Provisioning]) -> tuple[Key, ...]:
    """Return the keys of an organisation: those that all services see, then those of each."""
    parts = (key for one in provisionings if one.world for key in one.world.keys)
    return (*ORGANISATION, *parts)


def file_keys(provisionings: Iterable[Provisioning]) -> tuple[Key, ...]:
    """Return the keys of a world's file."""
    return (
        Key("world", table(WORLD), "{…}", "The file as a whole.", required=False),
        Key(
            "organisation",
            tables(organisation_keys(provisionings)),
            "[…]",
            "Its organisations, one at least.",
            required=False,
            default=[],
        ),
    )


def world_schema(provisionings: Iterable[Provisioning] | None = None) -> Schema:
    """Return the JSON Schema of a world's file.

    What goes beyond one table, such as ids that must differ, only the reader checks.
    *provisionings* are those of the services, all unless some are given.
    """
    keys = file_keys(services.provisionings() if provisionings is None else provisionings)
    schema: dict[str, Any] = schema_of(keys, required=["world", "organisation"])
    schema["properties"]["organisation"]["minItems"] = 1
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A world of mdmsim",
        **schema,
    }
