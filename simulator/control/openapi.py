"""The control API as OpenAPI 3.1, made from its routes."""

import asyncio
import re
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus

from aiohttp import web

from simulator import __version__
from simulator.control.parts import PARTS, Route, json_response
from simulator.core.state import Body
from simulator.protocol.fields import String
from simulator.protocol.openapi import VERSION, document, object_schema, parameter

_NAMES = re.compile(r"\{(\w+)\}")
_PROBLEMS = {
    "400": "The call cannot be understood; the detail says what is allowed.",
    "401": "The bearer token is missing or wrong.",
    "403": "The call comes from another host or page.",
    "404": "There is no such thing.",
    "405": "The path has no such method.",
    "408": "What was waited for did not come in time.",
    "409": "That cannot be done as things are, or was not verified.",
    "413": "The body is too large.",
    "503": "The data directory cannot be written, or the simulator is being stopped.",
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
PATH = {
    "id": "Id.",
    "seq": "Number of the exchange.",
    "serial": "Serial number.",
    "action": "What to do.",
    "topic": "Push topic.",
    "key": "Id of a key for provider tokens.",
    "token": "Device token.",
    "name": "Name of a world.",
}
"""What the parameters in paths are."""


def describe(routes: Iterable[Route], prefix: str) -> Body:
    """Return the document; paths stand below *prefix*."""
    paths: dict[str, Body] = {}
    for route in routes:
        paths.setdefault(prefix + route.path, {})[route.method.lower()] = _operation(route)
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "openapi": VERSION,
        "info": {
            "title": "mdmsim control API",
            "version": __version__,
            "description": "What is behind the simulated services, and what has happened.",
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "responses": {
                f"Problem{status}": {"description": about, "content": content}
                for status, about in _PROBLEMS.items()
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _operation(route: Route) -> Body:
    names = _NAMES.findall(route.path)
    identifier = "-".join([route.method.lower(), *re.findall(r"\w+", route.path)])
    good: Body = {"description": route.about}
    if route.status == HTTPStatus.NO_CONTENT:
        pass  # an answer without a body has no type either
    elif route.gives == "application/json":
        good["content"] = {route.gives: {"schema": object_schema(route.answer)}}
    else:
        good["content"] = {route.gives: {}}
    problems = {one: {"$ref": f"#/components/responses/Problem{one}"} for one in _PROBLEMS}
    shown: Body = {
        "operationId": identifier,
        "summary": route.about,
        "parameters": [
            *(
                parameter(String(name, PATH.get(name, f"The {name}."), shortest=1), "path")
                for name in names
            ),
            *(parameter(row, "query") for row in route.query or ()),
        ],
        "responses": {str(route.status): good, **problems},
    }
    if route.body is not None:
        content = {"application/json": {"schema": object_schema(route.body, closed=True)}}
        required = any(row.required for row in route.body)
        shown["requestBody"] = {"required": required, "content": content}
    elif route.takes:
        binary = {"type": "string", "format": "binary"}
        shown["requestBody"] = {"required": True, "content": {route.takes: {"schema": binary}}}
    return shown


MAKE_DOCUMENT: web.AppKey[partial[Body]] = web.AppKey("openapi", partial)
"""Makes the document, as few ask for it."""


async def get_document(request: web.Request) -> web.Response:
    """Answer the control API's OpenAPI document."""
    return json_response(await asyncio.to_thread(request.app[MAKE_DOCUMENT]))


async def get_services(request: web.Request) -> web.Response:
    """Answer the OpenAPI document of the simulated services."""
    made = await asyncio.to_thread(document, request.app[PARTS].catalogue, __version__)
    return json_response(made)


ROUTES = (
    Route("GET", "/openapi.json", "Get this description.", get_document, query=()),
    Route(
        "GET",
        "/openapi-services.json",
        "Get the description of the simulated services.",
        get_services,
        query=(),
    ),
)
