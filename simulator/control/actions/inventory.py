"""Calls for the apps and books of locations, for the store that they are from, and for users."""

from aiohttp import web
from msgspec.structs import replace

from simulator.control.api.vpp import complete_due_events, find
from simulator.control.parts import (
    AFTER,
    BODY,
    LIMIT,
    PARTS,
    QUERY,
    Handler,
    Parts,
    Route,
    bad,
    json_response,
)
from simulator.core.state import Body, State
from simulator.protocol.fields import (
    Boolean,
    Field,
    Integer,
    Number,
    Object,
    Objects,
    String,
    Strings,
)
from simulator.services.vpp.domain import licences, supply, users
from simulator.services.vpp.domain.licences import ASSET, Asset
from simulator.services.vpp.domain.products import (
    KINDS,
    PRODUCT,
    StoreProduct,
    find_product,
    put_product,
)
from simulator.services.vpp.domain.users import USER, User
from simulator.services.vpp.limits import PLATFORMS, PRICING


def shown_asset(state: State, asset: Asset) -> Body:
    """Return an asset as lists show it."""
    product = find_product(state, asset.adam_id)
    return {
        "adam_id": asset.adam_id,
        "pricing": asset.pricing,
        "name": product.name if product is not None else "",
        "product_type": asset.product_type,
        "assigned": asset.assigned,
        "available": asset.available,
        "retired": asset.retired,
        "total": asset.total,
        "unlimited": asset.unlimited,
        "revocable": asset.revocable,
        "device_assignable": asset.device_assignable,
    }


async def list_assets(request: web.Request) -> web.Response:
    """Answer a page of a location's assets."""
    parts, limit = request.app[PARTS], request[QUERY]["limit"]
    after = request[QUERY]["after"]

    def work(state: State) -> tuple[list[Body], str]:
        complete_due_events(parts, state)
        one = find(state, request[QUERY].get("location"))
        found = state.of(one.organisation).scan(one.kind(ASSET), after=after, limit=limit)
        last = found[-1].key if len(found) == limit else ""
        return [shown_asset(state, Asset.of(each)) for each in found], last

    found, last = await parts.gateway.run(work)
    return json_response({"assets": found, "next": last or None})


async def buy(request: web.Request) -> web.Response:
    """Buy ``quantity`` licences of ``adam_id`` into ``location``; below 0 gives free ones back.

    With ``product`` it is put into the store first.
    """
    parts, body = request.app[PARTS], request[BODY]
    bought = await parts.gateway.run(lambda state: purchase(state, parts, body))
    return json_response(bought, status=201)


def purchase(state: State, parts: Parts, body: Body) -> Body:
    """Buy what a checked *body* describes, and return the asset as it is shown."""
    product = _product(body["product"]) if "product" in body else None
    adam_id = product.adam_id if product is not None else body.get("adam_id")
    if adam_id is None:
        raise bad('the body must name what to buy: {"adam_id": "1900000001", "quantity": 10}')
    if "quantity" not in body and not body["unlimited"]:
        raise bad("the body needs quantity, a whole number")
    now_ms = complete_due_events(parts, state)
    one = find(state, body.get("location"))
    if product is not None:
        put_product(state, product)
    bought = supply.buy(
        state.of(one.organisation),
        one.id,
        adam_id,
        body.get("quantity", 0),
        now_ms=now_ms,
        pricing=body["pricing"],
        unlimited=body["unlimited"],
    )
    return shown_asset(state, bought)


def _product(given: Body) -> StoreProduct:
    """Return the product that the body describes."""
    facts: Body = {"kind": "App", "platforms": ["iOS"], "price": 0} | given
    return StoreProduct(
        **facts | {"platforms": tuple(facts["platforms"]), "price": float(facts["price"])}
    )


async def list_products(request: web.Request) -> web.Response:
    """Answer a page of what the store has."""
    parts, limit = request.app[PARTS], request[QUERY]["limit"]
    after = request[QUERY]["after"]

    def work(state: State) -> list[Body]:
        complete_due_events(parts, state)
        return [one.body for one in state.of("").scan(PRODUCT, after=after, limit=limit)]

    found = await parts.gateway.run(work)
    more = found[-1]["adam_id"] if len(found) == limit else None
    return json_response({"products": found, "next": more})


def shown_user(user: User) -> Body:
    """Return a user as lists show it."""
    return {"user_id": user.number, **users.shown(user)}


