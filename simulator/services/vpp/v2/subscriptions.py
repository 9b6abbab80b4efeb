"""v2: subscriptions, their seats and their administrators (June 2026; vpp.md 4.9)."""

import base64
import hashlib
import hmac
from collections.abc import Callable

from simulator.core.state import Body, Entity, State
from simulator.protocol.fields import (
    Boolean,
    Integer,
    Object,
    Objects,
    String,
)
from simulator.protocol.lookups import list_page
from simulator.protocol.operations import Call, operation
from simulator.services.vpp import checks, errors
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.domain import subscriptions, users
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.domain.seats import ADMIN, LISTS, SEAT, SUBSCRIPTION
from simulator.services.vpp.domain.subscriptions import Subscription
from simulator.services.vpp.limits import STATUSES
from simulator.services.vpp.v2 import versions
from simulator.services.vpp.v2.rows import BASE, CLIENT_ID, COMMON, DOCS, VERSION, flag

_TREE = f"{BASE}/subscriptions"


def _query(name: str, about: str, concept: str) -> String:
    return String(name, about, place="query", concept=concept, source="D-subs")


_CURSOR = _query("cursor", "Where to go on.", "protocol")
_NEXT = String("nextCursor", "Where to go on; absent at the end.", source="D-page")
_ADAM = Integer("adamId", "Subscription.", concept="vpp.adam_id", source="D-subs")
_PARENT = Integer("parentAdamId", "App that it is of.", concept="vpp.adam_id", source="D-subs")
_QUERY_ADAM = _query("adamId", "This subscription only.", "vpp.adam_id")
_QUERY_PARENT = _query("parentAdamId", "Of this app only.", "vpp.adam_id")
_QUERY_CLIENT = _query("clientUserId", "Of this user only.", "vpp.client_user_id")
_BOTH = (
    Integer("renewing", "Seats that renew.", concept="protocol", source="D-subs"),
    Integer("expiring", "Seats that end with the period.", concept="protocol", source="D-subs"),
)


def _code(call: Call, where: Location, key: str) -> str:
    text = f"cursor|{where.uid}|{key}".encode()
    return hmac.digest(call.secret, text, hashlib.sha256).hex()[:24]


def _page(
    call: Call,
    where: Location,
    kind: str,
    keep: Callable[[State, Entity], bool],
) -> tuple[list[Entity], Body]:
    """Return a page of what *keep* keeps, and the cursor for the next with the version."""
    size, after = call.settings.vpp_page_size, ""
    if (cursor := call.query.get("cursor")) is not None:
        code, _, packed = cursor.partition(".")
        try:
            after = base64.urlsafe_b64decode(packed).decode()
        except ValueError:
            after = ""
        if not after or not hmac.compare_digest(code.encode(), _code(call, where, after).encode()):
            checks.forbidden(call, errors.CURSOR_INVALID, "cursor")
    scope, of_kind = LISTS[kind], where.kind(kind)
    listed = list_page(
        call,
        scope,
        lambda state, last, most: state.scan(
            of_kind, after=last.key if last else after, limit=most
        ),
        lambda state, some: [keep(state, one) for one in some],
        range(size + 1),
        versions.number(call.state, where, scope),
        whole=False,
    )
    found = [one for _, one in listed.rows]
    version = versions.uuid_of(call.secret, f"{where.uid}/{scope}", listed.version)
    about: Body = {"versionId": version}
    if len(found) > size:
        key = found[size - 1].key
        packed = base64.urlsafe_b64encode(key.encode()).decode()
        about["nextCursor"] = f"{_code(call, where, key)}.{packed}"
    return found[:size], about


def _of_adam(call: Call, body: Body, key: str) -> bool:
    """Tell whether a record is of the subscriptions and users that the query names."""
    wanted = {pair.value for pair in call.pairs if pair.name == "adamId"}
    if wanted and str(body[key]) not in wanted:
        return False
    return "clientUserId" not in call.query or call.query["clientUserId"] == body.get("client")


def _parent_of(state: State, where: Location, adam_id: int) -> str:
    one = subscriptions.find(state, where, adam_id)
    return "" if one is None else str(one.parent)


