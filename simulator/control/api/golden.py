"""An exchange as a golden fixture: what was asked and answered, fit to be checked in.

Names in capitals, such as ``DEP_SESSION_TOKEN``, stand in place of secrets: the
same file comes of two runs that did the same. What differs from run to run
without meaning anything, such as ports, is left out.
"""

import base64
import json
from typing import Any

from aiohttp import web

from simulator import __version__
from simulator.control.api.journal import exchange_of
from simulator.control.parts import Route
from simulator.core.messages import Exchange, Headers
from simulator.core.state import Body
from simulator.core.timestamps import rfc3339_ms
from simulator.disclosure.redact.markers import named, parse_body_marker
from simulator.protocol.fields import Field, Object, String, Strings
from simulator.protocol.wire import JsonObject, parse_json

TRANSPORT = frozenset(
    ("host", "content-length", "connection", "accept-encoding", "transfer-encoding")
)
"""Headers that clients write themselves, by where and how they connect."""


def fixture(exchange: Exchange) -> Body:
    """Return the fixture of *exchange*."""
    request, response = exchange.request, exchange.response
    words = (exchange.operation or "no known operation", exchange.error)
    return {
        "about": f"{' '.join(filter(None, words))}, answered {response.status}",
        "source": f"recorded by mdmsim {__version__}",
        "at": rfc3339_ms(exchange.at_ms),
        "operation": exchange.operation or None,
        "protocol_version": exchange.version or None,
        "findings": sorted({one.rule for one in exchange.findings}),
        "request": {
            "method": request.method,
            "target": named(request.target),
            "headers": _headers(request.headers),
            **_body(request.body),
        },
        "response": {
            "status": response.status,
            "headers": _headers(response.headers),
            **_body(response.body),
        },
    }


def _headers(headers: Headers) -> list[list[str]]:
    return [[name, named(value)] for name, value in headers if name.lower() not in TRANSPORT]


def _body(body: bytes) -> Body:
    """Return the body as ``json`` where that says it all, else as ``text`` or ``base64``."""
    if parse_body_marker(body) is not None:
        body = body.partition(b"\n")[2]
    if not body:
        return {}
    try:
        text = named(body.decode())
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
    try:
        tree = parse_json(text.encode())
    except ValueError:
        return {"text": text}
    return {"text": text} if _has_twice(tree) else {"json": tree}


def _has_twice(tree: Any) -> bool:
    """Tell whether a key stands twice in an object, which a fixture's JSON could not say."""
    if isinstance(tree, dict):
        return isinstance(tree, JsonObject) or any(map(_has_twice, tree.values()))
    return isinstance(tree, list) and any(map(_has_twice, tree))


async def get_fixture(request: web.Request) -> web.Response:
    """Answer one exchange as a golden fixture, as it is to stand in a file."""
    text = json.dumps(fixture(await exchange_of(request)), indent=1, ensure_ascii=False)
    return web.Response(text=f"{text}\n", content_type="application/json")


ROUTES = (
    Route(
        "GET",
        "/exchanges/{seq}/fixture",
        "Get it as a golden fixture, with names in place of secrets.",
        get_fixture,
        query=(),
        answer=(
            String("about", "What it is.", required=True),
            String("source", "Who recorded it.", required=True),
            String("at", "When it was, by the simulator's clock.", required=True),
            Field("operation", "Its operation, or null.", required=True),
            Field("protocol_version", "The one of the response, or null.", required=True),
            Strings("findings", "Rules that it broke.", required=True),
            Object("request", "Method, target, headers, and json, text or base64.", required=True),
            Object("response", "Status, headers, and the same.", required=True),
        ),
    ),
)
