"""Calls that add and list devices, and list the profiles they get."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec
from aiohttp import web

from simulator.control.api.servers import home, with_server
from simulator.control.parts import (
    BODY,
    PAGE,
    PARTS,
    QUERY,
    Parts,
    Route,
    bad,
    json_response,
    missing,
)
from simulator.control.parts import ORGANISATION as ORGANISATION_ROW
from simulator.core.messages import Response
from simulator.core.state import Body, State
from simulator.hardware.devices import ADDED, generate
from simulator.hardware.products import FAMILIES
from simulator.protocol.fields import Field, Integer, Objects, String, Strings
from simulator.services.dep.assignment import PROFILE
from simulator.services.dep.device_rows import device_fields
from simulator.services.fleet import arrivals, portal
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.devices import Device
from simulator.services.fleet.servers import SERVER
from simulator.services.organisations import ORGANISATION

MAX_ADDED = 100_000
MAX_PAGE = 1000


def shown(device: Device) -> Body:
    """Return a device as the control API shows it: the record of the wire and what is behind."""
    hidden = {name: value for name, value in device.body().items() if name != "record"}
    return {"serial_number": device.serial, **device.record, "state": hidden}


async def materialise_arrivals(parts: Parts) -> None:
    """Let the devices of all organisations arrive that are due by now, piece by piece."""
    now_ms = parts.clock.now_ms()
    while not await parts.gateway.load(lambda state: arrivals.materialise_all(state, now_ms)):
        pass


async def list_devices(request: web.Request) -> web.Response:
    """Answer a page of devices: by serial number, those of ``server`` by assignment.

    ``prefix`` narrows to serial numbers that begin with it.
    """
    limit = request[QUERY]["limit"]
    wanted, after = request[QUERY].get("organisation"), request[QUERY]["after"]
    server, prefix = request[QUERY].get("server"), request[QUERY].get("prefix", "").upper()

    def by_assignment(state: State, server: str) -> tuple[list[Device], bool]:
        own = state.of(with_server(state, server))
        place = portal.device(own, after).place if after else 0
        return fleet.page(own, server, place, limit)

    def by_serial(state: State, after: str, most: int) -> list[Device]:
        own = state.of(home(state, wanted) if server is None else with_server(state, server))
        rows = own.scan(fleet.DEVICE, prefix=prefix, after=after, limit=most)
        return [Device.of(one) for one in rows]

    parts = request.app[PARTS]
    await materialise_arrivals(parts)
    if server is not None and not prefix:
        found, more = await parts.gateway.run(partial(by_assignment, server=server))
    else:
        # Any number of devices may be another server's, so a transaction looks at some of them.
        found, most = [], limit + 1 if server is None else MAX_PAGE
        while len(found) <= limit:
            batch = await parts.gateway.run(partial(by_serial, after=after, most=most))
            found += [one for one in batch if server in (None, one.server)]
            if len(batch) < most:
                break
            after = batch[-1].serial
        found, more = found[:limit], len(found) > limit
    following = found[-1].serial if found and more else None
    return json_response({"devices": [shown(one) for one in found], "next": following})


async def get_device(request: web.Request) -> web.Response:
    """Answer one device."""
    serial = request.match_info["serial"]

    def work(state: State) -> Body:
        return shown(portal.device(state.of(with_device(state, serial)), serial))

    await materialise_arrivals(request.app[PARTS])
    return json_response(await request.app[PARTS].gateway.run(work))


def with_device(state: State, serial: str) -> str:
    """Return the organisation that has a device, or a problem."""
    for org in state.organisations_with(fleet.DEVICE, serial):
        return org
    raise missing(f"no device has the serial number {serial}")


def numbered(state: State, count: int) -> int:
    """Take as many numbers of devices that have never been; return the first."""
    return ADDED + state.of("").reserve("dep.added", count) - 1


def invented(state: State, parts: Parts, count: int, families: Any) -> Iterator[Body]:
    """Return as many devices as have never been."""
    return generate(count, parts.settings.seed, start=numbered(state, count), families=families)


def only_server(state: State) -> str:
    """Return the organisation's one DEP server; a problem if it has several."""
    found = [one.key for one in state.scan(SERVER, limit=10_000)]
    if len(found) != 1:
        raise bad(f"name the server, one of {', '.join(found) or 'none'}")
    return found[0]


