"""How a page comes about: its template, the layout's facts, and what becomes of its forms."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web

from simulator import __version__
from simulator.console import calls, entrance, wording
from simulator.control.parts import PARTS, Handler, Problem

NAVIGATION = (
    ("start", "/", "Start"),
    ("traffic", "/traffic", "Traffic"),
    ("disclosures", "/disclosures", "Disclosures"),
    ("world", "/world", "World"),
    ("steering", "/steering", "Steer"),
    ("reference", "/reference", "Reference"),
)
_PROBLEM = "application/problem+json"


class Templates:
    """The templates, read from the disk once, when the first page is wanted."""

    def __init__(self, environment: jinja2.Environment) -> None:
        self._environment = environment
        self._loaded = False

    async def load(self) -> None:
        """Read them all, off the event loop: a template asks for others while it renders."""
        if not self._loaded:
            await asyncio.to_thread(self._read)
            self._loaded = True

    def _read(self) -> None:
        for name in self._environment.list_templates():
            self._environment.get_template(name)


TEMPLATES: web.AppKey[Templates] = web.AppKey("templates", Templates)


def prepare(application: web.Application) -> None:
    """Let *application* render the templates of this package."""
    environment = aiohttp_jinja2.setup(
        application,
        loader=jinja2.PackageLoader("simulator.console"),
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        filters=wording.FILTERS,
    )
    application[TEMPLATES] = Templates(environment)


async def render(request: web.Request, name: str, context: Mapping[str, Any]) -> str:
    """Return the text of template *name*."""
    await request.app[TEMPLATES].load()
    return aiohttp_jinja2.render_string(name, request, context)


async def page(
    request: web.Request, name: str, here: str, /, *, status: int = 200, **context: Any
) -> web.Response:
    """Return the page of template *name*, inside the layout; *here* is its place in the menu."""
    seed = entrance.form_seed(request)
    parts = request.app[PARTS]
    layout = {
        "here": here,
        "navigation": NAVIGATION,
        "version": __version__,
        "settings": parts.settings,
        "clock": await _clock(request),
        "note": entrance.take_note(request),
        "form_token": entrance.form_token(request, seed),
        "back": request.path_qs,
        "logs_in": entrance.wants_login(request),
    }
    text = await render(request, name, layout | context)
    response = web.Response(text=text, content_type="text/html", status=status)
    response.headers["Cache-Control"] = "no-store"
    entrance.keep_seed(request, response, seed)
    if layout["note"]:
        entrance.drop_note(response)
    return response


async def _clock(request: web.Request) -> Any:
    """Return the time, or None for a page that is shown to someone who is not let in."""
    try:
        return await calls.get(request, "clock")
    except Problem:
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
    entrance.note(request, response, kind, said)
    return response


@web.middleware
async def pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Guard what a page may load, and show problems as pages to those who read pages."""
    response = await handler(request)
    human = "text/html" in request.headers.get("Accept", "") and not request.path.startswith("/api")
    if response.content_type == _PROBLEM and human:
        response = await _problem(request, response)
    if response.content_type == "text/html" or request.path.startswith(entrance.STATIC):
        response.headers.update(entrance.HEADERS)
    return response


async def _problem(request: web.Request, problem: web.StreamResponse) -> web.Response:
    status = problem.status
    if status == 401 and entrance.wants_login(request):  # noqa: PLR2004 (Unauthorized)
        target = request.path_qs if request.method == "GET" else "/"
        location = str(request.url.with_path(entrance.LOGIN).with_query(to=target).relative())
        return web.Response(status=303, headers={"Location": location})
    detail = wording.problem(problem)
    return await page(request, "problem.html", "", status=status, problem=detail)
