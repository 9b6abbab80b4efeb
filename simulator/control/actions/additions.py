"""The call that adds devices, however many: all of them at once, or none.

What takes long, such as inventing them, is done outside of any transaction. What decides is one
small one; after it the devices are written piece by piece, before anybody looks at them.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import TypeVar

from aiohttp import web

from simulator.control.api.devices import (
    MAX_ADDED,
    MAX_PAGE,
    NEW,
    materialise_arrivals,
    numbered,
    only_server,
    who,
)
from simulator.control.api.servers import home, with_server
from simulator.control.parts import BODY, PARTS, Parts, Route, bad, json_response
from simulator.core.state import Body, State
from simulator.protocol.fields import Strings
from simulator.services.fleet import at_once, orders, portal
from simulator.services.fleet import devices as fleet
from simulator.services.fleet.at_once import Addition
from simulator.services.fleet.devices import Device

T = TypeVar("T")
Where = tuple[str, str, str]
"""Organisation, server, and who adds devices to it."""


async def add_devices(request: web.Request) -> web.Response:
    """Add devices: ``count`` invented ones, or those of ``devices`` by their wire names."""
    parts, body = request.app[PARTS], request[BODY]
    given, count = body.get("devices"), body.get("count", 0)
    if given == []:
        raise bad("devices must be an array of objects, one at least")
    if given is None and not count:
        raise bad(f'the body must be {{"count": 1}} (to {MAX_ADDED}) or {{"devices": [...]}}')
    serials, _ = await add_all(parts, [body], lambda _: None)
    return json_response({"serial_numbers": serials}, status=201)


async def add_all(
    parts: Parts, bodies: Sequence[Body], also: Callable[[State], T]
) -> tuple[list[str], T]:
    """Add the devices that each of the checked *bodies* describes, and do *also*: all or nothing.

    Return their serial numbers, and what *also* returned. What takes long is done outside of any
    transaction, or in pieces; what decides, in one small one.
    """
    now_ms = parts.clock.now_ms()
    await materialise_arrivals(parts)
    plans = await parts.gateway.run(lambda state: _planned(state, bodies))
    serials = await asyncio.to_thread(_serials, plans, parts.settings.seed)
    wanted: dict[str, dict[str, None]] = {}
    for (org, _, _), found in serials.items():
        wanted.setdefault(org, {}).update(dict.fromkeys(found))

    def write(state: State, revision: int) -> tuple[T] | None:
        for org, given in wanted.items():
            own = state.of(org)
            changed = own.changes(fleet.DEVICE, revision, limit=MAX_PAGE)
            unsure = len(changed) == MAX_PAGE or any(one.key in given for one in changed)
            if unsure or orders.next_ms(own) <= now_ms:
                return None
        done = also(state)
        for (org, server, by), one in plans.items():
            seed = parts.settings.seed
            at_once.add(state.of(org), server, one, now_ms=now_ms, by=by, seed=seed)
        return (done,)

    written: tuple[T] | None = None
    while written is None:
        await materialise_arrivals(parts)
        revision = await asyncio.to_thread(parts.journal.revision)
        new = [await _are_new(parts, org, list(one), now_ms) for org, one in wanted.items()]
        if all(new):
            written = await parts.gateway.load(partial(write, revision=revision))
    await materialise_arrivals(parts)
    return [serial for found in serials.values() for serial in found], written[0]


async def _are_new(parts: Parts, org: str, serials: list[str], now_ms: int) -> bool:
    """Tell whether devices can be added; False: ask again once others are there. Else ValueError.

    Each transaction looks at some of them only.
    """
    known: dict[str, Device] = {}
    for at in range(0, len(serials), MAX_PAGE):
        lot = serials[at : at + MAX_PAGE]
        found = await parts.gateway.run(partial(_taken, org=org, serials=lot, now_ms=now_ms))
        if found is None:
            return False
        known |= found
    portal.refuse_taken(known, ((serial, now_ms) for serial in serials))
    return True


def _taken(state: State, org: str, serials: list[str], now_ms: int) -> dict[str, Device] | None:
    own = state.of(org)
    return None if orders.next_ms(own) <= now_ms else portal.taken(own, serials)


def _planned(state: State, bodies: Iterable[Body]) -> dict[Where, Addition]:
    """Return what is added where; devices that are invented get numbers of their own."""
    listed: dict[Where, list[Body]] = {}
    runs: dict[Where, list[tuple[int, int, list[str] | None]]] = {}
    for body in bodies:
        server = body.get("server")
        org = with_server(state, server) if server else home(state, body.get("organisation"))
        where = org, server or only_server(state.of(org)), who(state, org, body)
        given, several = listed.setdefault(where, []), runs.setdefault(where, [])
        given += body.get("devices") or ()
        if not body.get("devices"):
            several.append((numbered(state, body["count"]), body["count"], body.get("families")))
    return {where: Addition(given, runs[where]) for where, given in listed.items()}


def _serials(plans: Mapping[Where, Addition], seed: int) -> dict[Where, list[str]]:
    """Return the serial numbers of all; of invented devices, that takes its time."""
    return {
        where: [
            facts["serial_number"] for facts in chain(one.listed, at_once.hardware(one.runs, seed))
        ]
        for where, one in plans.items()
    }


ROUTES = (
    Route(
        "POST",
        "/devices",
        "Add devices.",
        add_devices,
        query=(),
        body=NEW,
        answer=(Strings("serial_numbers", "Of the new ones.", required=True),),
        status=201,
    ),
)
