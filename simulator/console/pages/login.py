"""The login, which is wanted where the control port is not on loopback."""

from aiohttp import web

from simulator.console import security
from simulator.console.parts import Page
from simulator.console.rendering import page
from simulator.control.guards import WRONG_TOKENS


def _target(text: object) -> str:
    """Return the page of ours that is wanted after the login, else the first."""
    good = isinstance(text, str) and text.startswith("/") and text[1:2] not in ("/", "\\")
    return str(text) if good else "/"


async def show(request: web.Request) -> web.StreamResponse:
    """Ask for the token."""
    if not security.wants_login(request):
        return web.Response(status=303, headers={"Location": "/"})
    to = _target(request.query.get("to"))
    return await page(request, "login.html", "", to=to, failed=False)


async def enter(request: web.Request) -> web.StreamResponse:
    """Let in whoever has the token."""
    form = await security.read_form(request)
    to, token = _target(form.get("to")), form.get("token")
    response = web.Response(status=303, headers={"Location": to})
    if isinstance(token, str) and security.log_in(request, response, token):
        request.app[WRONG_TOKENS].forgive()
        return response
    await request.app[WRONG_TOKENS].wait()
    return await page(request, "login.html", "", status=403, to=to, failed=True)


async def leave(request: web.Request) -> web.StreamResponse:
    """End the login of this browser."""
    response = web.Response(status=303, headers={"Location": security.LOGIN})
    security.log_out(request, response)
    return response


PAGES = (
    Page("GET", security.LOGIN, show),
    Page("POST", security.LOGIN, enter),
    Page("POST", "/logout", leave),
)
