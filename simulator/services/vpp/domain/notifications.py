"""Notifications: what Apple tells an MDM server, queued in the transaction that it tells of.

The queue is state; whoever sends is outside (vpp.md 6). At most one error stands
in a message, so successes and each error number travel apart.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from simulator.core.state import Body, Entity, State
from simulator.protocol import quirks
from simulator.services.vpp import quirks as rows
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.limits import TEST_NOTIFICATION
from simulator.services.vpp.v2.versions import uuid_of

OUTBOX = "vpp.outbox"
LARGEST = 100
"""Most elements in one message."""
KEPT = 1000
"""How many messages stay to be looked at after they were sent or given up."""
RETRY_MS = (60_000, 240_000)
"""Pauses before the second and the third attempt: three attempts within 5 minutes."""


def enqueue_notification(
    state: State, location: Location, kind: str, content: Body, now_ms: int
) -> str | None:
    """Queue a notification if the location wants its *kind*; return its id, else None."""
    if not location.notify_url or kind not in location.notify_types:
        return None
    root = state.of("")
    number = root.reserve(OUTBOX)
    body: Body = {
        "organisation": location.organisation,
        "location": location.id,
        "state": "pending",
        "attempts": 0,
        "queued_ms": now_ms,
        "next_ms": now_ms,
        "message": message(location, kind, content, number),
    }
    _queue(root, number, body)
    _forget(root, number - KEPT)
    return str(body["message"]["notificationId"])


def _queue(root: State, number: int, body: Body) -> None:
    """Let a message wait to be sent, unless a quirk has every second one lost or late."""
    odd, whose = number % 2 == 1, body["organisation"]
    if odd and quirks.on(root, rows.LOST.id, whose):
        lost = {"state": "dropped", "about": f"{rows.LOST.id} is on", "ended_ms": body["next_ms"]}
        root.put(OUTBOX, _key(number), body | lost)
        return
    next_ms = body["next_ms"]
    if odd and quirks.on(root, rows.REORDERED.id, whose):
        next_ms += rows.LATE_MS
    root.put(OUTBOX, _key(number), body | {"next_ms": next_ms}, {"due": f"{next_ms:015d}"})


def _forget(root: State, number: int) -> None:
    """Drop an old message, unless it still waits."""
    old = root.get(OUTBOX, _key(number)) if number > 0 else None
    if old is not None and old.body["state"] != "pending":
        root.delete(OUTBOX, old.key)


def message(location: Location, kind: str, content: Body, number: int) -> Body:
    """Return a notification as it is sent, its keys in the order of the alphabet (ZE)."""
    return {
        "notification": dict(sorted(content.items())),
        "notificationId": uuid_of(location.salt.encode(), "notification", number),
        "notificationType": kind,
        "uId": location.uid,
    }


def probe(state: State, location: Location) -> Body:
    """Return the message that a new notification URL is tried with."""
    return message(location, TEST_NOTIFICATION, {}, state.of("").reserve(OUTBOX))


def _key(number: int) -> str:
    return f"{number:012d}"


def enqueue_event_notification(
    state: State,
    location: Location,
    kind: str,
    head: Body,
    element: str,
    outcomes: Iterable[tuple[Any, Body | None]],
    now_ms: int,
) -> None:
    """Queue the notifications of an event, successes first, at most `LARGEST` elements each.

    *outcomes* holds each element with its error (``errorNumber``,
    ``errorMessage``) or None; *element* names their list.
    """
    by_error: dict[int, list[Any]] = {0: []}
    errors: dict[int, Body] = {}
    for one, error in outcomes:
        number = 0 if error is None else int(error["errorNumber"])
        by_error.setdefault(number, []).append(one)
        if error is not None:
            errors[number] = error
    for code, found in by_error.items():
        result: Body = {"result": "FAILURE" if code else "SUCCESS"}
        if code:
            result["error"] = errors[code]
        for part in _parts(found):
            enqueue_notification(state, location, kind, {element: part, **head, **result}, now_ms)


def _parts(found: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (found[start : start + LARGEST] for start in range(0, len(found), LARGEST))


def due(root: State, now_ms: int, limit: int = 20) -> list[Entity]:
    """Return the messages that are to be sent by now, in order of their times."""
    waiting = root.find(OUTBOX, "due", limit=limit)
    return [one for one in waiting if int(one.body["next_ms"]) <= now_ms]


def record_attempt(root: State, key: str, now_ms: int, *, delivered: bool, about: str) -> None:
    """Note how an attempt to send a message went; the third failure is the last."""
    found = root.get(OUTBOX, key)
    if found is None:
        return
    attempts = found.body["attempts"] + 1
    body = found.body | {"attempts": attempts, "about": about}
    twice = delivered and quirks.on(root, rows.TWICE.id, body["organisation"])
    if twice and not body.get("again"):
        root.put(OUTBOX, key, body | {"again": True, "next_ms": now_ms}, {"due": f"{now_ms:015d}"})
        return
    if delivered or attempts > len(RETRY_MS):
        ended = {"state": "delivered" if delivered else "dropped", "ended_ms": now_ms}
        root.put(OUTBOX, key, body | ended, {})
        return
    next_ms = now_ms + RETRY_MS[attempts - 1]
    root.put(OUTBOX, key, body | {"next_ms": next_ms}, {"due": f"{next_ms:015d}"})
