"""Calls of the control API from within, so that pages show and do what it shows and does.

Rule: what the API knows, a page asks the API for. A page has no second way to the state.
"""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp import StreamReader, hdrs, web
from aiohttp.http import HttpVersion11, RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from simulator.control.guards import guard
from simulator.control.parts import ApiProblem
from simulator.control.web import PREFIX

REFUSED = 400
_OWN = {hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING, hdrs.CONTENT_ENCODING}
"""Headers of the outer request that speak of its own body."""


class _Call(web.Request):
    """A request to the control API that comes from a page's handler instead of a socket."""

    def __init__(self, outer: web.Request, method: str, url: URL, body: bytes, kind: str) -> None:
        headers = CIMultiDict(outer.headers)
        for name in _OWN:
            headers.popall(name, None)
        if body:
            headers[hdrs.CONTENT_TYPE] = kind
            headers[hdrs.CONTENT_LENGTH] = str(len(body))
        message = RawRequestMessage(
            method,
            str(url),
            HttpVersion11,
            CIMultiDictProxy(headers),
            (),
            should_close=False,
            compression=None,
            upgrade=False,
            chunked=False,
            url=url,
        )
        loop = asyncio.get_running_loop()
        payload = StreamReader(outer.protocol, 2**16, loop=loop)
        payload.feed_data(body)
        payload.feed_eof()
        super().__init__(message, payload, outer.protocol, outer.writer, outer.task, loop)

    async def answer(self, app: web.Application) -> web.StreamResponse:
        """Have *app* answer it, as if it had come in by its own port."""
        found = await app.router.resolve(self)
        found.add_app(app)
        found.freeze()
        self._match_info = found
        return await guard(self, found.handler)


async def call(
    request: web.Request,
    method: str,
    *path: str,
    query: Mapping[str, str] | None = None,
    body: bytes = b"",
    kind: str = "application/json",
) -> bytes:
    """Return what the call *method* */path* answers; a Problem if it is refused."""
    place = "/".join([PREFIX, *(quote(part, safe="") for part in path)])
    url = URL(place, encoded=True).with_query(query or {})
    response = await _Call(request, method, url, body, kind).answer(request.app)
    content = response.body if isinstance(response, web.Response) else b""
    answer = content if isinstance(content, bytes) else b""
    if response.status >= REFUSED:
        problem = msgspec.json.decode(answer)
        raise ApiProblem(problem["status"], problem["title"], problem["detail"])
    return answer


async def get(request: web.Request, *path: str, **query: str) -> Any:
    """Return the JSON that ``GET`` */path* answers; empty values of *query* are left out."""
    given = {name: value for name, value in query.items() if value}
    return msgspec.json.decode(await call(request, "GET", *path, query=given))


class _Organisation(msgspec.Struct):
    id: str


class _Organisations(msgspec.Struct):
    organisations: list[_Organisation]


_ORGANISATIONS = msgspec.json.Decoder(_Organisations)


async def organisations(request: web.Request) -> list[str]:
    """Return the ids of all organisations. What else is told of thousands takes long to read."""
    found = _ORGANISATIONS.decode(await call(request, "GET", "organisations"))
    return [one.id for one in found.organisations]


async def send(request: web.Request, method: str, *path: str, body: Any = None) -> Any:
    """Send *body* as JSON and return the JSON that is answered."""
    content = b"" if body is None else msgspec.json.encode(body)
    return msgspec.json.decode(await call(request, method, *path, body=content))
