"""What the traffic told Apple, judged: the report as a page."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from simulator.console import calls
from simulator.console.flow import Flow, draw
from simulator.console.pages import page
from simulator.console.parts import Page
from simulator.control.parts import PARTS
from simulator.disclosure.formats.table import FORMATS
from simulator.disclosure.manifest import SEVERITIES
from simulator.disclosure.redaction import LEVELS
from simulator.resources import names

_CHOSEN = ("manifest", "redact", "gate")
Groups = list[tuple[str, str, list[Mapping[str, Any]]]]
"""Lines by service and category: both names, and the lines."""


async def disclosures(request: web.Request) -> web.StreamResponse:
    """Show the report."""
    chosen = {name: request.query[name] for name in _CHOSEN if request.query.get(name)}
    report = await calls.get(request, "report", format="json", **chosen)
    shipped = await asyncio.to_thread(names, "manifests")
    started = request.app[PARTS].manifest.name
    return await page(
        request,
        "disclosures.html",
        "disclosures",
        report=report,
        sections=_sections(report),
        claims=_claims(report),
        flow=draw(_flows(report["sent"])),
        manifests=sorted({started, *(name.removesuffix(".toml") for name in shipped)}),
        manifest=chosen.get("manifest", started),
        started=started,
        levels=LEVELS,
        redact=chosen.get("redact", "fingerprint"),
        gate=chosen.get("gate") == "1",
        downloads=[
            (form, f"/api/v1/report?{urlencode({'format': form, **chosen})}") for form in FORMATS
        ],
    )


def _sections(report: Mapping[str, Any]) -> list[tuple[str, str, str, Groups, int]]:
    """Return key, title, words and lines of each section of what was sent, undeclared first."""
    named = (
        ("undeclared", "Undeclared", "No claim of the manifest covers these."),
        ("flagged", "Undocumented or misplaced", "Nobody documents these, or they look wrong."),
        ("sent", "Everything that was sent", "What protocols need anyhow included."),
    )
    return [
        (key, title, about, _grouped(report[key]), len(report[key])) for key, title, about in named
    ]


def _claims(report: Mapping[str, Any]) -> list[tuple[str, str, str, list[Any]]]:
    named = (
        ("declared", "Declared and seen", "Claims that the traffic bears out."),
        ("only_received", "Declared as sent, only received", "Apple answers these."),
        ("not_seen", "Declared, not seen", "The traffic holds nothing of these claims."),
    )
    return [(key, title, about, report[key]) for key, title, about in named]


def _grouped(lines: Iterable[Mapping[str, Any]]) -> Groups:
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        groups.setdefault((line["service"], line["category"]), []).append(line)
    ranked = sorted(groups.items(), key=lambda pair: (pair[0][0], _badness(pair[1]), pair[0][1]))
    return [(service, category, found) for (service, category), found in ranked]


def _badness(lines: Iterable[Mapping[str, Any]]) -> int:
    return min(-SEVERITIES.index(line["severity"]) for line in lines)


def _flows(lines: Iterable[Mapping[str, Any]]) -> list[Flow]:
    """Return the lines as flows, without the protocol's own plumbing."""
    return [
        Flow(line["subject"], line["category"], line["service"], bad=line["severity"] != "ok")
        for line in lines
        if line["category"] != "protocol"
    ]


PAGES = (Page("GET", "/disclosures", disclosures),)
