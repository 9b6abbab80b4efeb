"""Apps and Books: locations with their tokens, licences and users."""

from typing import Any

from aiohttp import web

from simulator.console import calls
from simulator.console.pages.credentials import credential_file, download, kinds
from simulator.console.pages.world import ROWS, do, text
from simulator.console.parts import Page
from simulator.console.rendering import page

PLACE = "/world/apps"


async def apps(request: web.Request) -> web.StreamResponse:
    """Show the locations, and what one of them has."""
    locations = (await calls.get(request, "vpp-locations"))["vpp_locations"]
    wanted = request.query.get("location") or (locations[0]["id"] if locations else "")
    query = {"location": wanted, "limit": ROWS}
    assets: Any = {"assets": [], "next": None}
    users: Any = {"vpp_users": [], "next": None}
    if locations:
        after = request.query.get("asset", "")
        assets = await calls.get(request, "assets", after=after, **query)
        users = await calls.get(request, "vpp-users", after=request.query.get("user", ""), **query)
    products = (await calls.get(request, "products", limit="1000"))["products"]
    return await page(
        request,
        "apps.html",
        "world",
        locations=locations,
        location=wanted,
        assets=assets["assets"],
        next_asset=assets["next"],
        users=users["vpp_users"],
        next_user=users["next"],
        products=products,
    )


async def token_file(request: web.Request) -> web.StreamResponse:
    """Answer the token of a location as the file that the portal gives."""
    kind = next(one for one in kinds(request) if one.ready == "vpp_locations")
    return await credential_file(request, kind, request.match_info["id"])


async def renew(request: web.Request) -> web.StreamResponse:
    """Make a new token, and answer it as a file."""
    location = request.match_info["id"]
    path = ("vpp-locations", location, "token")
    made = await calls.send(request, "POST", *path, body={})
    content = made["stoken"].encode()
    return download(content, f"{location}.vpptoken", "application/octet-stream")


async def revoke(request: web.Request) -> web.StreamResponse:
    """Revoke the token of a location."""
    location = request.match_info["id"]
    path = ("vpp-locations", location, "revoke")
    said = f"The token of {location} is revoked."
    return await do(request, said, "POST", *path, body={}, place=PLACE)


async def buy(request: web.Request) -> web.StreamResponse:
    """Buy licences, or give some back."""
    form = await request.post()
    quantity: Any = text(form, "quantity")
    if quantity.removeprefix("-").isascii() and quantity.removeprefix("-").isdigit():
        quantity = int(quantity[:12])
    adam_id = text(form, "adam_id")
    body = {"location": request.match_info["id"], "adam_id": adam_id, "quantity": quantity}
    said = f"Bought {quantity} of {adam_id}."
    return await do(request, said, "POST", "assets", body=body, place=PLACE)


async def accept(request: web.Request) -> web.StreamResponse:
    """Let a user accept the invitation."""
    form = await request.post()
    user, account = text(form, "client_user_id"), text(form, "account")
    body = {
        "location": request.match_info["id"],
        "client_user_id": user,
        "account": account,
    }
    said = f"{user} has accepted."
    return await do(request, said, "POST", "vpp-users", "accept", body=body, place=PLACE)


async def maintenance(request: web.Request) -> web.StreamResponse:
    """Put the service into maintenance, or end that."""
    on = text(await request.post(), "on") == "yes"
    said = "Apps and Books is under maintenance." if on else "Apps and Books works."
    return await do(request, said, "POST", "vpp-service", body={"maintenance": on}, place=PLACE)


PAGES = (
    Page("GET", PLACE, apps),
    Page("POST", f"{PLACE}/maintenance", maintenance),
    Page("POST", f"{PLACE}/{{id}}/token", token_file),
    Page("POST", f"{PLACE}/{{id}}/renew", renew),
    Page("POST", f"{PLACE}/{{id}}/revoke", revoke),
    Page("POST", f"{PLACE}/{{id}}/buy", buy),
    Page("POST", f"{PLACE}/{{id}}/accept", accept),
)
