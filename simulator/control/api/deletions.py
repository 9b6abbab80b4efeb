"""The call that deletes exchanges: piece by piece, and to its end also after a kill."""

import asyncio
from functools import partial

from aiohttp import web

from simulator.control.parts import PARTS, QUERY, Parts, Route, bad, json_response
from simulator.core.data_directory import drop_ledger
from simulator.core.state import Body, State
from simulator.core.timestamps import milliseconds
from simulator.protocol.fields import Integer, String

DELETION = "journal.deletion"
"""What is being deleted: the match, when that was asked for, and how many are gone."""
LOT = 1000
"""Exchanges that one transaction looks at."""


async def delete_exchanges(request: web.Request) -> web.Response:
    """Delete exchanges for good, on record: all, those ``before`` a time, or an organisation's."""
    parts, query = request.app[PARTS], request[QUERY]
    match: dict[str, object] = {}
    if "organisation" in query:
        match["organisation"] = query["organisation"]
    if "before" in query:
        try:
            match["before_ms"] = milliseconds(query["before"])
        except ValueError:
            raise bad("before must be a time such as 2026-01-05T10:00:00Z") from None
    now_ms = parts.clock.now_ms()
    through = await asyncio.to_thread(parts.journal.last)
    order = {"match": match | {"after": 0, "through": through}, "at_ms": now_ms, "deleted": 0}
    number = await parts.gateway.run(lambda state: _order_deletion(state, order))
    count = await _delete(parts, number)
    await asyncio.to_thread(drop_ledger, parts.settings.data)
    return json_response({"deleted": count})


async def finish_deletions(application: web.Application) -> None:
    """Go on with what was being deleted when a process was killed."""
    parts = application[PARTS]
    for number in await parts.gateway.run(lambda state: state.of("").keys(DELETION)):
        await _delete(parts, number)
        await asyncio.to_thread(drop_ledger, parts.settings.data)


def _order_deletion(state: State, order: Body) -> str:
    number = f"{state.of('').reserve(DELETION):012d}"
    state.of("").put(DELETION, number, order)
    return number


async def _delete(parts: Parts, number: str) -> int:
    """Delete what was ordered, piece by piece, oldest first; return how many those were."""
    deleted: int | None = None
    while deleted is None:
        deleted = await parts.gateway.load(partial(_delete_some, number=number))
    return deleted


def _delete_some(state: State, number: str) -> int | None:
    """Delete some of what was ordered; return how many it was in all once nothing is left."""
    found = state.of("").get(DELETION, number)
    if found is None:
        return 0
    order, match = found.body, found.body["match"]
    some = match | {"through": min(match["through"], match["after"] + LOT)}
    count: int = order["deleted"] + state.forget(some, at_ms=order["at_ms"], reason="delete")
    if some["through"] == match["through"]:
        state.of("").delete(DELETION, number)
        return count
    rest = match | {"after": some["through"]}
    state.of("").put(DELETION, number, order | {"match": rest, "deleted": count})
    return None


ROUTES = (
    Route(
        "DELETE",
        "/exchanges",
        "Delete exchanges for good; that they were deleted is on record.",
        delete_exchanges,
        query=(
            String("before", "Only those before this time.", example="2026-01-05T10:00:00Z"),
            String("organisation", "Only those of this organisation; empty: of none."),
        ),
        answer=(Integer("deleted", "How many.", required=True),),
    ),
)
