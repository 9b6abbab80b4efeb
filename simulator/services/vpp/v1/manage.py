"""v1: assigning one app or book, and taking it away, at once."""

from collections.abc import Callable

from simulator.core.state import Body
from simulator.protocol.fields import (
    Boolean,
    ErrorCode,
    Integer,
    Objects,
    String,
    Strings,
    in_order,
)
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.vpp import checks, errors, quirks
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.checks import forbidden
from simulator.services.vpp.domain import licences, users
from simulator.services.vpp.domain.licences import ASSIGNMENT, Asset, Holder, LicenceUnitOfWork
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.limits import MAX_BATCH, PRICING
from simulator.services.vpp.v1.lists import HEAD, head
from simulator.services.vpp.v1.rows import (
    ADAM_ID,
    BASE,
    CLIENT_ID,
    COMMON,
    LEGACY,
    SERIAL,
    STOKEN,
    facts,
)
from simulator.services.vpp.v1.texts import text_of
from simulator.services.vpp.v2.rows import DOCS


def _targets(name: str, about: str, concept: str) -> Strings:
    return Strings(name, about, concept=concept, source="L-obj")


_ASKED = "vpp.asked"
_CLIENTS, _SERIALS = "vpp.client_user_id", "device.serial"
_LICENCES = "vpp.licence_id"
_OUTCOMES = (
    CLIENT_ID,
    SERIAL,
    String(
        "licenseIdStr",
        "The licence; of one taken away, any that is free.",
        concept=_LICENCES,
        source="L-obj",
    ),
    Integer("errorNumber", "Why not.", concept="protocol", source="L-obj"),
    String("errorMessage", "The same in words.", concept="protocol", source="L-obj"),
)


@operation(
    f"POST {BASE}/manageVPPLicensesByAdamIdSrv",
    "Assign an app or book, and take it away.",
    name="vpp1.manage",
    request=(
        STOKEN,
        ADAM_ID,
        String(
            "pricingParam",
            "STDQ (if absent) or PLUS.",
            values=PRICING,
            concept="vpp.pricing",
            source="L-obj",
        ),
        _targets("associateClientUserIdStrs", "Users to assign it to.", _CLIENTS),
        _targets("associateSerialNumbers", "Devices to assign it to.", _SERIALS),
        _targets("disassociateClientUserIdStrs", "Users to take it from.", _CLIENTS),
        _targets("disassociateSerialNumbers", "Devices to take it from.", _SERIALS),
        _targets("disassociateLicenseIdStrs", "Licences to take back.", _LICENCES),
        Boolean(
            "notifyDisassociation",
            "Whether Apple tells the user.",
            default=True,
            concept="protocol",
            source="L-obj",
        ),
    ),
    response=in_order(
        "status uId clientContext expirationMillis location associations disassociations",
        (
            *HEAD,
            Objects("associations", "What was assigned.", fields=_OUTCOMES, source="L-obj"),
            Objects("disassociations", "What was taken away.", fields=_OUTCOMES, source="L-obj"),
            *COMMON,
        ),
    ),
    docs=f"{DOCS}manage-licenses",
    source="L-obj",
    inferred="More than one array of each kind is undefined at Apple's; here all are done, users "
    "first. Apple tells users nothing of it here.",
    **facts("manageVPPLicensesByAdamIdSrv", writes=True),
)
def manage(call: Call) -> Body:
    """Take away first, so that a swap works without a free licence; then assign."""
    where, pricing = location_of_token(call), call.body.get("pricingParam") or PRICING[0]
    adam_id = str(call.body.get("adamIdStr") or "")
    if not adam_id:
        forbidden(call, errors.MISSING_ARGUMENT, "/adamIdStr")
    for names in (_TAKING, _GIVING):
        wanted = sum(len(call.body.get(name) or ()) for name in names)
        if wanted > MAX_BATCH:
            forbidden(call, errors.INVALID_ARGUMENT, f"/{names[0]}")
    for name in ("associateSerialNumbers", "disassociateSerialNumbers"):
        checks.serial_shapes(call, name, call.body.get(name) or ())
    unit = LicenceUnitOfWork(call.state, where)
    asset = unit.asset(adam_id, pricing)
    if asset is None:
        raise ApiError(errors.LICENSE_NOT_FOUND)
    taken = [_outcome(*one) for one in _take_all(call, where, unit, asset)]
    given = [_outcome(*one) for one in _give_all(call, where, unit, asset)]
    unit.write()
    failed = sum("errorNumber" in one for one in (*taken, *given))
    body: Body = {"status": _status(failed, len(taken) + len(given)), **head(asset)}
    if given:
        body["associations"] = given
    if taken:
        body["disassociations"] = taken
    return body


