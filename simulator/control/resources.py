"""Calls of the control API that come from the services' provisioning: one transaction each."""

from collections.abc import Collection, Iterable, Iterator

from aiohttp import web

from simulator.control.parts import BODY, PARTS, QUERY, Handler, Route, missing
from simulator.core.state import Body, State
from simulator.services.organisations import identifiers
from simulator.services.provisioning import (
    ControlCall,
    Credential,
    Held,
    Issuing,
    Provisioning,
    Resource,
)


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

        await bring_up_to_date(request, provisioning)
        answer = await parts.gateway.run(work)
        if resource.renews:
            changed = (answer or {}).get("organisation")
            await parts.renew(None if changed is None else [changed])
        if answer is None:
            return web.Response(status=resource.status)
        return web.json_response(answer, status=resource.status)

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


def find(kind: Credential, state: State, identifier: str) -> tuple[str, Held]:
    """Return the holder with that id, and its organisation; a problem if there is none."""
    for organisation in identifiers(state):
        for held in kind.held(state, organisation):
            if held.id == identifier:
                return organisation, held
    raise missing(f"no {kind.holder} has the id {identifier}")


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
        work = request.app[PARTS].gateway.run
        organisation, held = await work(lambda state: find(kind, state, identifier))
        return web.json_response(await _answer(request, kind, organisation, held))

    return handler


def _renew(kind: Credential) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        def work(state: State) -> tuple[str, Held]:
            new, change = _issuing(kind, state, request), kind.renew
            if change is not None:
                change(state, new)
            return find(kind, state, new.id)

        parts = request.app[PARTS]
        organisation, held = await parts.gateway.run(work)
        await parts.renew([organisation])
        return web.json_response(await _answer(request, kind, organisation, held))

    return handler


def _revoke(kind: Credential) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        def work(state: State) -> str:
            old = _issuing(kind, state, request)
            if kind.revoke is not None:
                kind.revoke(state, old)
            return old.organisation

        parts = request.app[PARTS]
        await parts.renew([await parts.gateway.run(work)])
        return web.Response(status=204)

    return handler


def _issuing(kind: Credential, state: State, request: web.Request) -> Issuing:
    parts, identifier = request.app[PARTS], request.match_info["id"]
    organisation, _ = find(kind, state, identifier)
    return Issuing(
        organisation=organisation,
        id=identifier,
        now_ms=parts.clock.now_ms(),
        random_hex=parts.random_hex,
    )
