"""v1: every single licence, assigned or not; a call that Apple advises against."""

from collections.abc import Iterator
from itertools import islice

from simulator.core.state import Body
from simulator.protocol.fields import Boolean, Identifier, Objects
from simulator.protocol.operations import Call, operation
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.domain import licences, users
from simulator.services.vpp.domain.licences import ASSET, ASSIGNMENT, FREED, Asset
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.v1 import batches
from simulator.services.vpp.v1.lists import head
from simulator.services.vpp.v1.rows import (
    BASE,
    BATCH,
    BATCHED,
    COMMON,
    LICENCE,
    PRICING_ROW,
    SERIAL,
    STOKEN,
    facts,
)
from simulator.services.vpp.v2 import versions
from simulator.services.vpp.v2.rows import DOCS


def _flag(name: str, about: str) -> Boolean:
    return Boolean(name, about, concept="protocol", source="L-obj")


def licence_body(call: Call, location: Location, held: Body) -> Body:
    """Return an assigned licence as v1 shows it."""
    asset = licences.find_asset(call.state, location, held["adam"], held["pricing"])
    if asset is None:
        return {}
    body = _licence(asset, held["licence"], "Associated")
    if held["serial"]:
        return body | {"serialNumber": held["serial"]}
    body |= {
        "clientUserIdStr": held["client"],
        "userId": held["user"],
        "userIdStr": str(held["user"]),
    }
    user = users.by_number(call.state, location, held["user"])
    linked = user is not None and user.status == "Associated"
    return body | ({"itsIdHash": user.id_hash} if linked and user is not None else {})


def _licence(asset: Asset, number: int, status: str) -> Body:
    plain = asset.adam_id.isascii() and asset.adam_id.isdigit()
    return {
        "licenseId": number,
        "licenseIdStr": str(number),
        **({"adamId": int(asset.adam_id)} if plain else {}),
        **head(asset),
        "status": status,
    }


@operation(
    f"POST {BASE}/getVPPLicensesSrv",
    "List licences in batches.",
    name="vpp1.licences",
    request=(
        STOKEN,
        *BATCH,
        Identifier("adamId", "Of this item only.", concept="vpp.adam_id", source="L-obj"),
        PRICING_ROW,
        SERIAL,
        _flag("assignedOnly", "Assigned ones only."),
        _flag("userAssignedOnly", "Those of users only."),
        _flag("deviceAssignedOnly", "Those of devices only."),
    ),
    response=(
        Objects("licenses", "Licences.", fields=LICENCE, source="L-obj"),
        *BATCHED,
        *COMMON,
    ),
    docs=f"{DOCS}get-licenses",
    source="L-obj, L-batch",
    inferred="Licence ids are our own, and free licences of an unlimited app are none. Refunded "
    "licences are gone instead of being listed so.",
    **facts("getVPPLicensesSrv"),
)
def list_licences(call: Call) -> Body:
    """Answer a batch of licences."""
    where = location_of_token(call)
    batch = batches.requested_batch(call, where, "licences", _FILTERS)
    chosen = batch.filters
    size = call.settings.vpp_batch_size
    first = (batch.index - 1) * size
    if batch.since is None:
        total = _total(call, where, chosen)
        rows = list(islice(_all(call, where, chosen), first, first + size))
    else:
        changed = list(_changed(call, where, batch.since, chosen))
        total, rows = len(changed), changed[first : first + size]
    about = batches.batch_facts(
        call,
        where,
        "licences",
        batch,
        total=total,
        count=len(rows),
        version=versions.number(call.state, where, "assignments"),
    )
    return {"licenses": rows} | about


_FILTERS = (
    "adamId",
    "pricingParam",
    "serialNumber",
    "assignedOnly",
    "userAssignedOnly",
    "deviceAssignedOnly",
)


def _assigned_only(chosen: Body) -> bool:
    names = ("assignedOnly", "userAssignedOnly", "deviceAssignedOnly")
    return "serialNumber" in chosen or any(chosen.get(name) for name in names)


def _fits(chosen: Body, held: Body) -> bool:
    """Tell whether an assignment is one that the filters *chosen* ask for."""
    if chosen.get("userAssignedOnly") and held["serial"]:
        return False
    if chosen.get("deviceAssignedOnly") and not held["serial"]:
        return False
    return chosen.get("serialNumber", held["serial"]) == held["serial"] and _of_asset(
        chosen, held["adam"], held["pricing"]
    )


def _of_asset(chosen: Body, adam_id: str, pricing: str) -> bool:
    wanted = chosen.get("adamId")
    if wanted is None:
        return True
    return str(wanted) == adam_id and chosen.get("pricingParam", pricing) == pricing


def _held(call: Call, where: Location, chosen: Body) -> Iterator[Body]:
    found = licences.every(call.state, where.kind(ASSIGNMENT))
    return (one.body for one in found if _fits(chosen, one.body))


def _owned(call: Call, where: Location, chosen: Body) -> Iterator[Asset]:
    found = (Asset.of(one) for one in licences.every(call.state, where.kind(ASSET)))
    limited = (one for one in found if not one.unlimited)
    return (one for one in limited if _of_asset(chosen, one.adam_id, one.pricing))


def _total(call: Call, where: Location, chosen: Body) -> int:
    free = 0
    if not _assigned_only(chosen):
        free = sum(one.available for one in _owned(call, where, chosen))
    return free + sum(1 for _ in _held(call, where, chosen))


def _all(call: Call, where: Location, chosen: Body) -> Iterator[Body]:
    """Yield the assigned licences, then the free ones."""
    for held in _held(call, where, chosen):
        yield licence_body(call, where, held)
    if not _assigned_only(chosen):
        for asset in _owned(call, where, chosen):
            for number in asset.free_ids():
                yield _licence(asset, number, "Available")


def _changed(call: Call, where: Location, since: int, chosen: Body) -> Iterator[Body]:
    """Yield the licences that were assigned or freed since, as they are now."""
    for one in call.state.changes(where.kind(ASSIGNMENT), since, licences.MANY):
        if _fits(chosen, one.body):
            yield licence_body(call, where, one.body)
    if _assigned_only(chosen):
        return
    for one in call.state.changes(where.kind(FREED), since, licences.MANY):
        adam_id, pricing = one.body["adam"], one.body["pricing"]
        asset = licences.find_asset(call.state, where, adam_id, pricing)
        fits = asset is not None and _of_asset(chosen, adam_id, pricing)
        if asset is not None and fits and int(one.key) in asset.released:
            yield _licence(asset, int(one.key), "Available")
