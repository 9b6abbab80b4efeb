"""Calls that make the services answer what is wanted: the menu of outcomes, and faults."""

from collections.abc import Sequence

from aiohttp import web

from simulator.control.parts import (
    BODY,
    ORGANISATION,
    PARTS,
    QUERY,
    Parts,
    Route,
    bad,
    json_response,
    missing,
)
from simulator.control.reverting import REVERTER, real_ms
from simulator.core.state import Body, State
from simulator.core.timestamps import is_time, milliseconds
from simulator.faults import faults, outcomes
from simulator.faults.deliveries import DELIVERIES
from simulator.faults.faults import Fault
from simulator.protocol.fields import Boolean, Field, Integer, Number, Object, Objects, String
from simulator.protocol.reference import field_as_json
from simulator.services import organisations

MOST = 2**53
MATCH = Object(
    "match",
    "Which requests it touches; absent: all that the outcome can happen to.",
    fields=(
        String("service", "Name of a service.", shortest=1, example="dep"),
        String("operation", "Name of an operation.", shortest=1, example="dep.sync"),
        String("organisation", "Id of an organisation.", shortest=1, example="demo"),
        String("client", "A credential, as the journal shows it.", shortest=1, example="dep:main"),
        String("session", "Label of X-Mdmsim-Session.", shortest=1),
        Field("path", "Wanted values by path parameter.", example={"token": "a1"}),
        Field("query", "Wanted values by query key.", example={"profile_uuid": "0A"}),
        Field("header", "Wanted values by header.", example={"user-agent": {"contains": "x"}}),
        Field("body", "Wanted values by body field.", example={"devices": "0ZSERIAL"}),
    ),
)


FAULT = (
    MATCH,
    Field(
        "outcome",
        "Name of an outcome, or an object with its name and parameters.",
        example="dep.T_C_NOT_SIGNED",
    ),
    Field("delivery", "The same of a delivery.", example={"name": "delay", "ms": 500}),
    Integer("count", "How many matching requests it touches; absent: all.", least=1, most=MOST),
    Number("probability", "Chance that it touches one; drawn from the seed.", least=0, most=1),
    Integer("after", "How many matching requests it lets pass first.", least=0, most=MOST),
    String("until", "When it ends, by the simulator's clock.", check=is_time),
    Number("for_s", "Seconds of the real clock after which it is disarmed.", least=0, most=604_800),
)
SHOWN = (
    String("id", "Id of the fault.", required=True),
    Field("match", "Which requests it touches.", required=True),
    Field("outcome", "What it responds with, if it is an outcome."),
    Field("delivery", "How it delivers, if it is a delivery."),
    Field("count", "How many requests it touches; null: all.", required=True),
    Number("probability", "Chance that it touches one.", required=True),
    Integer("after", "How many it lets pass first.", required=True),
    Field("until", "When it ends; null: never.", required=True),
    Field("reverts", "When the real clock disarms it; null: never.", required=True),
    Integer("matched", "How many requests have matched.", required=True),
    Integer("touched", "How many it has touched.", required=True),
    Boolean("spent", "Whether it touches no more.", required=True),
)


async def list_outcomes(request: web.Request) -> web.Response:
    """Answer the menu: every outcome and delivery, with its parameters."""
    catalogue = request.app[PARTS].catalogue
    listed = [
        {
            "name": one.name,
            "service": one.service,
            "code": one.code,
            "also": list(one.also),
            "kind": "error" if one.row else "item",
            "status": one.row.status if one.row else 200,
            "about": one.about,
            "source": one.row.source if one.row else "",
            "operations": list(one.operations) or None,
            "parameters": [field_as_json(row) for row in one.parameters],
        }
        for one in outcomes.menu(catalogue).values()
    ]
    deliveries = [
        {
            "name": row.name,
            "about": row.about,
            "also": list(row.also),
            "parameters": [field_as_json(one) for one in row.parameters],
        }
        for row in DELIVERIES.values()
    ]
    return json_response({"outcomes": listed, "deliveries": deliveries})


