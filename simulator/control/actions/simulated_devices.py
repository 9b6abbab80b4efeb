"""Calls for simulated devices: create, turn on, enrol, erase them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from aiohttp import web

from simulator.control.actions.additions import add_all
from simulator.control.actions.simulated_device_bodies import (
    OPTIONS,
    PROFILE,
    options_of,
    profile_of,
)
from simulator.control.api.devices import materialise_arrivals, with_device
from simulator.control.device_host import HOST
from simulator.control.parts import (
    AFTER,
    BODY,
    LIMIT,
    PARTS,
    QUERY,
    Parts,
    Route,
    bad,
    json_response,
    missing,
)
from simulator.core.state import Body, State
from simulator.protocol.fields import Boolean, Integer, Objects, String, Strings
from simulator.services.fleet import portal
from simulator.services.fleet.servers import SERVER, servers

if TYPE_CHECKING:
    from simulator.devices.device import VirtualDevice
    from simulator.devices.hosting.fleet import Fleet

MAX_PAGE = 1000
MOST_AT_ONCE = 1000
"""Devices that one call creates."""
AT_ONCE = 100
"""Devices that do something at the same time, or that one transaction reads."""
MOST_NAMED = 100
"""Servers that a problem names, where one has to be chosen."""


async def list_devices(request: web.Request) -> web.Response:
    """Answer a page of the simulated devices by serial number, without their lives."""
    limit = request[QUERY]["limit"]
    after = request[QUERY]["after"]
    fleet = request.app[HOST].running
    serials = [] if fleet is None else [one for one in fleet.serials() if one > after]
    shown = [] if fleet is None else [_brief(fleet, one) for one in serials[:limit]]
    more = serials[limit - 1] if len(serials) > limit else None
    return json_response({"simulated_devices": shown, "next": more})


def _brief(fleet: "Fleet", serial: str) -> Body:
    """Return a device without its life, which can be long."""
    shown = fleet.get(serial).shown()
    del shown["life"]
    return shown


async def get_device(request: web.Request) -> web.Response:
    """Answer one simulated device, with its life."""
    fleet = await request.app[HOST].fleet()
    return json_response(fleet.get(request.match_info["serial"]).shown())


async def add_devices(request: web.Request) -> web.Response:
    """Create simulated devices: those of ``serial_numbers``, or ``count`` bought ones."""
    parts, body = request.app[PARTS], request[BODY]
    fleet = await request.app[HOST].fleet()
    options, enrol = options_of(body.get("options", {})), _turning_on(fleet, body)
    serials, count = body.get("serial_numbers"), body.get("count", 0)
    if (serials is None) == (count == 0):
        raise bad('the body must be {"count": 3} or {"serial_numbers": ["…"]}')
    if serials is None:
        serials = await _bought(parts, count, body)
    if len(serials) > MOST_AT_ONCE:
        raise bad(f"serial_numbers holds {len(serials)}: one call takes {MOST_AT_ONCE} at most")
    if len(set(serials)) < len(serials):
        raise bad("serial_numbers holds a serial number twice")
    await materialise_arrivals(parts)
    found: list[tuple[str, Body, str]] = []
    for at in range(0, len(serials), AT_ONCE):
        found += await parts.gateway.run(partial(_known, serials[at : at + AT_ONCE]))
    taken = sorted(set(serials) & set(fleet.serials()))
    if taken:
        raise ValueError(f"{taken[0]} is a simulated device already")
    await asyncio.gather(*(fleet.add(*one, copy(options)) for one in found))
    if enrol is not None:
        await _each(serials, enrol)
    return json_response(
        {"simulated_devices": [fleet.get(one).shown() for one in serials]}, status=201
    )


async def _bought(parts: Parts, count: int, body: Body) -> list[str]:
    """Buy invented devices for a DEP server, the only one if none is named."""
    server = body.get("server") or await parts.gateway.run(_only_server)
    wanted = {"server": server, "count": count, "families": body.get("families")}
    serials, _ = await add_all(parts, [wanted], lambda _: None)
    return serials


def _only_server(state: State) -> str:
    """Return the one DEP server that there is; a problem if there are several."""
    every = (one.key for org in state.organisations_with(SERVER) for one in servers(state.of(org)))
    found = list(islice(every, MOST_NAMED))
    if len(found) != 1:
        raise bad(f"name the DEP server, one of {', '.join(found) or 'none'}")
    return found[0]


def _known(serials: Sequence[str], state: State) -> list[tuple[str, Body, str]]:
    """Return of devices that Apple knows: serial number, hardware, organisation."""
    homes = [(serial, with_device(state, serial)) for serial in serials]
    return [(one, dict(portal.device(state.of(org), one).record), org) for one, org in homes]


async def _each(serials: list[str], act: "Callable[[str], Awaitable[VirtualDevice]]") -> None:
    """Do something with many devices, some at a time."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(serial: str) -> None:
        async with turns:
            await act(serial)

    await asyncio.gather(*(one(serial) for serial in serials))


