"""Calls that let devices arrive over time, as new ones are bought."""

from aiohttp import web

from simulator.control.api.devices import (
    BY,
    MAX_ADDED,
    SERVER_ROW,
    materialise_arrivals,
    only_server,
    who,
)
from simulator.control.api.servers import home, with_server
from simulator.control.parts import BODY, PARTS, QUERY, Parts, Route, bad, json_response, missing
from simulator.control.parts import ORGANISATION as ORGANISATION_ROW
from simulator.core.state import Body, State
from simulator.core.timestamps import is_time, milliseconds
from simulator.engine.everywhere import of_all
from simulator.hardware.products import FAMILIES
from simulator.protocol.fields import Field, Integer, Objects, String, Strings
from simulator.services.fleet import arrivals, orders


async def list_arrivals(request: web.Request) -> web.Response:
    """Answer the open orders of one organisation, or of all."""
    parts, wanted = request.app[PARTS], request[QUERY].get("organisation")
    await materialise_arrivals(parts)
    chosen = None
    if wanted is not None:
        chosen = [await parts.gateway.run(lambda state: home(state, wanted))]
    return json_response({"arrivals": await of_all(parts.gateway, _ordered, chosen)})


def _ordered(state: State, organisation: str) -> list[Body]:
    found = orders.ordered(state.of(organisation))
    return [one.shown() | {"organisation": organisation} for one in found if not one.group]


async def order(request: web.Request) -> web.Response:
    """Let devices arrive from now on; the first come after ``every_s``, or at ``starts``."""
    parts, body = request.app[PARTS], request[BODY]
    now_ms = parts.clock.now_ms()
    await materialise_arrivals(parts)
    made = await parts.gateway.run(lambda state: place_order(state, parts, body, now_ms))
    return json_response(made, status=201)


def place_order(state: State, parts: Parts, body: Body, now_ms: int) -> Body:
    """Order the arrivals that a checked *body* describes, and return them as they are shown."""
    every_s, server_id = body["every_s"], body.get("server")
    starts_ms = milliseconds(body["starts"]) if "starts" in body else now_ms + every_s * 1000
    ends_ms = milliseconds(body["ends"]) if "ends" in body else orders.NEVER
    if ends_ms <= starts_ms:
        raise bad("ends must be after starts")
    org = with_server(state, server_id) if server_id else home(state, body.get("organisation"))
    own = state.of(org)
    made = arrivals.order(
        own,
        server_id or only_server(own),
        now_ms=now_ms,
        by=who(state, org, body),
        count=body["count"],
        every_s=every_s,
        seed=parts.settings.seed,
        starts_ms=starts_ms,
        ends_ms=ends_ms,
        times=body.get("times", 0),
        families=body.get("families"),
    )
    return made.shown() | {"organisation": org}


async def cancel(request: web.Request) -> web.Response:
    """Let no more devices of an order arrive; those that have stay."""
    parts, identifier = request.app[PARTS], request.match_info["id"]
    await materialise_arrivals(parts)

    found = [
        one["organisation"]
        for one in await of_all(parts.gateway, _ordered)
        if one["id"] == identifier
    ]
    if not found:
        raise missing(f"no order of arrivals has the id {identifier}")

    def work(state: State) -> Body:
        gone = arrivals.cancel(state.of(found[0]), identifier)
        return gone.shown() | {"organisation": found[0]}

    return json_response(await parts.gateway.run(work))


LONGEST_S = 31_536_000
COUNT = Integer("count", "How many come each time.", required=True, least=1, most=MAX_ADDED)
EVERY = Integer(
    "every_s", "Seconds from one time to the next.", required=True, least=1, most=LONGEST_S
)
TIME = "2026-01-05T10:00:00Z"
SHOWN = (
    String("id", "Its id.", required=True),
    String("organisation", "Whose devices they are.", required=True),
    String("server", "The DEP server that they are assigned to.", required=True),
    String("by", "Who assigns them.", required=True),
    COUNT,
    EVERY,
    String("starts", "When the first come.", required=True),
    Field("ends", "From when on none come; null if there is no such time.", required=True),
    Field("times", "How many times they come; null for any number.", required=True),
    Field("families", "Their families; null for all.", required=True),
    Integer("arrived", "How many have come.", required=True),
    Field("next", "When the next come; null after the last.", required=True),
)
ORDER = (
    COUNT,
    EVERY,
    SERVER_ROW,
    ORGANISATION_ROW,
    String("starts", "When the first come.", check=is_time, example=TIME),
    String("ends", "From when on none come any more.", check=is_time, example=TIME),
    Integer("times", "How many times they come.", least=1, most=10**9),
    Strings("families", "Families to invent; all if absent.", values=tuple(FAMILIES)),
    BY,
)
ROUTES = (
    Route(
        "GET",
        "/arrivals",
        "List the orders of devices that arrive over time.",
        list_arrivals,
        query=(ORGANISATION_ROW,),
        answer=(Objects("arrivals", "All of them.", required=True, fields=SHOWN),),
    ),
    Route(
        "POST",
        "/arrivals",
        "Let devices arrive over time.",
        order,
        query=(),
        body=ORDER,
        answer=SHOWN,
        status=201,
    ),
    Route("DELETE", "/arrivals/{id}", "Cancel an order.", cancel, query=(), answer=SHOWN),
)
