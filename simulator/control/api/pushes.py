"""Calls for pushes: device tokens, and what devices receive."""

from collections.abc import Callable
from functools import partial

from aiohttp import web
from msgspec.structs import asdict

from simulator.control.api.servers import home
from simulator.control.parts import (
    BODY,
    PAGE,
    PARTS,
    QUERY,
    Route,
    bad,
    json_response,
    missing,
    read_body,
)
from simulator.control.push_streams import STREAMS, as_event, payload
from simulator.core.notifier import PREFIX_DIGITS
from simulator.core.state import Body, State
from simulator.engine.everywhere import of_all
from simulator.pki.push import ENVIRONMENTS
from simulator.protocol.fields import Field, Integer, Objects, String
from simulator.services.apns import pushes, registry, topics
from simulator.services.apns.check_in_messages import read_message
from simulator.services.apns.registry import DeviceToken
from simulator.services.organisations import identifiers

_ENVIRONMENTS = tuple(ENVIRONMENTS)
MAX_PAGE = 1000
READ = 250
"""Device tokens that one transaction reads, each with its pushes."""


async def check_in(request: web.Request) -> web.Response:
    """Learn from a check-in message: a plist, XML or binary, as the device sent it.

    The event of MicroMDM's webhook, which nanomdm sends too, is taken as well: JSON whose
    ``checkin_event.raw_payload`` is the message. What is about no token changes nothing.

    ``?topic=`` takes the place of the message's topic, for simulated devices that make
    one up; ``?environment=`` says that the token is for one environment only.
    """
    parts, message = request.app[PARTS], await read_body(request, read_message)
    if not registry.is_about_tokens(message):
        return json_response({"token": None, "changed": []})
    now_ms = parts.clock.now_ms()
    environment = request[QUERY].get("environment", "")
    if "topic" in request[QUERY]:
        message["Topic"] = request[QUERY]["topic"]
    share = parts.settings.shared_tokens == "share"

    def work(state: State) -> list[DeviceToken]:
        topic = message.get("Topic")
        known = topics.find(state, topic) if isinstance(topic, str) else None
        if known is None:
            raise missing("no push topic is that of the message: add it with POST /push-topics")
        try:
            own = state.of(known["organisation"])
            return registry.check_in(own, message, now_ms, environment=environment, share=share)
        except ValueError as error:
            raise bad(str(error)) from None

    changed = await parts.gateway.run(work)
    active = next((one.token for one in changed if one.state == "active"), None)
    return json_response({"token": active, "changed": [asdict(one) for one in changed]})


async def list_tokens(request: web.Request) -> web.Response:
    """Answer a page of device tokens, each with what waits for the device."""
    parts = request.app[PARTS]
    limit = request[QUERY]["limit"]
    wanted, after = request[QUERY].get("organisation"), request[QUERY]["after"]
    now_ms = parts.clock.now_ms()

    def work(state: State, after: str, most: int) -> list[Body]:
        own = state.of(home(state, wanted))
        found = own.scan(registry.TOKEN, after=after, limit=most)
        return [
            asdict(DeviceToken.of(one)) | {"pushes": pushes.pushes_of(own, one.key, now_ms)}
            for one in found
        ]

    found: list[Body] = []
    while more := min(limit - len(found), READ):
        some = await parts.gateway.run(partial(work, after=after, most=more))
        found += some
        if len(some) < more:
            break
        after = some[-1]["token"]
    following = found[-1]["token"] if len(found) == limit else None
    return json_response({"push_tokens": found, "next": following})


async def list_pushes(request: web.Request) -> web.Response:
    """Answer what waits for the device of a token, and what it got last."""
    parts, token = request.app[PARTS], request.match_info["token"].lower()
    now_ms = parts.clock.now_ms()
    if not registry.is_hex(token):
        raise missing("no such device token: it is hexadecimal")

    def look(state: State, org: str) -> list[Body]:
        return pushes.pushes_of(state.of(org), token, now_ms)

    return json_response({"pushes": await of_all(parts.gateway, look)})


