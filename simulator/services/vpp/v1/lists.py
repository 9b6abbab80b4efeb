"""v1: what a location owns, and who has it."""

import sys
from typing import Any

from msgspec.structs import replace

from simulator.core.state import Body
from simulator.protocol.fields import Boolean, Integer, Objects, String, in_order
from simulator.protocol.items import Items
from simulator.protocol.lookups import list_page
from simulator.protocol.operations import Call, operation
from simulator.services.vpp import errors
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.checks import forbidden
from simulator.services.vpp.domain import licences
from simulator.services.vpp.domain.licences import ASSET, ASSIGNMENT, Asset
from simulator.services.vpp.domain.locations import Location
from simulator.services.vpp.v1.batches import KEPT_MS
from simulator.services.vpp.v1.rows import (
    ADAM_ID,
    BASE,
    CLIENT_ID,
    COMMON,
    PRICING_ROW,
    SERIAL,
    STOKEN,
    TYPE_NAMES,
    facts,
)
from simulator.services.vpp.v2 import versions
from simulator.services.vpp.v2.rows import DOCS

PAGE = 300
"""Assignments on a page (vpp.md 7)."""
REQUEST = "vpp.request"
"""Kind of the filters that a requestId stands for."""


def _count(name: str) -> Integer:
    return Integer(name, "With includeLicenseCounts.", concept="protocol", source="L-obj")


def head(asset: Asset) -> Body:
    """Return what v1 says of an asset in several answers."""
    return {
        "adamIdStr": asset.adam_id,
        "pricingParam": asset.pricing,
        "productTypeId": asset.type_id,
        "productTypeName": TYPE_NAMES[asset.type_id],
        "isIrrevocable": not asset.revocable,
    }


HEAD = (
    ADAM_ID,
    PRICING_ROW,
    Integer("productTypeId", "7, 8 or 10.", concept="protocol", source="L-obj"),
    String("productTypeName", "Its name.", concept="protocol", source="L-obj"),
    Boolean("isIrrevocable", "Whether it stays.", concept="protocol", source="L-obj"),
)


_ASSET = in_order(
    "assignedCount productTypeName productTypeId availableCount pricingParam retiredCount "
    "adamIdStr totalCount isIrrevocable deviceAssignable",
    (
        *HEAD,
        Boolean("deviceAssignable", "To devices too.", concept="protocol", source="L-obj"),
        _count("totalCount"),
        _count("availableCount"),
        _count("assignedCount"),
        _count("retiredCount"),
    ),
)


@operation(
    f"POST {BASE}/getVPPAssetsSrv",
    "List the apps and books of the location.",
    name="vpp1.assets",
    request=(
        STOKEN,
        Boolean("includeLicenseCounts", "With the counts.", concept="protocol", source="L-obj"),
        PRICING_ROW,
    ),
    response=in_order(
        "uId status assets clientContext expirationMillis totalCount location",
        (
            Objects("assets", "Apps and books.", source="L-obj", fields=_ASSET),
            Integer("totalCount", "How many assets.", concept="protocol", source="L-obj"),
            *COMMON,
        ),
    ),
    docs=f"{DOCS}get-assets-44p83",
    source="L-obj",
    **facts("getVPPAssetsSrv"),
)
def list_assets(call: Call) -> Body:
    """Answer all assets."""
    where, pricing = location_of_token(call), call.body.get("pricingParam")
    listed = list_page(
        call,
        "assets",
        licences.all_of(where.kind(ASSET)),
        lambda _, some: [pricing in (None, one.body["pricing"]) for one in some],
        range(sys.maxsize),
    )
    counts = call.body.get("includeLicenseCounts", False)
    items = Items(listed.entities, lambda one: _asset(Asset.of(one), counts=counts))
    return {"totalCount": listed.total, "assets": items}


def _asset(asset: Asset, *, counts: bool) -> Body:
    body = head(asset) | {"deviceAssignable": asset.device_assignable}
    if counts:
        body |= {
            "totalCount": asset.total,
            "availableCount": asset.available,
            "assignedCount": asset.assigned,
            "retiredCount": asset.retired,
        }
    return body


def _about(name: str, about: str) -> Integer:
    return Integer(name, about, concept="protocol", source="L-asg")


_REQUEST_ID = String("requestId", "What a page is of.", concept="protocol", source="L-asg")


