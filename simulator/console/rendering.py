"""How a page comes about: its template, the layout's facts, and what becomes of its forms."""

import asyncio
from collections.abc import Mapping
from typing import Any

import jinja2
from aiohttp import web

from simulator import __version__
from simulator.console import calls, formatting, security
from simulator.console.parts import DOOR
from simulator.control.parts import PARTS, ApiProblem

NAVIGATION = (
    ("start", "/", "Start"),
    ("traffic", "/traffic", "Traffic"),
    ("disclosures", "/disclosures", "Disclosures"),
    ("world", "/world", "World"),
    ("steering", "/steering", "Simulation"),
    ("reference", "/reference", "Reference"),
)


def templates() -> jinja2.Environment:
    """Return the templates of this package, each of which is read as it is first rendered."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("simulator.console"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= formatting.FILTERS
    return environment


async def render(request: web.Request, name: str, context: Mapping[str, Any]) -> str:
    """Return the text of template *name*, made off the event loop.

    The first time it is read from the disk, with those that it asks for; a long page takes long.
    """
    site = await request.app[DOOR].site()
    return await asyncio.to_thread(_rendered, site.templates, name, context)


def _rendered(environment: jinja2.Environment, name: str, context: Mapping[str, Any]) -> str:
    return environment.get_template(name).render(context)


async def page(
    request: web.Request, name: str, here: str, /, *, status: int = 200, **context: Any
) -> web.Response:
    """Return the page of template *name*, inside the layout; *here* is its place in the menu."""
    seed = security.form_seed(request)
    parts = request.app[PARTS]
    layout = {
        "here": here,
        "navigation": NAVIGATION,
        "version": __version__,
        "settings": parts.settings,
        "clock": await _clock(request),
        "note": security.take_note(request),
        "form_token": security.form_token(request, seed),
        "back": request.path_qs,
        "logs_in": security.wants_login(request),
    }
    text = await render(request, name, layout | context)
    response = web.Response(text=text, content_type="text/html", status=status)
    response.headers["Cache-Control"] = "no-store"
    security.keep_seed(request, response, seed)
    if layout["note"]:
        security.drop_note(response)
    return response


async def _clock(request: web.Request) -> Any:
    """Return the time, or None for a page that is shown to someone who is not let in."""
    try:
        return await calls.get(request, "clock")
    except ApiProblem:
        return None


def back_to(form: Mapping[str, Any], otherwise: str) -> str:
    """Return the page of ours that a form names as its own, else *otherwise*."""
    wanted = form.get("back")
    # A browser reads "//host" and "/\host" as another host's address.
    if isinstance(wanted, str) and wanted.startswith("/") and wanted[1:2] not in ("/", "\\"):
        return wanted
    return otherwise


def after(request: web.Request, place: str, said: str, kind: str = "done") -> web.Response:
    """Return the way back from a form to *place*, where *said* is shown."""
    response = web.Response(status=303, headers={"Location": place})
    security.note(request, response, kind, said)
    return response


async def problem_page(request: web.Request, problem: web.StreamResponse) -> web.Response:
    """Return a problem document as a page, or the way to the login."""
    status = problem.status
    if status == 401 and security.wants_login(request):  # noqa: PLR2004 (Unauthorized)
        target = request.path_qs if request.method == "GET" else "/"
        location = str(request.url.with_path(security.LOGIN).with_query(to=target).relative())
        return web.Response(status=303, headers={"Location": location})
    detail = formatting.problem(problem)
    return await page(request, "problem.html", "", status=status, problem=detail)
