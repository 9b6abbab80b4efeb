"""What the traffic told Apple, judged: the report as a page."""

import asyncio
import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from msgspec import Struct

from simulator.console import calls
from simulator.console.pages.credentials import download
from simulator.console.pages.flow import NAMES, Flow, draw
from simulator.console.parts import Page
from simulator.console.rendering import after, page
from simulator.control.parts import PARTS, ApiProblem, bad
from simulator.disclosure.formats.table import FORMATS
from simulator.disclosure.judge.claims import NO_MANIFEST
from simulator.disclosure.judge.manifest import SEVERITIES, manifest_names
from simulator.disclosure.report.redaction import LEVELS

DRAFT = "mine.toml"
"""What a manifest made from the traffic is called."""
_CLEAR = {"redact": "clear"}
"""How examples are shown unless the reader chooses otherwise; secrets never are."""
_CHOSEN = ("redact", "gate")
_ENDINGS = {
    "text": "txt",
    "markdown": "md",
    "article-30": "article-30.csv",
    "dpv": "jsonld",
    "attestation": "attestation.json",
}
UNMATCHED = "unmatched"
"""In place of the recipient, where a request was for none of the services."""
Groups = list[tuple[str, str, list[Mapping[str, Any]]]]
"""Lines by service and category: both names, and the lines."""


class ManifestUpload(Struct, frozen=True):
    """A manifest that the browser has sent, and sends again with each form of the page."""

    name: str
    content: bytes

    @property
    def packed(self) -> str:
        """The content for a hidden field: its bytes as they are, which a browser would not keep."""
        return base64.b64encode(self.content).decode()

    @classmethod
    async def of(cls, request: web.Request) -> "ManifestUpload | None":
        """Take it from a form: text, a file, or what `packed` was; None if the form has none."""
        form = await request.post()
        file, packed, written = form.get("file"), form.get("packed"), form.get("written")
        if isinstance(written, str) and written.strip():
            return cls(str(form.get("name") or DRAFT), written.encode())
        if isinstance(file, web.FileField) and file.filename:
            return cls(file.filename[-100:], await asyncio.to_thread(file.file.read))
        if isinstance(packed, str) and packed:
            try:
                return cls(str(form.get("name", "")), base64.b64decode(packed, validate=True))
            except ValueError:
                raise bad("the form is damaged: upload the manifest again") from None
        return None

    async def report(self, request: web.Request, form: str, chosen: Mapping[str, str]) -> bytes:
        """Return the report by this manifest, in the format *form*."""
        query = {"name": self.name, "format": form, **chosen}
        kind = "application/octet-stream"
        return await calls.call(
            request, "POST", "report", query=query, body=self.content, kind=kind
        )


async def disclosures(request: web.Request) -> web.StreamResponse:
    """Show the report, by the manifest that is chosen."""
    chosen = _CLEAR | _chosen(request.query, "manifest")
    report = await calls.get(request, "report", format="json", **chosen)
    return await _page(request, report, chosen, None)


async def uploaded(request: web.Request) -> web.StreamResponse:
    """Show the report by a manifest of the user's own, or say what is wrong with it."""
    form, upload = await request.post(), await ManifestUpload.of(request)
    if form.get("manifest") or upload is None:
        query = urlencode(_chosen(form, "manifest"))
        if upload is None:
            said = "Choose the manifest's file first."
            return after(request, f"/disclosures?{query}", said, "failed")
        return web.Response(status=303, headers={"Location": f"/disclosures?{query}"})
    chosen = _CLEAR | _chosen(form)
    try:
        report = msgspec.json.decode(await upload.report(request, "json", chosen))
    except ApiProblem as problem:
        return after(request, "/disclosures", str(problem), "failed")
    return await _page(request, report, chosen, upload)


async def download_by(request: web.Request) -> web.StreamResponse:
    """Answer the report by a manifest of the user's own as a file."""
    form, upload = await request.post(), await ManifestUpload.of(request)
    wanted = str(form.get("format", ""))
    if upload is None or wanted not in FORMATS:
        raise bad("the form is damaged: upload the manifest again")
    content = await upload.report(request, wanted, _CLEAR | _chosen(form))
    return download(content, filename(wanted), FORMATS[wanted].content_type)


def filename(form: str) -> str:
    """Return what a report in the format *form* is called as a file."""
    return f"disclosures.{_ENDINGS.get(form, form)}"


def _chosen(given: Mapping[str, Any], *more: str) -> dict[str, str]:
    return {name: str(given[name]) for name in (*_CHOSEN, *more) if given.get(name)}


async def _page(
    request: web.Request, report: Any, chosen: Mapping[str, str], upload: ManifestUpload | None
) -> web.Response:
    narrowed = {name: request.query[name] for name in NAMES if request.query.get(name)}
    shipped = await asyncio.to_thread(manifest_names)
    started = request.app[PARTS].manifest.name
    return await page(
        request,
        "disclosures.html",
        "disclosures",
        report=report,
        chapters=_narrowed(report["glance"]["chapters"], narrowed),
        narrowed=narrowed,
        fields=_grouped(report["sent"]),
        claims=_claims(report) if report["provenance"]["manifest"] != NO_MANIFEST else [],
        flow=draw(list(_flows(report["glance"]["chapters"]))),
        manifests=list(dict.fromkeys([*shipped, started])),
        manifest=upload.name if upload else chosen.get("manifest", started),
        started=started,
        upload=upload,
        levels=LEVELS,
        redact=chosen["redact"],
        gate=chosen.get("gate") == "1",
        downloads=[
            (form, f"/api/v1/report?{urlencode({'format': form, **chosen})}", filename(form))
            for form in FORMATS
        ],
    )


def _narrowed(chapters: list[Any], narrowed: Mapping[str, str]) -> list[Any]:
    """Return the chapters with the parts that are of a subject, a category, or to a recipient."""
    found = []
    for chapter in chapters:
        parts = [
            part
            for part in chapter["parts"]
            if narrowed.get("subject", part["subject"]) == part["subject"]
            and narrowed.get("category", part["category"]) == part["category"]
            and narrowed.get("recipient", "") in ("", *_recipients(part))
        ]
        if parts:
            found.append({**chapter, "parts": parts})
    return found


def _recipients(part: Mapping[str, Any]) -> set[str]:
    return {place["recipient"] or UNMATCHED for place in part["places"]}


def _claims(report: Mapping[str, Any]) -> list[tuple[str, str, str, list[Any]]]:
    named = (
        ("declared", "Declared and seen", "Claims that the traffic bears out."),
        ("only_received", "Declared as sent, only received", "Apple returns these."),
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


def _flows(chapters: Iterable[Mapping[str, Any]]) -> Iterator[Flow]:
    """Yield what the picture shows.

    Persons and devices weigh by how many of them Apple was told about, dampened so that one
    stays visible beside thousands; all else weighs the same.
    """
    for chapter in chapters:
        for part in chapter["parts"]:
            for recipient in sorted(_recipients(part)):
                places = [
                    one for one in part["places"] if recipient in (one["recipient"], UNMATCHED)
                ]
                values = max(one["values"] for one in places)
                counted = chapter["key"] in ("people", "devices")
                yield Flow(
                    part["subject"],
                    part["category"],
                    recipient,
                    values,
                    max(1.0, values**0.5 if counted else 1.0),
                    bad=part["severity"] != "ok",
                )


PAGES = (
    Page("GET", "/disclosures", disclosures),
    Page("POST", "/disclosures", uploaded),
    Page("POST", "/disclosures/download", download_by),
)
