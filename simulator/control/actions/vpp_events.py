"""Calls for what a location was asked to do, what it told, and for its subscriptions."""

from collections import deque
from functools import partial

from aiohttp import web

from simulator.control.api.vpp import MANY, complete_due_events, find
from simulator.control.parts import AFTER, BODY, LIMIT, PARTS, QUERY, Route, json_response
from simulator.core.state import Body, State
from simulator.core.timestamps import is_time, milliseconds, rfc3339
from simulator.protocol.fields import Integer, Objects, String
from simulator.services.vpp.domain import events, portal
from simulator.services.vpp.domain import notifications as notices
from simulator.services.vpp.domain.subscriptions import Subscription

_READ = 50
"""How many notifications one transaction reads: each has up to 100 elements."""
_EVENT = ("id", "status", "tasks", "done", "failures")


def _event(body: Body) -> Body:
    times = {
        name: rfc3339(body[f"{name}_ms"]) for name in ("started", "ended") if f"{name}_ms" in body
    }
    facts = {name: body[name] for name in _EVENT}
    return facts | {"type": events.type_of(body), **times}


async def list_events(request: web.Request) -> web.Response:
    """Answer a page of a location's events, by id."""
    parts, limit = request.app[PARTS], request[QUERY]["limit"]
    after = request[QUERY]["after"]

    def work(state: State) -> list[Body]:
        complete_due_events(parts, state)
        one = find(state, request.match_info["id"])
        kind = one.kind(events.EVENT)
        found = state.of(one.organisation).scan(kind, after=after, limit=limit)
        return [_event(each.body) for each in found]

    found = await parts.gateway.run(work)
    more = found[-1]["id"] if len(found) == limit else None
    return json_response({"events": found, "next": more})


async def complete_events(request: web.Request) -> web.Response:
    """Complete the event of the body, ``{"event": id}``, or all that are pending.

    Each has a transaction of its own, so that others wait for none but one.
    """
    parts, body = request.app[PARTS], request[BODY]

    def pending(state: State) -> list[str]:
        complete_due_events(parts, state)
        one = find(state, request.match_info["id"])
        kind = one.kind(events.EVENT)
        found = state.of(one.organisation).find(kind, "status", equals=events.PENDING, limit=MANY)
        return [each.key for each in sorted(found, key=lambda each: each.revision)]

    def complete(state: State, event: str) -> Body:
        now_ms = complete_due_events(parts, state)
        one = find(state, request.match_info["id"])
        own = state.of(one.organisation)
        return _event(portal.complete_event(own, one.id, event, now_ms=now_ms))

    wanted = body.get("event")
    chosen = [str(wanted)] if wanted else await parts.gateway.run(pending)
    done = [await parts.gateway.run(partial(complete, event=each)) for each in chosen]
    return json_response({"events": done})


async def list_notifications(request: web.Request) -> web.Response:
    """Answer the newest notifications to a location's MDM server, and how their sending went.

    Each transaction reads some of them: a thousand are kept, and any number may wait.
    """
    parts, limit = request.app[PARTS], request[QUERY]["limit"]

    def work(state: State, after: str) -> tuple[list[Body], str]:
        complete_due_events(parts, state)
        one = find(state, request.match_info["id"])
        found = state.of("").scan(notices.OUTBOX, after=after, limit=_READ)
        own = [each.body for each in found if each.body["location"] == one.id]
        return own, found[-1].key if len(found) == _READ else ""

    newest, after = deque[Body](maxlen=limit), ""
    while True:
        some, after = await parts.gateway.run(partial(work, after=after))
        newest += some
        if not after:
            return json_response({"notifications": [_notification(each) for each in newest]})


def _notification(body: Body) -> Body:
    facts = {name: body[name] for name in ("state", "attempts", "message")}
    return facts | {"queued": rfc3339(body["queued_ms"]), "about": body.get("about", "")}


async def set_subscription(request: web.Request) -> web.Response:
    """Buy a subscription into a location, or change its seats."""
    parts, body = request.app[PARTS], request[BODY]

    def work(state: State) -> Body:
        now_ms = complete_due_events(parts, state)
        one = find(state, request.match_info["id"])
        made = Subscription(
            body["adam_id"],
            body.get("parent_adam_id"),
            body["status"],
            milliseconds(body["period_end"]),
            body["renewing"],
            body["expiring"],
        )
        own = state.of(one.organisation)
        return portal.add_subscription(own, one.id, made, now_ms=now_ms).body()

    return json_response(await parts.gateway.run(work))


_SEATS = 10_000_000
_STATUSES = ("ACTIVE", "INACTIVE", "PAUSED")
ROUTES = (
    Route(
        "GET",
        "/vpp-locations/{id}/events",
        "List events.",
        list_events,
        query=(AFTER, LIMIT),
        answer=(Objects("events", "By id.", required=True),),
    ),
    Route(
        "POST",
        "/vpp-locations/{id}/complete",
        "Complete events.",
        complete_events,
        query=(),
        body=(String("event", "Which; absent: all that are pending.", shortest=1),),
        answer=(Objects("events", "As they are now.", required=True),),
    ),
    Route(
        "GET",
        "/vpp-locations/{id}/notifications",
        "List notifications.",
        list_notifications,
        query=(LIMIT,),
        answer=(Objects("notifications", "The newest, oldest first.", required=True),),
    ),
    Route(
        "POST",
        "/vpp-locations/{id}/subscriptions",
        "Set a subscription.",
        set_subscription,
        query=(),
        body=(
            Integer("adam_id", "Its store id.", required=True, least=1, most=2**53, example=5),
            Integer("parent_adam_id", "The app that it is of.", least=1, most=2**53),
            String("status", "Its state.", values=_STATUSES, default=_STATUSES[0]),
            Integer("renewing", "Seats that renew.", least=0, most=_SEATS, default=0, example=10),
            Integer("expiring", "Seats that end with the period.", least=0, most=_SEATS, default=0),
            String(
                "period_end",
                "When the period ends.",
                required=True,
                check=is_time,
                example="2030-01-01T00:00:00Z",
            ),
        ),
    ),
)
