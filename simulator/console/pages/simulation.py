"""Time: stop it, move it, let it run."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from aiohttp import web
from msgspec import Struct

from simulator.console import calls
from simulator.console.pages.credentials import kinds
from simulator.console.pages.world import do, text
from simulator.console.parts import Page
from simulator.console.rendering import page
from simulator.control.parts import PARTS
from simulator.core.state import State
from simulator.engine.everywhere import of_all
from simulator.services.provisioning import Credential

STEPS = (
    (60, "1 minute"),
    (3600, "1 hour"),
    (24 * 3600, "1 day"),
    (30 * 24 * 3600, "30 days"),
    (365 * 24 * 3600, "365 days"),
)
MODES = (
    ("real", "Real", "It is what it is on this machine."),
    ("offset", "Moved", "It runs on, from another time."),
    ("frozen", "Frozen", "It stands still until it is moved."),
)


class Expiry(Struct, frozen=True):
    """When a credential ends."""

    at: str
    """Time stamp of RFC 3339."""
    title: str
    """Of its kind, such as ``DEP server token``."""
    holder: str
    organisation: str


async def steering(request: web.Request) -> web.StreamResponse:
    """Show the time, and what ends by it."""
    expiries = await of_all(request.app[PARTS].gateway, partial(_expiries, kinds(request)))
    armed = (await calls.get(request, "faults"))["faults"]
    return await page(
        request,
        "steering.html",
        "steering",
        modes=MODES,
        steps=STEPS,
        expiries=sorted(expiries, key=lambda one: one.at),
        armed=[one for one in armed if not one["spent"]],
    )


def _expiries(known: Iterable[Credential], state: State, organisation: str) -> list[Expiry]:
    """Return when each credential of an organisation that is good, or has expired, ends."""
    return [
        Expiry(held.expires, kind.title, held.name or held.id, organisation)
        for kind in known
        for held in kind.held(state, organisation)
        if held.expires and held.state in ("active", "expired")
    ]


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
