"""A world's file: found, read, checked row by row. Nothing is written in here."""

import tomllib
from itertools import count
from pathlib import Path
from typing import Any

from simulator import resources
from simulator.settings import ConfigurationError
from simulator.worlds.devices import CAPACITY
from simulator.worlds.locations import VppLocation
from simulator.worlds.organisations import (
    BLOCK,
    DepServer,
    DeviceList,
    Organisation,
    PushDevice,
    World,
)
from simulator.worlds.products import FAMILIES
from simulator.worlds.tables import (
    Key,
    Place,
    anything,
    choice,
    device_token,
    email,
    identifier,
    instant,
    integer,
    prose,
    read_list,
    read_table,
    refuse_duplicates,
    several,
    text,
)

FOLDER = "worlds"
"""Where shipped worlds are, as `simulator.resources` names it."""

Rows = list[tuple[Place, dict[str, Any]]]

_FILE = (
    Key("world", anything, "{…}", required=False),
    Key("organisation", anything, "[…]", required=False, default=[]),
)
_WORLD = (
    Key("name", identifier, '"demo"'),
    Key("about", prose, '"…"', required=False, default=""),
)
_ORGANISATION = (
    Key("id", identifier, '"demo"'),
    Key("name", text, '"Example School"'),
    Key("email", email, '"it@example.org"'),
    Key("phone", text, '"+1-555-0100"'),
    Key("address", text, '"1 Example Street, Springfield"'),
    Key("org_id", text, '"1234567890"'),
    Key("org_type", choice(("org", "edu")), '"org"'),
    Key("org_version", choice(("v2", "v1")), '"v2"', required=False, default="v2"),
    Key("admin_id", email, '"admin@example.org"'),
    Key("facilitator_id", email, '"facilitator@example.org"', required=False),
    Key("dep_server", anything, "[…]", required=False, default=[]),
    Key("devices", anything, "[…]", required=False, default=[]),
    Key("push_device", anything, "[…]", required=False, default=[]),
    Key("vpp_location", anything, "[…]", required=False, default=[]),
)
_PUSH_DEVICE = (
    Key("udid", text, '"00008110-000A1B2C3D4E5F60"'),
    Key("token", device_token, '"' + "a1" * 32 + '"'),
    Key("magic", text, '"7E2C1A9B-55D1-4A60-8F0E-7B6C1D2E3F40"'),
)
_VPP_LOCATION = (
    Key("id", identifier, '"main"'),
    Key("name", text, '"Main Campus"'),
    Key("apps", integer(0, 10_000), "12", required=False, default=12),
    Key("users", integer(0, 1_000_000), "40", required=False, default=0),
    Key("licences", integer(1, 1_000_000), "50", required=False, default=50),
    Key("country", text, '"US"', required=False, default="US"),
)
_DEP_SERVER = (Key("id", identifier, '"main"'), Key("name", text, '"Main MDM"'))
_DEVICES = (
    Key("server", identifier, '"main"'),
    Key("assigned_by", email, '"admin@example.org"'),
    Key("assigned_from", instant, "2026-01-05T10:00:00Z"),
    Key("every_s", integer(0, 31_536_000), "60", required=False, default=60),
    Key("count", integer(1, BLOCK), "25", required=False),
    Key("families", several(choice(FAMILIES)), '["iPad", "Mac"]', required=False),
    Key("device", anything, "[…]", required=False, default=[]),
)
_HARDWARE = (
    Key("serial_number", identifier, '"0ZEXAMPLE1"'),
    Key("model", text, '"MacBook Pro"'),
    Key("description", text, '"MBP 14 SILVER/M4/16GB/512GB-USA"'),
    Key("color", text, '"SILVER"', required=False),
    Key("asset_tag", text, '"AT-1"', required=False),
    Key("os", choice(tuple(dict.fromkeys(FAMILIES.values()))), '"OSX"'),
    Key("device_family", choice(FAMILIES), '"Mac"'),
    Key("imei", several(text), '["00 129600 314225 1"]', required=False),
    Key("meid", several(text), '["00129600314225"]', required=False),
    Key("eid", text, '"89999000000000000000000000000000"', required=False),
    Key("wifi_mac_address", text, '"AE:00:00:00:00:00"', required=False),
    Key("bluetooth_mac_address", text, '"AE:00:00:00:00:01"', required=False),
    Key("ethernet_mac_address", text, '"AE:00:00:00:00:02"', required=False),
)


def world_names() -> list[str]:
    """Return the names of the shipped worlds, sorted."""
    files = [Path(name) for name in resources.names(FOLDER)]
    return sorted(file.stem for file in files if file.suffix == ".toml")


def load_world(name_or_path: str) -> World:
    """Return a shipped world by its name, or the one in a file whose path ends in ``.toml``.

    Raise ConfigurationError if there is none, or if the file is not a sound world.
    """
    if name_or_path.endswith(".toml"):
        return parse_world(_read(name_or_path), name_or_path)
    shipped = world_names()
    if name_or_path not in shipped:
        raise ConfigurationError(
            f"there is no world {name_or_path!r}: "
            f"name one of {', '.join(shipped)} or a path that ends in .toml"
        )
    file = f"{name_or_path}.toml"
    return parse_world(resources.read_text(FOLDER, file), file)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}: name a world's file") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8: save it as UTF-8") from None


