"""Push topics, and the device tokens that have checked in."""

import hashlib
from typing import Any

from aiohttp import web

from simulator.console import calls
from simulator.console.pages.credentials import download
from simulator.console.pages.world import ROWS, chosen, do, text
from simulator.console.parts import Page
from simulator.console.rendering import page
from simulator.control.parts import PARTS, missing
from simulator.core.timestamps import rfc3339

_ACTIONS = ("unregister", "expire", "activate", "throttle")
_BATCH = "1000"
_STATUS = {
    "waiting": {"tone": "warn", "when": "until"},
    "expired": {"tone": "bad", "when": "at"},
    "delivered": {"tone": "good", "when": "at"},
    "ignored": {"tone": "bad", "when": "for its magic, at"},
}
"""How a push looks, and what its time means."""


def handle(token: str) -> str:
    """Return what names a device token on a page, without being one."""
    return hashlib.sha256(f"push token\x1f{token}".encode()).hexdigest()[:32]


async def pushes(request: web.Request) -> web.StreamResponse:
    """Show the topics, and a page of the device tokens of an organisation."""
    organisation, known = await chosen(request)
    topics = (await calls.get(request, "push-topics"))["push_topics"]
    query = {"organisation": organisation, "limit": ROWS}
    if after := request.query.get("after", ""):
        query["after"] = (await _token(request, organisation, after))["token"]
    found = await calls.get(request, "push-tokens", **query)
    now_ms = request.app[PARTS].clock.now_ms()
    return await page(
        request,
        "pushes.html",
        "world",
        organisation=organisation,
        organisations=known,
        topics=[one for one in topics if one["organisation"] == organisation],
        tokens=[_shown(one, now_ms) for one in found["push_tokens"]],
        after=after,
        following=found["next"] and handle(found["next"]),
    )


def _shown(token: Any, now_ms: int) -> dict[str, Any]:
    throttled = token["throttled_until_ms"]
    return {
        "handle": handle(token["token"]),
        "owner": token["owner"],
        "topic": token["topic"],
        "state": token["state"],
        "since": rfc3339(token["since_ms"]),
        "throttled": rfc3339(throttled) if throttled > now_ms else "",
        "pushes": [_push(one) for one in token["pushes"]],
    }


def _push(push: Any) -> dict[str, str]:
    """Return what is shown of a push: how it stands, and since or until when."""
    status = push["status"]
    at = push["delivered_ms"] or push["expires_ms"]
    return {"status": status, "topic": push["topic"], "at": rfc3339(at), **_STATUS[status]}


async def _token(request: web.Request, organisation: str, wanted: str) -> Any:
    """Return the device token of *organisation* that *wanted* is the handle of."""
    query, more = {"organisation": organisation, "limit": _BATCH}, ""
    while True:
        found = await calls.get(request, "push-tokens", after=more, **query)
        for one in found["push_tokens"]:
            if handle(one["token"]) == wanted:
                return one
        if found["next"] is None:
            raise missing("no such device token was checked in")
        more = found["next"]


async def act(request: web.Request) -> web.StreamResponse:
    """Do what a form asks for to a device token."""
    form, action = await request.post(), request.match_info["action"]
    if action not in _ACTIONS:
        raise missing(f"no form of the console asks for {action}")
    one = await _token(request, text(form, "organisation"), request.match_info["handle"])
    said = f"The token of {one['owner']}: {action} is done."
    path = ("push-tokens", one["token"], action)
    return await do(request, said, "POST", *path, body={}, place="/world/pushes")


async def add_topic(request: web.Request) -> web.StreamResponse:
    """Add a push topic, or make a further certificate; the answer holds its key, once."""
    form = await request.post()
    names = ("topic", "organisation")
    body = {name: value for name in names if (value := text(form, name))}
    made = await calls.send(request, "POST", "push-topics", body=body)
    content = f"{made['certificate']}{made['key']}".encode()
    return download(content, f"{made['topic']}.pem", "application/x-pem-file")


async def revoke(request: web.Request) -> web.StreamResponse:
    """Revoke all certificates of a topic."""
    topic = request.match_info["topic"]
    said = f"The certificates of {topic} are revoked."
    path = ("push-topics", topic, "revoke")
    return await do(request, said, "POST", *path, body={}, place="/world/pushes")


PAGES = (
    Page("GET", "/world/pushes", pushes),
    Page("POST", "/world/pushes/topics", add_topic),
    Page("POST", "/world/pushes/topics/{topic}/revoke", revoke),
    Page("POST", "/world/pushes/tokens/{handle}/{action}", act),
)
