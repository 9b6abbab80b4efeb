"""Subscriptions of a location: seats that renew or expire, and who has one (vpp.md 4.9).

Two splits of the same seats: *total* by the seat, *assigned* by the assignment.
What is available is computed from them, so that the four always add up.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from simulator.core.state import Body, Entity, State
from simulator.services.vpp.domain.licences import every, having
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.domain.notifications import (
    enqueue_event_notification,
    enqueue_notification,
)
from simulator.services.vpp.v2.versions import touch

SUBSCRIPTION = "subscription"
SEAT = "seat"
ADMIN = "subscription-admin"
DUE = "vpp.due"
"""What is to happen at a time: the end of a period, or an event."""
LISTS = {SUBSCRIPTION: "subscriptions", SEAT: "seats", ADMIN: "admins"}
"""The list whose version each kind counts in."""
PERIOD_MS = 30 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription that a location has seats of."""

    adam_id: int
    parent: int | None
    status: str
    """``ACTIVE``, ``INACTIVE`` or ``PAUSED``."""
    period_end_ms: int
    renewing: int
    """Seats that renew at the end of the period."""
    expiring: int

    @classmethod
    def of(cls, entity: Entity) -> "Subscription":
        """Make it of what is stored."""
        return cls(**entity.body)

    def body(self) -> Body:
        """Return what is stored."""
        return {name: getattr(self, name) for name in self.__slots__}


def put(state: State, location: Location, subscription: Subscription) -> None:
    """Write a subscription."""
    state.put(location.kind(SUBSCRIPTION), str(subscription.adam_id), subscription.body())
    touch(state, location, LISTS[SUBSCRIPTION])


def find(state: State, location: Location, adam_id: int) -> Subscription | None:
    """Return a subscription of the location, or None."""
    found = state.get(location.kind(SUBSCRIPTION), str(adam_id))
    return None if found is None else Subscription.of(found)


def all_of(state: State, location: Location) -> Iterator[Subscription]:
    """Yield the subscriptions of the location."""
    return (Subscription.of(one) for one in every(state, location.kind(SUBSCRIPTION)))


def schedule(state: State, location: Location, subscription: Subscription) -> None:
    """Let the period end when its time comes."""
    row = {
        "organisation": location.organisation,
        "location": location.id,
        "event": "",
        "subscription": subscription.adam_id,
    }
    key = f"{subscription.period_end_ms:015d}/subscription/{location.uid}/{subscription.adam_id}"
    state.of("").put(DUE, key, row)


def seat_key(adam_id: int, client: str) -> str:
    """Return the key of a user's seat."""
    return f"{adam_id}|{client}"


def seats(state: State, location: Location, adam_id: int) -> list[Body]:
    """Return the assigned seats of a subscription."""
    found = having(state, location.kind(SEAT), "adam", str(adam_id))
    return [one.body for one in found]


def seat_of(state: State, location: Location, adam_id: int, client: str) -> Body | None:
    """Return a user's seat, or None."""
    found = state.get(location.kind(SEAT), seat_key(adam_id, client))
    return None if found is None else found.body


def put_seat(state: State, location: Location, seat: Body) -> None:
    """Write a seat: ``adam``, ``client``, ``renewing``, ``renews``, ``deferred``, ``group``.

    ``renewing`` is the assignment's state, ``renews`` that of the seat that it has.
    """
    key = seat_key(seat["adam"], seat["client"])
    index = {"adam": str(seat["adam"]), "client": seat["client"]}
    state.put(location.kind(SEAT), key, seat, index)
    touch(state, location, LISTS[SEAT], LISTS[SUBSCRIPTION])


def drop_seat(state: State, location: Location, seat: Body) -> None:
    """Remove a user's seat."""
    state.delete(location.kind(SEAT), seat_key(seat["adam"], seat["client"]))
    touch(state, location, LISTS[SEAT], LISTS[SUBSCRIPTION])


def counts(state: State, location: Location, subscription: Subscription) -> Body:
    """Return assigned, available and total, each split into renewing and expiring."""
    taken = seats(state, location, subscription.adam_id)
    renewing = sum(seat["renewing"] for seat in taken)
    lent = sum(seat["renews"] for seat in taken)
    return {
        "assigned": {"renewing": renewing, "expiring": len(taken) - renewing},
        "available": {
            "renewing": subscription.renewing - lent,
            "expiring": subscription.expiring - (len(taken) - lent),
        },
        "total": {"renewing": subscription.renewing, "expiring": subscription.expiring},
    }


def enqueue_count_notification(
    state: State, location: Location, subscription: Subscription, now_ms: int
) -> None:
    """Tell that the seats have changed."""
    found = counts(state, location, subscription)
    content: Body = {
        "adamId": subscription.adam_id,
        "counts": {name: found[name] for name in ("available", "total")},
    }
    if subscription.parent is not None:
        content["parentAdamId"] = subscription.parent
    enqueue_notification(state, location, "SUBSCRIPTION_COUNT", content, now_ms)


def end_period(state: State, location: Location, adam_id: int, now_ms: int) -> None:
    """End the period: expiring assignments end, expiring seats vanish, the next one begins."""
    one = find(state, location, adam_id)
    if one is None or one.period_end_ms > now_ms:
        return
    ended = [seat for seat in seats(state, location, adam_id) if not seat["renewing"]]
    for seat in ended:
        drop_seat(state, location, seat)
    left = replace(one, expiring=0, period_end_ms=one.period_end_ms + PERIOD_MS)
    put(state, location, left)
    schedule(state, location, left)
    for seat in ended:
        if seat["deferred"]:
            enqueue_event_notification(
                state,
                location,
                "SUBSCRIPTION_MANAGEMENT",
                {"eventId": seat["deferred"], "type": "DISASSOCIATE"},
                "assignments",
                [(shown_seat(seat), None)],
                now_ms,
            )
    if ended or one.expiring:
        enqueue_count_notification(state, location, left, now_ms)


def shown_seat(seat: Body) -> Body:
    """Return a seat as v2 shows it."""
    return {
        "adamId": seat["adam"],
        "clientUserId": seat["client"],
        "renewing": seat["renewing"],
    }


def shown(state: State, location: Location, subscription: Subscription) -> Body:
    """Return a subscription as v2 shows it."""
    ends = datetime.fromtimestamp(subscription.period_end_ms // 1000, UTC)
    body: Body = {
        "parentAdamId": subscription.parent,
        "adamId": subscription.adam_id,
        "status": subscription.status,
        "periodEndDate": f"{ends:%Y-%m-%d}",
        "counts": counts(state, location, subscription),
    }
    return {name: value for name, value in body.items() if value is not None}
