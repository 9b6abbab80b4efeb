"""What each client did, in order: a lane of operations a client, equal ones in a row as one."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from aiohttp import web
from msgspec import Struct

from simulator.console import calls
from simulator.console.parts import Page
from simulator.console.rendering import page

LOOKED_AT = "1000"
"""Newest exchanges that the lanes are made of."""


class LaneStep(Struct, frozen=True):
    """Calls of one operation that were answered alike, one after the other."""

    operation: str
    status: int
    error: str
    first: Mapping[str, Any]
    """The exchange that began it."""
    count: int


class Lane(Struct, frozen=True):
    """One client."""

    client: str
    user_agent: str
    steps: tuple[LaneStep, ...]


async def lanes(request: web.Request) -> web.StreamResponse:
    """Show the lanes, that of the client heard last first."""
    found = await calls.get(request, "exchanges", order="newest", limit=LOOKED_AT)
    made = lanes_of(found["exchanges"])
    return await page(request, "lanes.html", "traffic", lanes=made, more=found["next"])


def lanes_of(newest_first: Iterable[Mapping[str, Any]]) -> list[Lane]:
    """Return the lanes of exchanges as ``GET /exchanges`` answers them."""
    by_client: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in newest_first:
        by_client.setdefault((one["client"], one["user_agent"]), []).append(one)
    return [
        Lane(client, agent, tuple(_steps(reversed(exchanges))))
        for (client, agent), exchanges in by_client.items()
    ]


def _steps(oldest_first: Iterable[Mapping[str, Any]]) -> Iterable[LaneStep]:
    alike = groupby(oldest_first, lambda one: (one["operation"], one["status"], one["error"]))
    for (operation, status, error), group in alike:
        run = list(group)
        yield LaneStep(operation or "unknown", status, error or "", run[0], len(run))


PAGES = (Page("GET", "/traffic/lanes", lanes),)
