"""Subscriptions of a location: seats that renew or expire, and who has one (vpp.md 4.9).

Two splits of the same seats: *total* by the seat, *assigned* by the assignment.
What is available is computed from them, so that the four always add up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from simulator.core.state import Body, Entity, State
from simulator.services.vpp.domain import due
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
_TALLY = "seat-tally"
"""How many seats of a subscription are assigned; without it they are counted."""
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
    name = f"subscription/{location.uid}/{subscription.adam_id}"
    what = {"subscription": subscription.adam_id}
    due.schedule(state, location, subscription.period_end_ms, name, what)


def seat_key(adam_id: int, client: str) -> str:
    """Return the key of a user's seat."""
    return f"{adam_id}|{client}"


def seat_of(state: State, location: Location, adam_id: int, client: str) -> Body | None:
    """Return a user's seat, or None."""
    found = state.get(location.kind(SEAT), seat_key(adam_id, client))
    return None if found is None else found.body


class SeatUnitOfWork:
    """The seats that one piece of work changes, written at its end with what they add up to."""

    def __init__(self, state: State, location: Location) -> None:
        self._state = state
        self._location = location
        self._kind = location.kind(SEAT)
        self._known: dict[str, Body | None] = {}
        self._placed: dict[str, Body | None] = {}
        """Seats written or (None) removed by this work."""
        self._tallies: dict[int, Body] = {}

    def read(self, pairs: Iterable[tuple[int, str]]) -> None:
        """Look up all at once what `seat` is going to be asked."""
        keys = [seat_key(*pair) for pair in pairs]
        found = self._state.get_many(self._kind, keys)
        self._known |= {key: found[key].body if key in found else None for key in keys}

    def seat(self, adam_id: int, client: str) -> Body | None:
        """Return a user's seat as this work has left it, or None."""
        key = seat_key(adam_id, client)
        if key in self._placed:
            return self._placed[key]
        if key not in self._known:
            self.read([(adam_id, client)])
        return self._known[key]

    def available(self, adam_id: int) -> Body:
        """Return how many renewing and expiring seats of a subscription are free."""
        one = find(self._state, self._location, adam_id)
        return {"renewing": 0, "expiring": 0} if one is None else _available(one, self._of(adam_id))

    def put(self, seat: Body) -> None:
        """Write a seat: ``adam``, ``client``, ``renewing``, ``renews``, ``deferred``, ``group``.

        ``renewing`` is the assignment's state, ``renews`` that of the seat that it has.
        """
        self._place(seat, seat)

    def drop(self, seat: Body) -> None:
        """Remove a user's seat."""
        self._place(seat, None)

    def _place(self, seat: Body, placed: Body | None) -> None:
        adam_id, client = seat["adam"], seat["client"]
        tally = self._of(adam_id)
        for one, sign in ((self.seat(adam_id, client), -1), (placed, 1)):
            if one is not None:
                tally["taken"] += sign
                tally["renewing"] += sign * one["renewing"]
                tally["lent"] += sign * one["renews"]
        self._placed[seat_key(adam_id, client)] = placed

    def _of(self, adam_id: int) -> Body:
        if adam_id not in self._tallies:
            self._tallies[adam_id] = dict(_tally(self._state, self._location, adam_id))
        return self._tallies[adam_id]

    def write(self) -> None:
        """Write what was changed, and note it in the versions."""
        kept = {key: body for key, body in self._placed.items() if body is not None}
        index = (
            (key, {"adam": f"{one['adam']}", "client": one["client"]}) for key, one in kept.items()
        )
        self._state.delete_many(self._kind, self._placed.keys() - kept.keys())
        self._state.put_many(self._kind, ((key, kept[key], names) for key, names in index))
        for adam_id, tally in self._tallies.items():
            self._state.put(self._location.kind(_TALLY), str(adam_id), tally)
        if self._placed:
            touch(self._state, self._location, LISTS[SEAT], LISTS[SUBSCRIPTION])


def put_seat(state: State, location: Location, seat: Body) -> None:
    """Write one seat, as a unit of work does."""
    unit = SeatUnitOfWork(state, location)
    unit.put(seat)
    unit.write()


def _tally(state: State, location: Location, adam_id: int) -> Body:
    """Return how many seats are assigned, and of those how many renew and are of those that do."""
    found = state.get(location.kind(_TALLY), str(adam_id))
    if found is not None:
        return found.body
    seats = [one.body for one in having(state, location.kind(SEAT), "adam", str(adam_id))]
    return {
        "taken": len(seats),
        "renewing": sum(seat["renewing"] for seat in seats),
        "lent": sum(seat["renews"] for seat in seats),
    }


def _available(subscription: Subscription, tally: Body) -> Body:
    return {
        "renewing": subscription.renewing - tally["lent"],
        "expiring": subscription.expiring - (tally["taken"] - tally["lent"]),
    }


def counts(state: State, location: Location, subscription: Subscription) -> Body:
    """Return assigned, available and total, each split into renewing and expiring."""
    tally = _tally(state, location, subscription.adam_id)
    renewing = tally["renewing"]
    return {
        "assigned": {"renewing": renewing, "expiring": tally["taken"] - renewing},
        "available": _available(subscription, tally),
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
