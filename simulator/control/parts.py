"""What the control API works on, and the shape of a route."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from simulator.clock import Clock
from simulator.disclosure.evidence import EvidentJournal
from simulator.disclosure.manifest import Manifest
from simulator.disclosure.observation import Observer
from simulator.gateway import Gateway
from simulator.messages import Body
from simulator.pki.push import PushAuthority
from simulator.protocol.catalogue import Catalogue
from simulator.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """The running simulator, as far as the control API needs it."""

    settings: Settings
    catalogue: Catalogue
    gateway: Gateway
    clock: Clock
    journal: EvidentJournal
    observer: Observer
    manifest: Manifest
    chance: Callable[[int], str]
    """Gives as many random hex digits as asked for, for credentials."""
    push_authority: PushAuthority
    """Makes push certificates."""
    token: str
    """Bearer token that is wanted when the control port is not on loopback."""
    key_id: str
    """Names the fingerprint key without telling it."""


PARTS: web.AppKey[Parts] = web.AppKey("parts", Parts)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the control API."""

    method: str
    path: str
    """Below ``/api/v1``."""
    about: str
    handler: Handler


class Problem(Exception):  # noqa: N818 (the name that RFC 9457 gives it)
    """Leaves a handler with a problem document."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title


def bad(detail: str) -> Problem:
    """Return the problem of a request that cannot be understood."""
    return Problem(400, "Bad request", detail)


def missing(detail: str) -> Problem:
    """Return the problem of something that does not exist."""
    return Problem(404, "Not found", detail)


async def json_body(request: web.Request) -> Body:
    """Return the JSON object in the body, an empty one if there is none; else a problem."""
    if not request.can_read_body:
        return {}
    try:
        body = await request.json()
    except ValueError:
        raise bad("the body is not JSON") from None
    if not isinstance(body, dict):
        raise bad("the body must be a JSON object")
    return body


def number(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    """Return the query number *name* between *least* and *most*; else a problem."""
    text = request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text[:19]) <= most):
        raise bad(f"{name} must be a number from {least} to {most}")
    return int(text)
