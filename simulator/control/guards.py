"""Who may use the control API, and what its errors look like."""

import asyncio
import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from simulator.control.parts import PARTS, ApiProblem, Handler
from simulator.core.state import Body
from simulator.store.errors import StoreError

_OPEN = ("/livez", "/readyz")
ADMITTED: web.AppKey[Callable[[web.Request], bool]] = web.AppKey("admitted")
"""Tells who else may pass off loopback: the console has a login of its own."""


class WrongTokens:
    """Makes who sends wrong tokens wait, longer each time, one after the other."""

    def __init__(self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """*sleep* waits so many seconds."""
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._next_s = _FIRST_WAIT_S

    async def wait(self) -> None:
        """Wait before a wrong token is refused; a right one never waits."""
        async with self._turn:
            wait_s, self._next_s = self._next_s, min(2 * self._next_s, _LONGEST_WAIT_S)
            await self._sleep(wait_s)

    def forgive(self) -> None:
        """Begin anew, as somebody has logged in."""
        self._next_s = _FIRST_WAIT_S


WRONG_TOKENS: web.AppKey[WrongTokens] = web.AppKey("wrong_tokens", WrongTokens)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.05, 5.0
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer."""


async def harden(_: web.Request, response: web.StreamResponse) -> None:
    """Have no browser take an answer for what it is not, or show it within another site."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


LATER = {"Retry-After": "5"}
"""Of a response 503."""


def problem(status: int, title: str, detail: str, facts: Body | None = None) -> web.Response:
    """Return a problem document (RFC 9457); *facts* are further members."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body |= facts or {}
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/problem+json",
        headers=LATER if status == HTTPStatus.SERVICE_UNAVAILABLE else None,
    )


LARGEST = 64 * 1024 * 1024
"""Bytes of a body; a snapshot may have more."""


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in whom the rules allow, and turn what goes wrong into problem documents.

    On loopback: any local process, but no web page (a foreign ``Origin``, or a
    ``Host`` that DNS rebinding would show). Elsewhere: the bearer token,
    or what `ADMITTED` lets in.
    """
    try:
        await _check(request)
        await _receive(request)
        return await handler(request)
    except ConnectionError:  # the client has gone
        raise
    except (ApiProblem, StoreError, OSError, web.RequestPayloadError) as error:
        return _as_problem(error)
    except (LookupError, ValueError) as error:
        text = str(error.args[0] if error.args else "not found")
        missing = isinstance(error, LookupError)
        return problem(404, "Not found", text) if missing else problem(409, "Conflict", str(error))
    except web.HTTPException as error:
        if error.status < 400:  # noqa: PLR2004 (a redirect is no problem)
            raise
        answer = problem(error.status, error.reason, _detail(request, error))
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer


def _as_problem(
    error: ApiProblem | StoreError | OSError | web.RequestPayloadError,
) -> web.Response:
    """Return the problem document of what went wrong."""
    match error:
        case ApiProblem():
            return problem(error.status, error.title, str(error), error.facts)
        case StoreError():
            about = f"the database cannot be used ({error}): {error.advice}"
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            about = f"{where}{error.strerror or error}: make room on the disk, or let mdmsim write"
        case _:
            return problem(400, "Bad request", "the body's coding or its framing is broken")
    return problem(503, "Unavailable", about)


async def _receive(request: web.Request) -> None:
    """Wait for the body, but not for ever; what may be very large is read by its handler."""
    slow_s = request.app[PARTS].settings.slow_client_s
    if request.content_type.startswith("multipart/") or request.path.endswith("/snapshot"):
        return
    try:
        async with asyncio.timeout(slow_s or None):
            await request.read()
    except TimeoutError:
        text = f"the body did not come within {slow_s} s: send it at once"
        raise ApiProblem(408, "Request timeout", text) from None


def _detail(request: web.Request, error: web.HTTPException) -> str:
    """Say what was wrong with a request that no handler got, or could read."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        known = ", ".join(sorted(error.allowed_methods - {"HEAD"}))
        return f"{request.path} takes no {request.method}: use {known}"
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return f"a body of {request.path} has at most {LARGEST} bytes"
    if isinstance(error, web.HTTPNotFound):
        return f"there is no {request.path}: GET /api/v1/openapi.json describes what there is"
    return f"{request.method} {request.path}"


async def _check(request: web.Request) -> None:
    parts = request.app[PARTS]
    if request.path in _OPEN:
        return
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise ApiProblem(403, "Forbidden", "pages of another site may not use the control port")
    if not is_loopback(parts.settings.host):
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        admitted = request.app.get(ADMITTED, lambda _: False)
        good = hmac.compare_digest(sent.strip().encode(), parts.token.encode())
        if not ((good and scheme.lower() == "bearer") or admitted(request)):
            if sent:
                await request.app[WRONG_TOKENS].wait()
            text = "send Authorization: Bearer <control_token of ready.json>"
            raise ApiProblem(401, "Unauthorized", text)
        return
    if not is_loopback(_name(f"//{request.host}")):
        raise ApiProblem(403, "Forbidden", "the Host header must name this machine, as localhost")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise ApiProblem(403, "Forbidden", "pages of another origin may not use the control API")


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Tell whether *host* can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
