"""One battery for HTTP/1.1 and HTTP/2, plain and over TLS: the same requests, the same answers."""

import asyncio
import ssl
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from simulator.core.messages import Request, Response
from simulator.pki.authority import Authority
from tests.transport.conftest import BODY_LIMIT

LARGE = bytes(range(256)) * 1024
WAYS = [
    pytest.param(("1.1", False), id="http1"),
    pytest.param(("1.1", True), id="http1-tls"),
    pytest.param(("2", False), id="http2-prior-knowledge"),
    pytest.param(("2", True), id="http2-tls"),
]


@dataclass
class Way:
    """A client of one protocol, and the listener."""

    wire: Any
    client: httpx.AsyncClient
    http: str
    tls: bool

    async def ask(self, method: str = "GET", target: str = "/a", **more: Any) -> httpx.Response:
        return await self.client.request(method, target, **more)

    @property
    def last(self) -> Request:
        found: Request = self.wire.requests[-1]
        return found


@pytest.fixture(params=WAYS)
async def way(wire: Any, authority: Authority, request: pytest.FixtureRequest) -> Any:
    http, tls = request.param
    trust = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    url = f"https://localhost:{wire.tls}" if tls else f"http://127.0.0.1:{wire.http}"
    async with httpx.AsyncClient(
        base_url=url, verify=trust, http1=http == "1.1", http2=http == "2", trust_env=False
    ) as client:
        yield Way(wire, client, http, tls)


async def test_a_request_arrives_whole(way: Way) -> None:
    answer = await way.ask(
        "POST", "/a/%C3%A9?b=1&b=2", content=b"body", headers={"X-One": "é".encode()}
    )

    assert (answer.status_code, answer.content) == (200, b"{}")
    assert answer.http_version == {"1.1": "HTTP/1.1", "2": "HTTP/2"}[way.http]
    got = way.last
    assert (got.method, got.target, got.body) == ("POST", "/a/%C3%A9?b=1&b=2", b"body")
    assert (got.http, got.scheme) == (way.http, "https" if way.tls else "http")
    assert got.header("x-one") == "é"
    assert got.header("host") == way.client.base_url.netloc.decode()
    assert (got.problem, got.peer.first) == ("", True)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "POST"])
async def test_any_method_is_handed_on(way: Way, method: str) -> None:
    answer = await way.ask(method)

    assert (answer.status_code, way.last.method) == (200, method)


async def test_duplicates_and_their_order_are_kept(way: Way) -> None:
    await way.ask(headers=[("x-a", "1"), ("x-b", "2"), ("x-a", "3")])

    kept = [field for field in way.last.headers if field[0].lower().startswith("x-")]
    assert kept == [("x-a", "1"), ("x-b", "2"), ("x-a", "3")]


async def test_an_answer_goes_out_as_it_was_given(way: Way) -> None:
    headers = (("X-One", "1"), ("x-two", "a"), ("X-One", "3"), ("Date", "today"))
    way.wire.response = Response(418, headers, b"short and stout")

    answer = await way.ask()

    assert (answer.status_code, answer.content) == (418, b"short and stout")
    assert answer.headers.get_list("x-one") == ["1", "3"]
    assert answer.headers["date"] == "today"


@pytest.mark.parametrize("date", ["", None], ids=["none", "ours"])
async def test_a_date_is_added_unless_there_is_to_be_none(way: Way, date: str | None) -> None:
    way.wire.response = Response(200, () if date is None else (("date", date),))

    answer = await way.ask()

    assert ("date" in answer.headers) == (date is None)


async def test_head_has_a_length_and_no_body(way: Way) -> None:
    answer = await way.ask("HEAD")

    assert (answer.headers["content-length"], answer.content) == ("2", b"")


@pytest.mark.parametrize("status", [204, 304])
async def test_some_answers_have_no_body(way: Way, status: int) -> None:
    way.wire.response = Response(status, (), b"dropped")

    answer = await way.ask()

    assert (answer.status_code, answer.content) == (status, b"")


async def test_a_large_answer_comes_whole(way: Way) -> None:
    way.wire.response = Response(200, (), LARGE)

    assert (await way.ask()).content == LARGE


async def test_a_body_of_the_limit_is_taken_and_more_is_cut(way: Way) -> None:
    await way.ask("POST", content=b"x" * BODY_LIMIT)
    assert (len(way.last.body), way.last.problem) == (BODY_LIMIT, "")

    await way.ask("POST", content=b"x" * (BODY_LIMIT + 1))
    assert (len(way.last.body), way.last.problem) == (BODY_LIMIT, "too-large")


async def test_a_body_in_pieces_is_put_together(way: Way) -> None:
    async def pieces() -> Any:
        for piece in (b"one ", b"two ", b"three"):
            yield piece
            await asyncio.sleep(0)

    await way.ask("POST", content=pieces())

    assert way.last.body == b"one two three"


async def test_only_the_first_request_of_a_connection_is_told_so(way: Way) -> None:
    for _ in range(3):
        await way.ask()

    assert [one.peer.first for one in way.wire.requests] == [True, False, False]
    assert len({one.peer.connection for one in way.wire.requests}) == 1


async def test_a_connection_ends_where_the_answer_says_so(way: Way) -> None:
    way.wire.response = Response(200, (), b"last", close=True)

    answers = [await way.ask() for _ in range(2)]

    assert [one.content for one in answers] == [b"last", b"last"]
    assert len({one.peer.connection for one in way.wire.requests}) == 2


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(("x", "a\nb"), id="line-break"),
        pytest.param(("x", "a\r\nset-cookie: y"), id="another-field"),
    ],
)
async def test_an_answer_cannot_be_split(way: Way, broken: tuple[str, str]) -> None:
    way.wire.response = Response(200, (broken,), b"never")

    answer = await way.ask()

    assert (answer.status_code, answer.content) == (500, b"")
    assert "set-cookie" not in answer.headers


async def test_many_at_once_are_all_answered(way: Way) -> None:
    calls: list[Awaitable[httpx.Response]] = [way.ask(target=f"/{number}") for number in range(40)]

    answers = await asyncio.gather(*calls)

    assert {one.status_code for one in answers} == {200}
    assert sorted(one.target for one in way.wire.requests) == sorted(f"/{n}" for n in range(40))


async def test_no_answer_at_all_is_an_error_for_the_client(way: Way) -> None:
    way.wire.response = Response(403, silent=True)

    with pytest.raises((httpx.ReadTimeout, httpx.RemoteProtocolError)):
        await way.ask(timeout=0.5)
