"""Calls about the ledger: aggregated disclosures, and the report."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from typing import get_args

import msgspec
from aiohttp import web

from simulator.control.ledger_service import BOOKS, LedgerService
from simulator.control.parts import (
    AFTER,
    LIMIT,
    PARTS,
    QUERY,
    Route,
    bad,
    content_of,
    json_response,
)
from simulator.core.settings import ConfigurationError
from simulator.disclosure.formats.table import FORMATS, Format
from simulator.disclosure.judge import difference
from simulator.disclosure.judge.claims import NOTHING_DECLARED
from simulator.disclosure.judge.difference import compare
from simulator.disclosure.judge.manifest import Manifest, load_manifest, manifest_names
from simulator.disclosure.judge.spans import JournalRange
from simulator.disclosure.judge.suggesting import suggest
from simulator.disclosure.report.redaction import Level
from simulator.disclosure.report.rows import FILTERS, matches
from simulator.disclosure.report.words import ENGLISH, LANGUAGES
from simulator.protocol.fields import Field, Integer, Objects, String

MAX_PAGE = 1000
LARGEST = 1024 * 1024
"""Bytes of a manifest that are taken."""
_OF_EXCHANGES = ("organisation", "client", "session", "status", "error", "finding", "fault")
"""Filters that choose exchanges; those of `FILTERS` choose among their rows."""
_OF_ROWS = (*FILTERS, "flag", "novelty", "q")


async def get_ledger(request: web.Request) -> web.Response:
    """Answer a page of aggregated disclosures, by place; ``after`` takes the id of a row."""
    query = request[QUERY]
    limit = request[QUERY]["limit"]
    chosen = {name: query[name] for name in _OF_EXCHANGES if name in query}
    match = {name: query[name] for name in _OF_ROWS if name in query}
    rows = await asyncio.to_thread(request.app[BOOKS].rows, chosen)
    rows = [row for row in rows if matches(row, match)]
    start = 0
    if after := query.get("after"):
        ids = [row["id"] for row in rows]
        if after not in ids:
            raise bad("after must be the id of a row that these filters leave in the ledger")
        start = ids.index(after) + 1
    page = rows[start : start + limit]
    more = page[-1]["id"] if start + limit < len(rows) else None
    return json_response({"ledger": page, "total": len(rows), "next": more})


async def get_report(request: web.Request) -> web.StreamResponse:
    """Answer the report, in the format and judged by the manifest that are asked for."""
    form = _format(request)
    manifest = await _manifest(request.app[BOOKS], request[QUERY].get("manifest"))
    pieces = await _written(request, form, manifest)
    if not form.streams:
        return await _whole(form, pieces)
    # Nothing is sent before the first piece is there, so that a failure is still an answer.
    first = await asyncio.to_thread(next, pieces, "")
    response = web.StreamResponse()
    response.content_type, response.charset = form.content_type, "utf-8"
    await response.prepare(request)
    piece: str | None = first
    while piece is not None:
        await response.write(piece.encode())
        piece = await asyncio.to_thread(next, pieces, None)
    await response.write_eof()
    return response


async def judge_by(request: web.Request) -> web.Response:
    """Answer the report judged by the manifest in the body: nothing of it is kept.

    In every format it is made up in memory.
    """
    form, content = _format(request), await content_of(request, LARGEST, "a manifest")
    name = request[QUERY].get("name", "the manifest")
    try:
        manifest = await asyncio.to_thread(Manifest.parse, content.decode(), name)
    except UnicodeDecodeError:
        raise bad(f"{name}: is not UTF-8: save it as UTF-8") from None
    except ConfigurationError as error:
        raise bad(str(error)) from None
    today = request.app[BOOKS].today()
    return await _whole(form, await _written(request, form, manifest.on(today)))


async def suggest_manifest(request: web.Request) -> web.Response:
    """Answer a manifest made from what was disclosed, as TOML, to be gone through by its owner."""
    books = request.app[BOOKS]
    report = await asyncio.to_thread(
        books.report, NOTHING_DECLARED, "names", strict=False, verify=False
    )
    return web.Response(text=suggest(report), content_type=TOML)


def _format(request: web.Request) -> Format:
    return FORMATS[request[QUERY].get("format", "json")]


async def _written(request: web.Request, form: Format, manifest: Manifest) -> Iterator[str]:
    query = request[QUERY]
    material = await asyncio.to_thread(
        request.app[BOOKS].material,
        manifest.judging(query.get("strict") == "1", query.get("discloser")),
        msgspec.convert(query.get("redact", "fingerprint"), Level),
        strict=query.get("gate") == "1",
        verify=query.get("verify") == "1",
        language=query.get("language", ENGLISH),
        product=query.get("product"),
    )
    return form.render(material)


async def _whole(form: Format, pieces: Iterator[str]) -> web.Response:
    text = await asyncio.to_thread("".join, pieces)
    return web.Response(text=text, content_type=form.content_type)


async def get_diff(request: web.Request) -> web.Response:
    """Answer what the ``new`` part of the journal disclosed and the ``old`` one did not.

    As JSON: of each part how many ``exchanges`` and the ``first`` and ``last`` of their
    numbers, and the ``changes``, protocol versions first, then what was sent, then received.
    """
    query, books = request[QUERY], request.app[BOOKS]
    spans = []
    for name in ("old", "new"):
        try:
            spans.append(JournalRange.parse(query[name]))
        except ValueError as error:
            raise bad(f"{name}: {error}") from None
    old, new = [await asyncio.to_thread(books.part, span) for span in spans]
    changes = compare(old.lock, new.lock, request.app[PARTS].catalogue)
    if (form := query.get("format", "json")) != "json":
        text = difference.FORMATS[form](changes)
        kind = {"markdown": "text/markdown"}.get(form, "text/plain")
        return web.Response(text=text, content_type=kind)
    told = {
        name: {"exchanges": part.exchanges, "first": part.first, "last": part.last}
        for name, part in (("old", old), ("new", new))
    }
    return json_response(told | {"changes": [asdict(one) for one in changes]})


async def _manifest(books: LedgerService, name: str | None) -> Manifest:
    """Return the manifest that is asked for: one that ships, as nobody's files are read here."""
    if name is None:
        return books.manifest()
    shipped = await asyncio.to_thread(manifest_names)
    if name not in shipped:
        known = ", ".join(shipped)
        raise bad(f"manifest must be one of {known}; POST another, or start mdmsim with it")
    try:
        return await asyncio.to_thread(load_manifest, name)
    except ConfigurationError as error:
        raise bad(str(error)) from None


