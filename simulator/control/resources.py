"""Calls of the control API that come from the services' provisioning: one transaction each."""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from aiohttp import web

from simulator.control.parts import (
    BODY,
    PARTS,
    QUERY,
    ApiProblem,
    Handler,
    Route,
    json_response,
    missing,
)
from simulator.core.state import Body, State
from simulator.engine.everywhere import of_all
from simulator.engine.gateway import Gateway
from simulator.services.provisioning import (
    ControlCall,
    Credential,
    Held,
    Issuing,
    Provisioning,
    Resource,
)

_NO_STATE: Any = None
"""What a call without state gets instead of one."""


def routes(provisionings: Iterable[Provisioning], known: Collection[Route]) -> tuple[Route, ...]:
    """Return the routes of resources and credentials; those of *known* paths are not repeated."""
    found: list[Route] = []
    for one in provisionings:
        found += [_route(one, resource) for resource in one.resources]
        taken = {(route.method, route.path) for route in (*known, *found)}
        implied = (route for kind in one.credentials for route in _implied(kind))
        found += [route for route in implied if (route.method, route.path) not in taken]
    return tuple(found)


def _route(provisioning: Provisioning, resource: Resource) -> Route:
    return Route(
        resource.method,
        resource.path,
        resource.about,
        _handler(provisioning, resource),
        query=resource.query,
        body=resource.body,
        answer=resource.answer,
        status=resource.status,
    )


def _handler(provisioning: Provisioning, resource: Resource) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        parts = request.app[PARTS]
        body = request[BODY] if resource.body is not None else {}
        now_ms = parts.clock.now_ms()
        query = request[QUERY]

        def work(state: State) -> Body | None:
            return resource.handler(
                ControlCall(
                    state=state,
                    now_ms=now_ms,
                    random_hex=parts.random_hex,
                    settings=parts.settings,
                    authorities=parts.authorities,
                    path=request.match_info,
                    query=query,
                    body=body,
                )
            )

        if resource.is_stateless:
            answer = await asyncio.to_thread(work, _NO_STATE)
        else:
            await bring_up_to_date(request, provisioning)
            answer = await parts.gateway.run(work)
        if resource.renews:
            changed = (answer or {}).get("organisation")
            await parts.renew(None if changed is None else [changed])
        if answer is None:
            return web.Response(status=resource.status)
        return json_response(answer, status=resource.status)

    return handler


async def bring_up_to_date(request: web.Request, provisioning: Provisioning) -> None:
    """Do what is due by the clock, piece by piece."""
    parts, complete_due = request.app[PARTS], provisioning.complete_due
    if complete_due is None:
        return
    now_ms = parts.clock.now_ms()
    while not await parts.gateway.load(lambda state: complete_due(state, now_ms)):
        pass


def _implied(kind: Credential) -> Iterator[Route]:
    path = f"/{kind.ready.replace('_', '-')}/{{id}}/token"
    yield Route("GET", path, f"Get the {kind.holder}'s credential.", _show(kind), query=())
    if kind.renew is not None:
        yield Route("POST", path, f"Renew the {kind.holder}'s credential.", _renew(kind), query=())
    if kind.revoke is not None:
        yield Route(
            "DELETE",
            path,
            f"Revoke the {kind.holder}'s credential.",
            _revoke(kind),
            query=(),
            status=204,
        )


async def find(kind: Credential, gateway: Gateway, identifier: str) -> tuple[str, Held]:
    """Return the holder with that id, and its organisation; a problem if there is none."""

    def look(state: State, organisation: str) -> list[tuple[str, Held]]:
        found = _held(kind, state, organisation, identifier)
        return [] if found is None else [(organisation, found)]

    for found in await of_all(gateway, look):
        return found
    raise _unknown(kind, identifier)


def _held(kind: Credential, state: State, organisation: str, identifier: str) -> Held | None:
    return next((one for one in kind.held(state, organisation) if one.id == identifier), None)


def _unknown(kind: Credential, identifier: str) -> ApiProblem:
    return missing(f"no {kind.holder} has the id {identifier}")


async def _answer(request: web.Request, kind: Credential, organisation: str, held: Held) -> Body:
    """Return the credential of *held*, with where its files are if it has any."""
    if held.files and not kind.value:
        return await request.app[PARTS].hand_out(organisation, held)
    value = held.entry[kind.value] if kind.value else held.entry
    if value is None:
        raise missing(f"the {kind.holder} {held.id} has no credential: renew it")
    return value if isinstance(value, dict) else {kind.value: value}


def _show(kind: Credential) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        identifier = request.match_info["id"]
        organisation, held = await find(kind, request.app[PARTS].gateway, identifier)
        return json_response(await _answer(request, kind, organisation, held))

    return handler


def _renew(kind: Credential) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        parts, new, change = request.app[PARTS], await _issuing(kind, request), kind.renew

        def work(state: State) -> Held:
            if change is not None:
                change(state, new)
            held = _held(kind, state, new.organisation, new.id)
            if held is None:
                raise _unknown(kind, new.id)
            return held

        held = await parts.gateway.run(work)
        await parts.renew([new.organisation])
        return json_response(await _answer(request, kind, new.organisation, held))

    return handler


def _revoke(kind: Credential) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        parts, old, change = request.app[PARTS], await _issuing(kind, request), kind.revoke
        if change is not None:
            await parts.gateway.run(lambda state: change(state, old))
        await parts.renew([old.organisation])
        return web.Response(status=204)

    return handler


async def _issuing(kind: Credential, request: web.Request) -> Issuing:
    parts, identifier = request.app[PARTS], request.match_info["id"]
    organisation, _ = await find(kind, parts.gateway, identifier)
    return Issuing(
        organisation=organisation,
        id=identifier,
        now_ms=parts.clock.now_ms(),
        random_hex=parts.random_hex,
    )