@operation(
    f"POST {BASE}/getAssignments",
    "List who has which app or book.",
    name="vpp1.assignments",
    request=(
        STOKEN,
        ADAM_ID,
        CLIENT_ID,
        SERIAL,
        _REQUEST_ID,
        Integer(
            "pageIndex",
            "Page, from 0.",
            least=0,
            invalid=errors.PAGE_OUT_OF_RANGE,
            concept="protocol",
            source="L-asg",
        ),
    ),
    response=in_order(
        "assignments assignmentsInCurrentPage currentPageIndex nextPageIndex clientContext "
        "expirationMillis location requestId status totalAssignments totalPages uId",
        (
            Objects(
                "assignments",
                "Who has what.",
                fields=(ADAM_ID, PRICING_ROW, CLIENT_ID, SERIAL),
                source="L-asg",
            ),
            _about("totalAssignments", "How many there are."),
            _about("assignmentsInCurrentPage", "On this page."),
            _about("currentPageIndex", "This page."),
            _about("totalPages", "How many pages."),
            _about("nextPageIndex", "The next page, if there is one."),
            replace(
                _REQUEST_ID,
                inferred="Always there, as in a captured answer; the page says above 300 only.",
            ),
            *COMMON,
        ),
    ),
    docs=f"{DOCS}get-assignments-158kc",
    source="L-asg, PE",
    **facts("getAssignments"),
)
def list_assignments(call: Call) -> Body:
    """Answer a page of assignments."""
    where, body = location_of_token(call), call.body
    if body.get("requestId") is not None and body.get("pageIndex") is None:
        forbidden(call, errors.PAGE_REQUIRED, "/pageIndex")
    request_id, chosen = _request(call, where)
    index = body.get("pageIndex", 0)
    listed = list_page(
        call,
        "assignments",
        licences.all_of(where.kind(ASSIGNMENT)),
        lambda _, some: [all(one.body[key] == chosen[key] for key in chosen) for one in some],
        range(index * PAGE, (index + 1) * PAGE),
    )
    pages = max(-(-listed.total // PAGE), 1)
    if index >= pages:
        forbidden(call, errors.PAGE_OUT_OF_RANGE, "/pageIndex")
    part = listed.entities
    shown: dict[str, Any] = {
        "assignments": Items(part, lambda one: _assignment(one.body)),
        "totalAssignments": listed.total,
        "assignmentsInCurrentPage": len(part),
        "currentPageIndex": index,
        "totalPages": pages,
        "requestId": request_id,
    }
    return shown | ({"nextPageIndex": index + 1} if index + 1 < pages else {})


_CHOOSE = {"adamIdStr": "adam", "clientUserIdStr": "client", "serialNumber": "serial"}
"""Filter on the wire -> key of an assignment."""


def _request(call: Call, where: Location) -> tuple[str, Body]:
    """Return the id that the pages of this list go by, and the filters that it stands for.

    The id of a later page carries the filters of the first; what is passed again
    is ignored. Those of a filtered list are kept for a day.
    """
    scope, kind = f"requestId/{where.uid}", where.kind(REQUEST)
    sent = call.body.get("requestId")
    if sent:
        kept = call.state.get(kind, sent)
        if kept is not None and call.now_ms - kept.body["at_ms"] <= KEPT_MS:
            return sent, kept.body["chosen"]
        if versions.value_of(call.secret, scope, sent) is None:
            forbidden(call, errors.INVALID_ARGUMENT, "/requestId")
        return sent, {}
    chosen = {_CHOOSE[one]: str(call.body[one]) for one in _CHOOSE if one in call.body}
    if not chosen:
        number = versions.number(call.state, where, "assignments")
        return versions.uuid_of(call.secret, scope, number), {}
    for old in call.state.changes(kind, 0, 10):
        if call.now_ms - old.body["at_ms"] > KEPT_MS:
            call.state.delete(kind, old.key)
    made = versions.uuid_of(call.secret, f"{scope}/chosen", call.state.reserve(kind))
    call.state.put(kind, made, {"chosen": chosen, "at_ms": call.now_ms})
    return made, chosen


def _assignment(held: Body) -> Body:
    body = {"adamIdStr": held["adam"], "pricingParam": held["pricing"]}
    if held["serial"]:
        return body | {"serialNumber": held["serial"]}
    return body | {"clientUserIdStr": held["client"]}
