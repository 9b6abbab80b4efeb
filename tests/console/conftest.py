"""Fixtures for tests of the console: a running simulator, and a browser without a window."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import aiohttp
import pytest

from simulator.app import Simulator
from simulator.settings import Settings
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

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.http = session
        port = simulator.ready["control"].rpartition(":")[2]
        self.base = f"http://127.0.0.1:{port}"
        self.service = simulator.ready["http"]

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


@pytest.fixture
def settings() -> dict[str, Any]:
    """Further settings; tests override them with a parameter."""
    return {}


@pytest.fixture
async def console(settings: dict[str, Any]) -> AsyncIterator[Console]:
    # Cookies of an address without a name: what a browser does, and aiohttp only when told to.
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        Simulator(Settings(**(SETTINGS | settings))) as simulator,
        aiohttp.ClientSession(cookie_jar=jar) as session,
    ):
        yield Console(simulator, session)
