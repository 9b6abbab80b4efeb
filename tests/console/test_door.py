import subprocess
import sys

import pytest

from tests.console.conftest import Console

LATE = ("jinja2", "markdown_it", "rich")
PROGRAM = """
import asyncio, sys, aiohttp
from simulator.app import Simulator
from simulator.commands import serve
from simulator.core.settings import Settings

async def main():
    settings = Settings(data=":memory:", tls_port=(0,), http_port=0, control_port=0, proxy_port=0)
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        before = [name for name in sys.argv[1:] if name in sys.modules]
        async with session.get(simulator.ready["control"] + "/reference") as answer:
            print(before, answer.status)

asyncio.run(main())
"""


def test_nothing_of_a_page_is_loaded_before_one_is_asked_for() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *LATE], capture_output=True, check=True, text=True
    )

    assert ran.stdout == "[] 200\n", ran.stderr


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        pytest.param("GET", "/nowhere", 404, "text/html", id="page"),
        pytest.param("GET", "/api/v1/nowhere", 404, "application/problem+json", id="call"),
        pytest.param("PUT", "/traffic", 405, "text/html", id="method-of-a-page"),
        pytest.param("POST", "/livez", 405, "text/html", id="method-of-another"),
        pytest.param("GET", "/static/base.css", 200, "text/css", id="file"),
        pytest.param("GET", "/static/../web.py", 404, "text/html", id="no-file"),
    ],
)
async def test_what_is_not_there_is_told_in_the_readers_form(
    console: Console, method: str, path: str, status: int, kind: str
) -> None:
    page = await console.open(path, method=method)

    assert page.status == status
    assert page.headers["Content-Type"].startswith(kind)
