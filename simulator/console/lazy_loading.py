"""The way to the pages, which are loaded when the first of them is asked for.

Most simulators run in a test suite and show no page: they do not wait for
templates, and hold no memory for them. So this module imports none of that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulator.console import security
from simulator.console.parts import DOOR, READY
from simulator.control.guards import ADMITTED, guard

if TYPE_CHECKING:
    from simulator.console.web import Site

_PROBLEM = "application/problem+json"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door:
    """Where the pages are, once somebody has asked for one."""

    def __init__(self) -> None:
        self._loading = asyncio.Lock()
        self._site: Site | None = None

    async def site(self) -> "Site":
        """Return the pages; the first call reads them from the disk, off the event loop."""
        async with self._loading:
            if self._site is None:
                self._site = await asyncio.to_thread(_load)
        return self._site


def _load() -> "Site":
    from simulator.console.web import Site  # noqa: PLC0415 (what this module is for)

    return Site()


def mount(application: web.Application, ready: Callable[[], Mapping[str, Any]]) -> None:
    """Put the console onto the control port's *application*.

    *ready* gives what ``ready.json`` holds: it is not known before the ports are open.
    """
    application[READY] = ready
    application[ADMITTED] = security.admitted
    application[DOOR] = Door()
    application.middlewares.insert(0, _pages)


@web.middleware
async def _pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what is none of the API's, and show problems as pages to those who read pages."""
    response = await handler(request)
    if request.path.startswith("/api"):
        return response
    door: Door = request.app[DOOR]
    if response.status == HTTPStatus.NOT_FOUND:
        site = await door.site()
        response = await guard(request, site.answer)
    if response.content_type == _PROBLEM and "text/html" in request.headers.get("Accept", ""):
        site = await door.site()
        response = await site.problem(request, response)
    if response.content_type == "text/html" or request.path.startswith(security.STATIC):
        response.headers.update(security.HEADERS)
    return response
