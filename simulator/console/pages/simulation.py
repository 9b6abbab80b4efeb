"""Time: stop it, move it, let it run."""

from typing import Any

from aiohttp import web

from simulator.console import calls
from simulator.console.pages.world import do, text
from simulator.console.parts import Page
from simulator.console.rendering import page

STEPS = (
    (60, "1 minute"),
    (3600, "1 hour"),
    (24 * 3600, "1 day"),
    (30 * 24 * 3600, "30 days"),
    (365 * 24 * 3600, "365 days"),
)
MODES = (
    ("real", "Real", "It is what it is on this machine."),
    ("offset", "Moved", "It runs on, from another moment."),
    ("frozen", "Frozen", "It stands still until it is moved."),
)


async def steering(request: web.Request) -> web.StreamResponse:
    """Show the time, and what hangs on it."""
    servers = (await calls.get(request, "dep-servers"))["dep_servers"]
    return await page(
        request,
        "steering.html",
        "steering",
        modes=MODES,
        steps=STEPS,
        servers=[one for one in servers if one["token"]],
    )


async def set_clock(request: web.Request) -> web.StreamResponse:
    """Do what a form asks of the clock."""
    form = await request.post()
    body: dict[str, Any] = {}
    if mode := text(form, "mode"):
        body["mode"] = mode
    if seconds := text(form, "advance_s"):
        # What is no number goes on as it is: the API says what is wrong with it.
        body["advance_s"] = int(seconds) if seconds.isascii() and seconds.isdigit() else seconds
    if now := text(form, "now"):
        body["now"] = f"{now}Z"
    said = "The clock is set."
    return await do(request, said, "PUT", "clock", body=body, place="/steering")


PAGES = (
    Page("GET", "/steering", steering),
    Page("POST", "/steering/clock", set_clock),
)
