"""Calls for pushes: topics with their certificates, device tokens, and what devices receive."""

import asyncio
import plistlib
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from simulator.control.parts import PARTS, Parts, Route, bad, json_body, missing, number
from simulator.control.servers import home
from simulator.messages import Body, State
from simulator.services.apns import registry
from simulator.services.apns.registry import DeviceToken, Push
from simulator.services.dep.organisations import ORGANISATION

MAX_PAGE = 1000
KEEP_ALIVE_S = 15.0
"""After so much silence a stream gets a comment, so that both ends see that it lives."""


async def list_topics(request: web.Request) -> web.Response:
    """Answer the push topics of each organisation, with counts of what became of pushes."""

    def work(state: State) -> list[Body]:
        return [
            {
                "topic": topic,
                "organisation": org.key,
                "revoked": (registry.topic_of(state, topic) or {})["revoked"],
                "pushes": registry.counters(state.of(org.key)),
            }
            for org in state.of("").scan(ORGANISATION, limit=10_000)
            for topic in registry.topics(state, org.key)
        ]

    return web.json_response({"push_topics": await request.app[PARTS].gateway.run(work)})


async def add_topic(request: web.Request) -> web.Response:
    """Add a push topic, or make another certificate for one: ``topic``, ``organisation``."""
    parts, body = request.app[PARTS], await json_body(request)
    topic = body.get("topic") or f"com.apple.mgmt.External.{registry.dashed(parts.chance(32))}"
    if not isinstance(topic, str):
        raise bad("topic must be a string, such as com.apple.mgmt.External.<uuid>")
    now = datetime.now(UTC)  # noqa: TID251 (TLS checks certificates against the wall clock)
    try:
        made = await asyncio.to_thread(parts.push_authority.mint, topic, now)
    except ValueError as error:
        raise bad(str(error)) from None

    def work(state: State) -> str:
        known = registry.topic_of(state, topic)
        org = known["organisation"] if known else home(state, body.get("organisation"))
        if known is None:
            registry.add_topic(state, org, topic)
        return str(org)

    organisation = await parts.gateway.run(work)
    answer = {
        "topic": topic,
        "organisation": organisation,
        "serial": f"{made.serial:x}",
        "certificate": made.certificate_pem.decode(),
        "chain": made.chain_pem.decode(),
        "key": made.key_pem.decode(),
    }
    return web.json_response(answer, status=201)


async def revoke(request: web.Request) -> web.Response:
    """Revoke the topic's certificates: all, or the one of ``serial``."""
    topic, body = request.match_info["topic"], await json_body(request)
    serial = body.get("serial", "*")

    def work(state: State) -> Body | None:
        registry.revoke(state, topic, str(serial).lower())
        return registry.topic_of(state, topic)

    return web.json_response(await request.app[PARTS].gateway.run(work))


async def check_in(request: web.Request) -> web.Response:
    """Learn from a check-in message: a plist, XML or binary, as the device sent it."""
    parts, content = request.app[PARTS], await request.read()
    try:
        message = plistlib.loads(content)
    except Exception:  # noqa: BLE001 (plistlib raises what its parsers raise, of many kinds)
        raise bad("the body is no property list, neither XML nor binary") from None
    if not isinstance(message, dict):
        raise bad("the property list must be a dictionary")
    now_ms = parts.clock.now_ms()

    def work(state: State) -> list[DeviceToken]:
        topic = message.get("Topic")
        known = registry.topic_of(state, topic) if isinstance(topic, str) else None
        if known is None:
            raise missing("no push topic is that of the message: add it with POST /push-topics")
        try:
            return registry.check_in(state.of(known["organisation"]), message, now_ms)
        except ValueError as error:
            raise bad(str(error)) from None

    changed = await parts.gateway.run(work)
    active = next((one.token for one in changed if one.state == "active"), None)
    return web.json_response({"token": active, "changed": [asdict(one) for one in changed]})


