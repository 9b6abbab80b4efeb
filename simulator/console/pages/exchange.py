"""One exchange: what was asked, what was answered, and what of it is noteworthy."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from msgspec import Struct

from simulator.console import calls
from simulator.console import curl as pasting
from simulator.console.annotations import Placed, by_category, place, severities
from simulator.console.bodies import MOST_TEXT, Shown, shown
from simulator.console.formatting import http_date
from simulator.console.pages import push_again
from simulator.console.parts import READY, Page
from simulator.console.rendering import page


class RenderedMessage(Struct, frozen=True):
    """A request or an answer, ready for a page."""

    headers: list[tuple[str, str]]
    body: Shown


async def exchange(request: web.Request) -> web.StreamResponse:
    """Show one exchange."""
    seq = request.match_info["seq"]
    found = await calls.get(request, "exchanges", seq)
    told = await calls.get(request, "exchanges", seq, "disclosures", redact="clear")
    disclosures = told["disclosures"]
    fixture = (await calls.call(request, "GET", "exchanges", seq, "fixture")).decode()
    before, following = await _neighbours(request, seq)
    ready = request.app[READY]()
    secure = found["request"]["scheme"] == "https" and ready["tls"]
    base = ready["tls"][0] if secure else ready["http"] or ready["tls"][0]
    asked = _message(found["request"])
    query = _query(found["request"]["target"])
    return await page(
        request,
        "exchange.html",
        "traffic",
        exchange=found,
        asked=asked,
        answered=_answer(found),
        query=query,
        placed=_placed(found, disclosures, asked, query),
        groups=by_category(disclosures),
        severities=severities(disclosures),
        fixture=fixture if len(fixture) <= MOST_TEXT else "",
        curl=pasting.curl(found, base, ready["ca"]),
        push=await push_again.command(request, found)
        if found["operation"] == push_again.OPERATION
        else "",
        before=before,
        following=following,
    )


async def _neighbours(request: web.Request, seq: str) -> list[int]:
    """Return the numbers of the exchanges before and after; 0 where there is none any more."""
    found = []
    for order in ("newest", "oldest"):
        page = await calls.get(request, "exchanges", order=order, after=seq, limit="1")
        found += [one["seq"] for one in page["exchanges"]] or [0]
    return found


def _query(target: str) -> list[tuple[str, str]]:
    return parse_qsl(target.partition("?")[2], keep_blank_values=True, max_num_fields=None)


def _message(message: Mapping[str, Any]) -> RenderedMessage:
    headers = [(name, value) for name, value in message["headers"]]
    return RenderedMessage(headers, shown(message["body"]))


def _answer(exchange: Mapping[str, Any]) -> RenderedMessage:
    """Return the answer with the Date that was put to it as it left, if there was to be one."""
    answered = _message(exchange["response"])
    if all(name.lower() != "date" for name, _ in answered.headers):
        answered.headers.append(("Date", http_date(exchange["at"])))
    kept = [(name, value) for name, value in answered.headers if value or name.lower() != "date"]
    return RenderedMessage(kept, answered.body)


def _placed(
    found: Mapping[str, Any],
    disclosures: list[Any],
    asked: RenderedMessage,
    query: list[tuple[str, str]],
) -> Placed:
    return place(
        found["findings"],
        disclosures,
        query=[name for name, _ in query],
        headers=[name for name, _ in asked.headers],
        body=[line.place for line in asked.body.lines if not line.closes],
    )


PAGES = (Page("GET", "/traffic/{seq}", exchange),)
