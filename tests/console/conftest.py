"""Fixtures for tests of the console: a running simulator, and a browser without a window.

Tests with the same `settings` share a simulator, which goes back to where its
world began before each of them.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import aiohttp
import pytest

from simulator.testing.client import Mdmsim
from simulator.testing.serving import serving
from tests.apple import KEY

SETTINGS: dict[str, Any] = {
    "data": ":memory:",
    "tls_port": (0,),
    "http_port": 0,
    "control_port": 0,
    "proxy_port": None,
    "fingerprint_key": KEY.decode(),
}


@dataclass(frozen=True, slots=True)
class Page:
    """One answer, as a browser has it."""

    status: int
    headers: Mapping[str, str]
    text: str
    path: str
    """Where it was in the end."""

    @property
    def words(self) -> str:
        """The text that a reader sees."""
        reader = _Reader()
        reader.feed(self.text)
        return " ".join(" ".join(reader.found).split())

    @property
    def form_token(self) -> str:
        """What the page's forms carry."""
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', self.text)
        assert found, "the page has no form"
        return found[1]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)


class Console:
    """A browser without a window, on a running simulator."""

    def __init__(
        self, ready: Mapping[str, Any], session: aiohttp.ClientSession, before: int = 0
    ) -> None:
        self.ready = ready
        self.http = session
        port = ready["control"].rpartition(":")[2]
        self.base = f"http://127.0.0.1:{port}"
        self.service = ready["http"]
        self._before = before

    def seq(self, number: int) -> int:
        """Return the number in the journal of this test's exchange *number*, from 1."""
        return self._before + number

    async def open(self, path: str, *, method: str = "GET", **more: Any) -> Page:
        """Return the page at *path*, after redirects unless told otherwise."""
        headers = {"Accept": "text/html", **more.pop("headers", {})}
        async with self.http.request(method, self.base + path, headers=headers, **more) as answer:
            text = (await answer.read()).decode(errors="replace")
            return Page(answer.status, answer.headers, text, answer.url.path_qs)

    async def submit(self, page: Page, path: str, **fields: Any) -> Page:
        """Send the form of *page* that goes to *path*, as a browser sends it."""
        assert f'action="{path}"' in page.text, f"no form of the page goes to {path}"
        data = {"form_token": page.form_token, **fields}
        return await self.open(path, method="POST", data=data, headers={"Origin": self.base})

    async def api(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of one call below /api/v1; it must not be refused."""
        sent = {} if body is None else {"json": body}
        async with self.http.request(method, f"{self.base}/api/v1{path}", **sent) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json(content_type=None)

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        """Return status and text of one request to the services."""
        async with self.http.request(method, f"{self.service}{path}", **more) as answer:
            return answer.status, await answer.text()


@pytest.fixture(scope="session")
def started() -> Iterator[dict[str, Mdmsim]]:
    """The simulators that run, by their further settings."""
    with ExitStack() as stack:
        yield _Started(stack)


class _Started(dict[str, Mdmsim]):
    def __init__(self, stack: ExitStack) -> None:
        super().__init__()
        self._stack = stack

    def __missing__(self, settings: str) -> Mdmsim:
        running = self._stack.enter_context(serving(**(SETTINGS | json.loads(settings))))
        self[settings] = running
        return running


@pytest.fixture
def settings() -> dict[str, Any]:
    """Further settings; tests override them with a parameter."""
    return {}


@pytest.fixture
def running(settings: dict[str, Any], started: dict[str, Mdmsim]) -> Mdmsim:
    """A simulator as it is when it has just begun, but for the numbers of its exchanges."""
    found = started[json.dumps(settings)]
    found.reset()
    found.control("DELETE", "/exchanges")
    return found


@pytest.fixture
async def console(running: Mdmsim) -> AsyncIterator[Console]:
    """A browser that has not been there before."""
    before = await asyncio.to_thread(running.control, "GET", "/exchanges", limit=1)
    async with browser() as session:
        yield Console(running.ready, session, before["last"])


def browser() -> aiohttp.ClientSession:
    """Return what keeps cookies of an address without a name: aiohttp does only when told to."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
