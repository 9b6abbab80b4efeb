"""The console's routes."""

from pathlib import Path

from aiohttp import web

from simulator.console import rendering, security
from simulator.console.pages import (
    apps,
    certificates,
    comparison,
    credentials,
    devices,
    disclosures,
    exchange,
    faults,
    lanes,
    login,
    manifest_drafts,
    push_again,
    pushes,
    reference,
    simulated,
    simulation,
    start,
    traffic,
    whole_state,
    world,
)
from simulator.console.parts import Page

PAGES: tuple[Page, ...] = (
    *start.PAGES,
    *credentials.PAGES,
    *login.PAGES,
    *traffic.PAGES,
    *lanes.PAGES,
    *exchange.PAGES,
    *push_again.PAGES,
    *disclosures.PAGES,
    *manifest_drafts.PAGES,
    *comparison.PAGES,
    *world.PAGES,
    *devices.PAGES,
    *pushes.PAGES,
    *certificates.PAGES,
    *apps.PAGES,
    *simulated.PAGES,
    *simulation.PAGES,
    *faults.PAGES,
    *whole_state.PAGES,
    *reference.PAGES,
)
_STATIC = Path(__file__).parent / "static"


class Site:
    """All pages, with their templates. Made off the event loop, as it reads files."""

    def __init__(self) -> None:
        self.templates = rendering.templates()
        self._router = web.UrlDispatcher()
        for one in PAGES:
            handler = security.own_form(one.handler) if one.method == "POST" else one.handler
            self._router.add_route(one.method, one.path, handler)
        self._router.add_static(security.STATIC, _STATIC)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request by the page that it is for."""
        found = await self._router.resolve(request)
        # The request stays one of the control port's application; only the names are the page's.
        request.match_info.update(found)
        return await found.handler(request)

    async def problem(
        self, request: web.Request, problem: web.StreamResponse
    ) -> web.StreamResponse:
        """Return *problem* as a page."""
        return await rendering.problem_page(request, problem)
