"""Events: what v2 was asked to do, and when it is done (vpp.md 5).

An event is PENDING until it completes: at once, when its time has come, at a
poll, or by hand. Nothing runs by itself: whoever looks settles first what is due.
"""

from typing import Any

from simulator.core.state import Body, State
from simulator.protocol.fields import ErrorCode
from simulator.protocol.operations import Call
from simulator.services.vpp import errors
from simulator.services.vpp.domain import subscriptions
from simulator.services.vpp.domain.event_handlers import KINDS, Kind, TaskResult, error_body
from simulator.services.vpp.domain.locations import Location, location, service_state
from simulator.services.vpp.domain.notifications import enqueue_event_notification
from simulator.services.vpp.domain.subscription_handlers import SUBSCRIPTION_KINDS
from simulator.services.vpp.domain.subscriptions import DUE
from simulator.services.vpp.v2.versions import uuid_of

EVENT = "event"
PENDING = "PENDING"
_KINDS: dict[str, Kind] = {**KINDS, **SUBSCRIPTION_KINDS}


def start(call: Call, location: Location, kind: str, request: Body, tasks: int) -> str:
    """Take a request on and return its event id; *tasks* are what it will have to do.

    *kind* is a key of ``work.KINDS``, or of those of subscriptions.
    """
    state, settings, now_ms = call.state, call.settings, call.now_ms
    number = state.reserve("vpp.event")
    identifier = uuid_of(location.salt.encode(), "event", number)
    body = {
        "id": identifier,
        "kind": kind,
        "status": PENDING,
        "tasks": tasks,
        "done": 0,
        "failures": [],
        "request": request,
        "started_ms": now_ms,
        "polls_left": settings.vpp_event_polls if settings.vpp_events == "polls" else None,
    }
    state.put(location.kind(EVENT), identifier, body, {"status": PENDING})
    if settings.vpp_events == "immediate":
        complete(state, location, identifier, now_ms)
    elif settings.vpp_events == "delay":
        due_ms = now_ms + settings.vpp_event_delay_s * 1000
        row = {"organisation": location.organisation, "location": location.id, "event": identifier}
        state.of("").put(DUE, f"{due_ms:015d}/{number:012d}/{location.uid}", row)
    return identifier


def complete_due(state: State, now_ms: int) -> None:
    """Complete all events of all locations whose time has come, in order of their times."""
    root = state.of("")
    while due := root.scan(DUE, limit=100):
        for one in due:
            if int(one.key[:15]) > now_ms:
                return
            root.delete(DUE, one.key)
            own, due_ms = state.of(one.body["organisation"]), int(one.key[:15])
            place = location(own, one.body["location"])
            if one.body["event"]:
                complete(own, place, one.body["event"], due_ms)
            else:
                subscriptions.end_period(own, place, one.body["subscription"], due_ms)


def find(state: State, location: Location, identifier: str) -> Body | None:
    """Return an event of the location, or None."""
    found = state.get(location.kind(EVENT), identifier) if identifier else None
    return None if found is None else found.body


def poll(state: State, location: Location, identifier: str, now_ms: int) -> Body | None:
    """Return an event as a poll of its status sees it; that may be the poll that completes it."""
    event = find(state, location, identifier)
    if event is None or event["status"] != PENDING or event["polls_left"] is None:
        return event
    if event["polls_left"] <= 1:
        return complete(state, location, identifier, now_ms)
    event = event | {"polls_left": event["polls_left"] - 1}
    state.put(location.kind(EVENT), identifier, event)
    return event


def complete(state: State, location: Location, identifier: str, now_ms: int) -> Body:
    """Do what the event is for, note how it went, and queue its notifications."""
    event = find(state, location, identifier)
    if event is None:
        raise LookupError(f"location {location.id} has no event {identifier}")
    if event["status"] != PENDING:
        return event
    kind = _KINDS[event["kind"]]
    if service_state(state)["maintenance"]:
        outcomes = [TaskResult({}, errors.MAINTENANCE_V1)] * event["tasks"]
    else:
        outcomes = kind.do(state, location, event["request"] | {"event": identifier})
    failed = [one for one in outcomes if one.error is not None]
    event = event | {
        "status": "FAILED" if failed else "COMPLETE",
        "tasks": len(outcomes),
        "done": len(outcomes) - len(failed),
        "failures": failures(failed),
        "request": {},
        "ended_ms": now_ms,
    }
    state.put(location.kind(EVENT), identifier, event, {"status": event["status"]})
    enqueue_event_notification(
        state,
        location,
        kind.notification,
        {"eventId": identifier, "type": type_of(event)},
        kind.element,
        (
            (one.element, None if one.error is None else error_body(one.error))
            for one in outcomes
            if one.element
        ),
        now_ms,
    )
    return event


def type_of(event: Body) -> str:
    """Return the eventType: that of a subscription's event is the same as that of an asset's."""
    return str(event["kind"]).removeprefix("SUBSCRIPTION_")


def failures(failed: list[TaskResult]) -> list[Body]:
    """Return one entry per error number, with all that it is about."""
    rows: dict[str, ErrorCode] = {}
    blamed: dict[str, dict[str, dict[str, Any]]] = {}
    for one in failed:
        if one.error is None:
            continue
        rows[one.error.code] = one.error
        lists = blamed.setdefault(one.error.code, {})
        for name, value in one.about.items():
            lists.setdefault(name, {})[str(value)] = value
    found = []
    for code, row in rows.items():
        info = {name: list(values.values()) for name, values in blamed[code].items()}
        found.append(error_body(row) | ({"errorInfo": info} if info else {}))
    return found
