"""The control application: routes, guards, health and the clock."""

from aiohttp import web

from simulator.control import devices, docs, journal, push_credentials, pushes, report, servers
from simulator.control.books import BOOKS, Books
from simulator.control.guards import guard
from simulator.control.parts import PARTS, Parts, Route, bad, json_body
from simulator.messages import Body
from simulator.timestamps import milliseconds, rfc3339

PREFIX = "/api/v1"
_MODES = ("real", "offset", "frozen")
_CLOCK_KEYS = {"mode", "now", "advance_s"}


def _clock(parts: Parts) -> Body:
    now_ms = parts.clock.now_ms()
    return {"mode": parts.clock.mode, "now": rfc3339(now_ms), "now_ms": now_ms}


async def get_clock(request: web.Request) -> web.Response:
    """Answer the simulator's time."""
    return web.json_response(_clock(request.app[PARTS]))


async def set_clock(request: web.Request) -> web.Response:
    """Run, move or freeze time: ``mode``, ``now`` and ``advance_s``, each optional."""
    parts, body = request.app[PARTS], await json_body(request)
    unknown = set(body) - _CLOCK_KEYS
    if unknown or not body:
        raise bad(f"the body takes {', '.join(sorted(_CLOCK_KEYS))}")
    mode, advance = body.get("mode"), body.get("advance_s", 0)
    if mode is not None and mode not in _MODES:
        raise bad(f"mode must be one of {', '.join(_MODES)}")
    if not isinstance(advance, int | float) or isinstance(advance, bool):
        raise bad("advance_s must be a number of seconds")
    now_ms = None
    if "now" in body:
        try:
            now_ms = milliseconds(str(body["now"]))
        except ValueError:
            raise bad("now must be a time such as 2026-01-05T10:00:00Z") from None
    if mode == "real" and (now_ms is not None or advance):
        raise bad("the real clock cannot be moved: use mode offset or frozen")
    _apply(parts, mode, now_ms, round(advance * 1000))
    return web.json_response(_clock(parts))


def _apply(parts: Parts, mode: str | None, now_ms: int | None, advance_ms: int) -> None:
    clock = parts.clock
    if mode == "real":
        clock.run()
    elif mode == "frozen" or (mode is None and clock.mode == "frozen"):
        clock.freeze(now_ms)
    elif now_ms is not None:
        clock.set(now_ms)
    elif mode == "offset" and clock.mode == "frozen":
        clock.set(clock.now_ms())
    if advance_ms:
        clock.advance(advance_ms)


async def live(_: web.Request) -> web.Response:
    """Say that the process runs."""
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """Say that the store answers too."""
    await request.app[PARTS].gateway.run(lambda state: state.count("organisation"))
    return web.json_response({"status": "ok"})


CLOCK = (
    Route("GET", "/clock", "Get the time.", get_clock),
    Route("PUT", "/clock", "Run, move or freeze time.", set_clock),
)
ROUTES = (
    *journal.ROUTES,
    *report.ROUTES,
    *servers.ROUTES,
    *devices.ROUTES,
    *push_credentials.ROUTES,
    *pushes.ROUTES,
    *CLOCK,
    *docs.ROUTES,
)


def make_application(parts: Parts) -> web.Application:
    """Return the application of the control port."""
    application = web.Application(middlewares=[guard], client_max_size=64 * 1024 * 1024)
    application[PARTS] = parts
    application[BOOKS] = Books(parts)
    for route in ROUTES:
        application.router.add_route(route.method, PREFIX + route.path, route.handler)
    application.router.add_get("/events", pushes.events)
    application.router.add_get("/reference", docs.reference)
    application.router.add_get("/docs/{name}", docs.guide)
    application.router.add_get("/livez", live)
    application.router.add_get("/readyz", ready)
    return application
