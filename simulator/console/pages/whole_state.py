"""The whole state: reset it, keep it, replace it, and clear the journal."""

import asyncio
from typing import Any

from aiohttp import web

from simulator.console import calls
from simulator.console.pages.world import do, text
from simulator.console.parts import Page
from simulator.console.rendering import after, page
from simulator.control.parts import ApiProblem
from simulator.core import resources
from simulator.worlds.world import FOLDER

PLACE = "/steering/state"


async def whole_state(request: web.Request) -> web.StreamResponse:
    """Show what can be done to all of it."""
    known = await asyncio.to_thread(lambda: sorted(resources.names(FOLDER)))
    last = (await calls.get(request, "exchanges", limit="1"))["last"]
    worlds = [name.removesuffix(".toml") for name in known]
    return await page(request, "state.html", "steering", worlds=worlds, last=last)


async def reset(request: web.Request) -> web.StreamResponse:
    """Go back to the world as it was loaded."""
    said = "The world is as it was loaded, and the clock is real."
    return await do(request, said, "POST", "reset", body={}, place=PLACE)


async def load_world(request: web.Request) -> web.StreamResponse:
    """Replace everything by a world that ships."""
    form = await request.post()
    name, body = text(form, "world"), dict[str, Any]()
    for key in ("devices", "seed"):
        if given := text(form, key):
            # What is no number goes on as it is: the API says what is wrong with it.
            body[key] = int(given) if given.isascii() and given.isdigit() else given
    said = f"The world {name} is loaded, with new credentials."
    return await do(request, said, "POST", "worlds", name, body=body, place=PLACE)


async def restore(request: web.Request) -> web.StreamResponse:
    """Replace everything by an uploaded snapshot."""
    given = (await request.post()).get("snapshot")
    content = given.file.read() if isinstance(given, web.FileField) else b""
    if not content:
        return after(request, PLACE, "Choose the snapshot's file first.", "failed")
    kind = "application/octet-stream"
    try:
        await calls.call(request, "PUT", "snapshot", body=content, kind=kind)
    except ApiProblem as problem:
        return after(request, PLACE, str(problem), "failed")
    return after(request, PLACE, "The snapshot is loaded.")


async def clear_journal(request: web.Request) -> web.StreamResponse:
    """Delete all exchanges; that they were deleted is on record."""
    return await do(request, "The journal is cleared.", "DELETE", "exchanges", place=PLACE)


PAGES = (
    Page("GET", PLACE, whole_state),
    Page("POST", f"{PLACE}/reset", reset),
    Page("POST", f"{PLACE}/world", load_world),
    Page("POST", f"{PLACE}/snapshot", restore),
    Page("POST", f"{PLACE}/journal", clear_journal),
)