def parse_world(source: str, file: str) -> World:
    """Return the world that the TOML text *source* describes; *file* names it in errors.

    Raise ConfigurationError, one line that names file, table and key and says how to mend it.
    """
    try:
        tables = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: is not TOML: {error}") from None
    top = read_table(tables, _FILE, Place(file, ""))
    world = read_table(top["world"], _WORLD, Place(file, "[world]"))
    rows = read_list(top["organisation"], "organisation", _ORGANISATION, Place(file, ""))
    if not rows:
        raise Place(file, "").error("organisation is missing: add a table [[organisation]]")
    for name in ("id", "org_id"):
        refuse_duplicates(name, [(place, row[name]) for place, row in rows])
    servers = [_servers(place, row) for place, row in rows]
    for place, row in rows:
        row["push_device"] = _push_devices(place, row)
    refuse_duplicates("id", [(place, row["id"]) for each in servers for place, row in each])
    lists = [
        _device_lists(place, row, each) for (place, row), each in zip(rows, servers, strict=True)
    ]
    _refuse_impossible([each for some in lists for each in some])
    places = [
        read_list(row["vpp_location"], "organisation.vpp_location", _VPP_LOCATION, place)
        for place, row in rows
    ]
    refuse_duplicates("id", [(place, row["id"]) for each in places for place, row in each])
    numbers = count()
    return World(
        name=world["name"],
        about=world["about"],
        organisations=tuple(
            _organisation(row, each, [_device_list(next(numbers), r) for _, r in some], vpp)
            for (_, row), each, some, vpp in zip(rows, servers, lists, places, strict=True)
        ),
    )


def _servers(place: Place, row: dict[str, Any]) -> Rows:
    rows = read_list(row["dep_server"], "organisation.dep_server", _DEP_SERVER, place)
    refuse_duplicates("name", [(place, server["name"]) for place, server in rows])
    return rows


def _push_devices(place: Place, row: dict[str, Any]) -> Rows:
    rows = read_list(row["push_device"], "organisation.push_device", _PUSH_DEVICE, place)
    refuse_duplicates("token", [(at, device["token"]) for at, device in rows])
    return rows


def _device_lists(place: Place, row: dict[str, Any], servers: Rows) -> Rows:
    known = [server["id"] for _, server in servers]
    rows = read_list(row["devices"], "organisation.devices", _DEVICES, place)
    for at, devices in rows:
        if devices["server"] not in known:
            raise at.error(
                f"server {devices['server']!r} is none of the organisation's: "
                f"use {', '.join(known) or 'one that [[organisation.dep_server]] adds'}"
            )
        _settle(at, devices)
    return rows


def _settle(place: Place, devices: dict[str, Any]) -> None:
    """Read the listed devices of one list, and refuse a list that is neither or both."""
    listed = read_list(devices["device"], "organisation.devices.device", _HARDWARE, place)
    if bool(listed) == (devices["count"] is not None):
        raise place.error("needs either count or device tables: add count = 25, or drop one")
    if listed and devices["families"]:
        raise place.error("families goes with count only: drop it")
    for at, hardware in listed:
        family, os = hardware["device_family"], hardware["os"]
        if FAMILIES[family] != os:
            raise at.error(f'os {os!r} does not go with {family}: write os = "{FAMILIES[family]}"')
    devices["device"] = listed


def _refuse_impossible(lists: Rows) -> None:
    refuse_duplicates(
        "serial_number",
        [(place, row["serial_number"]) for _, each in lists for place, row in each["device"]],
    )
    for place, _ in lists[CAPACITY // BLOCK :]:
        raise place.error(f"is one list too many: put the devices into {CAPACITY // BLOCK} lists")


def _organisation(
    row: dict[str, Any], servers: Rows, devices: list[DeviceList], places: Rows
) -> Organisation:
    lists = ("dep_server", "devices", "push_device", "vpp_location")
    facts = {name: value for name, value in row.items() if name not in lists}
    return Organisation(
        **facts,
        dep_servers=tuple(DepServer(**server) for _, server in servers),
        devices=tuple(devices),
        push_devices=tuple(PushDevice(**device) for _, device in row["push_device"]),
        vpp_locations=tuple(VppLocation(**place) for _, place in places),
    )


def _device_list(number: int, row: dict[str, Any]) -> DeviceList:
    listed = tuple(
        {name: value for name, value in hardware.items() if value is not None}
        for _, hardware in row["device"]
    )
    return DeviceList(
        number=number,
        server=row["server"],
        assigned_by=row["assigned_by"],
        assigned_from_ms=row["assigned_from"],
        every_s=row["every_s"],
        count=row["count"] or len(listed),
        families=None if row["families"] is None else tuple(row["families"]),
        listed=listed,
    )
