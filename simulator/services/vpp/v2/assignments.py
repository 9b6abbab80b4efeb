"""v2: who has which app or book."""

from simulator.core.state import Body, Entity, State
from simulator.protocol.fields import Objects, String
from simulator.protocol.items import Items
from simulator.protocol.lookups import Read
from simulator.protocol.operations import Call, operation
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.domain import licences, users
from simulator.services.vpp.domain.licences import ASSIGNMENT
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.domain.users import User
from simulator.services.vpp.limits import PRICING, STATUSES
from simulator.services.vpp.v2.assets import QUERY_ADAM, choice
from simulator.services.vpp.v2.paging import changed_since, page
from simulator.services.vpp.v2.rows import (
    ADAM_ID,
    BASE,
    CLIENT_ID,
    DOCS,
    PAGE,
    PAGED,
    PRICING_ROW,
    SERIAL,
    SINCE,
    flag,
)


@operation(
    f"GET {BASE}/assignments",
    "List who has which app or book.",
    name="vpp2.assignments",
    auth="bearer",
    request=(
        *PAGE,
        SINCE,
        QUERY_ADAM,
        String(
            "clientUserId",
            "Of this user only.",
            place="query",
            concept="vpp.client_user_id",
            source="D-assets",
        ),
        String(
            "serialNumber",
            "Of this device only.",
            place="query",
            concept="device.serial",
            source="D-assets",
        ),
        choice("pricingParam", "This quality only.", PRICING, "vpp.pricing"),
        flag("excludeInactiveUsers", "Without those of retired users.", "D-assets"),
        flag("includeUserState", "With userStatus and idHash.", "D-assets"),
    ),
    response=(
        Objects(
            "assignments",
            "Who has what.",
            source="D-assets",
            fields=(
                ADAM_ID,
                PRICING_ROW,
                CLIENT_ID,
                SERIAL,
                String(
                    "userStatus",
                    "State of the user.",
                    values=STATUSES,
                    concept="protocol",
                    source="D-assets",
                ),
                String("idHash", "The account.", concept="vpp.id_hash", source="D-assets"),
            ),
        ),
        *PAGED,
    ),
    docs=f"{DOCS}get-assignments-9wv1e",
    source="D-assets",
)
def list_assignments(call: Call) -> Body:
    """Answer a page of assignments."""
    where, query = location_of_token(call), call.query
    kind = where.kind(ASSIGNMENT)
    candidates: Read | str = kind
    changed = changed_since(call, where, "assignments", ASSIGNMENT)
    if changed is not None:
        candidates = changed
    else:
        for name, index in (
            ("serialNumber", "serial"),
            ("clientUserId", "client"),
            ("adamId", "adam"),
        ):
            if name in query:
                candidates = licences.all_having(kind, index, query[name])
                break
    chosen = set(query) - {"pageIndex", "sinceVersionId", "includeUserState"}

    def keep(state: State, entity: Entity) -> bool:
        return _wanted(call, state, where, entity.body)

    found, about = page(
        call,
        where,
        "assignments",
        candidates,
        keep=keep if chosen else None,
    )
    if query.get("includeUserState") != "true":
        return {"assignments": Items(found, lambda one: licences.shown(one.body))} | about
    numbers = {one.body["user"] for one in found if one.body["user"]}
    holders = users.by_numbers(call.state, where, numbers)
    items = Items(found, lambda one: _with_state(one.body, holders.get(one.body["user"])))
    return {"assignments": items} | about


def _wanted(call: Call, state: State, where: Location, held: Body) -> bool:
    query = call.query
    for name, key in (
        ("adamId", "adam"),
        ("clientUserId", "client"),
        ("serialNumber", "serial"),
        ("pricingParam", "pricing"),
    ):
        if name in query and query[name] != held[key]:
            return False
    if query.get("excludeInactiveUsers") == "true" and held["user"]:
        user = users.by_number(state, where, held["user"])
        return user is not None and user.active
    return True


def _with_state(held: Body, user: User | None) -> Body:
    body = licences.shown(held)
    if user is not None:
        body["userStatus"] = user.status
        if user.status == "Associated":
            body["idHash"] = user.id_hash
    return body