def _with_token(state: State, token: str) -> State:
    for org in state.organisations_with(registry.TOKEN, token):
        return state.of(org)
    raise missing("no such device token was checked in")


def _throttle(state: State, token: str, body: Body, now_ms: int) -> DeviceToken:
    until_ms = now_ms + body["seconds"] * 1000
    return registry.change(state, token, throttled_until_ms=until_ms)


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
    body, action = request[BODY], ACTIONS.get(request.match_info["action"])
    if action is None:
        raise missing(f"there is no such action; there are {', '.join(ACTIONS)}")
    now_ms = parts.clock.now_ms()

    def work(state: State) -> DeviceToken:
        return action(_with_token(state, token), token, body, now_ms)

    return json_response(asdict(await parts.gateway.run(work)))


async def token_events(request: web.Request) -> web.StreamResponse:
    """Stream what the device of a token receives, as server-sent events."""
    token = request.match_info["token"].lower()
    return await request.app[STREAMS].serve(request, token, "push", as_event)


async def all_events(request: web.Request) -> web.StreamResponse:
    """Stream what all devices receive whose tokens begin with ``prefix``."""
    prefix = request[QUERY]["prefix"].lower()
    if not registry.is_hex(prefix) or len(prefix) != PREFIX_DIGITS:
        raise bad(f"prefix must be the first {PREFIX_DIGITS} hexadecimal digits of the tokens")
    return await request.app[STREAMS].serve(request, prefix, "push", as_event, many=True)


async def events(request: web.Request) -> web.StreamResponse:
    """Stream pushes in the form that Fleet's osquery-perf reads: ``GET /events?token=``."""
    token = request.query.get("token", "").lower()
    if not registry.is_hex(token) or not token:
        raise bad("token must be a device token, hexadecimal")
    return await request.app[STREAMS].serve(request, token, "ping", payload)


async def stats(request: web.Request) -> web.Response:
    """Answer how many streams are open and what became of pushes, as Fleet's mock does."""

    def work(state: State) -> dict[str, int]:
        totals = dict.fromkeys(pushes.COUNTERS, 0)
        for org in identifiers(state):
            for name, value in pushes.counters(state.of(org)).items():
                totals[name] += value
        return totals

    totals = await request.app[PARTS].gateway.run(work)
    return json_response({"connections": request.app[STREAMS].count(), **totals})


ROUTES = (
    Route(
        "GET",
        "/push-tokens",
        "List device tokens.",
        list_tokens,
        query=PAGE,
        answer=(
            Objects("push_tokens", "By token, each with its pushes.", required=True),
            Field("next", "What to give as after to go on; null at the end.", required=True),
        ),
    ),
    Route(
        "POST",
        "/push-tokens/checkin",
        "Learn from a check-in message.",
        check_in,
        query=(
            String("environment", "Whose the token is; both if absent.", values=_ENVIRONMENTS),
            String("topic", "In place of the message's own."),
        ),
        takes="application/octet-stream",
    ),
    Route(
        "GET",
        "/push-tokens/events",
        "Stream the pushes of many devices.",
        all_events,
        query=(String("prefix", "What their tokens begin with: 8 digits.", required=True),),
        gives="text/event-stream",
    ),
    Route(
        "GET",
        "/push-tokens/{token}/pushes",
        "List what waits for a device, and what it got last.",
        list_pushes,
        query=(),
        answer=(
            Objects(
                "pushes",
                "Each with its status: waiting, expired, delivered, or ignored for its magic.",
                required=True,
            ),
        ),
    ),
    Route(
        "GET",
        "/push-tokens/{token}/events",
        "Stream a device's pushes.",
        token_events,
        query=(),
        gives="text/event-stream",
    ),
    Route(
        "POST",
        "/push-tokens/{token}/{action}",
        "Act on a token.",
        act_on_token,
        query=(),
        body=(
            Integer(
                "seconds", "How long it is throttled; 0 ends it.", least=0, most=10**9, default=3600
            ),
        ),
    ),
)
