"""v2: giving and taking seats of subscriptions, and naming administrators."""

from collections.abc import Callable, Sequence
from functools import partial

from simulator.core.state import Body, State
from simulator.protocol.fields import Boolean, Integers, Strings
from simulator.protocol.lookups import look_up
from simulator.protocol.operations import ApiError, Call, Handler, Operation, operation
from simulator.services.vpp import checks, errors, limits
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.domain import events, seats, subscriptions, users
from simulator.services.vpp.domain.locations import Location, change
from simulator.services.vpp.domain.seats import ADMIN, LISTS, SEAT
from simulator.services.vpp.domain.subscriptions import Subscription
from simulator.services.vpp.limits import LIMITS
from simulator.services.vpp.v2 import versions
from simulator.services.vpp.v2.rows import BASE, COMMON, DOCS, EVENT, VERSION

_TREE = f"{BASE}/subscriptions"
_ADAM_IDS = Integers(
    "adamIds",
    "Subscriptions; integers, unlike the adamId of apps.",
    required=True,
    missing=errors.INVALID_ARGUMENT,
    concept="vpp.adam_id",
    source="D-subs",
    example=[2000000001],
)
_CLIENT_IDS = Strings(
    "clientUserIds",
    "Users.",
    required=True,
    missing=errors.INVALID_ARGUMENT,
    concept="vpp.client_user_id",
    source="D-subs",
    example=["u-1"],
)


def _sized(call: Call) -> tuple[list[int], list[str]]:
    adam_ids = list(call.body.get("adamIds") or ())
    clients = list(call.body.get("clientUserIds") or ())
    if not adam_ids or not clients:
        checks.forbidden(call, errors.INVALID_ARGUMENT, "/adamIds")
    most = LIMITS["maxSubscriptions"]
    checks.size(call, "adamIds", adam_ids, most, errors.SUBSCRIPTION_LIMIT)
    most = LIMITS["maxSubscriptionClientUserIds"]
    checks.size(call, "clientUserIds", clients, most, errors.SUBSCRIPTION_LIMIT)
    return list(dict.fromkeys(adam_ids)), list(dict.fromkeys(clients))


def _known(call: Call, where: Location, adam_ids: list[int]) -> list[Subscription]:
    found = []
    for index, adam_id in enumerate(adam_ids):
        one = subscriptions.find(call.state, where, adam_id)
        if one is None:
            checks.forbidden(call, errors.ADAM_ID_INVALID, f"/adamIds/{index}")
        else:
            found.append(one)
    return found


def _associated(call: Call, where: Location, clients: list[str]) -> None:
    known = users.active_ones(call.state, where, clients)
    for index, client in enumerate(clients):
        if client not in known or known[client].status != "Associated":
            checks.forbidden(call, errors.NO_ASSOCIATED_USER, f"/clientUserIds/{index}")


@operation(
    f"POST {_TREE}/associate",
    "Give users seats.",
    name="vpp2.associate_subscriptions",
    auth="manage",
    json_only=True,
    request=(
        _ADAM_IDS,
        _CLIENT_IDS,
        Boolean(
            "renewing",
            "Whether the seat goes on after the period.",
            concept="protocol",
            source="D-subs",
            inferred="true if absent.",
        ),
    ),
    response=EVENT,
    docs=f"{DOCS}managing-subscriptions",
    source="D-subs",
)
def associate(call: Call) -> Body:
    """Take on a seat for each subscription and user."""
    where = location_of_token(call)
    adam_ids, clients = _sized(call)
    if any(one.status != "ACTIVE" for one in _known(call, where, adam_ids)):
        checks.forbidden(call, errors.SUBSCRIPTION_INVALID, "/adamIds")
    _associated(call, where, clients)
    keys, kind = _keys(adam_ids, clients), where.kind(SEAT)
    by_group = call.state.find(kind, seats.BY_GROUP, limit=1)
    if by_group and look_up(call, "by-group", keys, partial(_assigned_by_group, kind=kind)):
        checks.forbidden(call, errors.ASSIGNED_BY_GROUP, "/clientUserIds")
    request = {
        "adamIds": adam_ids,
        "clientUserIds": clients,
        "renewing": call.body.get("renewing", True),
    }
    kind = "SUBSCRIPTION_ASSOCIATE"
    return {"eventId": events.start(call, where, kind, request, len(keys))}


