"""What the asynchronous requests about subscriptions do when their event completes."""

from simulator.core.state import Body, State
from simulator.services.vpp import errors
from simulator.services.vpp.domain import seats, subscriptions
from simulator.services.vpp.domain.event_handlers import Kind, PieceResult, Place, TaskResult
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.domain.seats import SeatUnitOfWork


def _some(request: Body, place: Place, most: int) -> tuple[list[tuple[int, str]], Place | None]:
    start = place.get("at", 0)
    found, end = seats.crossed(request["adamIds"], request["clientUserIds"], start, most)
    return found, None if end is None else {"at": end}


def associate(
    state: State, location: Location, request: Body, place: Place, most: int
) -> PieceResult:
    """Give each user a seat of each subscription; who has one keeps it, with the new renewing."""
    pairs, rest = _some(request, place, most)
    unit = SeatUnitOfWork(state, location)
    unit.read(pairs)
    found = []
    for pair in pairs:
        one = subscriptions.find(state, location, pair[0])
        free = {"renewing": 0, "expiring": 0}
        if one is not None:
            free = subscriptions.available(one, unit.tally(pair[0]))
        found.append(_seat(unit, *pair, free, renewing=request["renewing"]))
    unit.write()
    return PieceResult(found, rest, len(found))


def _seat(
    unit: SeatUnitOfWork, adam_id: int, client: str, free: Body, *, renewing: bool
) -> TaskResult:
    element = {"adamId": adam_id, "clientUserId": client, "renewing": renewing}
    has = unit.seat(adam_id, client)
    if has is not None and (has["renews"] or not renewing):
        unit.put(has | {"renewing": renewing, "deferred": ""})
        return TaskResult(element)
    renews = free["renewing"] > 0 and (renewing or has is not None or free["expiring"] < 1)
    if not renews and (renewing or free["expiring"] < 1):
        about = {"clientUserIds": client}
        return TaskResult(element, errors.NOT_ENOUGH_ASSETS, about)
    seat = {
        "adam": adam_id,
        "client": client,
        "renewing": renewing,
        "renews": renews,
        "deferred": "",
        "group": False,
    }
    unit.put(seat)
    return TaskResult(element)


def disassociate(
    state: State, location: Location, request: Body, place: Place, most: int
) -> PieceResult:
    """Take the seats back now, or mark them to end with the period.

    What is deferred reports at the end of the period, so it has no element here.
    """
    pairs, rest = _some(request, place, most)
    unit = SeatUnitOfWork(state, location)
    unit.read(pairs)
    found = []
    for pair in pairs:
        seat = unit.seat(*pair)
        if seat is None:
            about = {"clientUserIds": pair[1]}
            found.append(TaskResult({}, errors.USER_LACKS_SUBSCRIPTION, about))
        elif request["deferred"]:
            unit.put(seat | {"renewing": False, "deferred": request["event"]})
            found.append(TaskResult({}))
        else:
            unit.drop(seat)
            found.append(TaskResult(subscriptions.shown_seat(seat)))
    unit.write()
    return PieceResult(found, rest, len(found))


SUBSCRIPTION_KINDS = {
    "SUBSCRIPTION_ASSOCIATE": Kind(associate, "SUBSCRIPTION_MANAGEMENT", "assignments"),
    "SUBSCRIPTION_DISASSOCIATE": Kind(disassociate, "SUBSCRIPTION_MANAGEMENT", "assignments"),
}
"""By event kind."""
