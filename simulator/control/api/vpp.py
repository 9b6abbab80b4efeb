"""Calls for what people do in Apple's portal to locations, and for their events."""

from itertools import islice
from typing import Any

from aiohttp import web
from msgspec.structs import replace

from simulator.control.api.servers import home
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
from simulator.core.state import Body, State
from simulator.core.timestamps import rfc3339
from simulator.engine.everywhere import of_all
from simulator.protocol.documents import identifier
from simulator.protocol.fields import Boolean, Field, Number, Objects, String, Strings
from simulator.services.vpp.domain import events, portal
from simulator.services.vpp.domain.locations import (
    Location,
    change,
    everywhere,
    find_location,
    locations,
    token,
)

_FACTS = ("name", "country", "platform", "managed_domains", "mdm_info", "client_context")
MAX_PAGE = 1000
MANY = 100_000
MOST_NAMED = 100
"""Locations that a problem names, where one has to be chosen."""


def find(state: State, identifier: Any) -> Location:
    """Return the location that is meant: the named one, or the only one."""
    if identifier is not None and (named := find_location(state, identifier)) is not None:
        return named
    found = list(islice(everywhere(state), MOST_NAMED))
    if identifier is None and len(found) == 1:
        return found[0]
    names = ", ".join(one.id for one in found) or "none"
    if identifier is None:
        raise bad(f"there are several locations: name one of {names}")
    raise missing(f"no location has the id {identifier}; there are {names}")


def complete_due_events(parts: Parts, state: State) -> int:
    """Have what is due done first, by NeedsPieces; return the time."""
    now_ms = parts.clock.now_ms()
    events.require(state, now_ms)
    return now_ms


def shown(state: State, location: Location, now_ms: int) -> Body:
    """Return a location without its secrets."""
    found = token(state, location.stoken) if location.stoken else None
    return {
        "id": location.id,
        "organisation": location.organisation,
        "name": location.name,
        "uid": location.uid,
        "location_id": location.number,
        "country": location.country,
        "platform": location.platform,
        "managed_domains": list(location.managed_domains),
        "mdm_info": location.mdm,
        "client_context": location.context,
        "notifications": {"url": location.notify_url, "types": list(location.notify_types)},
        "subscriptions": location.subscriptions,
        "token": None if found is None else _token(found, now_ms),
    }


def _token(found: Body, now_ms: int) -> Body:
    expired = found["state"] == "active" and now_ms >= found["expires_ms"]
    return {
        "state": "expired" if expired else found["state"],
        "expires": rfc3339(found["expires_ms"]),
        "rights": found["rights"],
        "legacy": found["legacy"],
    }


async def list_locations(request: web.Request) -> web.Response:
    """Answer all locations, without the secrets of their tokens."""
    parts, wanted = request.app[PARTS], request[QUERY].get("organisation")

    def look(state: State, organisation: str) -> list[Body]:
        now_ms = complete_due_events(parts, state)
        return [shown(state, one, now_ms) for one in locations(state.of(organisation))]

    chosen = None
    if wanted is not None:
        chosen = [await parts.gateway.run(lambda state: home(state, wanted))]
    found = await of_all(parts.gateway, look, chosen)
    return json_response({"vpp_locations": found})


async def add_location(request: web.Request) -> web.Response:
    """Add a location; it has no token before one is downloaded."""
    parts, body = request.app[PARTS], request[BODY]
    identifier = body.get("id") or parts.random_hex(8)
    facts = _facts({key: value for key, value in body.items() if key in _FACTS[1:]})

    def work(state: State) -> Body:
        org = home(state, body.get("organisation"))
        added = portal.add_location(
            state.of(org), org, identifier, body["name"], random_hex=parts.random_hex, **facts
        )
        return shown(state, added, parts.clock.now_ms())

    return json_response(await parts.gateway.run(work), status=201)


def _facts(body: Body) -> Body:
    """Return the facts of a location under the names that the state has for them."""
    facts: Body = {}
    for name, value in body.items():
        if name == "managed_domains":
            facts[name] = tuple(one.lower() for one in value)
        elif name == "mdm_info":
            facts["mdm"] = _mdm_info(value)
        else:
            facts["context" if name == "client_context" else name] = value
    return facts


def _mdm_info(value: Any) -> Body | None:
    keys = {"id", "name", "metadata"}
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != keys:
        raise bad("mdm_info must be null, or an object with id, name and metadata")
    return {key: str(value[key]) for key in sorted(keys)}


