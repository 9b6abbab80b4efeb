"""Calls that list the oddities of the real services, and switch them on and off."""

from aiohttp import web

from simulator.control.api.servers import home
from simulator.control.parts import BODY, ORGANISATION, PARTS, Parts, Route, json_response, missing
from simulator.core.state import Body, State
from simulator.protocol import quirks
from simulator.protocol.fields import Boolean, Field, Objects, String
from simulator.protocol.head import Quirk


def _rows(parts: Parts) -> dict[str, Quirk]:
    services = parts.catalogue.services.values()
    return {row.id: row for service in services for row in service.quirks}


def _shown(row: Quirk, whose: list[str]) -> Body:
    return {
        "id": row.id,
        "service": row.id.partition(".")[0],
        "about": row.about,
        "source": row.source,
        "on": bool(whose),
        "organisations": whose,
    }


async def list_quirks(request: web.Request) -> web.Response:
    """Answer all quirks, with whom they are on for."""
    parts = request.app[PARTS]

    def work(state: State) -> list[Body]:
        return [_shown(row, quirks.whose(state, row.id)) for row in _rows(parts).values()]

    return json_response({"quirks": await parts.gateway.run(work)})


async def set_quirk(request: web.Request) -> web.Response:
    """Switch a quirk ``on`` or off, for one organisation or for all."""
    parts, body = request.app[PARTS], request[BODY]
    rows, identifier = _rows(parts), request.match_info["id"]
    if identifier not in rows:
        raise missing(f"no quirk has the id {identifier}: there are {', '.join(rows)}")

    def work(state: State) -> Body:
        wanted = body.get("organisation")
        whom = quirks.EVERYBODY if wanted is None else home(state, wanted)
        whose = quirks.switch(state, identifier, whom, is_on=body["on"])
        return _shown(rows[identifier], whose)

    return json_response(await parts.gateway.run(work))


QUIRK = (
    String("id", "Such as dep.same-cursor.", required=True),
    String("service", "Name of the service.", required=True),
    String("about", "What it does.", required=True),
    String("source", "Where it was seen.", required=True),
    Boolean("on", "Whether it is on for anybody.", required=True),
    Field("organisations", "For whom it is on; * is all.", required=True),
)
ROUTES = (
    Route(
        "GET",
        "/quirks",
        "List the oddities of the real services.",
        list_quirks,
        query=(),
        answer=(Objects("quirks", "All of them.", required=True, fields=QUIRK),),
    ),
    Route(
        "PUT",
        "/quirks/{id}",
        "Switch one on or off.",
        set_quirk,
        query=(),
        body=(Boolean("on", "Whether it is to be on.", required=True), ORGANISATION),
        answer=QUIRK,
    ),
)
