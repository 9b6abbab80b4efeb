"""v1: the users of a location."""

from msgspec.structs import replace

from simulator.core.state import Body
from simulator.protocol.fields import Boolean, Integer, Object, Objects
from simulator.protocol.items import Items
from simulator.protocol.lookups import list_page
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.vpp import errors
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.checks import forbidden
from simulator.services.vpp.domain import licences, users
from simulator.services.vpp.domain.licences import LicenceUnitOfWork
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.domain.users import USER, User
from simulator.services.vpp.origin import origin
from simulator.services.vpp.v1 import batches
from simulator.services.vpp.v1.config import INVITATION
from simulator.services.vpp.v1.licences import licence_bodies
from simulator.services.vpp.v1.rows import (
    ACCOUNT,
    BASE,
    BATCH,
    BATCHED,
    CLIENT_ID,
    COMMON,
    EMAIL,
    ID_HASH,
    LEGACY,
    LICENCE,
    STOKEN,
    USER_ID,
    facts,
)
from simulator.services.vpp.v1.rows import USER as USER_ROWS
from simulator.services.vpp.v2 import versions
from simulator.services.vpp.v2.rows import DOCS

_ANSWER = (Object("user", "The record.", fields=USER_ROWS, source="L-obj"), *COMMON)


def shown(call: Call, user: User) -> Body:
    """Return a record as v1 shows it."""
    body: Body = {
        "userId": user.number,
        "clientUserIdStr": user.client,
        "email": user.email,
        "status": user.status,
        "itsIdHash": "" if user.status == "Registered" else user.id_hash,
    }
    if user.status == "Registered":
        body["inviteCode"] = user.invite_code
        path = INVITATION.replace("%25inviteCode%25", user.invite_code)
        body["inviteUrl"] = origin(call) + path
    return {name: value for name, value in body.items() if value}


def named(call: Call, location: Location) -> list[User]:
    """Return the records that userId, or else clientUserIdStr and itsIdHash, name."""
    number, client = call.body.get("userId"), call.body.get("clientUserIdStr")
    if number is not None:
        text = str(number)
        found = users.by_number(call.state, location, int(text)) if text.isdigit() else None
        return [] if found is None else [found]
    if not client:
        forbidden(call, errors.MISSING_ARGUMENT, "/clientUserIdStr")
        return []
    wanted = call.body.get("itsIdHash")
    found_all = users.records(call.state, location, client)
    return [one for one in found_all if wanted in (None, "", one.id_hash)]


@operation(
    f"POST {BASE}/getVPPUserSrv",
    "Get a user with the licences.",
    name="vpp1.user",
    request=(STOKEN, USER_ID, CLIENT_ID, ID_HASH),
    response=(
        Object(
            "user",
            "The record.",
            source="L-obj",
            fields=(
                *USER_ROWS,
                Objects("licenses", "What it has.", fields=LICENCE, source="L-obj"),
            ),
        ),
        *COMMON,
    ),
    docs=LEGACY,
    source="L-obj",
    **facts("getVPPUserSrv"),
)
def get_user(call: Call) -> Body:
    """Answer one record; by clientUserIdStr alone the active one."""
    where = location_of_token(call)
    found = named(call, where)
    if call.body.get("userId") is None and not call.body.get("itsIdHash"):
        found = [one for one in found if one.active]
    if not found:
        raise ApiError(errors.NOT_FOUND)
    user = found[-1]
    body = shown(call, user)
    kind, number = where.kind(licences.ASSIGNMENT), str(user.number)
    if held := [*licences.having(call.state, kind, "user", number)]:
        body["licenses"] = [*map(licence_bodies(call.state, where, held), held)]
    return {"user": body}


