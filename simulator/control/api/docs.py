"""The catalogue as JSON, for tools; the console shows it to people."""

import asyncio

from aiohttp import web

from simulator.control.parts import PARTS, Route, json_response
from simulator.protocol.reference import as_json


async def catalogue(request: web.Request) -> web.Response:
    """Answer the catalogue: services, operations, fields, errors, rules."""
    shown = await asyncio.to_thread(as_json, request.app[PARTS].catalogue)
    return json_response(shown)


ROUTES = (Route("GET", "/catalogue", "Get the catalogue.", catalogue, query=()),)