_TAKING = (
    "disassociateClientUserIdStrs",
    "disassociateSerialNumbers",
    "disassociateLicenseIdStrs",
)
_GIVING = ("associateClientUserIdStrs", "associateSerialNumbers")
_Done = tuple[Body, str | ErrorCode]
"""Who, and the licence or why not."""


def _status(failed: int, total: int) -> int:
    if not failed:
        return 0
    return -1 if failed == total else -3


def _outcome(who: Body, done: str | ErrorCode) -> Body:
    if isinstance(done, str):
        return who | ({"licenseIdStr": done} if done else {})
    return who | {"errorNumber": int(done.code), "errorMessage": text_of(done)}


def _users(call: Call, where: Location, name: str) -> list[tuple[Body, Holder | ErrorCode]]:
    found: list[tuple[Body, Holder | ErrorCode]] = []
    for client in call.body.get(name) or ():
        user = users.active(call.state, where, client)
        holder = errors.USER_NOT_FOUND if user is None else user.holder
        found.append(({"clientUserIdStr": client}, holder))
    return found


def _devices(call: Call, name: str) -> list[tuple[Body, Holder | ErrorCode]]:
    serials = call.body.get(name) or ()
    return [({"serialNumber": serial}, Holder(serial=serial)) for serial in serials]


def _each(
    wanted: list[tuple[Body, Holder | ErrorCode]], act: Callable[[Holder], str | ErrorCode]
) -> list[_Done]:
    return [(who, act(holder) if isinstance(holder, Holder) else holder) for who, holder in wanted]


def _take_all(call: Call, where: Location, unit: LicenceUnitOfWork, asset: Asset) -> list[_Done]:
    def take(holder: Holder) -> str | ErrorCode:
        held = unit.assignment_of(asset, holder)
        if held is None or held["retired"]:
            return errors.NOT_ASSOCIATED
        if not asset.revocable:
            return errors.IRREVOCABLE
        unit.revoke(asset, held)
        return str(held["licence"])

    wanted = _users(call, where, "disassociateClientUserIdStrs")
    wanted += _devices(call, "disassociateSerialNumbers")
    kind = where.kind(ASSIGNMENT)
    for number in call.body.get("disassociateLicenseIdStrs") or ():
        held = next(licences.having(call.state, kind, "licence", number), None)
        if held is None or held.body["adam"] != asset.adam_id:
            wanted.append(({"licenseIdStr": number}, errors.LICENSE_NOT_FOUND))
            continue
        body = held.body
        wanted.append((_who(body), Holder(body["client"], body["user"], body["serial"])))
    return _each(wanted, take)


def _who(held: Body) -> Body:
    if held["serial"]:
        return {"serialNumber": held["serial"]}
    return {"clientUserIdStr": held["client"]}


def _give_all(call: Call, where: Location, unit: LicenceUnitOfWork, asset: Asset) -> list[_Done]:
    def give(holder: Holder) -> str | ErrorCode:
        if holder.serial and not asset.device_assignable:
            return errors.NOT_DEVICE_ASSIGNABLE_V1
        if unit.assignment_of(asset, holder) is not None:
            return errors.ALREADY_ASSIGNED
        if holder.serial and call.has(quirks.LATE_LICENCES_V1) and _is_first(call, asset, holder):
            return errors.LICENSE_NOT_FOUND
        given = unit.assign(asset, holder)
        return errors.LICENSE_NOT_FOUND if given is None else str(given["licence"])

    wanted = _users(call, where, "associateClientUserIdStrs")
    return _each(wanted + _devices(call, "associateSerialNumbers"), give)


def _is_first(call: Call, asset: Asset, holder: Holder) -> bool:
    """Tell whether the device was never given this before; it is noted that it was."""
    key = f"{location_of_token(call).id}/{asset.adam_id}/{holder.serial}"
    if call.state.get(_ASKED, key) is not None:
        return False
    call.state.put(_ASKED, key, {})
    return True


def _gone(_: Call) -> Body:
    raise ApiError(errors.GONE)


@operation(
    f"POST {BASE}/associateVPPLicenseSrv",
    "Assign one licence; the service is gone.",
    name="vpp1.associate_licence",
    request=(STOKEN,),
    response=COMMON,
    docs=LEGACY,
    source="L-svc",
    inferred="Deprecated by Apple; here it answers 9634.",
    **facts("associateVPPLicenseSrv", writes=True),
)
def associate_licence(call: Call) -> Body:
    """Refuse: use the manage call."""
    return _gone(call)


@operation(
    f"POST {BASE}/disassociateVPPLicenseSrv",
    "Take one licence away; the service is gone.",
    name="vpp1.disassociate_licence",
    request=(STOKEN,),
    response=COMMON,
    docs=LEGACY,
    source="L-svc",
    inferred="Deprecated by Apple; here it answers 9634.",
    **facts("disassociateVPPLicenseSrv", writes=True),
)
def disassociate_licence(call: Call) -> Body:
    """Refuse: use the manage call."""
    return _gone(call)
