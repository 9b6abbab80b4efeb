"""Events: what v2 was asked to do, and when it is done (vpp.md 5).

An event is PENDING until it completes: at once, when its time has come, at a
poll, or by hand. Nothing runs by itself: whoever looks settles first what is due.
A large one is done piece by piece, each in a transaction of its own, between which
others have their turn. Who looks at the organisation's locations waits for all of it.
"""

from functools import partial
from typing import Any

from simulator.core.state import Body, Entity, State
from simulator.protocol.operations import Call, NeedsPieces
from simulator.services.vpp import errors, limits
from simulator.services.vpp.domain import due, seats, subscriptions, supply, users
from simulator.services.vpp.domain.event_handlers import KINDS, Kind, TaskResult, error_body
from simulator.services.vpp.domain.locations import Location, location, service_state
from simulator.services.vpp.domain.notifications import enqueue_event_notification
from simulator.services.vpp.domain.subscription_handlers import SUBSCRIPTION_KINDS
from simulator.services.vpp.v2.versions import uuid_of

EVENT = "event"
PENDING = "PENDING"
_KINDS: dict[str, Kind] = {**KINDS, **SUBSCRIPTION_KINDS}


def start(call: Call, location: Location, kind: str, request: Body, tasks: int) -> str:
    """Take a request on and return its event id; *tasks* are what it will have to do.

    *kind* is a key of ``event_handlers.KINDS``, or of those of subscriptions.
    """
    state, settings, now_ms = call.state, call.settings, call.now_ms
    number = state.reserve("vpp.event")
    identifier = uuid_of(location.salt.encode(), "event", number)
    event = {
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
    if settings.vpp_events == "immediate" and tasks <= limits.PIECE:
        _advance(state, location, event, now_ms)
        return identifier
    state.put(location.kind(EVENT), identifier, event, {"status": PENDING})
    if settings.vpp_events == "immediate":
        _leave_rest(state, location, event, now_ms)
    elif settings.vpp_events == "delay":
        due_ms = now_ms + settings.vpp_event_delay_s * 1000
        name = f"{number:012d}/{location.uid}"
        due.schedule(state, location, due_ms, name, {"event": identifier})
    return identifier


def _leave_rest(state: State, location: Location, event: Body, now_ms: int) -> None:
    name = f"event/{location.uid}/{event['id']}"
    due.schedule_rest(state, location, now_ms, name, {"event": event["id"]})


def require(state: State, now_ms: int, organisation: str | None = None) -> None:
    """Raise NeedsPieces if anything is due by now at locations of *organisation* (None: of all)."""
    if next(due.rows(state, now_ms, organisation), None) is not None:
        raise NeedsPieces(partial(complete_due, now_ms=now_ms, organisation=organisation))


def complete_due(state: State, now_ms: int, organisation: str | None = None) -> bool:
    """Do a piece of what is due by now, in order of its times; return whether that was all."""
    done = 0
    while done < limits.PIECE:
        row = next(due.rows(state, now_ms, organisation), None)
        if row is None:
            return True
        state.of("").delete(due.DUE, row.key)
        done += _do(state, row)
    return False


def _do(state: State, row: Entity) -> int:
    """Do what a row tells of, or a piece of it; return how much that was."""
    body, at_ms = row.body, due.at_ms(row)
    own = state.of(body["organisation"])
    place = location(own, body["location"])
    if body["event"]:
        event = find(own, place, body["event"])
        pending = event is not None and event["status"] == PENDING
        return _advance(own, place, event, at_ms)[1] if event and pending else 1
    if "licences" in body:
        return users.pass_on(own, place, body["licences"], limits.PIECE)
    if "admins" in body:
        return seats.set_admins(own, place, body["admins"], limits.PIECE)
    if "supply" in body:
        return supply.do_ordered(own, place, body["supply"], at_ms, limits.PIECE)
    return subscriptions.end_period(own, place, body, at_ms, limits.PIECE)


def find(state: State, location: Location, identifier: str) -> Body | None:
    """Return an event of the location, or None."""
    found = state.get(location.kind(EVENT), identifier) if identifier else None
    return None if found is None else found.body


def poll(state: State, location: Location, identifier: str, now_ms: int) -> Body | None:
    """Return an event as a poll of its status sees it; that may be the poll that completes it.

    NeedsPieces if that takes several pieces.
    """
    event = find(state, location, identifier)
    if event is None or event["status"] != PENDING or event["polls_left"] is None:
        return event
    if event["polls_left"] <= 1:
        return complete(state, location, identifier, now_ms)
    event = event | {"polls_left": event["polls_left"] - 1}
    state.put(location.kind(EVENT), identifier, event)
    return event


def complete(state: State, location: Location, identifier: str, now_ms: int) -> Body:
    """Have an event done and return it; NeedsPieces if that takes several pieces."""
    event = find(state, location, identifier)
    if event is None:
        raise LookupError(f"location {location.id} has no event {identifier}")
    if event["status"] != PENDING:
        return event
    event, _ = _advance(state, location, event, now_ms)
    if event["status"] == PENDING:
        organisation = location.organisation
        raise NeedsPieces(
            partial(_go_on, organisation=organisation, event=(location, identifier), now_ms=now_ms)
        )
    return event


def _go_on(state: State, organisation: str, event: tuple[Location, str], now_ms: int) -> bool:
    """Do a piece of an event; return whether it is done."""
    own = state.of(organisation)
    found = find(own, *event)
    if found is None or found["status"] != PENDING:
        return True
    found, _ = _advance(own, event[0], found, now_ms)
    return bool(found["status"] != PENDING)


def _advance(state: State, location: Location, event: Body, now_ms: int) -> tuple[Body, int]:
    """Do a piece of what an event is for, and queue the notifications of it.

    Return the event, and how much that was. The last piece notes how it all went; what is left
    otherwise is done before anybody looks.
    """
    kind, request = _KINDS[event["kind"]], event["request"] | {"event": event["id"]}
    seen = event.get("seen", 0)
    if service_state(state)["maintenance"]:
        outcomes, rest, size = [TaskResult({}, errors.MAINTENANCE_V1)], None, 1
        seen = event["tasks"] - 1
    else:
        outcomes, rest, size = kind.do(
            state, location, request, event.get("place", {}), limits.PIECE
        )
    failed = [one for one in outcomes if one.error is not None]
    seen += len(outcomes)
    event = event | {
        "done": event["done"] + len(outcomes) - len(failed),
        "failures": failures(failed, event["failures"]),
    }
    if rest is None:
        event = {name: value for name, value in event.items() if name not in ("place", "seen")} | {
            "status": "FAILED" if event["failures"] else "COMPLETE",
            "tasks": seen,
            "request": {},
            "ended_ms": now_ms,
        }
    else:
        event |= {"place": rest, "seen": seen}
        _leave_rest(state, location, event, now_ms)
    state.put(location.kind(EVENT), event["id"], event, {"status": event["status"]})
    enqueue_event_notification(
        state,
        location,
        kind.notification,
        {"eventId": event["id"], "type": type_of(event)},
        kind.element,
        (
            (one.element, None if one.error is None else error_body(one.error))
            for one in outcomes
            if one.element
        ),
        now_ms,
    )
    return event, max(size, 1)


def type_of(event: Body) -> str:
    """Return the eventType: that of a subscription's event is the same as that of an asset's."""
    return str(event["kind"]).removeprefix("SUBSCRIPTION_")


def failures(failed: list[TaskResult], earlier: list[Body]) -> list[Body]:
    """Return one entry per error number, with all that it is about; those of *earlier* first."""
    rows = {str(one["errorNumber"]): one for one in earlier}
    blamed: dict[str, dict[str, dict[str, Any]]] = {
        code: {
            name: {str(value): value for value in values}
            for name, values in one.get("errorInfo", {}).items()
        }
        for code, one in rows.items()
    }
    for one in failed:
        row = one.error
        if row is None:
            continue
        rows.setdefault(row.code, error_body(row))
        lists = blamed.setdefault(row.code, {})
        for name, value in one.about.items():
            lists.setdefault(name, {})[str(value)] = value
    found = []
    for code, entry in rows.items():
        info = {name: list(values.values()) for name, values in blamed[code].items()}
        found.append(entry | ({"errorInfo": info} if info else {}))
    return found
