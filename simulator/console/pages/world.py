"""What stands behind the services: organisations, their servers, their profiles."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from simulator.console import calls
from simulator.console.parts import Page
from simulator.console.rendering import after, back_to, page
from simulator.control.parts import ApiProblem
from simulator.core.timestamps import rfc3339

ROWS = "100"


async def world(request: web.Request) -> web.StreamResponse:
    """Show the organisations with what belongs to each."""
    organisations = (await calls.get(request, "organisations"))["organisations"]
    servers = (await calls.get(request, "dep-servers"))["dep_servers"]
    topics = (await calls.get(request, "push-topics"))["push_topics"]
    return await page(
        request,
        "world.html",
        "world",
        organisations=organisations,
        servers=_of_each(servers),
        topics=_of_each(topics),
    )


def _of_each(things: list[Any]) -> dict[str, list[Any]]:
    """Return *things* by organisation."""
    found: dict[str, list[Any]] = {}
    for one in things:
        found.setdefault(one["organisation"], []).append(one)
    return found


async def chosen(request: web.Request) -> tuple[str, list[str]]:
    """Return the organisation that a page is about, the first unless one is named, and all."""
    known = await calls.organisations(request)
    return request.query.get("organisation") or next(iter(known), ""), known


async def profiles(request: web.Request) -> web.StreamResponse:
    """Show a page of the profiles of an organisation."""
    organisation, known = await chosen(request)
    query = {"organisation": organisation, "after": request.query.get("after", ""), "limit": ROWS}
    found = await calls.get(request, "profiles", **query)
    return await page(
        request,
        "profiles.html",
        "world",
        organisation=organisation,
        organisations=known,
        profiles=[{**one, "defined": rfc3339(one["defined_ms"])} for one in found["profiles"]],
        following=found["next"],
    )


async def do(
    request: web.Request,
    said: str,
    method: str,
    *path: str,
    body: Any = None,
    place: str = "/world",
) -> web.Response:
    """Call the API for a form, and go back to say what was done, or why it was not."""
    form = await request.post()
    target = back_to(form, place)
    try:
        await calls.send(request, method, *path, body=body)
    except ApiProblem as problem:
        return after(request, target, str(problem), "failed")
    return after(request, target, said)


def text(form: Mapping[str, Any], name: str) -> str:
    """Return a field of a form as text, empty if it is not there."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


async def terms(request: web.Request) -> web.StreamResponse:
    """Accept Apple's terms, or have Apple change them."""
    accepted = text(await request.post(), "accepted") == "yes"
    said = "The terms are accepted." if accepted else "Apple has changed the terms."
    identifier = request.match_info["id"]
    body = {"accepted": accepted}
    return await do(request, said, "POST", "organisations", identifier, "terms", body=body)


async def apple_seed(request: web.Request) -> web.StreamResponse:
    """Turn AppleSeed for IT on or off."""
    on = text(await request.post(), "on") == "yes"
    identifier = request.match_info["id"]
    said = f"AppleSeed for IT is {'on' if on else 'off'}."
    return await do(
        request, said, "POST", "organisations", identifier, "apple-seed", body={"on": on}
    )


async def add_server(request: web.Request) -> web.StreamResponse:
    """Add a DEP server."""
    form = await request.post()
    body = {"name": text(form, "name"), "organisation": request.match_info["id"]}
    if identifier := text(form, "id"):
        body["id"] = identifier
    return await do(request, f"Added {body['name']}.", "POST", "dep-servers", body=body)


async def revoke_token(request: web.Request) -> web.StreamResponse:
    """Revoke the token of a DEP server."""
    server = request.match_info["id"]
    said = f"The token of {server} is revoked."
    return await do(request, said, "DELETE", "dep-servers", server, "token")


PAGES = (
    Page("GET", "/world", world),
    Page("GET", "/world/profiles", profiles),
    Page("POST", "/world/organisations/{id}/terms", terms),
    Page("POST", "/world/organisations/{id}/apple-seed", apple_seed),
    Page("POST", "/world/organisations/{id}/servers", add_server),
    Page("POST", "/world/servers/{id}/revoke", revoke_token),
)
