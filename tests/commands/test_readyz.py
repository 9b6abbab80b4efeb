"""``mdmsim readyz``."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from simulator.cli import main


async def ask(*args: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, main, ["readyz", *args])


@pytest.fixture
async def control(aiohttp_server: Any) -> str:
    async def ready(_: web.Request) -> web.Response:
        return web.json_response({})

    application = web.Application()
    application.router.add_get("/readyz", ready)
    return str((await aiohttp_server(application)).make_url("")).rstrip("/")


async def test_a_ready_simulator_is_found_by_its_data_directory(
    control: str, tmp_path: Path
) -> None:
    (tmp_path / "ready.json").write_text(json.dumps({"control": control}))

    result = await ask("--data", str(tmp_path))

    assert (result.exit_code, result.output) == (0, "ready\n")


async def test_a_ready_simulator_is_found_by_its_ready_file(control: str, tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_text(json.dumps({"control": control}))

    assert (await ask("--ready-file", str(path))).exit_code == 0


async def test_a_ready_simulator_is_found_by_its_url(control: str) -> None:
    assert (await ask("--url", control)).exit_code == 0


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("/x", "/x/readyz returns 404", id="not-ready"),
        pytest.param(":1", "does not respond", id="nobody"),
    ],
)
async def test_what_is_not_ready_is_said(control: str, path: str, said: str) -> None:
    url = "http://127.0.0.1:1" if path == ":1" else control + path

    result = await ask("--url", url)

    assert result.exit_code == 1
    assert result.stderr.startswith("mdmsim: not ready: ")
    assert said in result.stderr


async def test_an_empty_data_directory_is_not_ready(tmp_path: Path) -> None:
    result = await ask("--data", str(tmp_path))

    assert result.exit_code == 1
    assert result.stderr == f"mdmsim: not ready: there is no {tmp_path}/ready.json\n"


async def test_a_url_of_another_kind_is_a_mistake() -> None:
    result = await ask("--url", "localhost:8081")

    assert result.exit_code == 2
