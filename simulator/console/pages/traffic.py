"""The journal as a table: newest first, filtered, live."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from simulator.console import calls
from simulator.console.parts import Page
from simulator.console.rendering import page, render
from simulator.control.parts import PARTS
from simulator.control.patterns import FILTERS
from simulator.disclosure.report.devices import DEVICE
from simulator.protocol.rules import RULES

ROWS = 100
"""Most rows of a page; the browser holds no more than that either."""


def _filters(request: web.Request) -> dict[str, str]:
    """Return the filters that are set; fields left empty in the form are none."""
    return {name: request.query[name].strip() for name in FILTERS if request.query.get(name)}


async def traffic(request: web.Request) -> web.StreamResponse:
    """Show a page of the journal."""
    filters, after = _filters(request), request.query.get("after", "")
    found = await _newest(request, filters, after)
    older = found["next"] and _link({**filters, "after": str(found["next"])})
    catalogue = request.app[PARTS].catalogue
    choices = {
        "service": sorted((*catalogue.services, DEVICE)),
        "operation": sorted(catalogue.operations),
        "organisation": await calls.organisations(request),
        "finding": sorted(RULES),
    }
    return await page(
        request,
        "traffic.html",
        "traffic",
        exchanges=found["exchanges"],
        last=found["last"],
        filters=filters,
        query=urlencode(filters),
        choices={name: values for name, values in choices.items() if len(values) > 1},
        after=after,
        newest=_link(filters),
        older=older,
        most=ROWS,
    )


def _link(query: Mapping[str, str]) -> str:
    return f"/traffic?{urlencode(query)}" if query else "/traffic"


async def _newest(request: web.Request, filters: Mapping[str, str], after: str) -> Any:
    more = {"order": "newest", "limit": str(ROWS), "after": after, "disclosed": "true"}
    return await calls.get(request, "exchanges", **filters, **more)


async def rows(request: web.Request) -> web.StreamResponse:
    """Answer the rows of what has come since exchange ``since``, as a fragment of the page."""
    since = request.query.get("since", "0")
    after = int(since[:19]) if since.isascii() and since.isdigit() else 0
    filters = _filters(request)
    found = await _newest(request, filters, "")
    fresh = [one for one in found["exchanges"] if one["seq"] > after]
    text = await render(request, "rows.html", {"exchanges": fresh, "filters": filters})
    headers = {"Cache-Control": "no-store", "X-Last": str(found["last"])}
    return web.Response(text=text, content_type="text/html", headers=headers)


PAGES = (
    Page("GET", "/traffic", traffic),
    Page("GET", "/traffic/rows", rows),
)
