"""A world's file: found, read, checked row by row. Nothing is written in here."""

import tomllib
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from simulator import services
from simulator.core import resources
from simulator.core.settings import ConfigurationError
from simulator.hardware.products import FAMILIES
from simulator.protocol.documents import Place, read_list, read_table, refuse_duplicates
from simulator.services.fleet.arrivals import MOST_EVER
from simulator.services.provisioning import Provisioning, Rows
from simulator.worlds.organisations import (
    LARGE_LISTS,
    MOST_LISTS,
    PART,
    ArrivalPlan,
    DepServer,
    DeviceList,
    Organisation,
    World,
)
from simulator.worlds.rows import (
    ARRIVALS,
    DEP_SERVER,
    DEVICES,
    HARDWARE,
    ORGANISATION,
    SERVER_TOKEN,
    WORLD,
    file_keys,
    organisation_keys,
)

FOLDER = "worlds"
"""Where shipped worlds are, as `simulator.core.resources` names it."""

Tables = list[tuple[Place, dict[str, Any]]]


def world_names() -> list[str]:
    """Return the names of the shipped worlds, sorted."""
    files = [Path(name) for name in resources.names(FOLDER)]
    return sorted(file.stem for file in files if file.suffix == ".toml")


def load_world(name_or_path: str, provisionings: Sequence[Provisioning] | None = None) -> World:
    """Return a shipped world by its name, or the one in a file whose path ends in ``.toml``.

    *provisionings* are those of the services, all unless some are given.
    Raise ConfigurationError if there is none, or if the file is not a sound world.
    """
    if name_or_path.endswith(".toml"):
        return parse_world(_read(name_or_path), name_or_path, provisionings)
    shipped = world_names()
    if name_or_path not in shipped:
        raise ConfigurationError(
            f"there is no world {name_or_path!r}: "
            f"name one of {', '.join(shipped)} or a path that ends in .toml"
        )
    file = f"{name_or_path}.toml"
    return parse_world(resources.read_text(FOLDER, file), file, provisionings)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}: name a world's file") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8: save it as UTF-8") from None


def parse_world(
    source: str, file: str, provisionings: Sequence[Provisioning] | None = None
) -> World:
    """Return the world that the TOML text *source* describes; *file* names it in errors.

    *provisionings* are those of the services, all unless some are given. Raise
    ConfigurationError, one line that names file, table and key and says how to mend it.
    """
    known = services.provisionings() if provisionings is None else provisionings
    keys = organisation_keys(known)
    try:
        tables = tomllib.loads(source)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{file}: is not TOML: {error}") from None
    top = read_table(tables, file_keys(known), Place(file, ""))
    world = read_table(top["world"], WORLD, Place(file, "[world]"))
    rows = read_list(top["organisation"], "organisation", keys, Place(file, ""))
    if not rows:
        raise Place(file, "").error("organisation is missing: add a table [[organisation]]")
    for name in ("id", "org_id"):
        refuse_duplicates(name, [(place, row[name]) for place, row in rows])
    servers = [_servers(place, row) for place, row in rows]
    for (place, row), each in zip(rows, servers, strict=True):
        row["arrivals"] = _arrivals(place, row, each)
    refuse_duplicates("id", [(place, row["id"]) for each in servers for place, row in each])
    given = [(place, row["token"]) for each in servers for place, row in each if row["token"]]
    refuse_duplicates("access_token", [(place, token["access_token"]) for place, token in given])
    lists = [
        _device_lists(place, row, each) for (place, row), each in zip(rows, servers, strict=True)
    ]
    _refuse_impossible([each for some in lists for each in some])
    for place, _ in [each for _, row in rows for each in row["arrivals"]][MOST_EVER:]:
        raise place.error(f"is one too many: a world has at most {MOST_EVER} arrivals")
    parts = _parts(known, [Rows(place, row) for place, row in rows])
    numbers = count()
    return World(
        name=world["name"],
        about=world["about"].strip(),
        organisations=tuple(
            _organisation(row, each, [_device_list(next(numbers), r) for _, r in some], own)
            for (_, row), each, some, own in zip(rows, servers, lists, parts, strict=True)
        ),
        parts={one.name: one.file.read(Rows(Place(file, ""), top)) for one in known if one.file},
    )