async def list_users(request: web.Request) -> web.Response:
    """Answer a page of a location's users, oldest first."""
    parts, limit = request.app[PARTS], request[QUERY]["limit"]
    after = request[QUERY]["after"]

    def work(state: State) -> list[Body]:
        complete_due_events(parts, state)
        one = find(state, request[QUERY].get("location"))
        key = users.key_of(after)
        found = state.of(one.organisation).scan(one.kind(USER), after=key, limit=limit)
        return [shown_user(User.of(each)) for each in found]

    found = await parts.gateway.run(work)
    more = found[-1]["user_id"] if len(found) == limit else None
    return json_response({"vpp_users": found, "next": more})


async def accept_invitation(request: web.Request) -> web.Response:
    """Let a user accept the invitation: ``client_user_id`` and ``account`` of the body."""
    parts, body = request.app[PARTS], request[BODY]
    return json_response(await parts.gateway.run(lambda state: accept(state, parts, body)))


def accept(state: State, parts: Parts, body: Body) -> Body:
    """Let the user that a checked *body* names accept, and return the user as shown."""
    now_ms = complete_due_events(parts, state)
    one = find(state, body.get("location"))
    linked = supply.accept_invitation(
        state.of(one.organisation),
        one.id,
        body["client_user_id"],
        body["account"],
        now_ms=now_ms,
    )
    return shown_user(linked)


async def list_assignments(request: web.Request) -> web.Response:
    """Answer a page of who has what in a location."""
    parts, limit = request.app[PARTS], request[QUERY]["limit"]
    after = request[QUERY]["after"]

    def work(state: State) -> tuple[list[Body], str]:
        complete_due_events(parts, state)
        one = find(state, request[QUERY].get("location"))
        kind = one.kind(licences.ASSIGNMENT)
        found = state.of(one.organisation).scan(kind, after=after, limit=limit)
        last = found[-1].key if len(found) == limit else ""
        return [licences.shown(each.body) for each in found], last

    found, last = await parts.gateway.run(work)
    return json_response({"assignments": found, "next": last or None})


_LOCATION = String("location", "Id of the location, where there are several.", shortest=1)
_ADAM_ID = String("adam_id", "Store id.", shortest=1, example="1900000001")
_AFTER_USER = Integer("after", "What next was.", least=0, most=10**12 - 1, default=0)
_PRODUCT_ROW = Object(
    "product",
    "A product to be put into the store first.",
    fields=(
        replace(_ADAM_ID, required=True, pattern="[0-9]+", says="digits"),
        String("name", "Its name.", required=True, shortest=1),
        String("kind", "What it is.", values=tuple(KINDS)),
        String("bundle_id", "Bundle.", shortest=1),
        String("seller", "Who sells it.", shortest=1),
        String("genre", "Genre.", shortest=1),
        String("version", "Version.", shortest=1),
        Strings("platforms", "Where it runs.", values=PLATFORMS),
        Number("price", "Price; 0: free.", least=0),
        Boolean("device_assignable", "Whether devices may have it."),
    ),
)


def _listing(path: str, about: str, handler: Handler, *query: Field, says: str) -> Route:
    """Return the route of a list, whose entries have the path's name with underscores."""
    answer = Objects(path[1:].replace("-", "_"), says, required=True)
    return Route("GET", path, about, handler, query=(*query, LIMIT), answer=(answer,))


PURCHASE = (
    _LOCATION,
    _ADAM_ID,
    _PRODUCT_ROW,
    Integer("quantity", "How many; below 0 gives free ones back.", example=10),
    String("pricing", "Quality.", values=PRICING, default=PRICING[0]),
    Boolean("unlimited", "Whether it cannot run out; free apps only.", default=False),
)
ROUTES = (
    _listing(
        "/assets",
        "List a location's apps and books.",
        list_assets,
        _LOCATION,
        AFTER,
        says="By store id.",
    ),
    Route(
        "POST",
        "/assets",
        "Buy licences.",
        buy,
        query=(),
        body=PURCHASE,
        status=201,
    ),
    _listing("/products", "List what the store has.", list_products, AFTER, says="By store id."),
    _listing(
        "/assignments",
        "List who has what.",
        list_assignments,
        _LOCATION,
        AFTER,
        says="By store id.",
    ),
    _listing(
        "/vpp-users",
        "List a location's users.",
        list_users,
        _LOCATION,
        _AFTER_USER,
        says="Oldest first.",
    ),
    Route(
        "POST",
        "/vpp-users/accept",
        "Accept an invitation.",
        accept_invitation,
        query=(),
        body=(
            _LOCATION,
            String("client_user_id", "Who.", required=True, shortest=1, example="u-1"),
            String("account", "With which Apple Account.", required=True, shortest=1),
        ),
    ),
)
