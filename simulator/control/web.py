"""The control application: routes, guards, health and the clock."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from aiohttp import web

from simulator.control import openapi, push_streams, resources
from simulator.control.actions import (
    additions,
    arrivals,
    device_actions,
    imports,
    inventory,
    push_credentials,
    simulated_devices,
    vpp_events,
)
from simulator.control.api import (
    clock,
    deletions,
    devices,
    docs,
    events,
    faults,
    golden,
    journal,
    metrics,
    pushes,
    quirks,
    releases,
    report,
    server_tokens,
    servers,
    verifying,
    vpp,
    worlds,
)
from simulator.control.calls import CALLS, Calls
from simulator.control.connections import CONNECTIONS
from simulator.control.guards import LARGEST, LATER, WRONG_TOKENS, WrongTokens, guard, harden
from simulator.control.ledger_service import BOOKS, LedgerService
from simulator.control.parts import PARTS, Handler, Parts, Route, checked, json_response
from simulator.control.reverting import REVERTER, Reverter
from simulator.services.provisioning import Provisioning
from simulator.store.errors import StoreError

LOG = logging.getLogger("mdmsim")
PREFIX = "/api/v1"


async def live(_: web.Request) -> web.Response:
    """Say that the process runs."""
    return json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """Say whether exchanges can be recorded and read, after writing and reading something."""
    parts = request.app[PARTS]
    if parts.gateway.leaving:
        about = "it was told to stop, and ends once nobody is sent here (--drain-s)"
        return json_response({"status": "unready", "detail": about}, status=503, headers=LATER)
    try:
        number = await parts.gateway.probe()
        seen = await asyncio.to_thread(parts.journal.probed)
    except StoreError as error:
        about = f"exchanges cannot be recorded ({error}): {error.advice}"
        return json_response({"status": "unready", "detail": about}, status=503, headers=LATER)
    if seen < number:
        about = "what is written cannot be read back: look at the disk"
        return json_response({"status": "unready", "detail": about}, status=503, headers=LATER)
    return json_response({"status": "ok"})


_OWN = (
    *verifying.ROUTES,
    *deletions.ROUTES,
    *journal.ROUTES,
    *golden.ROUTES,
    *faults.ROUTES,
    *events.ROUTES,
    *report.ROUTES,
    *servers.ROUTES,
    *server_tokens.ROUTES,
    *additions.ROUTES,
    *devices.ROUTES,
    *device_actions.ROUTES,
    *simulated_devices.ROUTES,
    *arrivals.ROUTES,
    *push_credentials.ROUTES,
    *pushes.ROUTES,
    *vpp.ROUTES,
    *vpp_events.ROUTES,
    *inventory.ROUTES,
    *imports.ROUTES,
    *clock.ROUTES,
    *quirks.ROUTES,
    *releases.ROUTES,
    *worlds.ROUTES,
    *docs.ROUTES,
    *openapi.ROUTES,
)


_NARROWED = {
    "{serial}/{action}": r"{serial}/{action:(?!licences$)[^/]+}",
    "{seq}": r"{seq:(?!(?:wait|verify)$)[^/]+}",
    "{token}/{action}": r"{token}/{action:(?!(?:pushes|events)$)[^/]+}",
}
"""What can be none of the words that stand in the same place: no more methods are allowed there."""


ENDING_S = 2.0
"""How long what is being answered may take once the process is told to stop."""


async def _end_calls(application: web.Application) -> None:
    """Let who listens go, finish what is being answered, and read no more bodies."""
    application[PARTS].gateway.notifier.end()
    await application[CALLS].end(ENDING_S)
    await asyncio.to_thread(application[PARTS].bodies.close)


_UNFINISHED: web.AppKey[set[asyncio.Task[web.StreamResponse]]] = web.AppKey("unfinished")
"""Calls whose client went before their end."""


@web.middleware
async def completed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Finish a call whose client has gone; a stream of events ends with its client, at once."""
    request.app[CALLS].begin()
    if (connections := request.app.get(CONNECTIONS)) is not None:
        connections.begin(request.protocol)
    if request.path.endswith("/events"):
        return await handler(request)
    task = asyncio.ensure_future(handler(request))
    try:
        # Not by a shield: from Python 3.14 on, asyncio logs what fails behind one.
        await asyncio.wait((task,))
    except asyncio.CancelledError:
        unfinished = request.app[_UNFINISHED]
        unfinished.add(task)
        task.add_done_callback(partial(_ended, unfinished))
        raise
    return task.result()


def _ended(
    unfinished: set[asyncio.Task[web.StreamResponse]], task: asyncio.Task[web.StreamResponse]
) -> None:
    """Log why a call failed that nobody waits for; that its client has gone is no failure."""
    unfinished.discard(task)
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, ConnectionError):
        LOG.error("a call failed after its client had gone", exc_info=error)


async def _finish(application: web.Application) -> None:
    """Wait for calls whose clients have gone."""
    await asyncio.gather(*application[_UNFINISHED], return_exceptions=True)


def routes(provisionings: Sequence[Provisioning]) -> tuple[Route, ...]:
    """Return all routes: those of the simulator itself, then those of the services."""
    return (*_OWN, *resources.routes(provisionings, _OWN))


def make_application(parts: Parts) -> web.Application:
    """Return the application of the control port."""
    known = routes(parts.provisionings)
    application = web.Application(middlewares=[completed, guard], client_max_size=LARGEST)
    application[PARTS] = parts
    application[WRONG_TOKENS] = WrongTokens()
    application.on_response_prepare.append(harden)
    application[CALLS] = Calls()
    application.on_shutdown.append(_end_calls)
    application[_UNFINISHED] = set()
    application.on_cleanup.append(_finish)
    application[REVERTER] = reverter = Reverter(parts.gateway)
    application.on_startup.append(reverter.restore)
    application.on_startup.append(deletions.finish_deletions)
    application.on_cleanup.append(reverter.close)
    application[openapi.MAKE_DOCUMENT] = partial(openapi.describe, known, PREFIX)
    application[worlds.BUSY] = asyncio.Lock()
    application[events.NEWS] = events.News()
    application[events.PAGES] = events.Pages(parts.journal)
    application[BOOKS] = LedgerService(parts)
    for route in known:
        path = PREFIX + route.path
        for general, narrow in _NARROWED.items():
            path = path.replace(general, narrow)
        application.router.add_route(route.method, path, checked(route))
    push_streams.install(application, parts)
    application.router.add_get("/events", pushes.events)
    application.router.add_get("/stats", pushes.stats)
    application.router.add_get("/healthz", live)
    application.router.add_get("/metrics", metrics.metrics)
    application.router.add_get("/livez", live)
    application.router.add_get("/readyz", ready)
    return application