@operation(
    f"POST {BASE}/getVPPUsersSrv",
    "List users in batches.",
    name="vpp1.users",
    request=(
        STOKEN,
        *BATCH,
        Integer(
            "includeRetired",
            "1: retired ones too; true is an invalid argument.",
            least=0,
            most=1,
            invalid=errors.INVALID_ARGUMENT,
            concept="protocol",
            source="L-obj, PE",
        ),
        Boolean("includeRetiredOnly", "Retired ones only.", concept="protocol", source="L-obj"),
    ),
    response=(
        Objects("users", "Records.", fields=USER_ROWS, source="L-obj"),
        *BATCHED,
        *COMMON,
    ),
    docs=LEGACY,
    source="L-obj, L-batch",
    inferred="A batchToken is good for a day; then it is 9633.",
    **facts("getVPPUsersSrv"),
)
def list_users(call: Call) -> Body:
    """Answer a batch of users' records."""
    where = location_of_token(call)
    batch = batches.requested_batch(call, where, "users", ("includeRetiredOnly", "includeRetired"))
    only = batch.filters.get("includeRetiredOnly", False)
    retired = batch.filters.get("includeRetired", 0)
    kind, size = where.kind(USER), call.settings.vpp_batch_size
    first, version = (batch.index - 1) * size, versions.number(call.state, where, "users")
    read = licences.all_of(kind)
    if batch.since is not None:
        read = licences.all_changed(kind, batch.since, version)

    def fits(user: User) -> bool:
        return bool(retired and not only) or user.active != only

    listed = list_page(
        call,
        "users",
        read,
        lambda _, some: [fits(User.of(one)) for one in some],
        range(first, first + size),
        version,
    )
    about = batches.batch_facts(
        call,
        where,
        "users",
        batch,
        total=listed.total,
        count=len(listed.rows),
        version=listed.version,
    )
    return {"users": Items(listed.entities, lambda one: shown(call, User.of(one)))} | about


@operation(
    f"POST {BASE}/registerVPPUserSrv",
    "Register a user.",
    name="vpp1.register",
    request=(
        STOKEN,
        replace(
            CLIENT_ID,
            required=True,
            missing=errors.MISSING_ARGUMENT,
            shortest=1,
            invalid=errors.INVALID_ARGUMENT,
        ),
        EMAIL,
        ACCOUNT,
    ),
    response=_ANSWER,
    docs=f"{DOCS}register-a-user",
    source="L-obj",
    inferred="Of two records of one clientUserId, the invitation of the new one brings back the "
    "retired one if it is accepted with that one's account (this page); with any other account it "
    "associates the new one and deletes the retired one (the users' page).",
    **facts("registerVPPUserSrv", writes=True),
)
def register(call: Call) -> Body:
    """Register the user; an active one is answered as it is."""
    where, client = location_of_token(call), call.body.get("clientUserIdStr") or ""
    if not client:
        raise ApiError(errors.MISSING_ARGUMENT)
    user = users.active(call.state, where, client)
    if user is None:
        unit = LicenceUnitOfWork(call.state, where)
        email, account = call.body.get("email", ""), call.body.get("managedAppleIDStr", "")
        user = users.register(call.state, where, unit, client, email, account)
        unit.write()
    return {"user": shown(call, user)}


@operation(
    f"POST {BASE}/editVPPUserSrv",
    "Change a user.",
    name="vpp1.edit",
    request=(STOKEN, USER_ID, CLIENT_ID, EMAIL, ACCOUNT, ID_HASH),
    response=_ANSWER,
    docs=LEGACY,
    source="L-obj",
    **facts("editVPPUserSrv", writes=True),
)
def edit(call: Call) -> Body:
    """Change the user's e-mail address or Managed Apple Account."""
    where = location_of_token(call)
    user = _only_active(named(call, where))
    email, account = call.body.get("email", ""), call.body.get("managedAppleIDStr", "")
    return {"user": shown(call, users.change(call.state, where, user, email, account))}


def _only_active(found: list[User]) -> User:
    """Return the active record; an error says what became of the user else."""
    for one in found:
        if one.active:
            return one
    if not found:
        raise ApiError(errors.USER_NOT_FOUND)
    deleted = found[-1].status == "Deleted"
    raise ApiError(errors.ALREADY_DELETED if deleted else errors.ALREADY_RETIRED)


@operation(
    f"POST {BASE}/retireVPPUserSrv",
    "Retire a user.",
    name="vpp1.retire",
    request=(STOKEN, USER_ID, CLIENT_ID),
    response=_ANSWER,
    docs=f"{DOCS}retire-a-user",
    source="L-obj",
    **facts("retireVPPUserSrv", writes=True),
)
def retire(call: Call) -> Body:
    """Retire the user; revocable licences are free again."""
    where = location_of_token(call)
    unit = LicenceUnitOfWork(call.state, where)
    gone = users.retire(call.state, where, unit, _only_active(named(call, where)))
    unit.write()
    return {"user": shown(call, gone)}