async def change_location(request: web.Request) -> web.Response:
    """Change facts of a location, such as who uses it: ``mdm_info`` of another MDM steals it."""
    parts, body = request.app[PARTS], request[BODY]
    if not body:
        raise bad(f"the body takes {', '.join(_FACTS)}")
    facts = _facts(body)

    def work(state: State) -> Body:
        one = find(state, request.match_info["id"])
        return shown(
            state,
            change(state.of(one.organisation), one.id, **facts),
            complete_due_events(parts, state),
        )

    return json_response(await parts.gateway.run(work))


async def renew_token(request: web.Request) -> web.Response:
    """Download a new token (``days``, ``rights``, ``legacy``); without ``keep`` the former ends."""
    parts, body = request.app[PARTS], request[BODY]

    def work(state: State) -> tuple[str, Body]:
        one = find(state, request.match_info["id"])
        stoken = portal.issue_token(
            state.of(one.organisation),
            one.id,
            now_ms=complete_due_events(parts, state),
            random_hex=parts.random_hex,
            days=body.get("days"),
            rights=body["rights"],
            legacy=body["legacy"],
            keep=body["keep"],
            given=body.get("stoken", ""),
        )
        return one.organisation, {"id": one.id, "name": one.name, "stoken": stoken}

    organisation, answer = await parts.gateway.run(work)
    await parts.renew([organisation])
    return json_response(answer)


async def revoke_token(request: web.Request) -> web.Response:
    """Revoke the location's token."""
    parts = request.app[PARTS]

    def work(state: State) -> Body:
        one = find(state, request.match_info["id"])
        portal.revoke_token(state.of(one.organisation), one.id)
        return shown(state, one, complete_due_events(parts, state))

    return json_response(await parts.gateway.run(work))


async def set_service(request: web.Request) -> web.Response:
    """Put the service into maintenance, or end that."""
    parts, body = request.app[PARTS], request[BODY]

    def work(state: State) -> Body:
        portal.set_maintenance(state, on=body["maintenance"])
        return body

    return json_response(await parts.gateway.run(work))


_MOST_DAYS = 36_500
_NAME = String("name", "Its name.", shortest=1, example="Main Campus")
_FACT_ROWS = (
    String("country", "Country of its store.", example="US"),
    String("platform", "volumestore or enterprisestore."),
    Strings("managed_domains", "Domains that Managed Apple Accounts may have; none: any."),
    Field("mdm_info", "Who uses it by v2: id, name and metadata; null: nobody."),
    String("client_context", "Who uses it by v1."),
)
ROUTES = (
    Route(
        "GET",
        "/vpp-locations",
        "List locations.",
        list_locations,
        query=(ORGANISATION,),
        answer=(Objects("vpp_locations", "All of them.", required=True),),
    ),
    Route(
        "POST",
        "/vpp-locations",
        "Add a location.",
        add_location,
        query=(),
        body=(
            replace(_NAME, required=True),
            identifier("id", "Its id; made if absent.", example="campus"),
            ORGANISATION,
            *_FACT_ROWS,
        ),
        status=201,
    ),
    Route(
        "PATCH",
        "/vpp-locations/{id}",
        "Change a location.",
        change_location,
        query=(),
        body=(_NAME, *_FACT_ROWS),
    ),
    Route(
        "POST",
        "/vpp-locations/{id}/token",
        "Renew the token, or set it to a given one.",
        renew_token,
        query=(),
        body=(
            Number(
                "days",
                "How long it is good; below 0: it has expired.",
                least=-_MOST_DAYS,
                most=_MOST_DAYS,
                example=365,
            ),
            String("rights", "What it may do.", values=portal.RIGHTS, default=portal.RIGHTS[0]),
            Boolean("legacy", "Of the kind before locations.", default=False),
            Boolean("keep", "Whether the one before stays good.", default=False),
            String("stoken", "The token, if it is to be this; made if absent.", shortest=1),
        ),
        answer=(String("stoken", "The token.", required=True),),
    ),
    Route("POST", "/vpp-locations/{id}/revoke", "Revoke the token.", revoke_token, query=()),
    Route(
        "POST",
        "/vpp-service",
        "Begin or end maintenance.",
        set_service,
        query=(),
        body=(Boolean("maintenance", "Whether the service is in maintenance.", required=True),),
    ),
)
