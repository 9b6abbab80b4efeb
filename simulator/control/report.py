"""The report of a running simulator, kept up to date exchange by exchange."""

import asyncio
import threading
from typing import get_args

import msgspec
from aiohttp import web

from simulator import __version__
from simulator.control.parts import PARTS, Parts, Route, bad
from simulator.disclosure.evidence import Chain
from simulator.disclosure.ledger import Ledger
from simulator.disclosure.manifest import Manifest, load_manifest
from simulator.disclosure.redaction import Level
from simulator.disclosure.rendering import to_json, to_markdown, to_text
from simulator.disclosure.report import Report
from simulator.resources import names
from simulator.settings import ConfigurationError

SMALL = 20_000
"""Up to so many exchanges, each report looks at all hashes again; beyond, at the new ones."""
FORMATS = {
    "text": ("text/plain", to_text),
    "json": ("application/json", to_json),
    "markdown": ("text/markdown", to_markdown),
}
_QUERY = {"format", "manifest", "redact", "gate", "verify"}


class Books:
    """The ledger so far: what was added once is not read again."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._ledger = Ledger(parts.observer, parts.catalogue)
        self._chain = Chain()
        self._cuts = 0
        """How often exchanges had been deleted when this was begun."""

    def report(self, manifest: Manifest, redact: Level, *, gate: bool, verify: bool) -> Report:
        """Add what has happened since, and judge it all by *manifest*.

        The hashes of new exchanges are always checked; with *verify*, or while
        there are few, all are.
        """
        parts = self._parts
        with self._lock:
            ledger = self._ledger_now()
            evidence = parts.journal.evidence(self._chain)
            if verify or self._chain.checked <= SMALL:
                again = Chain()
                for _ in parts.journal.walk(again):
                    pass
                evidence = parts.journal.evidence(again)
            return Report.build(
                ledger,
                manifest,
                parts.catalogue,
                tool=f"mdmsim {__version__}",
                evidence=evidence,
                redact=redact,
                gate=gate,
            )

    def _ledger_now(self) -> Ledger:
        """Return the ledger with all exchanges that are there."""
        parts = self._parts
        if (cuts := len(parts.journal.cuts())) != self._cuts:
            self._ledger, self._chain = Ledger(parts.observer, parts.catalogue), Chain()
            self._cuts = cuts
        for batch in parts.journal.walk(self._chain):
            for exchange in batch:
                self._ledger.add(exchange)
        return self._ledger


BOOKS: web.AppKey[Books] = web.AppKey("books", Books)


async def get_report(request: web.Request) -> web.Response:
    """Answer the report, in the format and judged by the manifest that are asked for."""
    query = request.query
    if unknown := set(query) - _QUERY:
        raise bad(f"{min(unknown)} is not known; there are {', '.join(sorted(_QUERY))}")
    form = query.get("format", "json")
    if form not in FORMATS:
        raise bad(f"format must be one of {', '.join(FORMATS)}")
    redact = query.get("redact", "fingerprint")
    if redact not in get_args(Level):
        raise bad(f"redact must be one of {', '.join(get_args(Level))}")
    manifest = await _manifest(request.app[PARTS], query.get("manifest"))
    report = await asyncio.to_thread(
        request.app[BOOKS].report,
        manifest,
        msgspec.convert(redact, Level),
        gate=query.get("gate") == "1",
        verify=query.get("verify") == "1",
    )
    content_type, render = FORMATS[form]
    return web.Response(text=render(report), content_type=content_type)


async def _manifest(parts: Parts, name: str | None) -> Manifest:
    """Return the manifest that is asked for: one that ships, as nobody's files are read here."""
    if name is None:
        return parts.manifest
    shipped = [one.removesuffix(".toml") for one in await asyncio.to_thread(names, "manifests")]
    if name not in shipped:
        raise bad(f"manifest must be one of {', '.join(shipped)}; start mdmsim with another")
    try:
        return await asyncio.to_thread(load_manifest, name)
    except ConfigurationError as error:
        raise bad(str(error)) from None


ROUTES = (Route("GET", "/report", "Get the disclosure report.", get_report),)
