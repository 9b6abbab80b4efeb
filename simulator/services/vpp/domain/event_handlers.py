"""What the asynchronous requests of v2 do when their event completes.

Each function does the tasks of one kind of event and returns an outcome per
task. What fails leaves the other tasks done.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.core.state import Body, State
from simulator.protocol.fields import ErrorCode
from simulator.protocol.operations import ApiError
from simulator.services.vpp import errors
from simulator.services.vpp.domain import licences, users
from simulator.services.vpp.domain.licences import Asset, Holder, LicenceUnitOfWork
from simulator.services.vpp.domain.locations import Location


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What became of one task."""

    element: Body
    """It, as a notification shows it."""
    error: ErrorCode | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    """What is to blame, by list of errorInfo: ``assets``, ``clientUserIds``, ``serialNumbers``."""


def error_body(row: ErrorCode) -> Body:
    """Return an error as bodies show it."""
    return {"errorNumber": int(row.code), "errorMessage": row.body}


Target = tuple[Holder, bool]
"""A holder, and whether it exists."""


def targets(state: State, location: Location, request: Body) -> list[Target]:
    """Return whom a request is for: users in its order, then devices."""
    found = []
    for client in request.get("clientUserIds") or ():
        user = users.active(state, location, client)
        found.append((user.holder, True) if user is not None else (Holder(client), False))
    serials = request.get("serialNumbers") or ()
    return [*found, *((Holder(serial=serial), True) for serial in serials)]


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


def associate(state: State, location: Location, request: Body) -> list[TaskResult]:
    """Assign each asset to each target; who has it already keeps it."""

    def act(
        unit: LicenceUnitOfWork, asset: Asset | None, element: Body, holder: Holder
    ) -> TaskResult:
        if asset is not None and unit.assignment_of(asset, holder) is not None:
            return TaskResult(element)
        if asset is None or unit.assign(asset, holder) is None:
            return TaskResult(element, errors.NOT_ENOUGH_ASSETS, _blame(element))
        return TaskResult(element)

    return _cross(state, location, request, act)


def disassociate(state: State, location: Location, request: Body) -> list[TaskResult]:
    """Take each asset from each target; who does not have it is no failure."""

    def act(
        unit: LicenceUnitOfWork, asset: Asset | None, element: Body, holder: Holder
    ) -> TaskResult:
        held = None if asset is None else unit.assignment_of(asset, holder)
        if asset is not None and held is not None:
            unit.revoke(asset, held)
        return TaskResult(element)

    return _cross(state, location, request, act)


def _cross(
    state: State,
    location: Location,
    request: Body,
    act: Callable[[LicenceUnitOfWork, Asset | None, Body, Holder], TaskResult],
) -> list[TaskResult]:
    """Do *act* for each asset and target, in the order of the request."""
    unit = LicenceUnitOfWork(state, location)
    found = []
    wanted = targets(state, location, request)
    for one in request["assets"]:
        adam_id, pricing = one["adamId"], one["pricingParam"]
        for holder, exists in wanted:
            element = _element(adam_id, pricing, holder)
            if exists:
                found.append(act(unit, unit.asset(adam_id, pricing), element, holder))
            else:
                found.append(_unknown_user(element, holder))
    unit.write()
    return found


def revoke(state: State, location: Location, request: Body) -> list[TaskResult]:
    """Take every revocable asset from the targets; the others stay."""
    unit = LicenceUnitOfWork(state, location)
    found = []
    for holder, exists in targets(state, location, request):
        if not exists:
            found.append(_unknown_user({"clientUserId": holder.client}, holder))
            continue
        for held in unit.of_holder(holder):
            asset = unit.asset(held["adam"], held["pricing"])
            if asset is not None and asset.revocable and not held["retired"]:
                unit.revoke(asset, held)
                found.append(TaskResult(licences.shown(held)))
    unit.write()
    return found


def create(state: State, location: Location, request: Body) -> list[TaskResult]:
    """Register users that are not registered."""

    def act(unit: LicenceUnitOfWork, one: Body) -> users.User:
        if users.active(state, location, one["clientUserId"]) is not None:
            raise ApiError(errors.USER_EXISTS)
        return users.register(state, location, unit, *_facts(one))

    return _each_user(state, location, request["users"], act)


def update(state: State, location: Location, request: Body) -> list[TaskResult]:
    """Change the e-mail address or the Managed Apple Account of users."""

    def act(_: LicenceUnitOfWork, one: Body) -> users.User:
        client, email, account = _facts(one)
        user = users.active(state, location, client)
        if user is None:
            raise ApiError(errors.USER_NOT_FOUND)
        return users.change(state, location, user, email, account)

    return _each_user(state, location, request["users"], act)


def retire(state: State, location: Location, request: Body) -> list[TaskResult]:
    """Retire users; who is retired already stays so, as requests may be repeated."""

    def act(unit: LicenceUnitOfWork, one: Body) -> users.User:
        known = users.records(state, location, one["clientUserId"])
        user = next((each for each in known if each.active), None)
        if user is not None:
            return users.retire(state, location, unit, user)
        if not known:
            raise ApiError(errors.USER_NOT_FOUND)
        return known[-1]

    return _each_user(state, location, request["users"], act)


def _facts(one: Body) -> tuple[str, str, str]:
    return one["clientUserId"], one.get("email") or "", one.get("managedAppleId") or ""


def _each_user(
    state: State,
    location: Location,
    wanted: Iterable[Body],
    act: Callable[[LicenceUnitOfWork, Body], users.User],
) -> list[TaskResult]:
    unit = LicenceUnitOfWork(state, location)
    found = []
    for one in wanted:
        client = one["clientUserId"]
        try:
            found.append(TaskResult(users.shown(act(unit, one))))
        except ApiError as error:
            found.append(TaskResult({"clientUserId": client}, error.row, {"clientUserIds": client}))
    unit.write()
    return found


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of event."""

    do: Callable[[State, Location, Body], list[TaskResult]]
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
