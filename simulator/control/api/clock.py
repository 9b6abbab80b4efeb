"""Calls that stop, move and start time."""

from typing import Any

from aiohttp import web

from simulator.control.parts import BODY, PARTS, Parts, Route, bad, json_response
from simulator.core.clock import KEY, KIND, Clock, Mode
from simulator.core.state import Body, State, StoreAdmin
from simulator.core.timestamps import is_time, milliseconds, rfc3339
from simulator.protocol.fields import Integer, Number, String

MODES: tuple[Mode, ...] = ("real", "offset", "frozen")
_CENTURY_S = 100 * 366 * 24 * 3600
_LATEST_MS = milliseconds("9000-01-01T00:00:00Z")


def shown(clock: Clock) -> Body:
    """Return the time as the control API shows it."""
    now_ms = clock.now_ms()
    return {"mode": clock.mode, "now": rfc3339(now_ms), "now_ms": now_ms}


async def get_clock(request: web.Request) -> web.Response:
    """Answer the simulator's time."""
    await request.app[PARTS].gateway.catch_up()
    return json_response(shown(request.app[PARTS].clock))


async def set_clock(request: web.Request) -> web.Response:
    """Run, move or freeze time: ``mode``, ``now`` and ``advance_s``, each optional.

    Time goes forward only. A change of mode may begin at any time, and real
    time is what it is.
    """
    parts, body = request.app[PARTS], request[BODY]
    if not body:
        raise bad("the body needs mode, now or advance_s")
    clock = parts.clock
    await parts.gateway.catch_up()
    mode, advance_ms = body.get("mode"), round(body.get("advance_s", 0) * 1000)
    now_ms = milliseconds(body["now"]) if "now" in body else None
    if mode == "real" and (now_ms is not None or advance_ms):
        raise bad("the real clock cannot be moved: use mode offset or frozen")
    changes = mode is not None and mode != clock.mode
    if now_ms is not None and now_ms < clock.now_ms() and not changes:
        detail = (
            f"now must not be before {rfc3339(clock.now_ms())}, as time goes forward only: "
            f"name another mode than {clock.mode} to begin anew, or POST /reset"
        )
        raise bad(detail)
    if (clock.now_ms() if now_ms is None else now_ms) + advance_ms > _LATEST_MS:
        raise bad("now and advance_s must not lead beyond the year 9000")
    _apply(clock, mode, now_ms, advance_ms)
    await keep(parts)
    return json_response(shown(clock))


def _apply(clock: Clock, mode: str | None, now_ms: int | None, advance_ms: int) -> None:
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


async def keep(parts: Parts) -> None:
    """Note how time runs, so that it goes on like that after a restart."""
    mode, value = parts.clock.setting

    def work(state: StoreAdmin) -> None:
        state.of("").put(KIND, KEY, {"mode": mode, "value": value})
        state.announce([KIND])

    await parts.gateway.run(work)


def restore(state: State) -> Any:
    """Return how time ran when it was last set: mode and value; None if it never was."""
    found = state.of("").get(KIND, KEY)
    return None if found is None else (found.body["mode"], found.body["value"])


TIME = (
    String("mode", "How time runs.", values=MODES, required=True),
    String("now", "The time.", required=True),
    Integer("now_ms", "The same in milliseconds since 1970.", required=True),
)
ROUTES = (
    Route("GET", "/clock", "Get the time.", get_clock, query=(), answer=TIME),
    Route(
        "PUT",
        "/clock",
        "Run, move or freeze time.",
        set_clock,
        query=(),
        body=(
            String("mode", "real, offset (moved, but running) or frozen.", values=MODES),
            String("now", "Set the time; not back.", check=is_time, example="2026-01-05T10:00:00Z"),
            Number("advance_s", "Move time by so many seconds.", least=0, most=_CENTURY_S),
        ),
        answer=TIME,
    ),
)
