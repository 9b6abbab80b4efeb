"""What the control API works on, and the shape of a route."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from simulator.core.clock import Clock
from simulator.core.settings import Settings
from simulator.core.state import Body
from simulator.disclosure.judge.manifest import Manifest
from simulator.disclosure.observe.observation import Observer
from simulator.engine.body_reader import BodyReader
from simulator.engine.gateway import Gateway
from simulator.engine.preparation import LARGE, BusyError
from simulator.pki.authorities import Authorities
from simulator.pki.push import PushAuthority
from simulator.protocol.catalogue import Catalogue
from simulator.protocol.documents import bounds
from simulator.protocol.fields import Field, Integer, Object, Objects, String
from simulator.protocol.wire import parse_json
from simulator.services.provisioning import Held, Provisioning
from simulator.store.protocols import Journal


class Parts(Struct, frozen=True):
    """The running simulator, as far as the control API needs it."""

    settings: Settings
    catalogue: Catalogue
    provisionings: tuple[Provisioning, ...]
    gateway: Gateway
    bodies: BodyReader
    """Reads what the control port is sent, where that is large."""
    clock: Clock
    journal: Journal
    observer: Observer
    manifest: Manifest
    random_hex: Callable[[int], str]
    """Gives as many random hex digits as asked for, for credentials."""
    push_authority: PushAuthority
    """Makes push certificates."""
    authorities: Authorities
    """Who issues certificates, it among them."""
    token: str
    """Bearer token that is wanted when the control port is not on loopback."""
    key_id: str
    """Names the fingerprint key without telling it."""
    sign: Callable[[bytes, str], str]
    """Takes content and its media type; returns them signed with the data directory's key."""
    renew: Callable[[Collection[str] | None], Awaitable[list[Body]]]
    """Makes what organisations need beside the state, be it those that have changed or all (None);
    returns all with their credentials, as in ``ready.json``."""
    hand_out: Callable[[str, Held], Awaitable[Body]]
    """Takes an organisation and a holder in it; returns its entry of ``ready.json`` once its files
    are there."""


T = TypeVar("T")
PARTS: web.AppKey[Parts] = web.AppKey("parts", Parts)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Route(Struct, frozen=True):
    """One call of the control API."""

    method: str
    path: str
    """Below ``/api/v1``."""
    about: str
    handler: Handler
    query: tuple[Field, ...] | None = None
    """What may stand in the query; another key is refused. None: the handler looks itself."""
    body: tuple[Field, ...] | None = None
    """The keys of the JSON object in the body; another key is refused. None: there is none."""
    answer: tuple[Field, ...] = ()
    """The keys of the JSON object that it answers."""
    status: int = 200
    takes: str = ""
    """Content type of a body that is not JSON."""
    gives: str = "application/json"
    """Content type of the answer."""


class ApiProblem(Exception):  # noqa: N818 (the name that RFC 9457 gives it)
    """Leaves a handler with a problem document."""

    def __init__(self, status: int, title: str, detail: str, facts: Body | None = None) -> None:
        """Keep what the document says; *facts* are further members of it."""
        super().__init__(detail)
        self.status = status
        self.title = title
        self.facts = facts or {}


def bad(detail: str) -> ApiProblem:
    """Return the problem of a request that cannot be understood."""
    return ApiProblem(400, "Bad request", detail)


def missing(detail: str) -> ApiProblem:
    """Return the problem of something that does not exist."""
    return ApiProblem(404, "Not found", detail)