JUDGED = (
    String("format", "json if absent.", values=tuple(FORMATS)),
    String("redact", "fingerprint if absent.", values=get_args(Level)),
    String("gate", "1: as for a release."),
    String("strict", "1: even what is inherent must be declared."),
    String("discloser", "Who discloses, where the manifest does not say."),
    String("language", "Of text, markdown and html; en if absent.", values=tuple(LANGUAGES)),
    String("product", "Product and version, where no User-Agent says so."),
    String("verify", "1: check the hashes of all exchanges again."),
)
TOML = "application/toml"
_SPAN = "FROM..TO, each the number of an exchange or a time, or nothing."
ROUTES = (
    Route(
        "GET",
        "/diff",
        "Compare what two parts of the journal disclosed.",
        get_diff,
        query=(
            String("old", _SPAN, required=True, example="..120"),
            String("new", _SPAN, required=True, example="121.."),
            String("format", "json if absent.", values=tuple(difference.FORMATS)),
        ),
        gives="*/*",
    ),
    Route(
        "GET",
        "/ledger",
        "List aggregated disclosures, by place.",
        get_ledger,
        query=(
            *(String(name, f"Only of exchanges with this {name}.") for name in _OF_EXCHANGES),
            *(String(name, f"Only those with this {name}.") for name in _OF_ROWS),
            AFTER,
            LIMIT,
        ),
        answer=(
            Objects("ledger", "One per operation, place and meaning.", required=True),
            Integer("total", "How many there are on all pages.", required=True),
            Field("next", "What to give as after to go on; null at the end.", required=True),
        ),
    ),
    Route(
        "GET",
        "/manifest",
        "Suggest a manifest from what was disclosed.",
        suggest_manifest,
        query=(),
        gives=TOML,
    ),
    Route(
        "GET",
        "/report",
        "Get the disclosure report.",
        get_report,
        query=(*JUDGED, String("manifest", "Name of one that ships.")),
        gives="*/*",
    ),
    Route(
        "POST",
        "/report",
        "Get the disclosure report by a manifest of your own.",
        judge_by,
        query=(*JUDGED, String("name", "What the manifest is called in the report.", shortest=1)),
        takes="application/octet-stream",
        gives="*/*",
    ),
)
