"""What may stand in a world's file: one row per key, for the reader and for the JSON Schema."""

from collections.abc import Iterable
from typing import Any

from simulator import services
from simulator.core.timestamps import is_time
from simulator.hardware.devices import BLOCK
from simulator.hardware.products import FAMILIES
from simulator.protocol.documents import Schema, email, identifier, schema_of, text, texts
from simulator.protocol.fields import Field, Instant, Integer, Object, Objects, String, Strings
from simulator.services.provisioning import Provisioning

HARDWARE = (
    identifier(
        "serial_number",
        "Serial number, its own in the whole file.",
        required=True,
        example="0ZEXAMPLE1",
    ),
    text("model", "Marketing name.", required=True, example="MacBook Pro"),
    text("description", "Description.", required=True, example="MBP 14 SILVER/M4/16GB/512GB-USA"),
    text("color", "Colour.", example="SILVER"),
    text("asset_tag", "Asset tag.", example="AT-1"),
    String(
        "os",
        "Operating system, the one that goes with the family.",
        required=True,
        values=tuple(dict.fromkeys(FAMILIES.values())),
        example="OSX",
    ),
    String(
        "device_family", "Product family.", required=True, values=tuple(FAMILIES), example="Mac"
    ),
    texts("imei", "IMEIs.", example=["00 129600 314225 1"]),
    texts("meid", "MEIDs.", example=["00129600314225"]),
    text("eid", "EID.", example="89999000000000000000000000000000"),
    text("wifi_mac_address", "Wi-Fi address.", example="AE:00:00:00:00:00"),
    text("bluetooth_mac_address", "Bluetooth.", example="AE:00:00:00:00:01"),
    text("ethernet_mac_address", "Ethernet.", example="AE:00:00:00:00:02"),
)
_SERVER = identifier(
    "server", "Id of the DEP server that they are assigned to.", required=True, example="main"
)
_ASSIGNED_BY = email("assigned_by", "Who assigns them.", required=True, example="admin@example.org")
_FAMILIES = Strings(
    "families",
    "Families to invent; all if absent.",
    values=tuple(FAMILIES),
    fewest=1,
    example=["iPad", "Mac"],
)
DEVICES = (
    _SERVER,
    _ASSIGNED_BY,
    Instant(
        "assigned_from",
        "When the first is assigned.",
        required=True,
        example="2026-01-05T10:00:00Z",
    ),
    Integer(
        "every_s",
        "Seconds from one assignment to the next.",
        least=0,
        most=31_536_000,
        default=60,
        example=60,
    ),
    Integer("count", "How many to invent.", least=1, most=BLOCK, example=25),
    _FAMILIES,
    Integer(
        "migrate_in_days",
        "Days from the world's loading until they have to have moved to this server.",
        least=1,
        most=365,
        example=14,
    ),
    Objects("device", "Devices, instead.", fields=HARDWARE),
)
_ONE_WAY = {"oneOf": [{"required": ["count"]}, {"required": ["device"]}]}
"""Devices are either invented or listed."""
ARRIVALS = (
    _SERVER,
    _ASSIGNED_BY,
    Integer("count", "How many come each time.", required=True, least=1, most=100_000, example=5),
    Integer(
        "every_s",
        "Seconds from one time to the next.",
        required=True,
        least=1,
        most=31_536_000,
        example=3600,
    ),
    Instant(
        "starts",
        "When the first come; if absent, every_s after the world is loaded.",
        example="2026-01-05T10:00:00Z",
    ),
    Instant("ends", "From when on none come any more.", example="2026-02-05T10:00:00Z"),
    Integer("times", "How many times they come.", least=1, most=1_000_000_000, example=24),
    _FAMILIES,
)
SERVER_TOKEN = (
    text("consumer_key", "Consumer key.", required=True, example="CK_1"),
    text("consumer_secret", "Its secret.", required=True, example="CS_1"),
    text("access_token", "Access token, its own in the file.", required=True, example="AT_1"),
    text("access_secret", "Its secret.", required=True, example="AS_1"),
    String(
        "access_token_expiry",
        "When it expires; in a year if absent.",
        check=is_time,
        example="2027-01-31T12:00:00Z",
    ),
)
DEP_SERVER = (
    identifier("id", "Id, its own in the whole file.", required=True, example="main"),
    text("name", "Name, its own in the organisation.", required=True, example="Main MDM"),
    Object("token", "Its server token, if it is to be this; made if absent.", fields=SERVER_TOKEN),
)
ORGANISATION = (
    identifier("id", "Id, its own in the file.", required=True, example="demo"),
    text("name", "Name.", required=True, example="Example School"),
    email("email", "E-mail address.", required=True, example="it@example.org"),
    text("phone", "Telephone number.", required=True, example="+1-555-0100"),
    text("address", "Address.", required=True, example="1 Example Street, Springfield"),
    text(
        "org_id",
        "Apple's customer number, its own in the file.",
        required=True,
        example="1234567890",
    ),
    String("org_type", "Business or school.", required=True, values=("org", "edu"), example="org"),
    String(
        "org_version",
        "v1: the Deployment Programs of before.",
        values=("v2", "v1"),
        default="v2",
        example="v2",
    ),
    email("admin_id", "Who set up the DEP servers.", required=True, example="admin@example.org"),
    email("facilitator_id", "The old name of that.", example="old@example.org"),
    Objects("dep_server", "Its DEP servers.", fields=DEP_SERVER),
    Objects("devices", "Devices that are there from the start.", fields=DEVICES),
    Objects("arrivals", "Devices that come later.", fields=ARRIVALS),
)
WORLD = (
    identifier("name", "Name, that of the file.", required=True, example="demo"),
    String("about", "What is in it.", default="", example="…"),
)


def organisation_keys(provisionings: Iterable[Provisioning]) -> tuple[Field, ...]:
    """Return the keys of an organisation: those that all services see, then those of each."""
    parts = (key for one in provisionings if one.world for key in one.world.keys)
    return (*ORGANISATION, *parts)


def file_keys(provisionings: Iterable[Provisioning]) -> tuple[Field, ...]:
    """Return the keys of a world's file: of all worlds, then what each service adds."""
    known = tuple(provisionings)
    return (
        Object("world", "The file as a whole.", fields=WORLD),
        Objects(
            "organisation",
            "Its organisations, one at least.",
            fields=organisation_keys(known),
        ),
        *(key for one in known if one.file for key in one.file.keys),
    )


def world_schema(provisionings: Iterable[Provisioning] | None = None) -> Schema:
    """Return the JSON Schema of a world's file.

    What goes beyond one table, such as ids that must differ, only the reader checks.
    *provisionings* are those of the services, all unless some are given.
    """
    keys = file_keys(services.provisionings() if provisionings is None else provisionings)
    schema: dict[str, Any] = schema_of(keys, required=["world", "organisation"])
    organisations = schema["properties"]["organisation"] | {"minItems": 1}
    schema["properties"]["organisation"] = organisations
    organisations["items"]["properties"]["devices"]["items"] |= _ONE_WAY
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A world of mdmsim",
        **schema,
    }