@operation(
    f"GET {_TREE}",
    "List the subscriptions of the location.",
    name="vpp2.subscriptions",
    auth="bearer",
    request=(_QUERY_PARENT, _QUERY_ADAM, _CURSOR),
    response=(
        Objects(
            "subscriptions",
            "Subscriptions.",
            source="D-subs",
            fields=(
                _PARENT,
                _ADAM,
                String(
                    "status",
                    "State.",
                    values=("ACTIVE", "INACTIVE", "PAUSED"),
                    concept="protocol",
                    source="D-subs",
                ),
                String("periodEndDate", "Last day.", concept="protocol", source="D-subs"),
                Object(
                    "counts",
                    "Seats.",
                    source="D-subs",
                    fields=tuple(
                        Object(name, f"Seats that are {name}.", fields=_BOTH, source="D-subs")
                        for name in ("assigned", "available", "total")
                    ),
                ),
            ),
        ),
        _NEXT,
        VERSION,
        *COMMON,
    ),
    docs=f"{DOCS}managing-subscriptions",
    source="D-subs",
)
def list_subscriptions(call: Call) -> Body:
    """Answer a page of subscriptions; those without seats stay in the list."""
    where = location_of_token(call)

    def keep(_: State, one: Entity) -> bool:
        parent = call.query.get("parentAdamId")
        return _of_adam(call, one.body, "adam_id") and parent in (None, str(one.body["parent"]))

    found, about = _page(call, where, SUBSCRIPTION, keep)
    shown = [subscriptions.shown(call.state, where, Subscription.of(one)) for one in found]
    return {"subscriptions": shown} | about


@operation(
    f"GET {_TREE}/assignments",
    "List who has a seat.",
    name="vpp2.subscription_assignments",
    auth="bearer",
    request=(_QUERY_PARENT, _QUERY_ADAM, _QUERY_CLIENT, _CURSOR),
    response=(
        Objects(
            "assignments",
            "Seats.",
            source="D-subs",
            fields=(
                _ADAM,
                CLIENT_ID,
                Boolean("renewing", "Whether it goes on.", concept="protocol", source="D-subs"),
            ),
        ),
        _NEXT,
        VERSION,
        *COMMON,
    ),
    docs=f"{DOCS}managing-subscriptions",
    source="D-subs",
)
def list_seats(call: Call) -> Body:
    """Answer a page of seats."""
    where, parent = location_of_token(call), call.query.get("parentAdamId")

    def keep(state: State, one: Entity) -> bool:
        fits = _of_adam(call, one.body, "adam")
        return fits and parent in (None, _parent_of(state, where, one.body["adam"]))

    found, about = _page(call, where, SEAT, keep)
    return {"assignments": [subscriptions.shown_seat(one.body) for one in found]} | about


@operation(
    f"GET {_TREE}/admins",
    "List who administers a subscription.",
    name="vpp2.subscription_admins",
    auth="bearer",
    request=(
        _QUERY_ADAM,
        flag("includeUserState", "With userStatus and idHash.", "D-subs"),
        _CURSOR,
    ),
    response=(
        Objects(
            "admins",
            "Administrators.",
            source="D-subs",
            fields=(
                _ADAM,
                CLIENT_ID,
                String("idHash", "The account.", concept="vpp.id_hash", source="D-subs"),
                String(
                    "userStatus",
                    "State of the user.",
                    values=STATUSES,
                    concept="protocol",
                    source="D-subs",
                ),
            ),
        ),
        _NEXT,
        VERSION,
        *COMMON,
    ),
    docs=f"{DOCS}managing-subscriptions",
    source="D-subs",
    inferred="Several subscriptions are named by repeating adamId.",
)
def list_admins(call: Call) -> Body:
    """Answer a page of administrators."""
    where = location_of_token(call)
    found, about = _page(call, where, ADMIN, lambda _, one: _of_adam(call, one.body, "adam"))
    return {"admins": [_admin(call, where, one.body) for one in found]} | about


def _admin(call: Call, where: Location, admin: Body) -> Body:
    body = {"adamId": admin["adam"], "clientUserId": admin["client"]}
    if call.query.get("includeUserState") == "true":
        user = users.active(call.state, where, admin["client"])
        state = {"idHash": user.id_hash, "userStatus": user.status} if user is not None else {}
        body |= {name: value for name, value in state.items() if value}
    return body
