"""The call that does what a file of depsim or vppsim asks for: all of it or nothing."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from simulator.control.actions import additions, arrivals, inventory
from simulator.control.api import devices, faults
from simulator.control.parts import BODY, PARTS, Parts, Route, bad, checked_body
from simulator.core.settings import ConfigurationError
from simulator.core.state import Body, State
from simulator.protocol.fields import Field, Objects, String, Strings
from simulator.worlds import depsim, vppsim
from simulator.worlds.depsim import Insertion
from simulator.worlds.vppsim import LicencePurchase, VppsimConfiguration


async def import_file(request: web.Request) -> web.Response:
    """Do what the file asks for, all of it or nothing.

    Of depsim: add its devices, now and over time, and inject its responses. Of vppsim: buy its
    licences, and let registered users accept their invitation.
    """
    parts = request.app[PARTS]
    try:
        added, work = await asyncio.to_thread(_read, parts, request[BODY])
    except ConfigurationError as error:
        raise bad(str(error)) from None
    serials, answer = await additions.add_all(parts, added, work)
    if "arrivals" in answer:
        answer["serial_numbers"] = serials
    return web.json_response(answer, status=201)


def _read(parts: Parts, body: Body) -> tuple[list[Body], Callable[[State], Body]]:
    """Return what devices the file adds at once, and what does all else that it asks for.

    ConfigurationError or a problem if that cannot be.
    """
    document, now_ms = body["document"], parts.clock.now_ms()
    if vppsim.is_one(document):
        supply = vppsim.read(document)
        return [], lambda state: _supply(state, parts, supply, body)
    asked = depsim.read(document, _operations(parts))
    wanted = [faults.read(parts, checked_body(one, faults.FAULT)) for one in asked.faults]
    server = {"server": body["server"]} if "server" in body else {}
    later = [
        checked_body(_added(one) | _later(one) | server, arrivals.ORDER)
        for one in asked.insertions
        if one.times != 1
    ]
    now = [checked_body(_added(one) | server, devices.NEW) for one in asked.insertions]

    def work(state: State) -> Body:
        return {
            "arrivals": [arrivals.place_order(state, parts, one, now_ms) for one in later],
            "faults": [one.shown(0, 0, now_ms) for one in faults.arm(state, wanted)],
            "left_out": list(asked.left_out),
        }

    return now, work


def _operations(parts: Parts) -> dict[tuple[str, str], str]:
    return {
        (method, one.path): one.name
        for one in parts.catalogue.operations.values()
        if one.service == "dep"
        for method in one.methods
    }


def _added(one: Insertion) -> Body:
    """Return how the devices of one event are added."""
    families = {"families": list(one.families)} if one.families else {}
    return {"count": one.count, **families}


def _later(one: Insertion) -> Body:
    """Return how devices go on to come after the first event."""
    return {"every_s": one.every_s or 1, **({"times": one.times - 1} if one.times else {})}


def _supply(state: State, parts: Parts, asked: VppsimConfiguration, body: Body) -> Body:
    """Do what a file of vppsim asks for."""
    where = {"location": body["location"]} if "location" in body else {}
    bought = [
        inventory.purchase(state, parts, checked_body(where | _order(one), inventory.PURCHASE))
        for one in asked.purchases
    ]
    invited = inventory.registered(state, body.get("location"), asked.users)
    accepted = [
        inventory.accept(
            state, parts, where | {"client_user_id": user, "account": f"{user}@school.example"}
        )
        for user in invited
    ]
    left_out = list(asked.left_out)
    if len(accepted) < asked.users:
        left_out.append(f"associate_users: there were only {len(accepted)} registered users")
    return {"assets": bought, "vpp_users": accepted, "left_out": left_out}


def _order(one: LicencePurchase) -> Body:
    """Return how to buy licences of a product that is put into the store with them."""
    product = {"adam_id": one.adam_id, "name": f"App {one.adam_id}"}
    return {"product": product, "quantity": one.quantity}


ROUTES = (
    Route(
        "POST",
        "/imports",
        "Do what a configuration file of depsim or vppsim asks for, whole or not at all.",
        import_file,
        query=(),
        body=(
            Field("document", "The file's JSON.", required=True, example={"device_insertions": []}),
            String("server", "Id of the DEP server, where there are several.", shortest=1),
            String("location", "Id of the VPP location, where there are several.", shortest=1),
        ),
        answer=(
            Strings("left_out", "What has no counterpart here.", required=True),
            Strings("serial_numbers", "Of new devices; of depsim."),
            Objects("arrivals", "Orders of more; of depsim."),
            Objects("faults", "Those that are armed; of depsim."),
            Objects("assets", "What was bought; of vppsim."),
            Objects("vpp_users", "Who has accepted; of vppsim."),
        ),
        status=201,
    ),
)
