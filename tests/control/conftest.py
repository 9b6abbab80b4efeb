from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from simulator.app import Simulator
from simulator.core.settings import Settings
from tests.apple import KEY, read_json


class Control:
    """A client of the control API, and of the services over plain HTTP."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.http = session
        self.base = simulator.ready["control"]
        self.service = simulator.ready["http"]

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Return status and JSON of one call below /api/v1."""
        if body is not None:
            more["json"] = body
        async with self.http.request(method, f"{self.base}/api/v1{path}", **more) as answer:
            return answer.status, await answer.json(content_type=None, loads=read_json)

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        """Return status and text of one request to the services."""
        async with self.http.request(method, f"{self.service}{path}", **more) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def control() -> AsyncIterator[Control]:
    settings = Settings(
        data=":memory:",
        tls_port=(None,),
        http_port=0,
        control_port=0,
        proxy_port=None,
        manifest="intune-to-apple",
        fingerprint_key=KEY.decode(),
    )
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        yield Control(simulator, session)