@operation(
    f"POST {_TREE}/disassociate",
    "Take seats from users.",
    name="vpp2.disassociate_subscriptions",
    auth="manage",
    json_only=True,
    request=(
        _ADAM_IDS,
        _CLIENT_IDS,
        Boolean(
            "deferred",
            "At the end of the period instead of now.",
            default=False,
            concept="protocol",
            source="D-subs",
        ),
    ),
    response=EVENT,
    docs=f"{DOCS}managing-subscriptions",
    source="D-subs",
)
def disassociate(call: Call) -> Body:
    """Take on the end of a seat for each subscription and user."""
    where = location_of_token(call)
    adam_ids, clients = _sized(call)
    _known(call, where, adam_ids)
    keys = _keys(adam_ids, clients)
    _must_all_be(call, where.kind(SEAT), keys)
    request = {
        "adamIds": adam_ids,
        "clientUserIds": clients,
        "deferred": call.body.get("deferred", False),
    }
    kind = "SUBSCRIPTION_DISASSOCIATE"
    return {"eventId": events.start(call, where, kind, request, len(keys))}


def _keys(adam_ids: list[int], clients: list[str]) -> list[str]:
    """Return the keys of a seat, or an administrator, of each subscription for each user."""
    return [seats.seat_key(one, client) for one in adam_ids for client in clients]


def _assigned_by_group(state: State, keys: Sequence[str], *, kind: str) -> set[str]:
    return state.indexed(kind, seats.BY_GROUP, keys)


def _missing(state: State, keys: Sequence[str], *, kind: str) -> set[str]:
    return state.missing(kind, keys)


def _must_all_be(call: Call, kind: str, keys: list[str]) -> None:
    if look_up(call, "missing", keys, partial(_missing, kind=kind)):
        checks.forbidden(call, errors.USER_LACKS_SUBSCRIPTION, "/clientUserIds")


_MANAGEMENT = (
    Boolean(
        "subscriptionManagement",
        "Whether subscriptions can be bought into the location.",
        concept="protocol",
        source="D-subs",
    ),
    *COMMON,
)


@operation(
    f"POST {_TREE}/enable",
    "Let managers buy subscriptions into the location.",
    name="vpp2.enable_subscriptions",
    auth="manage",
    response=_MANAGEMENT,
    docs=f"{DOCS}managing-subscriptions",
    source="D-subs",
    inferred="mdmInfo is null here until it is set, as in the sample; elsewhere it is absent.",
)
def enable(call: Call) -> Body:
    """Enable subscriptions."""
    return _set_management(call, wanted=True)


@operation(
    f"POST {_TREE}/disable",
    "Let managers buy no more subscriptions.",
    name="vpp2.disable_subscriptions",
    auth="manage",
    response=_MANAGEMENT,
    docs=f"{DOCS}managing-subscriptions",
    source="D-subs",
)
def disable(call: Call) -> Body:
    """Disable subscriptions; not while there are some."""
    if next(subscriptions.all_of(call.state, location_of_token(call)), None) is not None:
        raise ApiError(errors.CANNOT_DISABLE)
    return _set_management(call, wanted=False)


def _set_management(call: Call, *, wanted: bool) -> Body:
    where = location_of_token(call)
    if where.subscriptions != wanted:
        where = change(call.state, where.id, subscriptions=wanted)
    null = {} if where.mdm is not None else {"mdmInfo": None}
    return {"subscriptionManagement": wanted, **null}


def _admins(verb: str, about: str) -> Callable[[Handler], Operation]:
    return operation(
        f"POST {_TREE}/admins/{verb}",
        about,
        name=f"vpp2.{verb}_subscription_admins",
        auth="manage",
        json_only=True,
        request=(_ADAM_IDS, _CLIENT_IDS),
        response=(VERSION, *COMMON),
        docs=f"{DOCS}managing-subscriptions",
        source="D-subs",
    )


@_admins("add", "Let users administer a subscription.")
def add_admins(call: Call) -> Body:
    """Add administrators at once; who is one stays one."""
    where = location_of_token(call)
    adam_ids, clients = _sized(call)
    _known(call, where, adam_ids)
    _associated(call, where, clients)
    return _set_admins(call, where, adam_ids, clients, "add")


@_admins("remove", "Let users no longer administer a subscription.")
def remove_admins(call: Call) -> Body:
    """Remove administrators at once; who is none is refused."""
    where = location_of_token(call)
    adam_ids, clients = _sized(call)
    _known(call, where, adam_ids)
    _must_all_be(call, where.kind(ADMIN), _keys(adam_ids, clients))
    return _set_admins(call, where, adam_ids, clients, "remove")


def _set_admins(
    call: Call, where: Location, adam_ids: list[int], clients: list[str], how: str
) -> Body:
    what = {"how": how, "adamIds": adam_ids, "clientUserIds": clients}
    seats.set_admins(call.state, where, what, limits.PIECE)
    return {"versionId": versions.version_id(call.secret, call.state, where, LISTS[ADMIN])}
