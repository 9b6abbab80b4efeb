"""v2: what a location owns."""

from typing import Any

from simulator.core.state import Body, Entity, State
from simulator.protocol.fields import Boolean, Digits, Integer, Objects, String
from simulator.protocol.items import Items
from simulator.protocol.lookups import Read
from simulator.protocol.operations import Call, operation
from simulator.services.vpp import errors
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.checks import whole
from simulator.services.vpp.domain import licences
from simulator.services.vpp.domain.licences import ASSET, Asset
from simulator.services.vpp.limits import PRICING, PRODUCTS
from simulator.services.vpp.v2.paging import page
from simulator.services.vpp.v2.rows import ASSET as ASSET_ROWS
from simulator.services.vpp.v2.rows import BASE, DOCS, PAGE, PAGED, flag


def _number(name: str, about: str) -> Digits:
    return Digits(
        name,
        about,
        place="query",
        concept="protocol",
        invalid=errors.INVALID_ARGUMENT,
        source="D-assets",
    )


def one_of(*values: str) -> Any:
    """Return the check of a text that must be one of *values*."""

    def check(value: Any, _: Any) -> str:
        return "" if value in values else f"must be one of {', '.join(values)}"

    return check


def choice(name: str, about: str, values: tuple[str, ...], concept: str) -> String:
    """Return the row of a text in the query that is one of *values*."""
    return String(
        name,
        about,
        place="query",
        concept=concept,
        values=values,
        check=one_of(*values),
        invalid=errors.INVALID_ARGUMENT,
        source="D-assets",
    )


QUERY_ADAM = String(
    "adamId",
    "This app or book only.",
    place="query",
    concept="vpp.adam_id",
    source="D-assets",
)
_COUNTS = (
    ("minAvailableCount", "available", 1),
    ("maxAvailableCount", "available", -1),
    ("minAssignedCount", "assigned", 1),
    ("maxAssignedCount", "assigned", -1),
)
_UNLIMITED_ROWS = (
    *ASSET_ROWS,
    Integer("assignedCount", "Assigned licences.", concept="protocol", source="D-assets"),
    Boolean("deviceAssignable", "Whether devices may have it.", source="D-assets"),
    Boolean("revocable", "Whether it can be taken away.", source="D-assets"),
)


@operation(
    f"GET {BASE}/assets",
    "List the apps and books of the location.",
    name="vpp2.assets",
    auth="bearer",
    request=(
        *PAGE,
        QUERY_ADAM,
        choice("productType", "App or Book only.", PRODUCTS, "protocol"),
        choice("pricingParam", "This quality only.", PRICING, "vpp.pricing"),
        flag("revocable", "Revocable ones, or the others.", "D-assets"),
        flag("deviceAssignable", "Device-assignable ones, or the others.", "D-assets"),
        _number("minAvailableCount", "At least as many available licences."),
        _number("maxAvailableCount", "At most as many available licences."),
        _number("minAssignedCount", "At least as many assigned licences."),
        _number("maxAssignedCount", "At most as many assigned licences."),
        flag("unlimited", "true: unlimited ones apart; false: without them.", "D-assets"),
    ),
    response=(
        Objects(
            "assets",
            "Apps and books.",
            source="D-assets",
            fields=(
                *_UNLIMITED_ROWS,
                Integer("availableCount", "Free licences.", source="D-assets"),
                Integer("retiredCount", "Licences bound to retired users.", source="D-assets"),
                Integer(
                    "totalCount",
                    "assignedCount plus availableCount.",
                    source="D-assets, L-obj",
                    inferred="retiredCount is outside, as in Apple's v1 sample; an unlimited asset "
                    "has 2147483647.",
                ),
            ),
        ),
        Objects(
            "unlimitedAssets",
            "Free apps that cannot run out.",
            fields=_UNLIMITED_ROWS,
            source="D-assets",
        ),
        *PAGED,
    ),
    docs=f"{DOCS}get-assets-4ski1",
    source="D-assets",
)
def list_assets(call: Call) -> Body:
    """Answer a page of assets."""
    where, query = location_of_token(call), call.query
    candidates: Read | str = where.kind(ASSET)
    if "adamId" in query:
        candidates = licences.all_having(where.kind(ASSET), "adam", query["adamId"])
    chosen = set(query) - {"pageIndex", "adamId"}

    def keep(_: State, entity: Entity) -> bool:
        return _matches(call, Asset.of(entity))

    found, about = page(
        call,
        where,
        "assets",
        candidates,
        keep=keep if chosen else None,
    )
    if query.get("unlimited") != "true":
        return {"assets": Items(found, lambda one: _shown(Asset.of(one)))} | about
    apart = [one for one in found if one.body.get("unlimited")]
    limited = [one for one in found if not one.body.get("unlimited")]
    return {
        "assets": Items(limited, lambda one: _shown(Asset.of(one))),
        "unlimitedAssets": [_unlimited(Asset.of(one)) for one in apart],
    } | about


def _matches(call: Call, asset: Asset) -> bool:
    query = call.query
    if query.get("unlimited") == "false" and asset.unlimited:
        return False
    if query.get("productType", asset.product_type) != asset.product_type:
        return False
    if query.get("pricingParam", asset.pricing) != asset.pricing:
        return False
    for name, fact in (
        ("revocable", asset.revocable),
        ("deviceAssignable", asset.device_assignable),
    ):
        if name in query and (query[name] == "true") != fact:
            return False
    bounds = ((whole(call, name), count, sign) for name, count, sign in _COUNTS)
    return all(
        bound is None or sign * getattr(asset, count) >= sign * bound
        for bound, count, sign in bounds
    )


def _unlimited(asset: Asset) -> Body:
    return {
        "adamId": asset.adam_id,
        "pricingParam": asset.pricing,
        "productType": asset.product_type,
        "assignedCount": asset.assigned,
        "deviceAssignable": asset.device_assignable,
        "revocable": asset.revocable,
        "supportedPlatforms": list(asset.platforms),
    }


def _shown(asset: Asset) -> Body:
    return _unlimited(asset) | {
        "availableCount": asset.available,
        "retiredCount": asset.retired,
        "totalCount": asset.total,
    }
