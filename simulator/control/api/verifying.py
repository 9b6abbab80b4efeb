"""Calls that wait for exchanges, and that verify what was asked."""

import asyncio
from typing import Any

from aiohttp import web

from simulator.control import patterns
from simulator.control.api.journal import summary
from simulator.control.parts import BODY, PARTS, ApiProblem, Parts, Route, bad, json_response
from simulator.control.patterns import Pattern
from simulator.core.messages import Exchange
from simulator.core.notifier import EXCHANGES
from simulator.core.state import Body
from simulator.protocol.fields import Field, Integer, Number, Object, Objects, String

MOST_WAITED = 10_000
LONGEST_WAIT_S = 3600
EXPLAINING_S = 0.03
"""How long is looked for the nearest miss once the time is over."""
MATCH = Object(
    "match",
    "What is wanted of an exchange; absent: any.",
    fields=(
        *(String(name, f"As in GET /exchanges: {name}.") for name in patterns.FILTERS[:5]),
        Field("status", "Status of the response.", example=403),
        String("error", "Error code of the response.", example="T_C_NOT_SIGNED"),
        String("finding", "A rule that it broke.", example="field-unknown"),
        Field("fault", "Id of a fault that touched it.", example="1"),
        String("q", "Text of the request, as sent or decoded, or of its outcome."),
        Field("path", "Wanted values by path parameter.", example={"token": "a1"}),
        Field("query", "Wanted values by query key.", example={"profile_uuid": "0A"}),
        Field("header", "Wanted values by header.", example={"user-agent": {"contains": "x"}}),
        Field("body", "Wanted values by body field.", example={"devices": "0ZSERIAL"}),
    ),
)
AFTER = Integer("after", "Only exchanges with a higher number.", least=0, most=2**62, default=0)


async def wait(request: web.Request) -> web.Response:
    """Wait until enough exchanges match: those that have been count too."""
    parts, body = request.app[PARTS], request[BODY]
    one = patterns.pattern(parts.catalogue, body.get("match", {}))
    wanted, after, timeout_s = body["count"], body["after"], body["timeout_s"]
    found: list[Exchange] = []
    # The event loop's clock is the monotonic one.
    deadline = asyncio.get_running_loop().time() + timeout_s
    try:
        with parts.gateway.notifier.listen(EXCHANGES) as arrived:
            at = after
            while True:
                arrived.clear()
                more, at = await asyncio.to_thread(
                    patterns.matching, parts, one, at, wanted - len(found), deadline
                )
                found += more
                if len(found) >= wanted:
                    break
                if parts.gateway.notifier.ended:
                    raise ApiProblem(503, "Ending", "the simulator is being stopped")
                async with asyncio.timeout_at(deadline):
                    await arrived.wait()
    except TimeoutError:
        soon = asyncio.get_running_loop().time() + EXPLAINING_S
        miss = await asyncio.to_thread(patterns.nearest, parts, one, after, soon)
        detail = (
            f"waited {timeout_s:g} s for {_times(wanted)} {one.words()}; "
            f"{len(found)} came; {patterns.describe(miss)}"
        )
        raise ApiProblem(
            408, "Timed out", detail, {"count": len(found), "nearest_miss": miss}
        ) from None
    exchanges = [summary(exchange) for exchange in found]
    return json_response({"count": len(found), "exchanges": exchanges})


def _times(number: int) -> str:
    return f"{number} exchange{'' if number == 1 else 's'} with"


async def verify(request: web.Request) -> web.Response:
    """Verify how often something was asked, or in which order things were."""
    parts, body = request.app[PARTS], request[BODY]
    if "sequence" in body:
        if {"match", "count"} & body.keys():
            raise bad("give either match and count, or sequence")
        answer = await asyncio.to_thread(_in_order, parts, body["sequence"], body["after"])
    else:
        one = patterns.pattern(parts.catalogue, body.get("match", {}))
        least, most = _bounds(body.get("count", {"min": 1}))
        after = body["after"]
        answer = await asyncio.to_thread(_counted, parts, one, (least, most), after)
    return json_response(answer)


