"""Who may see the pages: the login off loopback, forms that are ours, and what a page may load."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from aiohttp import web

from simulator.control.guards import is_loopback
from simulator.control.parts import PARTS, ApiProblem, Handler

_SOURCES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
POLICY = "; ".join(f"{what} {where}" for what, where in _SOURCES.items())
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with that browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOGIN = "/login"
STATIC = "/static/"
_SEED = "mdmsim_form"
_NOTE = "mdmsim_note"
_SAFE = {"GET", "HEAD"}
_URLENCODED = "application/x-www-form-urlencoded"
_LARGEST_FORM, _MOST_FIELDS = 256 * 1024, 1000
_TOKEN_FIELD = "form_token"  # noqa: S105 (the name of a field)


def _derived(request: web.Request, purpose: str) -> str:
    """Return a value that only the holder of the control token can make."""
    key = request.app[PARTS].token.encode()
    return hmac.new(key, f"console\x1f{purpose}".encode(), hashlib.sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _login_cookie(request: web.Request) -> str:
    """Return the cookie's name: cookies know no port, and two simulators may share a host."""
    return f"mdmsim_login_{request.url.port}"


def admitted(request: web.Request) -> bool:
    """Tell whether a request without a bearer token may pass: the way in, or a login's cookie.

    The cookie alone is enough to read; to change anything the request must
    also come from a page of ours.
    """
    if request.path == LOGIN or request.path.startswith(STATIC):
        return True
    if not _same(request.cookies.get(_login_cookie(request), ""), _derived(request, "login")):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return request.method in _SAFE
    return urlsplit(origin).netloc == request.host


def wants_login(request: web.Request) -> bool:
    """Tell whether there is a login at all: on loopback there is none."""
    return not is_loopback(request.app[PARTS].settings.host)


def log_in(request: web.Request, response: web.StreamResponse, token: str) -> bool:
    """Give *response* the login's cookie if *token* is the control token."""
    if not _same(token.strip(), request.app[PARTS].token):
        return False
    _set(request, response, _login_cookie(request), _derived(request, "login"))
    return True


def log_out(request: web.Request, response: web.StreamResponse) -> None:
    """Take the login's cookie back."""
    response.del_cookie(_login_cookie(request), path="/", httponly=True, samesite="Strict")


def _set(request: web.Request, response: web.StreamResponse, name: str, value: str) -> None:
    secure = request.scheme == "https"
    response.set_cookie(name, value, path="/", httponly=True, samesite="Strict", secure=secure)


def form_seed(request: web.Request) -> str:
    """Return what ties the forms of a page to the browser that it is sent to."""
    return request.cookies.get(_SEED) or secrets.token_hex(16)


def keep_seed(request: web.Request, response: web.StreamResponse, seed: str) -> None:
    """Let the browser keep *seed*, unless it has it."""
    if request.cookies.get(_SEED) != seed:
        _set(request, response, _SEED, seed)


def form_token(request: web.Request, seed: str) -> str:
    """Return what a form of ours carries, and no other page can know."""
    return _derived(request, f"form\x1f{seed}")


async def read_form(request: web.Request) -> Mapping[str, object]:
    """Return the fields of a form; a problem if it has more than any of ours."""
    if request.content_type == _URLENCODED:  # which is taken apart at once
        content = await request.read()
        if len(content) > _LARGEST_FORM or content.count(b"&") > _MOST_FIELDS:
            text = f"a form has at most {_LARGEST_FORM} bytes and {_MOST_FIELDS} fields"
            raise ApiProblem(413, "Too large", text)
    return await request.post()


def own_form(handler: Handler) -> Handler:
    """Return *handler* for a form that must be ours; another is refused unread."""

    async def checked(request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        sent, seed = form.get(_TOKEN_FIELD), request.cookies.get(_SEED, "")
        if not (seed and isinstance(sent, str) and _same(sent, form_token(request, seed))):
            text = "the form is not one of this console, or your browser keeps no cookies: reload"
            raise ApiProblem(403, "Forbidden", text)
        return await handler(request)

    return checked


def note(request: web.Request, response: web.StreamResponse, kind: str, text: str) -> None:
    """Have the next page say *text*; *kind* is ``done`` or ``failed``."""
    _set(request, response, _NOTE, quote(f"{kind}:{text[:500]}"))


def take_note(request: web.Request) -> tuple[str, str] | None:
    """Return the kind and the text that the page before has left, or None."""
    kind, mark, text = unquote(request.cookies.get(_NOTE, "")).partition(":")
    return (kind, text) if mark and kind in ("done", "failed") else None


def drop_note(response: web.StreamResponse) -> None:
    """Say nothing twice."""
    response.del_cookie(_NOTE, path="/", httponly=True, samesite="Strict")
