"""A manifest that is being written: made from the traffic, edited, compared, saved as a file."""

import asyncio
from collections.abc import Sequence

from aiohttp import web

from simulator.console import calls
from simulator.console.pages.credentials import download
from simulator.console.pages.disclosures import DRAFT, ManifestUpload
from simulator.console.parts import Page
from simulator.console.rendering import page
from simulator.control.parts import bad
from simulator.core.settings import ConfigurationError
from simulator.disclosure.judge.claims import Manifest
from simulator.disclosure.judge.comparing import ClaimDifference, compare_manifests
from simulator.disclosure.judge.manifest import load_manifest, manifest_names

TRAFFIC = "the traffic"
"""What a draft may be compared with, beside the manifests that ship."""


async def draft(request: web.Request) -> web.StreamResponse:
    """Show a manifest made from the traffic, or one that was sent here to be edited."""
    upload = await ManifestUpload.of(request) if request.method == "POST" else None
    return await _page(request, upload or ManifestUpload(DRAFT, await _suggested(request)))


async def save(request: web.Request) -> web.StreamResponse:
    """Answer the manifest of the form as a file."""
    upload = await _sent(request)
    return download(upload.content, upload.name, "application/toml")


async def compare(request: web.Request) -> web.StreamResponse:
    """Show the draft with how it differs from another manifest, or what is wrong with it."""
    upload, form = await _sent(request), await request.post()
    other = str(form.get("other", ""))
    suggested = await _suggested(request) if other == TRAFFIC else b""

    def compared() -> list[ClaimDifference]:
        if not suggested and other not in manifest_names():  # else any file could be named
            raise ConfigurationError(f"there is no manifest {other!r}: choose one of the list")
        old = Manifest.parse(suggested.decode(), other) if suggested else load_manifest(other)
        return compare_manifests(old, Manifest.parse(upload.content.decode(), upload.name))

    try:
        found = await asyncio.to_thread(compared)
    except ConfigurationError as error:
        return await _page(request, upload, wrong=str(error))
    return await _page(request, upload, other=other, differences=found)


async def _sent(request: web.Request) -> ManifestUpload:
    upload = await ManifestUpload.of(request)
    if upload is None:
        raise bad("the manifest is empty: write one, or go back to what was suggested")
    return upload


async def _suggested(request: web.Request) -> bytes:
    return await calls.call(request, "GET", "manifest")


async def _page(
    request: web.Request,
    upload: ManifestUpload,
    *,
    other: str = TRAFFIC,
    differences: Sequence[ClaimDifference] | None = None,
    wrong: str = "",
) -> web.Response:
    return await page(
        request,
        "manifest.html",
        "disclosures",
        name=upload.name,
        written=upload.content.decode(errors="replace"),
        others=[TRAFFIC, *await asyncio.to_thread(manifest_names)],
        other=other,
        differences=differences,
        wrong=wrong,
    )


PAGES = (
    Page("GET", "/disclosures/manifest", draft),
    Page("POST", "/disclosures/manifest", draft),
    Page("POST", "/disclosures/manifest/compare", compare),
    Page("POST", "/disclosures/manifest/download", save),
)
