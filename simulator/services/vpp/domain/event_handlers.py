"""What the asynchronous requests of v2 do when their event completes.

Each function does a piece of the tasks of one kind of event, about as many as it is told, and
returns an outcome per task and where the next piece begins. What fails leaves the other tasks
done.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct, field

from simulator.core.state import Body, State
from simulator.protocol.fields import ErrorCode
from simulator.protocol.operations import ApiError
from simulator.services.vpp import errors, limits
from simulator.services.vpp.domain import licences, users
from simulator.services.vpp.domain.licences import Asset, Holder, LicenceUnitOfWork
from simulator.services.vpp.domain.locations import Location


class TaskResult(Struct, frozen=True):
    """What became of one task."""

    element: Body
    """It, as a notification shows it."""
    error: ErrorCode | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    """What is to blame, by list of errorInfo: ``assets``, ``clientUserIds``, ``serialNumbers``."""


def error_body(row: ErrorCode) -> Body:
    """Return an error as bodies show it."""
    return {"errorNumber": int(row.code), "errorMessage": row.body}


Place = Mapping[str, Any]
"""Where a piece begins, as the one before has left it; empty: at the beginning."""


class PieceResult(NamedTuple):
    """What became of a piece."""

    results: list[TaskResult]
    """Those of its tasks."""
    rest: Place | None
    """Where the next one begins; None: that was all."""
    size: int
    """About how many licences or seats were looked at or changed."""


_USER = 4
"""How many licences a change of a user takes as long as."""


def _targets(request: Body) -> list[tuple[str, str]]:
    """Return clientUserId or serial number of whom a request is for: users, then devices."""
    users_first = [(client, "") for client in request.get("clientUserIds") or ()]
    return users_first + [("", serial) for serial in request.get("serialNumbers") or ()]


def _element(adam_id: str, pricing: str, holder: Holder) -> Body:
    who = {"serialNumber": holder.serial} if holder.serial else {"clientUserId": holder.client}
    return {"adamId": adam_id, "pricingParam": pricing, **who}


def _unknown_user(element: Body, holder: Holder) -> TaskResult:
    return TaskResult(element, errors.USER_NOT_FOUND, {"clientUserIds": holder.client})


def _blame(element: Body) -> Body:
    lists: Body = {"assets": {"adamId": element["adamId"], "pricingParam": element["pricingParam"]}}
    if "serialNumber" in element:
        return lists | {"serialNumbers": element["serialNumber"]}
    return lists | {"clientUserIds": element["clientUserId"]}


def associate(
    state: State, location: Location, request: Body, place: Place, most: int
) -> PieceResult:
    """Assign each asset to each target; who has it already keeps it."""

    def act(
        unit: LicenceUnitOfWork, asset: Asset | None, element: Body, holder: Holder
    ) -> TaskResult:
        if asset is not None and unit.assignment_of(asset, holder) is not None:
            return TaskResult(element)
        if asset is None or unit.assign(asset, holder) is None:
            return TaskResult(element, errors.NOT_ENOUGH_ASSETS, _blame(element))
        return TaskResult(element)

    return _cross(state, location, request, place, most, act)


def disassociate(
    state: State, location: Location, request: Body, place: Place, most: int
) -> PieceResult:
    """Take each asset from each target; who does not have it is no failure."""

    def act(
        unit: LicenceUnitOfWork, asset: Asset | None, element: Body, holder: Holder
    ) -> TaskResult:
        held = None if asset is None else unit.assignment_of(asset, holder)
        if asset is not None and held is not None:
            unit.revoke(asset, held)
        return TaskResult(element)

    return _cross(state, location, request, place, most, act)


def _cross(
    state: State,
    location: Location,
    request: Body,
    place: Place,
    most: int,
    act: Callable[[LicenceUnitOfWork, Asset | None, Body, Holder], TaskResult],
) -> PieceResult:
    """Do *act* for each asset and target, in the order of the request."""
    unit = LicenceUnitOfWork(state, location)
    wanted, everyone = request["assets"], _targets(request)
    start, numbers = place.get("at", 0), list(place.get("users", ()))
    end = min(start + most, len(wanted) * len(everyone))
    new = everyone[len(numbers) : end]
    known = users.active_ones(state, location, [client for client, _ in new if client])
    numbers += [known[client].number if client in known else 0 for client, _ in new]
    tasks = []
    for which, who in (divmod(number, len(everyone)) for number in range(start, end)):
        client, serial = everyone[who]
        adam_id, pricing = wanted[which]["adamId"], wanted[which]["pricingParam"]
        tasks.append((adam_id, pricing, Holder(client, numbers[who], serial)))
    unit.read(
        (asset, holder)
        for adam_id, pricing, holder in tasks
        if (asset := unit.asset(adam_id, pricing)) is not None
    )
    found = []
    for adam_id, pricing, holder in tasks:
        element = _element(adam_id, pricing, holder)
        if holder.serial or holder.user:
            found.append(act(unit, unit.asset(adam_id, pricing), element, holder))
        else:
            found.append(_unknown_user(element, holder))
    unit.write()
    rest = {"at": end, "users": numbers} if end < len(wanted) * len(everyone) else None
    return PieceResult(found, rest, len(found))


def revoke(state: State, location: Location, request: Body, place: Place, most: int) -> PieceResult:
    """Take every revocable asset from the targets; the others stay."""
    unit = LicenceUnitOfWork(state, location)
    everyone, found = _targets(request), []
    index, after, left = place.get("at", 0), place.get("after", ""), most
    while index < len(everyone) and left > 0:
        client, serial = everyone[index]
        user = users.active(state, location, client) if client else None
        holder = Holder(client, 0 if user is None else user.number, serial)
        held_by, more = unit.held_by(holder, after, left)
        if client and user is None:
            found.append(_unknown_user({"clientUserId": client}, holder))
        for asset, held in held_by:
            if asset.revocable and not held["retired"]:
                unit.revoke(asset, held)
                found.append(TaskResult(licences.shown(held)))
        left -= len(held_by) + 1
        index, after = (index, more) if more else (index + 1, "")
    unit.write()
    rest = {"at": index, "after": after} if index < len(everyone) else None
    return PieceResult(found, rest, most - left)


def create(state: State, location: Location, request: Body, place: Place, most: int) -> PieceResult:
    """Register users that are not registered."""

    def act(unit: LicenceUnitOfWork, one: Body) -> users.User:
        if users.active(state, location, one["clientUserId"]) is not None:
            raise ApiError(errors.USER_EXISTS)
        return users.register(state, location, unit, *_facts(one))

    return _each_user(state, location, request["users"], place, most, act)


def update(state: State, location: Location, request: Body, place: Place, most: int) -> PieceResult:
    """Change the e-mail address or the Managed Apple Account of users."""

    def act(_: LicenceUnitOfWork, one: Body) -> users.User:
        client, email, account = _facts(one)
        user = users.active(state, location, client)
        if user is None:
            raise ApiError(errors.USER_NOT_FOUND)
        return users.change(state, location, user, email, account)

    return _each_user(state, location, request["users"], place, most, act)


def retire(state: State, location: Location, request: Body, place: Place, most: int) -> PieceResult:
    """Retire users; who is retired already stays so, as requests may be repeated."""

    def act(unit: LicenceUnitOfWork, one: Body) -> users.User:
        known = users.records(state, location, one["clientUserId"])
        user = next((each for each in known if each.active), None)
        if user is not None:
            return users.retire(state, location, unit, user)
        if not known:
            raise ApiError(errors.USER_NOT_FOUND)
        return known[-1]

    return _each_user(state, location, request["users"], place, most, act)


def _facts(one: Body) -> tuple[str, str, str]:
    return one["clientUserId"], one.get("email") or "", one.get("managedAppleId") or ""


def _each_user(
    state: State,
    location: Location,
    wanted: Sequence[Body],
    place: Place,
    most: int,
    act: Callable[[LicenceUnitOfWork, Body], users.User],
) -> PieceResult:
    unit = LicenceUnitOfWork(state, location)
    found: list[TaskResult] = []
    start = place.get("at", 0)
    for one in wanted[start:]:
        if len(found) * _USER + unit.size * limits.FREED >= most:
            break
        client = one["clientUserId"]
        try:
            found.append(TaskResult(users.shown(act(unit, one))))
        except ApiError as error:
            found.append(TaskResult({"clientUserId": client}, error.row, {"clientUserIds": client}))
    unit.write()
    end = start + len(found)
    size = len(found) * _USER + unit.size * limits.FREED
    return PieceResult(found, {"at": end} if end < len(wanted) else None, size)


class Kind(Struct, frozen=True):
    """One kind of event."""

    do: Callable[[State, Location, Body, Place, int], PieceResult]
    notification: str
    element: str
    """Name of the list in its notification."""


KINDS = {
    "ASSOCIATE": Kind(associate, "ASSET_MANAGEMENT", "assignments"),
    "DISASSOCIATE": Kind(disassociate, "ASSET_MANAGEMENT", "assignments"),
    "REVOKE": Kind(revoke, "ASSET_MANAGEMENT", "assignments"),
    "CREATE": Kind(create, "USER_MANAGEMENT", "users"),
    "UPDATE": Kind(update, "USER_MANAGEMENT", "users"),
    "RETIRE": Kind(retire, "USER_MANAGEMENT", "users"),
}
"""By eventType."""