async def list_tokens(request: web.Request) -> web.Response:
    """Answer a page of device tokens."""
    limit = number(request, "limit", 100, 1, MAX_PAGE)
    wanted, after = request.query.get("organisation"), request.query.get("after", "")

    def work(state: State) -> list[DeviceToken]:
        own = state.of(home(state, wanted))
        found = own.scan(registry.TOKEN, after=after, limit=limit)
        return [DeviceToken.of(one) for one in found]

    found = await request.app[PARTS].gateway.run(work)
    more = found[-1].token if len(found) == limit else None
    return web.json_response({"push_tokens": [asdict(one) for one in found], "next": more})


def _with_token(state: State, token: str) -> State:
    for org in state.of("").scan(ORGANISATION, limit=10_000):
        if registry.find(state.of(org.key), token) is not None:
            return state.of(org.key)
    raise missing("no such device token was checked in")


def _throttle(state: State, token: str, body: Body, now_ms: int) -> DeviceToken:
    seconds = body.get("seconds", 3600)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
        raise bad("seconds must be a whole number, 0 to end it")
    return registry.change(state, token, throttled_until_ms=now_ms + seconds * 1000)


def _become(status: str) -> Callable[[State, str, Body, int], DeviceToken]:
    return lambda state, token, _, now_ms: registry.change(
        state, token, state=status, since_ms=now_ms
    )


ACTIONS = {
    "unregister": _become("unregistered"),
    "expire": _become("expired"),
    "activate": _become("active"),
    "throttle": _throttle,
}


async def act_on_token(request: web.Request) -> web.Response:
    """Let a token die, come back, or be throttled."""
    parts, token = request.app[PARTS], request.match_info["token"].lower()
    body, action = await json_body(request), ACTIONS.get(request.match_info["action"])
    if action is None:
        raise missing(f"there is no such action; there are {', '.join(ACTIONS)}")
    now_ms = parts.clock.now_ms()

    def work(state: State) -> DeviceToken:
        return action(_with_token(state, token), token, body, now_ms)

    return web.json_response(asdict(await parts.gateway.run(work)))


async def token_events(request: web.Request) -> web.StreamResponse:
    """Stream what the device of a token receives, as server-sent events."""
    return await _stream(request, request.match_info["token"].lower(), "push", _told)


async def events(request: web.Request) -> web.StreamResponse:
    """Stream pushes in the form that Fleet's osquery-perf reads: ``GET /events?token=``."""
    token = request.query.get("token", "").lower()
    if not registry.is_hex(token) or not token:
        raise bad("token must be a device token, hexadecimal")
    return await _stream(request, token, "ping", lambda push: push.payload)


def _told(push: Push) -> str:
    shown = {"mdm": push.magic, "matches": push.matches, "topic": push.topic}
    return msgspec.json.encode(shown | {"apns_id": push.apns_id}).decode()


async def _stream(
    request: web.Request, token: str, event: str, tell: Callable[[Push], str]
) -> web.StreamResponse:
    """Send each push as it comes; the newest that waits comes first."""
    parts: Parts = request.app[PARTS]
    response = web.StreamResponse(headers={"Cache-Control": "no-store"})
    response.content_type = "text/event-stream"

    def work(state: State) -> Push | None:
        now_ms = parts.clock.now_ms()
        for org in state.of("").scan(ORGANISATION, limit=10_000):
            if push := registry.take(state.of(org.key), token, now_ms):
                return push
        return None

    with parts.gateway.listen(token) as arrived:
        await response.prepare(request)
        while True:
            arrived.clear()
            push = await parts.gateway.run(work)
            if push is not None:
                await response.write(f"event: {event}\ndata: {tell(push)}\n\n".encode())
                continue
            try:
                await asyncio.wait_for(arrived.wait(), KEEP_ALIVE_S)
            except TimeoutError:
                await response.write(b": alive\n\n")


ROUTES = (
    Route("GET", "/push-topics", "List push topics.", list_topics),
    Route("POST", "/push-topics", "Add a topic, or a certificate for it.", add_topic),
    Route("POST", "/push-topics/{topic}/revoke", "Revoke certificates.", revoke),
    Route("GET", "/push-tokens", "List device tokens.", list_tokens),
    Route("POST", "/push-tokens/checkin", "Learn from a check-in message.", check_in),
    Route("GET", "/push-tokens/{token}/events", "Stream a device's pushes.", token_events),
    Route("POST", "/push-tokens/{token}/{action}", "Act on a token.", act_on_token),
)
