"""The console's routes, and how they come to stand on the control port."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.console import (
    apps,
    credentials,
    devices,
    disclosures,
    entrance,
    exchange,
    faults,
    login,
    pages,
    pushes,
    reference,
    start,
    steering,
    traffic,
    world,
)
from simulator.console.parts import READY, Page
from simulator.control.guards import ADMITTED

PAGES: tuple[Page, ...] = (
    *start.PAGES,
    *credentials.PAGES,
    *login.PAGES,
    *traffic.PAGES,
    *exchange.PAGES,
    *disclosures.PAGES,
    *world.PAGES,
    *devices.PAGES,
    *pushes.PAGES,
    *apps.PAGES,
    *steering.PAGES,
    *faults.PAGES,
    *reference.PAGES,
)
_STATIC = Path(__file__).parent / "static"


def mount(application: web.Application, ready: Callable[[], Mapping[str, Any]]) -> None:
    """Put the console onto the control port's *application*.

    *ready* gives what ``ready.json`` holds: it is not known before the ports
    are open. Reads files, so call it off the event loop.
    """
    application[READY] = ready
    application[ADMITTED] = entrance.admitted
    pages.prepare(application)
    application.middlewares.insert(0, pages.pages)
    for one in PAGES:
        handler = entrance.own_form(one.handler) if one.method == "POST" else one.handler
        application.router.add_route(one.method, one.path, handler)
    application.router.add_static(entrance.STATIC, _STATIC)