def _servers(place: Place, row: dict[str, Any]) -> Tables:
    rows = read_list(row["dep_server"], "organisation.dep_server", DEP_SERVER, place)
    for at, server in rows:
        if server["token"] is not None:
            given = read_table(
                server["token"], SERVER_TOKEN, at.part("organisation.dep_server.token")
            )
            server["token"] = {name: value for name, value in given.items() if value is not None}
    refuse_duplicates("name", [(place, server["name"]) for place, server in rows])
    return rows


def _parts(known: Iterable[Provisioning], rows: Sequence[Rows]) -> list[dict[str, Any]]:
    """Return for each organisation what the services read of it, by their names."""
    parts: list[dict[str, Any]] = [{} for _ in rows]
    for one in known:
        if one.world is not None:
            for part, value in zip(parts, one.world.read(rows), strict=True):
                part[one.name] = value
    return parts


def _device_lists(place: Place, row: dict[str, Any], servers: Tables) -> Tables:
    rows = read_list(row["devices"], "organisation.devices", DEVICES, place)
    for at, devices in rows:
        _refuse_foreign(at, devices["server"], servers)
        _settle(at, devices)
    return rows


def _arrivals(place: Place, row: dict[str, Any], servers: Tables) -> Tables:
    rows = read_list(row["arrivals"], "organisation.arrivals", ARRIVALS, place)
    for at, one in rows:
        _refuse_foreign(at, one["server"], servers)
        if one["starts"] is not None and one["ends"] is not None and one["ends"] <= one["starts"]:
            raise at.error("ends must be after starts: set a later time, or drop it")
    return rows


def _refuse_foreign(place: Place, server: str, servers: Tables) -> None:
    known = [one["id"] for _, one in servers]
    if server not in known:
        raise place.error(
            f"server {server!r} is not one of the organisation's: "
            f"use {', '.join(known) or 'one that [[organisation.dep_server]] adds'}"
        )


def _settle(place: Place, devices: dict[str, Any]) -> None:
    """Read the listed devices of one list, and refuse a list that is neither or both."""
    listed = read_list(devices["device"], "organisation.devices.device", HARDWARE, place)
    if bool(listed) == (devices["count"] is not None):
        raise place.error("needs either count or device tables: add count = 25, or drop one")
    if listed and devices["families"]:
        raise place.error("families goes with count only: drop it")
    for at, hardware in listed:
        family, os = hardware["device_family"], hardware["os"]
        if FAMILIES[family] != os:
            raise at.error(f'os {os!r} does not go with {family}: write os = "{FAMILIES[family]}"')
    devices["device"] = listed


def _refuse_impossible(lists: Tables) -> None:
    refuse_duplicates(
        "serial_number",
        [(place, row["serial_number"]) for _, each in lists for place, row in each["device"]],
    )
    for place, _ in lists[MOST_LISTS:]:
        raise place.error(f"is one list too many: put the devices into {MOST_LISTS} lists")
    for place, each in lists[LARGE_LISTS:]:
        if (each["count"] or 0) > PART:
            raise place.error(
                f"count must be at most {PART} from the {LARGE_LISTS + 1}th list on: "
                "put the large lists first"
            )


def _organisation(
    row: dict[str, Any], servers: Tables, devices: list[DeviceList], parts: dict[str, Any]
) -> Organisation:
    lists = ("dep_server", "devices", "arrivals")
    facts = {key.name: row[key.name] for key in ORGANISATION if key.name not in lists}
    return Organisation(
        **facts,
        dep_servers=tuple(DepServer(**server) for _, server in servers),
        devices=tuple(devices),
        arrivals=tuple(_arrival_plan(one) for _, one in row["arrivals"]),
        parts=parts,
    )


def _arrival_plan(row: dict[str, Any]) -> ArrivalPlan:
    return ArrivalPlan(
        server=row["server"],
        assigned_by=row["assigned_by"],
        count=row["count"],
        every_s=row["every_s"],
        starts_ms=row["starts"],
        ends_ms=row["ends"],
        times=row["times"] or 0,
        families=None if row["families"] is None else tuple(row["families"]),
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
        migrate_in_days=row["migrate_in_days"],
        listed=listed,
    )
