"""Calls for what people do in Apple's portal to one device, and for what it does itself."""

from collections.abc import Callable

from aiohttp import web
from msgspec import Struct

from simulator.control.api.devices import (
    BY,
    HARDWARE,
    SERVER_ROW,
    invented,
    materialise_arrivals,
    shown,
    who,
    with_device,
)
from simulator.control.device_host import HOST
from simulator.control.parts import (
    BODY,
    PARTS,
    Parts,
    Route,
    bad,
    check_body,
    json_response,
    missing,
)
from simulator.core.state import Body, State
from simulator.core.timestamps import is_time, milliseconds
from simulator.protocol import quirks
from simulator.protocol.fields import Boolean, Integer, Object, String, Strings
from simulator.services.dep.profiles import assigned_profile
from simulator.services.dep.quirks import RELEASE_TELLS
from simulator.services.fleet import portal
from simulator.services.fleet.devices import Device
from simulator.services.vpp.domain.licences import seen_by_device


class _Act(Struct, frozen=True):
    """What a portal action gets."""

    state: State
    parts: Parts
    serial: str
    body: Body
    by: str
    now_ms: int
    organisation: str

    def needed(self, name: str) -> str:
        """Return the text *name* of the body, which the action cannot do without."""
        if name not in self.body:
            raise bad(f"the body needs {name}, a string")
        return str(self.body[name])


def _assign(act: _Act) -> Device:
    return portal.assign(act.state, act.serial, act.needed("server"), by=act.by, now_ms=act.now_ms)


def _replace(act: _Act) -> Device:
    given = act.body.get("device")
    if given is not None:
        check_body(given, HARDWARE, "device.", further=True)
    family = portal.device(act.state, act.serial).record["device_family"]
    hardware = given or next(invented(act.state, act.parts, 1, [family]))
    return portal.replace_device(act.state, act.serial, hardware, by=act.by, now_ms=act.now_ms)


def _throttle(act: _Act) -> Device:
    return portal.throttle(act.state, act.serial, act.body["seconds"], now_ms=act.now_ms)


def _migrate(act: _Act) -> Device:
    deadline = milliseconds(act.needed("deadline"))
    return portal.migrate(act.state, act.serial, deadline, now_ms=act.now_ms)


ACTIONS: dict[str, Callable[[_Act], Device]] = {
    "assign": _assign,
    "move": _assign,
    "unassign": lambda act: portal.unassign(act.state, act.serial, now_ms=act.now_ms),
    "release": lambda act: portal.release(
        act.state,
        act.serial,
        now_ms=act.now_ms,
        tells=quirks.on(act.state, RELEASE_TELLS.id, act.organisation),
    ),
    "replace": _replace,
    "activate": lambda act: portal.activate(act.state, act.serial, now_ms=act.now_ms),
    "throttle": _throttle,
    "migrate": _migrate,
    "complete-migration": lambda act: portal.complete_migration(
        act.state, act.serial, now_ms=act.now_ms
    ),
    "clear-migration": lambda act: portal.clear_migration(act.state, act.serial, now_ms=act.now_ms),
    "fail": lambda act: portal.fail(
        act.state, act.serial, failing=act.body["failing"], now_ms=act.now_ms
    ),
}

_MIGRATIONS = ("migrate", "clear-migration")
"""What simulated devices are told of at once, as Apple pushes to them then."""


async def act_on_device(request: web.Request) -> web.Response:
    """Do what the portal, or the device itself, can do to a device."""
    parts, serial = request.app[PARTS], request.match_info["serial"]
    body = request[BODY]
    action = ACTIONS.get(request.match_info["action"])
    if action is None:
        raise missing(f"there is no such action; there are {', '.join(ACTIONS)}")
    now_ms = parts.clock.now_ms()

    def work(state: State) -> Body:
        org = with_device(state, serial)
        by = who(state, org, body)
        own = state.of(org)
        device = action(_Act(own, parts, serial, body, by, now_ms, org))
        if action is not ACTIONS["activate"]:
            return shown(device)
        return shown(device) | {"profile": assigned_profile(own, device)}

    await materialise_arrivals(parts)
    answer = await parts.gateway.run(work)
    if request.match_info["action"] in _MIGRATIONS and (fleet := request.app[HOST].running):
        deadline = answer.get("mdm_migration_deadline")
        await fleet.set_deadline(serial, milliseconds(deadline) if deadline else 0)
    return json_response(answer)


async def list_licences(request: web.Request) -> web.Response:
    """Answer the store ids that are assigned to a device, as it asks before it installs an app."""
    parts, serial = request.app[PARTS], request.match_info["serial"]

    def work(state: State) -> list[str]:
        organisation = with_device(state, serial)
        return seen_by_device(state.of(organisation), organisation, serial)

    return json_response({"adam_ids": await parts.gateway.run(work)})


ROUTES = (
    Route(
        "GET",
        "/devices/{serial}/licences",
        "List the apps that a device has a licence for.",
        list_licences,
        query=(),
        answer=(Strings("adam_ids", "Their store ids.", required=True),),
    ),
    Route(
        "POST",
        "/devices/{serial}/{action}",
        "Act on a device.",
        act_on_device,
        query=(),
        body=(
            SERVER_ROW,
            Object("device", "The new device of a replacement, by its wire names."),
            Integer(
                "seconds",
                "How long it is throttled; 0 ends it.",
                least=0,
                most=10**9,
                default=86_400,
            ),
            String("deadline", "By when it has to migrate.", check=is_time),
            Boolean("failing", "Whether calls that change it fail.", default=True),
            BY,
        ),
    ),
)
