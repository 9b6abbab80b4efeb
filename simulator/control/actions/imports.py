"""The call that does what a file of depsim or vppsim asks for: all of it or nothing."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice

from aiohttp import web

from simulator.control.actions import additions, arrivals, inventory
from simulator.control.api import devices, faults
from simulator.control.api.vpp import complete_due_events, find
from simulator.control.parts import (
    BODY,
    PARTS,
    ApiProblem,
    Parts,
    Route,
    bad,
    checked_body,
    json_response,
)
from simulator.core.settings import ConfigurationError
from simulator.core.state import Body, State
from simulator.protocol.fields import Field, Objects, String, Strings
from simulator.services.vpp.domain import supply
from simulator.services.vpp.domain.licences import ASSET, Asset, asset_key
from simulator.services.vpp.domain.users import USER, User
from simulator.services.vpp.limits import PRICING
from simulator.worlds import depsim, vppsim
from simulator.worlds.depsim import Insertion
from simulator.worlds.vppsim import VppsimConfiguration

_PAGE = 200
"""Of how many assets or users one transaction reads."""
_TRIES = 10
"""How often assets are looked at that others change at the same time."""


async def import_file(request: web.Request) -> web.Response:
    """Do what the file asks for, all of it or nothing.

    Of depsim: add its devices, now and over time, and inject its responses. Of vppsim: buy its
    licences, and let registered users accept their invitation.
    """
    parts, body = request.app[PARTS], request[BODY]
    document = body["document"]
    try:
        if vppsim.is_one(document):
            asked = await asyncio.to_thread(vppsim.read, document)
            answer = await _supply(parts, asked, body.get("location"))
            return json_response(answer, status=201)
        added, work = await asyncio.to_thread(_read, parts, body)
    except ConfigurationError as error:
        raise bad(str(error)) from None
    serials, answer = await additions.add_all(parts, added, work)
    if "arrivals" in answer:
        answer["serial_numbers"] = serials
    return json_response(answer, status=201)


def _read(parts: Parts, body: Body) -> tuple[list[Body], Callable[[State], Body]]:
    """Return what devices the file adds at once, and what does all else that it asks for.

    ConfigurationError or a problem if that cannot be.
    """
    now_ms = parts.clock.now_ms()
    asked = depsim.read(body["document"], _operations(parts))
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


async def _supply(parts: Parts, asked: VppsimConfiguration, location: str | None) -> Body:
    """Do what a file of vppsim asks for: what decides is one small transaction."""
    bought: Counter[str] = Counter()
    for one in asked.purchases:
        bought[one.adam_id] += one.quantity
    lots = [list(islice(bought, at, at + _PAGE)) for at in range(0, len(bought), _PAGE)]
    place, revision = await _ordered(parts, asked, location, bought, lots)
    answer: Body = {"assets": [], "vpp_users": [], "left_out": list(asked.left_out)}
    for lot in lots:
        page = await parts.gateway.run(partial(_bought, parts=parts, location=place, lot=lot))
        answer["assets"] += page
    after: int | None = revision
    while asked.users and after is not None:
        page, after = await parts.gateway.run(
            partial(_accepted, parts=parts, location=place, after=after)
        )
        answer["vpp_users"] += page
    accepted = len(answer["vpp_users"])
    if accepted < asked.users:
        answer["left_out"].append(f"associate_users: there were only {accepted} registered users")
    return answer


async def _ordered(
    parts: Parts,
    asked: VppsimConfiguration,
    location: str | None,
    bought: Mapping[str, int],
    lots: Sequence[Sequence[str]],
) -> tuple[str, int]:
    """Order it; return the location's id and a revision before. 409 if it cannot be had."""
    for _ in range(_TRIES):
        revision = await asyncio.to_thread(parts.journal.revision)
        for lot in lots:
            some = {adam_id: bought[adam_id] for adam_id in lot}
            await parts.gateway.run(partial(_refuse, parts=parts, location=location, bought=some))
        order = partial(
            _order, parts=parts, location=location, asked=asked, bought=bought, since=revision
        )
        if (place := await parts.gateway.run(order)) is not None:
            return place, revision
    detail = (
        "nothing was bought, as others keep changing the assets that the file is about: "
        "import it again when they have done"
    )
    raise ApiProblem(409, "Conflict", detail)


def _refuse(state: State, *, parts: Parts, location: str | None, bought: Mapping[str, int]) -> None:
    complete_due_events(parts, state)
    one = find(state, location)
    supply.refuse(state.of(one.organisation), one, bought)


def _order(
    state: State,
    *,
    parts: Parts,
    location: str | None,
    asked: VppsimConfiguration,
    bought: Mapping[str, int],
    since: int,
) -> str | None:
    """Order it and return the location's id; None: assets have changed since it was looked at."""
    now_ms, one = complete_due_events(parts, state), find(state, location)
    own = state.of(one.organisation)
    changed = own.changes(one.kind(ASSET), since, limit=_PAGE)
    if len(changed) == _PAGE or any(each.body["adam_id"] in bought for each in changed):
        return None
    purchases = [(each.adam_id, each.quantity) for each in asked.purchases]
    supply.order(own, one, purchases, asked.users, now_ms=now_ms)
    return one.id


def _bought(state: State, *, parts: Parts, location: str, lot: Sequence[str]) -> list[Body]:
    complete_due_events(parts, state)
    one = find(state, location)
    keys = [asset_key(adam_id, PRICING[0]) for adam_id in lot]
    found = state.of(one.organisation).get_many(one.kind(ASSET), keys)
    return [inventory.shown_asset(state, Asset.of(each)) for each in found.values()]


def _accepted(
    state: State, *, parts: Parts, location: str, after: int
) -> tuple[list[Body], int | None]:
    """Return a page of who has accepted, and where the next one begins."""
    complete_due_events(parts, state)
    one = find(state, location)
    found = state.of(one.organisation).changes(one.kind(USER), after, limit=_PAGE)
    changed = map(User.of, found)
    shown = [inventory.shown_user(each) for each in changed if supply.has_accepted(one, each)]
    return shown, found[-1].revision if len(found) == _PAGE else None


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
