"""Subscriptions of a location: seats that renew or expire, and who has one (vpp.md 4.9).

Two splits of the same seats: *total* by the seat, *assigned* by the assignment.
What is available is computed from them, so that the four always add up.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import asdict, replace

from simulator.core.state import Body, Entity, State
from simulator.services.vpp.domain import due, seats
from simulator.services.vpp.domain.licences import every
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.domain.notifications import (
    enqueue_event_notification,
    enqueue_notification,
)
from simulator.services.vpp.domain.seats import LISTS, SEAT, SUBSCRIPTION, SeatUnitOfWork
from simulator.services.vpp.v2.versions import touch

PERIOD_MS = 30 * 24 * 3600 * 1000


class Subscription(Struct, frozen=True):
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
        return asdict(self)


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
    name = f"subscription/{location.uid}/{subscription.adam_id}"
    what = {"subscription": subscription.adam_id}
    due.schedule(state, location, subscription.period_end_ms, name, what)


def available(subscription: Subscription, tally: Body) -> Body:
    """Return how many renewing and expiring seats are free."""
    return {
        "renewing": subscription.renewing - tally["lent"],
        "expiring": subscription.expiring - (tally["taken"] - tally["lent"]),
    }


def counts(state: State, location: Location, subscription: Subscription) -> Body:
    """Return assigned, available and total, each split into renewing and expiring."""
    tally = seats.tally(state, location, subscription.adam_id)
    renewing = tally["renewing"]
    return {
        "assigned": {"renewing": renewing, "expiring": tally["taken"] - renewing},
        "available": available(subscription, tally),
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


def end_period(state: State, location: Location, row: Body, now_ms: int, most: int) -> int:
    """End the period: expiring assignments end, expiring seats vanish, the next one begins.

    Return how many seats that took; of more than *most* the rest end before anybody looks.
    """
    adam_id: int = row["subscription"]
    one = find(state, location, adam_id)
    if one is None or one.period_end_ms > now_ms:
        return 1
    kind, after = location.kind(SEAT), row.get("after", "")
    some = state.find(kind, "adam", equals=str(adam_id), after=after, limit=most)
    ended = [seat.body for seat in some if not seat.body["renewing"]]
    unit = SeatUnitOfWork(state, location)
    for seat in ended:
        unit.drop(seat)
    unit.write()
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
    some_ended = bool(ended) or row.get("ended", False)
    if len(some) == most:
        what = {"subscription": adam_id, "after": some[-1].key, "ended": some_ended}
        name = f"subscription/{location.uid}/{adam_id}"
        due.schedule_rest(state, location, now_ms, name, what)
        return most
    left = replace(one, expiring=0, period_end_ms=one.period_end_ms + PERIOD_MS)
    put(state, location, left)
    schedule(state, location, left)
    if some_ended or one.expiring:
        enqueue_count_notification(state, location, left, now_ms)
    return len(some) + 1


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
