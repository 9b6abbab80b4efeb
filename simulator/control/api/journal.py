"""Calls about what has happened: exchanges, their disclosures and findings, the report."""

import asyncio
import base64
from typing import Any, get_args

import msgspec
from aiohttp import web

from simulator.control.ledger_service import BOOKS, LedgerService
from simulator.control.parts import LIMIT, PARTS, QUERY, Parts, Route, bad, json_response, missing
from simulator.control.patterns import FILTERS
from simulator.core.messages import Exchange, Headers, named
from simulator.core.state import Body
from simulator.core.timestamps import rfc3339_ms
from simulator.disclosure.concepts import PROTOCOL
from simulator.disclosure.judge.manifest import EXEMPT, SEVERITIES, Judged, as_json, judge
from simulator.disclosure.observe.records import ObservedRecord
from simulator.disclosure.report.devices import DEVICE
from simulator.disclosure.report.names import may_name
from simulator.disclosure.report.redaction import Level, shown
from simulator.protocol.fields import Field, Integer, Objects, String
from simulator.store.protocols import NEWEST

ORDERS = ("oldest", "newest")
MAX_PAGE = 1000
LONGEST_LISTED = 64 * 1024
"""Longest body, in bytes, of which a list says what it disclosed."""


def summary(exchange: Exchange) -> Body:
    """Return what a list shows of an exchange."""
    peer, names = exchange.request.peer, named(exchange.request.headers)
    return {
        "seq": exchange.seq,
        "at": rfc3339_ms(exchange.at_ms),
        "took_ms": exchange.took_us / 1000 if exchange.took_us else None,
        "organisation": exchange.organisation,
        "client": exchange.client,
        "service": exchange.service,
        # Seen from the MDM server: what it sent to Apple, or received from a device.
        "direction": "received" if exchange.service == DEVICE else "sent",
        "operation": exchange.operation,
        "method": exchange.request.method,
        "route": exchange.route,
        "target": exchange.request.target,
        "host": names.get("host", ""),
        "status": exchange.response.status,
        "error": exchange.error or None,
        "protocol": {"sent": exchange.version_sent, "effective": exchange.version or None},
        "session": exchange.session or None,
        "faults": [{"id": one.fault, "does": one.does} for one in exchange.faults],
        "findings": [msgspec.to_builtins(finding) for finding in exchange.findings],
        "connection": peer.connection,
        "user_agent": names.get("user-agent", ""),
    }


def whole(exchange: Exchange) -> Body:
    """Return an exchange with request, answer and peer; secrets are fingerprints already."""
    request, response = exchange.request, exchange.response
    tls = request.peer.tls
    return summary(exchange) | {
        "request": {
            "method": request.method,
            "target": request.target,
            "scheme": request.scheme,
            "http": request.http,
            "problem": request.problem or None,
            "headers": _pairs(request.headers),
            "body": _text(request.body),
        },
        "response": {
            "status": response.status,
            "headers": _pairs(response.headers),
            "body": _text(response.body),
        },
        "peer": {
            "address": request.peer.address,
            "port": request.peer.port,
            "tls": tls
            and {"version": tls.version, "cipher": tls.cipher, "sni": tls.sni, "alpn": tls.alpn},
        },
    }


def _pairs(headers: Headers) -> list[list[str]]:
    return [[name, value] for name, value in headers]


def _text(body: bytes) -> Body:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


async def list_exchanges(request: web.Request) -> web.Response:
    """Answer a page of the journal, and the number of the newest exchange.

    It begins with the oldest, or with ``order=newest`` with the newest; *after*
    goes on in that order. For a text so many exchanges are looked through that others wait for
    nobody; a page may then hold few, or none, and be followed by others.
    """
    parts = request.app[PARTS]
    query = request[QUERY]
    limit, after = query["limit"], query["after"]
    match = {name: query[name] for name in FILTERS if name in query}
    books = request.app[BOOKS]

    def look() -> Body:
        with parts.journal.at_one_moment() as journal:
            newest = query.get("order") == "newest"
            start = after or NEWEST if newest else after
            found, more = journal.page(start, limit, match, newest_first=newest)
            last = journal.last()
        shown = [summary(one) for one in found]
        if "disclosed" in query:
            for one, exchange in zip(shown, found, strict=True):
                one["disclosed"] = disclosed(parts, books, exchange)
        return {"exchanges": shown, "next": more, "last": last}

    return json_response(await asyncio.to_thread(look))


async def exchange_of(request: web.Request) -> Exchange:
    """Return the exchange that the path of a call names; a problem if there is none."""
    seq = request.match_info["seq"]
    if not (seq.isascii() and seq.isdigit()):
        raise bad("the number of an exchange is a whole number")
    found = await asyncio.to_thread(request.app[PARTS].journal.get, int(seq[:19]))
    if found is None:
        raise missing(f"no exchange has the number {seq}")
    return found


