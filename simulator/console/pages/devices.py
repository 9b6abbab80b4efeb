"""Devices, and what the portal or the device itself can do to one."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web
from msgspec import Struct

from simulator.console import calls
from simulator.console.pages.world import ROWS, chosen, do, text
from simulator.console.parts import Page
from simulator.console.rendering import page
from simulator.control.parts import PARTS, missing
from simulator.core.timestamps import rfc3339

_DAY_S = 24 * 3600


class DeviceForm(Struct, frozen=True):
    """One form of a device's page."""

    name: str
    """As the API calls it."""
    words: str
    about: str
    field: str = ""
    """What it asks for: ``server``, ``seconds`` or ``deadline``."""
    fixed: tuple[tuple[str, Any], ...] = ()
    danger: bool = False


ACTIONS = (
    DeviceForm("move", "Assign", "Assign it to a server, or move it to another.", "server"),
    DeviceForm("unassign", "Unassign", "Take it from its server; the organisation keeps it."),
    DeviceForm("activate", "Activate", "It is switched on and gets its profile."),
    DeviceForm("throttle", "Throttle", "Apple returns nothing about it for a while.", "seconds"),
    DeviceForm("migrate", "Migrate", "Ask for a move to another MDM by a day.", "deadline"),
    DeviceForm("replace", "Replace", "Apple's repair hands out another one in its place."),
    DeviceForm(
        "fail", "Let it fail", "Calls that change it return FAILED.", "", (("failing", True),)
    ),
    DeviceForm(
        "fail", "Let it work", "Calls that change it work again.", "", (("failing", False),)
    ),
    DeviceForm("release", "Release", "The organisation gives it up for good.", danger=True),
)
_NAMES = {action.name for action in ACTIONS}


async def devices(request: web.Request) -> web.StreamResponse:
    """Show a page of devices."""
    organisation, known = await chosen(request)
    filters = {name: request.query.get(name, "").strip() for name in ("server", "prefix")}
    after = request.query.get("after", "")
    query = {"organisation": organisation, "after": after, "limit": ROWS, **filters}
    found = await calls.get(request, "devices", **query)
    servers = (await calls.get(request, "dep-servers"))["dep_servers"]
    kept = {name: value for name, value in filters.items() if value}
    if len(known) > 1:
        kept["organisation"] = organisation
    following = found["next"] and f"/world/devices?{urlencode({**kept, 'after': found['next']})}"
    return await page(
        request,
        "devices.html",
        "world",
        organisation=organisation,
        organisations=known,
        servers=[one for one in servers if one["organisation"] == organisation],
        devices=found["devices"],
        filters=filters,
        after=after,
        first=f"/world/devices?{urlencode(kept)}",
        following=following,
        now_ms=request.app[PARTS].clock.now_ms(),
    )


async def device(request: web.Request) -> web.StreamResponse:
    """Show one device."""
    found = await calls.get(request, "devices", request.match_info["serial"])
    servers = (await calls.get(request, "dep-servers"))["dep_servers"]
    state, now_ms = found.pop("state"), request.app[PARTS].clock.now_ms()
    server = next((one for one in servers if one["id"] == state.get("server")), None)
    failing = bool(state.get("failing"))
    organisation = server["organisation"] if server else None
    return await page(
        request,
        "device.html",
        "world",
        device=found,
        state=state,
        throttled=_until(state, now_ms),
        servers=[one for one in servers if organisation in (None, one["organisation"])],
        actions=[one for one in ACTIONS if dict(one.fixed).get("failing") is not failing],
    )


def _until(state: Mapping[str, Any], now_ms: int) -> str:
    until_ms: int = state.get("throttled_until_ms", 0)
    return rfc3339(until_ms) if until_ms > now_ms else ""


async def act(request: web.Request) -> web.StreamResponse:
    """Do what a form of a device's page asks for."""
    serial, action = request.match_info["serial"], request.match_info["action"]
    if action not in _NAMES:
        raise missing(f"no form of the console asks for {action}")
    form = await request.post()
    body: dict[str, Any] = {}
    if server := text(form, "server"):
        body["server"] = server
    if seconds := text(form, "seconds"):
        # What is no number goes on as it is: the API says what is wrong with it.
        body["seconds"] = int(seconds) if seconds.isascii() and seconds.isdigit() else seconds
    if deadline := text(form, "deadline"):
        body["deadline"] = f"{deadline}:00Z"
    if failing := text(form, "failing"):
        body["failing"] = failing == "True"
    place = f"/world/devices/{quote(serial, safe='')}"
    said = f"{serial}: {action} is done."
    return await do(request, said, "POST", "devices", serial, action, body=body, place=place)


async def add(request: web.Request) -> web.StreamResponse:
    """Add invented devices."""
    form = await request.post()
    count = text(form, "count")
    number = int(count) if count.isascii() and count.isdigit() and len(count) < _LONG else 0
    body: dict[str, Any] = {"count": number, "server": text(form, "server")}
    said = f"Added {number} invented device{'s' if number != 1 else ''}."
    return await do(request, said, "POST", "devices", body=body, place="/world/devices")


_LONG = 10
PAGES = (
    Page("GET", "/world/devices", devices),
    Page("POST", "/world/devices", add),
    Page("GET", "/world/devices/{serial}", device),
    Page("POST", "/world/devices/{serial}/{action}", act),
)