def who(state: State, org: str, body: Body) -> str:
    """Return the e-mail address of who does it: the one in *body*, or the administrator's."""
    found = state.of("").get(ORGANISATION, org)
    return str(body.get("by") or (found.body["admin_id"] if found else ""))


_CHANGEABLE = tuple(row for row in device_fields() if row.name != "serial_number")


async def change_device(request: web.Request) -> web.Response:
    """Set any attribute of a device; its server is told that it was modified."""
    parts, serial, body = request.app[PARTS], request.match_info["serial"], request[BODY]
    known = {row.name: row for row in _CHANGEABLE}
    for name, value in body.items():
        if name not in known:
            raise bad(f"{name} is no attribute of a device: there are {', '.join(known)}")
        if value is not None and (why := known[name].wrong_type(value)):
            raise bad(f"{name} {why}")
    now_ms = parts.clock.now_ms()

    def work(state: State) -> Body:
        own = state.of(with_device(state, serial))
        return shown(portal.change_device(own, serial, body, now_ms=now_ms))

    await materialise_arrivals(parts)
    return json_response(await parts.gateway.run(work))


async def list_profiles(request: web.Request) -> web.Response:
    """Answer a page of the profiles that MDM servers have defined, secrets as fingerprints."""
    parts = request.app[PARTS]
    limit = request[QUERY]["limit"]
    wanted, after = request[QUERY].get("organisation"), request[QUERY]["after"]

    def work(state: State) -> list[Body]:
        own = state.of(home(state, wanted))
        return [one.body for one in own.scan(PROFILE, after=after, limit=limit)]

    found = await parts.gateway.run(work)
    more = found[-1]["uuid"] if len(found) == limit else None
    sealed = [one | {"profile": _sealed(one["profile"], parts)} for one in found]
    return json_response({"profiles": sealed, "next": more})


def _sealed(profile: Body, parts: Parts) -> Any:
    """Return a profile as the journal would hold it: its URL may carry an enrolment secret."""
    operation = parts.catalogue.operations["dep.profile"]
    answer = Response(200, (), msgspec.json.encode(profile))
    sealed = parts.observer.seal_response(answer, operation, parts.catalogue.services["dep"])
    return msgspec.json.decode(sealed.body)


HARDWARE = (
    String("serial_number", "Serial number.", required=True, shortest=1),
    String("model", "Marketing name.", required=True, shortest=1),
    String("description", "Description.", required=True, shortest=1),
    String("os", "Operating system.", required=True, shortest=1),
    String("device_family", "Product family.", required=True, shortest=1),
)
BY = String("by", "E-mail address of who does it; the organisation's administrator if absent.")
SERVER_ROW = String("server", "Id of a DEP server.", shortest=1)
NEW = (
    Integer("count", "How many to invent.", least=1, most=MAX_ADDED, example=3),
    Strings("families", "Families to invent; all if absent.", values=tuple(FAMILIES)),
    Objects("devices", "The devices by their wire names, instead.", fields=HARDWARE),
    SERVER_ROW,
    ORGANISATION_ROW,
    BY,
)
NEXT = Field("next", "What to give as after to go on; null at the end.", required=True)
ROUTES = (
    Route(
        "GET",
        "/devices",
        "List devices.",
        list_devices,
        query=(
            *PAGE,
            SERVER_ROW,
            String("prefix", "How the serial number begins.", example="0Z"),
        ),
        answer=(Objects("devices", "By serial number, or by assignment.", required=True), NEXT),
    ),
    Route("GET", "/devices/{serial}", "Get a device.", get_device, query=()),
    Route(
        "PATCH",
        "/devices/{serial}",
        "Set attributes of a device by their wire names, null to take one away.",
        change_device,
        query=(),
        body=tuple(Field(row.name, row.about) for row in _CHANGEABLE),
    ),
    Route(
        "GET",
        "/profiles",
        "List profiles.",
        list_profiles,
        query=PAGE,
        answer=(Objects("profiles", "By identifier.", required=True), NEXT),
    ),
)
