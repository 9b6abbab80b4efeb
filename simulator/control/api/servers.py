"""Calls for what people do in Apple's portal to organisations and DEP servers."""

import hashlib
from typing import Any

from aiohttp import web

from simulator.control.parts import BODY, PARTS, Route, bad, json_response, missing
from simulator.control.parts import ORGANISATION as ORGANISATION_ROW
from simulator.core.state import Body, State
from simulator.engine.everywhere import of_all
from simulator.protocol.documents import identifier
from simulator.protocol.fields import Boolean, Objects, String
from simulator.services import organisations
from simulator.services.dep import tokens
from simulator.services.fleet import servers
from simulator.services.fleet.servers import SERVER
from simulator.services.organisations import ORGANISATION, identifiers


def token_state(state: State, server_id: str) -> Body | None:
    """Return what may be shown of the server's token; None if it has none."""
    token = tokens.current_token(state, server_id)
    if token is None:
        return None
    names = ("consumer_key", "access_token_expiry", "state")
    return {name: token[name] for name in names}


async def list_organisations(request: web.Request) -> web.Response:
    """Answer all organisations."""
    found = await of_all(request.app[PARTS].gateway, _organisation)
    return json_response({"organisations": found})


def _organisation(state: State, identifier: str) -> list[Body]:
    found = state.of("").get(ORGANISATION, identifier)
    return [] if found is None else [found.body]


async def set_terms(request: web.Request) -> web.Response:
    """Let Apple's terms be changed (``accepted`` false) or accepted."""
    return await _change(request, "accepted", "terms_accepted")


async def set_apple_seed(request: web.Request) -> web.Response:
    """Turn AppleSeed for IT on or off."""
    return await _change(request, "on", "apple_seed")


async def _change(request: web.Request, key: str, fact: str) -> web.Response:
    identifier, value = request.match_info["id"], request[BODY][key]

    def work(state: State) -> Body:
        return organisations.change_organisation(state, identifier, **{fact: value})

    return json_response(await request.app[PARTS].gateway.run(work))


async def change_organisation(request: web.Request) -> web.Response:
    """Set what ``/account`` tells of the organisation."""
    body, identifier = request[BODY], request.match_info["id"]
    if "org_id" in body:
        body["org_id_hash"] = hashlib.sha256(body["org_id"].encode()).hexdigest()

    def work(state: State) -> Body:
        return organisations.change_organisation(state, identifier, **body)

    return json_response(await request.app[PARTS].gateway.run(work))


async def change_server(request: web.Request) -> web.Response:
    """Set what the portal says of a server."""
    body, server_id = request[BODY], request.match_info["id"]

    def work(state: State) -> Body:
        org = with_server(state, server_id)
        return _server(state.of(org), org, servers.change_server(state.of(org), server_id, **body))

    return json_response(await request.app[PARTS].gateway.run(work))


async def replace_server(request: web.Request) -> web.Response:
    """Replace a server by a new one with its devices: another uuid, and no token of before."""
    parts, server_id = request.app[PARTS], request.match_info["id"]
    now_ms = parts.clock.now_ms()

    def work(state: State) -> Body:
        org = with_server(state, server_id)
        own = state.of(org)
        changed = servers.change_server(own, server_id, uuid=parts.random_hex(32).upper())
        tokens.issue_token(
            own, org, server_id, now_ms=now_ms, random_hex=parts.random_hex, by_another=True
        )
        return _server(own, org, changed)

    answer = await parts.gateway.run(work)
    await parts.renew([answer["organisation"]])
    return json_response(answer)


async def list_servers(request: web.Request) -> web.Response:
    """Answer all DEP servers, without the secrets of their tokens."""

    def look(state: State, org: str) -> list[Body]:
        own = state.of(org)
        return [_server(own, org, one.body) for one in servers.servers(own)]

    found = await of_all(request.app[PARTS].gateway, look)
    return json_response({"dep_servers": found})


