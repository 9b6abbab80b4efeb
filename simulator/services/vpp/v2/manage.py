"""v2: assigning apps and books, and taking them away; each gives an event."""

from simulator.core.state import Body
from simulator.protocol.fields import Integer, Objects, String
from simulator.protocol.operations import ApiError, Call, operation
from simulator.services.vpp import checks, errors
from simulator.services.vpp.access import location_of_token
from simulator.services.vpp.domain import events
from simulator.services.vpp.limits import LIMITS
from simulator.services.vpp.v2.rows import (
    ASSETS,
    BASE,
    CLIENT_IDS,
    COMMON,
    DOCS,
    ERROR_INFO,
    EVENT,
    SERIALS,
)


def _limits(
    call: Call, assets: list[Body], clients: list[str], serials: list[str], *, revoke: bool
) -> None:
    """Refuse what is too much, then what stands twice."""
    word = "maxRevoke" if revoke else "max"
    checks.size(call, "assets", assets, LIMITS["maxAssets"], errors.TOO_MANY_ASSETS)
    most = LIMITS[f"{word}ClientUserIds"]
    checks.size(call, "clientUserIds", clients, most, errors.TOO_MANY_USER_IDS)
    most = LIMITS[f"{word}SerialNumbers"]
    checks.size(call, "serialNumbers", serials, most, errors.TOO_MANY_SERIALS)
    pairs = [(one["adamId"], one["pricingParam"]) for one in assets]
    checks.distinct(call, "assets", pairs, errors.DUPLICATE_ASSETS)
    checks.distinct(call, "clientUserIds", clients, errors.DUPLICATE_USER_IDS)
    checks.distinct(call, "serialNumbers", serials, errors.DUPLICATE_SERIALS)
    checks.serial_shapes(call, "serialNumbers", serials)


def _manage(call: Call, kind: str) -> Body:
    assets = checks.wanted_assets(call)
    clients, serials = checks.targets(call)
    _limits(call, assets, clients, serials, revoke=False)
    where = location_of_token(call)
    checks.assignable(call, where, assets, serials, taking=kind == "DISASSOCIATE")
    request = {"assets": assets, "clientUserIds": clients, "serialNumbers": serials}
    tasks = len(assets) * (len(clients) + len(serials))
    return {"eventId": events.start(call, where, kind, request, tasks)}


@operation(
    f"POST {BASE}/assets/associate",
    "Assign apps and books to users and devices.",
    name="vpp2.associate",
    auth="manage",
    json_only=True,
    request=(ASSETS, CLIENT_IDS, SERIALS),
    response=EVENT,
    docs=f"{DOCS}associate-assets",
    source="D-assets, D-obj",
    inferred="A target that has the asset already counts as done, so that a request may be "
    "repeated, as Apple advises after 10 minutes.",
)
def associate(call: Call) -> Body:
    """Take on the cross product of assets and targets."""
    return _manage(call, "ASSOCIATE")


@operation(
    f"POST {BASE}/assets/disassociate",
    "Take apps from users and devices.",
    name="vpp2.disassociate",
    auth="manage",
    json_only=True,
    request=(ASSETS, CLIENT_IDS, SERIALS),
    response=EVENT,
    docs=f"{DOCS}disassociate-assets",
    source="D-assets, D-obj",
    inferred="A target that does not have the asset counts as done.",
)
def disassociate(call: Call) -> Body:
    """Take on the cross product of assets and targets."""
    return _manage(call, "DISASSOCIATE")


@operation(
    f"POST {BASE}/assets/revoke",
    "Take all revocable apps from users and devices.",
    name="vpp2.revoke",
    auth="manage",
    json_only=True,
    request=(CLIENT_IDS, SERIALS),
    response=EVENT,
    docs=f"{DOCS}revoke-assets",
    source="D-assets, D-obj",
    inferred="numRequested is the number of targets, and once it is done that of assignments found "
    "and of unknown users; what is irrevocable is left alone.",
)
def revoke(call: Call) -> Body:
    """Take on every revocable assignment of the targets."""
    clients, serials = checks.targets(call)
    _limits(call, [], clients, serials, revoke=True)
    where = location_of_token(call)
    request = {"clientUserIds": clients, "serialNumbers": serials}
    tasks = len(clients) + len(serials)
    return {"eventId": events.start(call, where, "REVOKE", request, tasks)}


@operation(
    f"GET {BASE}/status",
    "Say how far an event has got.",
    name="vpp2.status",
    auth="bearer",
    request=(
        String(
            "eventId",
            "The id that a write returned.",
            place="query",
            required=True,
            missing=errors.EVENT_NOT_FOUND,
            concept="protocol",
            source="D-obj",
            example="7d3c0c52-0d35-4a6e-9a6d-0d7f3d2c9a10",
        ),
    ),
    response=(
        String(
            "eventStatus",
            "Where it is: FAILED if at least one task failed.",
            values=("PENDING", "COMPLETE", "FAILED"),
            concept="protocol",
            source="D-obj",
        ),
        String(
            "eventType",
            "What it does.",
            values=("ASSOCIATE", "DISASSOCIATE", "REVOKE", "CREATE", "UPDATE", "RETIRE"),
            concept="protocol",
            source="D-obj",
            inferred="Those of subscriptions are ASSOCIATE and DISASSOCIATE, as in Apple's sample.",
        ),
        Integer("numRequested", "How many tasks it has.", concept="protocol", source="D-obj"),
        Integer("numCompleted", "How many were done.", concept="protocol", source="D-obj"),
        Objects(
            "failures",
            "One entry per error number.",
            source="D-obj",
            fields=(
                Integer("errorNumber", "Number.", concept="protocol", source="D-err"),
                String("errorMessage", "Text.", concept="protocol", source="D-err"),
                ERROR_INFO,
            ),
        ),
        *COMMON,
    ),
    docs=f"{DOCS}event-status",
    source="D-obj",
)
def status(call: Call) -> Body:
    """Answer the event; a poll may be what completes it."""
    where, identifier = location_of_token(call), call.query.get("eventId", "")
    event = events.poll(call.state, where, identifier.lower(), call.now_ms)
    if event is None:
        raise ApiError(errors.EVENT_NOT_FOUND)
    body = {
        "eventStatus": event["status"],
        "eventType": events.type_of(event),
        "numRequested": event["tasks"],
        "numCompleted": event["done"],
    }
    return body | ({"failures": event["failures"]} if event["failures"] else {})