def _turning_on(fleet: "Fleet", body: Body) -> "Callable[[str], Awaitable[VirtualDevice]] | None":
    """Return what new devices do at once: enrol by the profile that is named, or turn on."""
    url, content = body.get("profile_url", ""), profile_of(body)
    if url and content:
        raise bad("the body must name one of profile_url and profile (in base64)")
    if url or content:
        return lambda serial: fleet.enrol(serial, content=content, url=url)
    return fleet.power_on if body.get("power_on", False) else None


async def _enrol(fleet: "Fleet", serial: str, body: Body) -> "VirtualDevice":
    url, content, account = body.get("profile_url", ""), profile_of(body), body.get("account", "")
    if [bool(one) for one in (url, content, account)].count(True) != 1:
        raise bad("the body must name one of profile_url, profile (in base64) and account")
    if account:
        return await fleet.enrol_account(serial, account)
    return await fleet.enrol(serial, content=content, url=url)


async def _use_account(fleet: "Fleet", serial: str, body: Body) -> "VirtualDevice":
    account = body.get("account", "")
    if not account:
        raise bad("the body must name the account: name@domain")
    return await fleet.use_account(serial, account)


async def _log_in(fleet: "Fleet", serial: str, body: Body) -> "VirtualDevice":
    name = body.get("user", "")
    if not name:
        raise bad("the body must name the user: a short name")
    return await fleet.log_in(serial, name, body.get("password", ""))


async def _log_out(fleet: "Fleet", serial: str, body: Body) -> "VirtualDevice":
    name = body.get("user", "")
    if not name:
        raise bad("the body must name the user: a short name")
    return await fleet.log_out(serial, name)


async def _change(fleet: "Fleet", serial: str, body: Body) -> "VirtualDevice":
    return await fleet.change(serial, options_of(body.get("options", {})))


ACTIONS: "dict[str, Callable[[Fleet, str, Body], Awaitable[VirtualDevice]]]" = {
    "power-on": lambda fleet, serial, _: fleet.power_on(serial),
    "power-off": lambda fleet, serial, _: fleet.power_off(serial),
    "enrol": _enrol,
    "sign-in": _use_account,
    "log-in": _log_in,
    "log-out": _log_out,
    "erase": lambda fleet, serial, _: fleet.erase(serial),
    "migrate": lambda fleet, serial, _: fleet.migrate(serial),
    "return-to-service": lambda fleet, serial, _: fleet.return_to_service(serial),
    "unenrol": lambda fleet, serial, _: fleet.unenrol(serial),
    "poll": lambda fleet, serial, _: fleet.poll(serial),
    "options": _change,
}


async def act_on_device(request: web.Request) -> web.Response:
    """Do what the person can who holds the device."""
    body, action = request[BODY], ACTIONS.get(request.match_info["action"])
    if action is None:
        raise missing(f"there is no such action; there are {', '.join(ACTIONS)}")
    fleet = await request.app[HOST].fleet()
    device = await action(fleet, request.match_info["serial"], body)
    return json_response(device.shown())


async def remove_device(request: web.Request) -> web.Response:
    """Delete a simulated device; its MDM is told nothing."""
    fleet = await request.app[HOST].fleet()
    await fleet.remove(request.match_info["serial"])
    return json_response({"removed": request.match_info["serial"]})


ROUTES = (
    Route(
        "GET",
        "/simulated-devices",
        "List simulated devices.",
        list_devices,
        query=(AFTER, LIMIT),
        answer=(Objects("simulated_devices", "By serial number.", required=True),),
    ),
    Route(
        "POST",
        "/simulated-devices",
        "Create simulated devices.",
        add_devices,
        query=(),
        body=(
            Strings("serial_numbers", "Devices that Apple knows."),
            Integer("count", "How many are bought instead.", least=1, most=MOST_AT_ONCE, example=1),
            String("server", "Id of the DEP server of bought ones.", shortest=1),
            Strings("families", "What bought ones may be; anything if absent."),
            Boolean("power_on", "Whether they are turned on at once."),
            *PROFILE,
            OPTIONS,
        ),
        answer=(Objects("simulated_devices", "The new ones.", required=True),),
        status=201,
    ),
    Route("GET", "/simulated-devices/{serial}", "Get a simulated device.", get_device, query=()),
    Route(
        "DELETE",
        "/simulated-devices/{serial}",
        "Delete a simulated device.",
        remove_device,
        query=(),
        answer=(String("removed", "Its serial number.", required=True),),
    ),
    Route(
        "POST",
        "/simulated-devices/{serial}/{action}",
        "Act on a simulated device.",
        act_on_device,
        query=(),
        body=(
            *PROFILE,
            String("user", "Short name of who logs in or out.", longest=64, example="anna"),
            String("password", "Of a network account that logs in to a Mac."),
            String(
                "account",
                "The account that its user enrols by, or signs in to.",
                example="a@example.com",
            ),
            OPTIONS,
        ),
    ),
)
