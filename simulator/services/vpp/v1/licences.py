"""v1: every single licence, assigned or not; a call that Apple advises against."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from simulator.core.state import Body, Entity, State
from simulator.protocol.fields import Boolean, Identifier, Objects
from simulator.protocol.items import Items
from simulator.protocol.lookups import Listing, list_page
from simulator.protocol.operations import Call, operation
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.domain import licences, users
from simulator.services.vpp.domain.licences import ASSET, ASSIGNMENT, FREED, Asset
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.v1 import batches
from simulator.services.vpp.v1.batches import Batch
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


def licence_bodies(
    state: State, location: Location, held: Sequence[Entity]
) -> Callable[[Entity], Body]:
    """Return what makes of each assignment among *held* the licence as v1 shows it."""
    keys = {_asset_key(one.body) for one in held}
    assets = {key: Asset.of(one) for key, one in state.get_many(location.kind(ASSET), keys).items()}
    numbers = {one.body["user"] for one in held if not one.body["serial"]}
    holders = users.by_numbers(state, location, numbers)

    def show(one: Entity) -> Body:
        body = one.body
        asset = assets.get(_asset_key(body))
        if asset is None:
            return {}
        made = _licence(asset, body["licence"], "Associated")
        if body["serial"]:
            return made | {"serialNumber": body["serial"]}
        made |= {
            "clientUserIdStr": body["client"],
            "userId": body["user"],
            "userIdStr": str(body["user"]),
        }
        user = holders.get(body["user"])
        linked = user is not None and user.status == "Associated"
        return made | ({"itsIdHash": user.id_hash} if linked and user is not None else {})

    return show


def _asset_key(held: Body) -> str:
    return licences.asset_key(held["adam"], held["pricing"])


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
    size = call.settings.vpp_batch_size
    page = range((batch.index - 1) * size, batch.index * size)
    version = versions.number(call.state, where, "assignments")
    listed = _assigned(call, where, batch, page, version)
    show = licence_bodies(call.state, where, listed.entities)
    made: list[Callable[[], Body]] = [partial(show, one) for one in listed.entities]
    total = listed.total
    if not _assigned_only(batch.filters):
        rest = range(max(page.start - total, 0), max(page.stop - total, 0))
        more = _free if batch.since is None else _freed
        count, free = more(call, where, batch, rest, listed.version)
        made, total = made + free, total + count
    about = batches.batch_facts(
        call,
        where,
        "licences",
        batch,
        total=total,
        count=len(made),
        version=listed.version,
    )
    return {"licenses": Items(made, lambda make: make())} | about


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


def _assigned(call: Call, where: Location, batch: Batch, page: range, version: int) -> Listing:
    """Return the licences of a page that somebody has: all, or what changed."""
    kind = where.kind(ASSIGNMENT)
    read = licences.all_of(kind)
    if batch.since is not None:
        read = licences.all_changed(kind, batch.since, version)
    chosen = batch.filters
    return list_page(
        call,
        "assigned",
        read,
        lambda _, some: [_fits(chosen, one.body) for one in some],
        page,
        version,
    )


def _free(
    call: Call, where: Location, batch: Batch, page: range, version: int
) -> tuple[int, list[Callable[[], Body]]]:
    """Return how many licences are free, and those of a page."""

    def weigh(_: State, some: Sequence[Entity]) -> list[int]:
        found = map(Asset.of, some)
        return [
            one.available
            if not one.unlimited and _of_asset(batch.filters, one.adam_id, one.pricing)
            else 0
            for one in found
        ]

    listed = list_page(call, "free", licences.all_of(where.kind(ASSET)), weigh, page, version)
    made: list[Callable[[], Body]] = []
    for start, one in listed.rows:
        asset, first = Asset.of(one), max(page.start, start)
        numbers = islice(asset.free_ids(first - start), page.stop - first)
        made += [partial(_licence, asset, number, "Available") for number in numbers]
    return listed.total, made


def _freed(
    call: Call, where: Location, batch: Batch, page: range, version: int
) -> tuple[int, list[Callable[[], Body]]]:
    """Return how many licences were given back since and still are free, and those of a page."""

    def weigh(state: State, some: Sequence[Entity]) -> list[int]:
        free: dict[tuple[str, str], set[int]] = {}
        for one in some:
            name = one.body["adam"], one.body["pricing"]
            if name not in free:
                asset = licences.find_asset(state, where, *name)
                fits = asset is not None and _of_asset(batch.filters, *name)
                free[name] = set(asset.released) if asset is not None and fits else set()
        return [int(one.key) in free[one.body["adam"], one.body["pricing"]] for one in some]

    read = licences.all_changed(where.kind(FREED), batch.since or 0, version)
    listed = list_page(call, "freed", read, weigh, page, version)
    made: list[Callable[[], Body]] = []
    keys = {_asset_key(one.body) for one in listed.entities}
    assets = call.state.get_many(where.kind(ASSET), keys)
    for one in listed.entities:
        found = assets.get(_asset_key(one.body))
        if found is not None:
            made.append(partial(_licence, Asset.of(found), int(one.key), "Available"))
    return listed.total, made
