"""v2: the users of a location."""

from msgspec.structs import replace

from simulator.core.state import Body, Entity, State
from simulator.protocol.fields import Objects, String
from simulator.protocol.items import Items
from simulator.protocol.lookups import Read
from simulator.protocol.operations import Call, operation
from simulator.services.vpp import checks, errors
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.domain import events, licences, users
from simulator.services.vpp.domain.users import USER, User
from simulator.services.vpp.limits import LIMITS
from simulator.services.vpp.v2.paging import changed_since, page
from simulator.services.vpp.v2.rows import BASE, CLIENT_ID, DOCS, EVENT, PAGE, PAGED, SINCE, flag
from simulator.services.vpp.v2.rows import USER as USER_ROWS


def _users(*optional: String) -> tuple[Objects, ...]:
    return (
        Objects(
            "users",
            "Users.",
            fields=(CLIENT_ID, *optional),
            required=True,
            missing=errors.NO_USERS,
            concept="vpp.client_user_id",
            source="D-users",
            example=[{"clientUserId": "u-1"}],
        ),
    )


_EMAIL = String("email", "E-mail address.", concept="user.email", source="D-users")
_ACCOUNT = String(
    "managedAppleId",
    "Managed Apple Account: the user is Associated at once.",
    concept="user.managed_apple_id",
    source="D-users",
)


@operation(
    f"GET {BASE}/users",
    "List the users of the location.",
    name="vpp2.users",
    auth="bearer",
    request=(
        *PAGE,
        SINCE,
        flag("activeOnly", "Without retired ones.", "D-users"),
        flag("retiredOnly", "Retired ones only.", "D-users"),
        replace(CLIENT_ID, place="query", about="The records of this user only."),
    ),
    response=(Objects("users", "Records.", fields=USER_ROWS, source="D-users"), *PAGED),
    docs=f"{DOCS}get-users-4mwln",
    source="D-users",
    inferred="Prose has includeRetired=0 where the table has activeOnly and retiredOnly; unknown "
    "names are ignored.",
)
def list_users(call: Call) -> Body:
    """Answer a page of users' records."""
    where, query = location_of_token(call), call.query
    candidates: Read | str = where.kind(USER)
    changed = changed_since(call, where, "users", USER)
    if changed is not None:
        candidates = changed
    elif "clientUserId" in query:
        client = query["clientUserId"]
        candidates = licences.all_having(where.kind(USER), "client", client)

    def keep(_: State, entity: Entity) -> bool:
        user = User.of(entity)
        if query.get("clientUserId", user.client) != user.client:
            return False
        if query.get("activeOnly") == "true" and not user.active:
            return False
        return query.get("retiredOnly") != "true" or not user.active

    found, about = page(
        call,
        where,
        "users",
        candidates,
        keep=keep if set(query) - {"pageIndex", "sinceVersionId"} else None,
    )
    return {"users": Items(found, lambda one: users.shown(User.of(one)))} | about


def _write(call: Call, kind: str) -> Body:
    wanted = list(call.body.get("users") or ())
    if not wanted:
        checks.forbidden(call, errors.NO_USERS, "/users")
    for index, one in enumerate(wanted):
        if not one.get("clientUserId"):
            checks.forbidden(call, errors.INVALID_ARGUMENT, f"/users/{index}/clientUserId")
    checks.size(call, "users", wanted, LIMITS["maxUsers"], errors.TOO_MANY_USERS)
    clients = [one["clientUserId"] for one in wanted]
    checks.distinct(call, "users", clients, errors.DUPLICATE_USERS)
    for index, one in enumerate(wanted):
        if one.get("email") and not checks.EMAIL.fullmatch(one["email"]):
            checks.broken(call, errors.EMAIL_INVALID, f"/users/{index}/email")
    names = ("clientUserId", "email", "managedAppleId")
    request = {"users": [{name: one[name] for name in names if one.get(name)} for one in wanted]}
    return {"eventId": events.start(call, location_of_token(call), kind, request, len(wanted))}


@operation(
    f"POST {BASE}/users/create",
    "Register users.",
    name="vpp2.create_users",
    auth="manage",
    json_only=True,
    request=_users(_EMAIL, _ACCOUNT),
    response=EVENT,
    docs=f"{DOCS}create-users",
    source="D-users",
)
def create(call: Call) -> Body:
    """Take on new users."""
    return _write(call, "CREATE")


@operation(
    f"POST {BASE}/users/update",
    "Change users.",
    name="vpp2.update_users",
    auth="manage",
    json_only=True,
    request=_users(_EMAIL, _ACCOUNT),
    response=EVENT,
    docs=f"{DOCS}update-users",
    source="D-users",
    inferred="A retired user counts as unknown; another managedAppleId replaces the former link.",
)
def update(call: Call) -> Body:
    """Take on changes of users."""
    return _write(call, "UPDATE")


@operation(
    f"POST {BASE}/users/retire",
    "Retire users.",
    name="vpp2.retire_users",
    auth="manage",
    json_only=True,
    request=_users(),
    response=EVENT,
    docs=f"{DOCS}retire-users",
    source="D-users",
    inferred="A user that is retired already counts as done: v2 has no number like v1's 9618.",
)
def retire(call: Call) -> Body:
    """Take on the retirement of users."""
    return _write(call, "RETIRE")