async def list_faults(request: web.Request) -> web.Response:
    """Answer the armed faults, oldest first, with what they have touched."""
    parts = request.app[PARTS]
    now_ms = parts.clock.now_ms()
    found = await parts.gateway.run(lambda state: faults.listed(state, now_ms))
    return json_response({"faults": found})


async def add_fault(request: web.Request) -> web.Response:
    """Arm a fault."""
    parts = request.app[PARTS]
    fault = read(parts, request[BODY])
    (armed,) = await parts.gateway.run(lambda state: arm(state, [fault]))
    if armed.reverts_ms:
        request.app[REVERTER].schedule(armed.id, armed.reverts_ms)
    return json_response(armed.shown(0, 0, parts.clock.now_ms()), status=201)


def arm(state: State, wanted: Sequence[Fault]) -> list[Fault]:
    """Arm faults and return them with their ids; a problem if an organisation is not known."""
    for name in {one.match["organisation"] for one in wanted if "organisation" in one.match}:
        if state.of("").get(organisations.ORGANISATION, name) is None:
            known = [one.key for one in state.of("").scan(organisations.ORGANISATION, limit=100)]
            raise bad(f"match.organisation {name!r} is not known: there are {', '.join(known)}")
    return faults.arm_all(state, wanted)


def read(parts: Parts, body: Body) -> Fault:
    """Return the fault that a checked *body* describes; a problem names what is wrong."""
    try:
        asked = outcomes.read(parts.catalogue, body)
    except ValueError as error:
        raise bad(str(error)) from None
    until, lives_s = body.get("until"), body.get("for_s")
    return Fault(
        "",
        asked.match,
        **{asked.kind: asked.name},
        given=asked.given,
        count=body.get("count", 0),
        probability=body.get("probability", 1),
        after=body.get("after", 0),
        until_ms=milliseconds(until) if until else 0,
        reverts_ms=0 if lives_s is None else real_ms() + round(lives_s * 1000),
    )


async def remove_fault(request: web.Request) -> web.Response:
    """Disarm one fault."""
    identifier = request.match_info["id"]
    removed = await request.app[PARTS].gateway.run(lambda state: faults.disarm(state, identifier))
    if not removed:
        raise missing(f"no fault has the id {identifier}")
    return json_response({"removed": removed})


async def clear_faults(request: web.Request) -> web.Response:
    """Disarm all faults, or those that match one organisation."""
    organisation = request[QUERY].get("organisation")

    def work(state: State) -> int:
        return faults.disarm(state, organisation=organisation)

    return json_response({"removed": await request.app[PARTS].gateway.run(work)})


REMOVED = (Integer("removed", "How many were disarmed.", required=True),)
PARAMETERS = Field("parameters", "What it takes.", required=True)
ROUTES = (
    Route(
        "GET",
        "/outcomes",
        "List every outcome and delivery that a fault can name.",
        list_outcomes,
        query=(),
        answer=(
            Objects(
                "outcomes",
                "Responses by name.",
                required=True,
                fields=(String("name", "Such as dep.T_C_NOT_SIGNED.", required=True), PARAMETERS),
            ),
            Objects(
                "deliveries",
                "Ways a response goes wrong on the wire.",
                required=True,
                fields=(String("name", "Such as delay.", required=True), PARAMETERS),
            ),
        ),
    ),
    Route(
        "GET",
        "/faults",
        "List the armed faults.",
        list_faults,
        query=(),
        answer=(Objects("faults", "Oldest first.", required=True, fields=SHOWN),),
    ),
    Route(
        "POST", "/faults", "Arm a fault.", add_fault, query=(), body=FAULT, answer=SHOWN, status=201
    ),
    Route(
        "DELETE",
        "/faults",
        "Disarm all faults.",
        clear_faults,
        query=(ORGANISATION,),
        answer=REMOVED,
    ),
    Route("DELETE", "/faults/{id}", "Disarm a fault.", remove_fault, query=(), answer=REMOVED),
)