async def get_exchange(request: web.Request) -> web.Response:
    """Answer one exchange."""
    return json_response(whole(await exchange_of(request)))


async def get_disclosures(request: web.Request) -> web.Response:
    """Answer what one exchange disclosed, judged by the manifest."""
    parts, books = request.app[PARTS], request.app[BOOKS]
    exchange = await exchange_of(request)
    level = request[QUERY].get("redact", "fingerprint")
    found = await asyncio.to_thread(disclosures, parts, books, exchange, level)
    told = [
        as_json(Judged(one, EXEMPT, one.flags, "ok"))
        for one, _ in parts.observer.connection(exchange.request)
    ]
    body = {"seq": exchange.seq, "disclosures": found, "connection": told}
    return json_response(body)


def disclosures(
    parts: Parts, books: LedgerService, exchange: Exchange, level: str = "fingerprint"
) -> list[Body]:
    """Return the judged disclosures of an exchange, each with where its value came from."""
    judged = _judged(parts, books, exchange, level)
    origins = books.origins(exchange.seq, [one.disclosure for one, _ in judged])
    return [
        as_json(one) | {"value": shown(one.disclosure, text, level), "novelty": origin or None}
        for (one, text), origin in zip(judged, origins, strict=True)
    ]


def disclosed(parts: Parts, books: LedgerService, exchange: Exchange) -> list[Body] | None:
    """Return the concepts that an exchange disclosed, worst first, each with how often.

    What the protocol demands is not among them. None for a request whose body
    is too long to be read for a list.
    """
    if len(exchange.request.body) > LONGEST_LISTED:
        return None
    found: dict[str, Body] = {}
    for one, _ in _judged(parts, books, exchange):
        category = one.disclosure.category
        if one.severity == "ok" and (one.inherent or category == PROTOCOL):
            continue
        entry = found.setdefault(
            one.disclosure.concept,
            {"concept": one.disclosure.concept, "category": category, "severity": "ok", "count": 0},
        )
        entry["severity"] = max(entry["severity"], one.severity, key=SEVERITIES.index)
        entry["count"] += 1
    return sorted(found.values(), key=lambda one: -SEVERITIES.index(one["severity"]))


def _judged(
    parts: Parts, books: LedgerService, exchange: Exchange, level: str = "fingerprint"
) -> list[tuple[Judged, str | None]]:
    """Judge what an exchange disclosed; what a device told its MDM server is no disclosure.

    With each comes its value in clear, where *level* or a check asks for it.
    """
    if exchange.service == DEVICE:
        return []
    service = parts.catalogue.services.get(exchange.service)
    operation = parts.catalogue.operations.get(exchange.operation)
    records = parts.observer.observe(exchange.request, operation, service)
    told: list[ObservedRecord] = [(one, None) for one in records]
    if level in ("partial", "clear") or any(map(may_name, records)):
        texts = parts.observer.texts(exchange.request, operation, service)
        told = books.recognised(zip(records, texts, strict=True))
    manifest = books.manifest()
    return [
        (judge(one, exchange.service, exchange.operation, manifest), text) for one, text in told
    ]


async def get_findings(request: web.Request) -> web.Response:
    """Answer the findings of one exchange."""
    exchange = await exchange_of(request)
    findings: list[Any] = [msgspec.to_builtins(finding) for finding in exchange.findings]
    return json_response({"seq": exchange.seq, "findings": findings})


REDACT = String(
    "redact", "How much of values is shown; fingerprint if absent.", values=get_args(Level)
)
FILTER_ROWS = tuple(String(name, f"Only those with this {name}.") for name in FILTERS)
ROUTES = (
    Route(
        "GET",
        "/exchanges",
        "List exchanges.",
        list_exchanges,
        query=(
            *FILTER_ROWS,
            String("order", "Which come first; oldest if absent.", values=ORDERS),
            String("disclosed", "Whether to say what each disclosed.", values=("true",)),
            Integer("after", "Behind this number, in that order.", least=0, most=2**62, default=0),
            LIMIT,
        ),
        answer=(
            Objects("exchanges", "In the wanted order.", required=True),
            Field(
                "next",
                "What to give as after to go on; null at the end. With q a page may hold fewer "
                "than limit, or none, before the end.",
                required=True,
            ),
        ),
    ),
    Route("GET", "/exchanges/{seq}", "Get one exchange.", get_exchange, query=()),
    Route(
        "GET",
        "/exchanges/{seq}/disclosures",
        "Get what it disclosed.",
        get_disclosures,
        query=(REDACT,),
        answer=(
            Objects("disclosures", "In the order of the request.", required=True),
            Objects("connection", "What its connection told, if it is the first.", required=True),
        ),
    ),
    Route(
        "GET",
        "/exchanges/{seq}/findings",
        "Get what it broke.",
        get_findings,
        query=(),
        answer=(Objects("findings", "In the order found.", required=True),),
    ),
)