def _server(state: State, org: str, body: Body) -> Body:
    facts = {name: body[name] for name in ("id", "name", "uuid")}
    facts["may_release"] = body.get("may_release", True)
    return facts | {"organisation": org, "token": token_state(state, body["id"])}


async def add_server(request: web.Request) -> web.Response:
    """Add a DEP server; it has no token before one is downloaded."""
    parts, body = request.app[PARTS], request[BODY]
    server_id = body.get("id") or parts.random_hex(8)

    def work(state: State) -> Body:
        org = home(state, body.get("organisation"))
        if state.of(org).get(SERVER, server_id) is not None:
            raise ValueError(f"a DEP server has the id {server_id} already")
        added = servers.add_server(
            state.of(org), server_id, body["name"], random_hex=parts.random_hex
        )
        return _server(state.of(org), org, added)

    return json_response(await parts.gateway.run(work), status=201)


def home(state: State, organisation: Any) -> str:
    """Return the organisation that is meant: the named one, or the only one."""
    found = identifiers(state)
    if organisation is None and len(found) == 1:
        return found[0]
    if organisation is None:
        raise bad(f"there are several organisations: name one of {', '.join(found)}")
    if organisation not in found:
        raise missing(f"no organisation has the id {organisation}")
    return str(organisation)


def with_server(state: State, server_id: str) -> str:
    """Return the organisation that has the server."""
    for org in state.organisations_with(SERVER, server_id):
        return org
    raise missing(f"no DEP server has the id {server_id}")


FACTS = (
    String("org_name", "Name."),
    String("org_email", "E-mail address."),
    String("org_phone", "Phone number."),
    String("org_address", "Address."),
    String("org_id", "Id.", shortest=1),
    String("org_type", "Kind of organisation.", values=("org", "edu")),
    String("org_version", "Version of the programme.", values=("v1", "v2")),
    String("admin_id", "Account of the administrator."),
    String("facilitator_id", "The same, in former versions."),
    Objects(
        "beta_tokens",
        "Tokens for beta programmes.",
        fields=(
            String("token", "The token.", required=True),
            String("title", "Name of the programme.", required=True),
            String("os", "Operating system.", required=True),
        ),
    ),
)
ROUTES = (
    Route(
        "GET",
        "/organisations",
        "List organisations.",
        list_organisations,
        query=(),
        answer=(Objects("organisations", "All of them.", required=True),),
    ),
    Route(
        "POST",
        "/organisations/{id}/terms",
        "Change or accept terms.",
        set_terms,
        query=(),
        body=(Boolean("accepted", "Whether the newest terms are accepted.", required=True),),
    ),
    Route(
        "POST",
        "/organisations/{id}/apple-seed",
        "Turn AppleSeed on or off.",
        set_apple_seed,
        query=(),
        body=(Boolean("on", "Whether AppleSeed for IT is on.", required=True),),
    ),
    Route(
        "PATCH",
        "/organisations/{id}",
        "Set what Apple knows of the organisation, as /account tells it.",
        change_organisation,
        query=(),
        body=FACTS,
    ),
    Route(
        "PATCH",
        "/dep-servers/{id}",
        "Set what the portal says of a server.",
        change_server,
        query=(),
        body=(
            String("name", "Its name.", shortest=1),
            Boolean("may_release", "Whether the server may release devices."),
        ),
    ),
    Route(
        "POST",
        "/dep-servers/{id}/replace",
        "Replace the server by a new one with its devices: another uuid and token.",
        replace_server,
        query=(),
    ),
    Route(
        "GET",
        "/dep-servers",
        "List DEP servers.",
        list_servers,
        query=(),
        answer=(Objects("dep_servers", "All of them.", required=True),),
    ),
    Route(
        "POST",
        "/dep-servers",
        "Add a DEP server.",
        add_server,
        query=(),
        body=(
            String("name", "Its name.", required=True, shortest=1, example="Staff"),
            identifier("id", "Its id; made if absent.", example="staff"),
            ORGANISATION_ROW,
        ),
        status=201,
    ),
)