def _pattern(parts: Parts, index: int, match: Body) -> Pattern:
    try:
        return patterns.pattern(parts.catalogue, match)
    except ApiProblem as error:
        raise bad(f"sequence[{index}]: {error}") from None


def _bounds(count: Any) -> tuple[int, int | None]:
    """Return least and most; a problem if *count* is neither a number nor bounds."""
    if _whole(count):
        return count, count
    if not (
        isinstance(count, dict)
        and count
        and set(count) <= {"min", "max"}
        and all(_whole(value) for value in count.values())
    ):
        raise bad('count must be a whole number from 0 on, or {"min": 1, "max": 2}')
    least, most = count.get("min", 0), count.get("max")
    if most is not None and least > most:
        raise bad("count.min must be at most count.max")
    return least, most


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _counted(parts: Parts, one: Pattern, bounds: tuple[int, int | None], after: int) -> Body:
    least, most = bounds
    found = patterns.count(parts, one, after)
    if found >= least and (most is None or found <= most):
        return {"verified": True, "count": found}
    wanted = f"at least {least}" if most is None else f"{least}"
    if most is not None and most != least:
        wanted = f"{least} to {most}"
    detail = f"wanted {wanted} exchanges with {one.words()}; there are {found}"
    if found < least:
        miss = patterns.nearest(parts, one, after)
        detail = f"{detail}; {patterns.describe(miss)}"
    else:
        miss = None
        few, _ = patterns.matching(parts, one, after, 5)
        detail = f"{detail}: {', '.join(str(exchange.seq) for exchange in few)}"
        detail += " and more" if found > len(few) else ""
    facts = {"verified": False, "count": found, "nearest_miss": miss}
    raise ApiProblem(409, "Not verified", detail, facts)


def _in_order(parts: Parts, matches: list[Body], after: int) -> Body:
    wanted = [_pattern(parts, index, each) for index, each in enumerate(matches)]
    seqs: list[int] = []
    for index, one in enumerate(wanted):
        start = seqs[-1] if seqs else after
        found, _ = patterns.matching(parts, one, start, 1)
        if not found:
            miss = patterns.nearest(parts, one, start)
            behind = f" after exchange {start}" if start else ""
            detail = (
                f"sequence[{index}] was not asked{behind}: {one.words()}; {patterns.describe(miss)}"
            )
            facts = {"verified": False, "exchanges": seqs, "nearest_miss": miss}
            raise ApiProblem(409, "Not verified", detail, facts)
        seqs.append(found[0].seq)
    return {"verified": True, "exchanges": seqs}


def _is_count(value: Any, _: Any) -> str:
    try:
        _bounds(value)
    except ApiProblem as error:
        return str(error).removeprefix("count ")
    return ""


ROUTES = (
    Route(
        "POST",
        "/exchanges/wait",
        "Wait until exchanges match.",
        wait,
        query=(),
        body=(
            MATCH,
            Integer("count", "How many.", least=1, most=MOST_WAITED, default=1),
            Number("timeout_s", "How long.", least=0, most=LONGEST_WAIT_S, default=30),
            AFTER,
        ),
        answer=(
            Integer("count", "How many have matched.", required=True),
            Objects("exchanges", "The first of them.", required=True),
        ),
    ),
    Route(
        "POST",
        "/exchanges/verify",
        "Verify what was asked; a failure explains the nearest miss.",
        verify,
        query=(),
        body=(
            MATCH,
            Field(
                "count",
                "A number, or bounds min and max; min 1 if absent.",
                check=_is_count,
                example=1,
            ),
            Objects("sequence", "What is wanted in this order, each as match is."),
            AFTER,
        ),
        answer=(
            Field("verified", "True.", required=True),
            Integer("count", "How many have matched."),
            Field("exchanges", "The numbers of the sequence."),
        ),
    ),
)
