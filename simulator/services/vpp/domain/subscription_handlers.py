"""What the asynchronous requests about subscriptions do when their event completes."""

from simulator.core.state import Body, State
from simulator.services.vpp import errors
from simulator.services.vpp.domain import subscriptions
from simulator.services.vpp.domain.event_handlers import Kind, TaskResult
from simulator.services.vpp.domain.locations import Location


def associate(state: State, location: Location, request: Body) -> list[TaskResult]:
    """Give each user a seat of each subscription; who has one keeps it, with the new renewing."""
    return [
        _seat(state, location, adam_id, client, request["renewing"])
        for adam_id in request["adamIds"]
        for client in request["clientUserIds"]
    ]


def _seat(
    state: State, location: Location, adam_id: int, client: str, renewing: bool
) -> TaskResult:
    element = {"adamId": adam_id, "clientUserId": client, "renewing": renewing}
    one = subscriptions.find(state, location, adam_id)
    has = subscriptions.seat_of(state, location, adam_id, client)
    free = {"renewing": 0, "expiring": 0}
    if one is not None:
        free = subscriptions.counts(state, location, one)["available"]
    if has is not None and (has["renews"] or not renewing):
        subscriptions.put_seat(state, location, has | {"renewing": renewing, "deferred": ""})
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
    subscriptions.put_seat(state, location, seat)
    return TaskResult(element)


def disassociate(state: State, location: Location, request: Body) -> list[TaskResult]:
    """Take the seats back now, or mark them to end with the period.

    What is deferred reports at the end of the period, so it has no element here.
    """
    found = []
    for adam_id in request["adamIds"]:
        for client in request["clientUserIds"]:
            seat = subscriptions.seat_of(state, location, adam_id, client)
            if seat is None:
                about = {"clientUserIds": client}
                found.append(TaskResult({}, errors.USER_LACKS_SUBSCRIPTION, about))
            elif request["deferred"]:
                marked = seat | {"renewing": False, "deferred": request["event"]}
                subscriptions.put_seat(state, location, marked)
                found.append(TaskResult({}))
            else:
                subscriptions.drop_seat(state, location, seat)
                found.append(TaskResult(subscriptions.shown_seat(seat)))
    return found


SUBSCRIPTION_KINDS = {
    "SUBSCRIPTION_ASSOCIATE": Kind(associate, "SUBSCRIPTION_MANAGEMENT", "assignments"),
    "SUBSCRIPTION_DISASSOCIATE": Kind(disassociate, "SUBSCRIPTION_MANAGEMENT", "assignments"),
}
"""By event kind."""