def json_response(
    content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer *content* as JSON. A list may be long, and the event loop waits for its encoding."""
    return web.Response(
        body=msgspec.json.format(msgspec.json.encode(content), indent=0),
        status=status,
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )


async def content_of(request: web.Request, most: int, what: str) -> bytes:
    """Return the body; a problem if *what* is in it, such as ``a manifest``, is too large."""
    content = await request.read()
    if len(content) > most:
        raise ApiProblem(413, "Too large", f"{what} has at most {most} bytes")
    return content


async def read_body(request: web.Request, read: Callable[[bytes], T]) -> T:
    """Return what *read*, a function of a module, makes of the body; a problem if nothing.

    A large body is read by another process, so that nobody waits for it.
    """
    content = await request.read()
    try:
        return await request.app[PARTS].bodies.read(read, content)
    except ValueError as error:
        raise bad(str(error)) from None
    except BusyError as error:
        raise ApiProblem(503, "Busy", str(error)) from None


async def _json_body(request: web.Request, rows: tuple[Field, ...]) -> Body:
    """Return the JSON object in the body, an empty one if there is none; else a problem."""
    size = len(await request.read())
    if not size:
        return checked_body({}, rows)
    body = await read_body(request, parse_json)
    if size > LARGE:
        return await asyncio.to_thread(checked_body, body, rows)
    return checked_body(body, rows)


def checked_body(body: Any, rows: tuple[Field, ...]) -> Body:
    """Return an object that *rows* allow, absent values by default; else a problem."""
    if not isinstance(body, dict):
        raise bad("the body must be a JSON object")
    check_body(body, rows)
    return _defaults(rows) | body


LIMIT = Integer("limit", "Most entries in the response.", least=1, most=1000, default=100)
AFTER = String("after", "What next was in the response before.", default="")
ORGANISATION = String("organisation", "Id of an organisation.", shortest=1)
PAGE = (ORGANISATION, AFTER, LIMIT)


QUERY: web.RequestKey[Body] = web.RequestKey("query", dict)
"""The values of the query, as their rows have them: numbers as numbers, absent ones by default."""
BODY: web.RequestKey[Body] = web.RequestKey("body", dict)
"""The JSON object of the body, which its rows allow; absent values by default."""


def checked(route: Route) -> Handler:
    """Return the handler of *route* behind the checks that its rows ask for.

    It finds the checked values under `QUERY` and `BODY`.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        if route.query is not None:
            request[QUERY] = _defaults(route.query) | query_values(request.query, route.query)
        if route.body is not None:
            request[BODY] = await _json_body(request, route.body)
        return await route.handler(request)

    return handler


def _defaults(rows: tuple[Field, ...]) -> Body:
    return {row.name: row.default for row in rows if row.default is not None}


def query_values(query: Mapping[str, str], rows: tuple[Field, ...]) -> Body:
    """Return the values of *query*; a problem if one is not known or not allowed by its row."""
    known = {row.name: row for row in rows}
    values: Body = {}
    for name, text in query.items():
        row = known.get(name)
        if row is None:
            there = f"there are {', '.join(known)}" if known else "the call takes no query"
            raise bad(f"{name} is not known in the query, and no filter: {there}")
        value: Any = text
        if isinstance(row, Integer):
            if not (text.isascii() and text.isdigit()):
                raise bad(f"{name} must be a whole number{bounds(row)}")
            value = int(text[:19])
        if why := row.breach(value, query) or _outside(row, value):
            raise bad(f"{name} {why}")
        values.setdefault(name, value)
    _refuse_incomplete(query, rows, "the query needs")
    return values


def check_body(
    body: Body, rows: tuple[Field, ...], pointer: str = "", *, further: bool = False
) -> None:
    """Refuse a body with a key that is not known, or a value that its row does not allow.

    *further*: further keys are taken.
    """
    known = {row.name: row for row in rows}
    for name, value in body.items():
        row = known.get(name)
        if row is not None:
            _check(row, value, body, pointer + name)
        elif not further:
            there = f"there are {', '.join(known)}" if known else "the call takes none"
            raise bad(f"{pointer}{name} is not known: {there}")
    lacks = f"{pointer[:-1]} needs" if pointer else "the body must name"
    _refuse_incomplete(body, rows, lacks)


def _refuse_incomplete(given: Collection[str], rows: tuple[Field, ...], lacks: str) -> None:
    """Say all that is missing at once."""
    missed = [row for row in rows if row.required and row.name not in given]
    if len(missed) == 1:
        raise bad(f"{lacks} {missed[0].name}: {missed[0].about}")
    if missed:
        raise bad(f"{lacks} {', '.join(row.name for row in missed)}")


def _check(row: Field, value: Any, body: Body, at: str) -> None:
    """Refuse *value*, which stands *at* a place of *body*, if its row does not allow it."""
    inner = tuple((row.parts() or {}).values())
    if isinstance(row, Objects):
        if not isinstance(value, list):
            raise bad(f"{at} must be an array of objects")
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                raise bad(f"{at}[{index}] must be an object")
            check_body(item, inner, f"{at}[{index}].", further=True)
        return
    wrong = row.wrong_type(value) if not isinstance(row, Object) else ""
    if isinstance(row, Object):
        if not isinstance(value, dict):
            raise bad(f"{at} must be an object")
        check_body(value, inner, f"{at}.", further=not inner)
    wrong = wrong or row.breach(value, body) or _outside(row, value)
    if wrong and isinstance(row, Integer):
        raise bad(f"{at} must be a whole number{bounds(row)}")
    if wrong:
        raise bad(f"{at} {wrong}")


def _outside(row: Field, value: Any) -> str:
    """Return what is wrong with *value* if its row has a closed set of values."""
    values: tuple[str, ...] = getattr(row, "values", ())
    given = value if isinstance(value, list) else [value]
    if values and any(one not in values for one in given):
        return f"must be one of {', '.join(values)}"
    return ""
