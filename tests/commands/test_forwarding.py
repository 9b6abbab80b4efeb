"""``mdmsim ctl`` has a command for each call of the control API, made of the route's rows."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from simulator import services
from simulator.app import Simulator
from simulator.cli import main
from simulator.commands import forwarding
from simulator.control import web
from simulator.core.settings import Settings


@pytest.fixture(scope="module")
def groups() -> dict[str, click.Group]:
    return forwarding.groups(services.provisionings())


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    settings = Settings(
        data=str(tmp_path / "data"),
        tls_port=(None,),
        http_port=None,
        control_port=0,
        proxy_port=None,
    )
    async with Simulator(settings) as simulator:
        yield simulator.ready["control"]


async def ctl(url: str, *arguments: str) -> Any:
    command = ["ctl", *arguments, "--url", url]
    result = await asyncio.to_thread(CliRunner().invoke, main, command)
    assert result.exit_code == 0, result.output
    return json.loads(result.output) if result.output.startswith("{") else result.output


def test_no_two_routes_share_a_command(groups: dict[str, click.Group]) -> None:
    routes = [
        one
        for one in web.routes(services.provisionings())
        if not one.takes and one.gives == "application/json" and ".json" not in one.path
    ]

    assert sum(len(group.commands) for group in groups.values()) == len(routes)
    assert {"list", "add", "get-token", "owner-left"} <= set(groups["dep-servers"].commands)


async def test_arguments_query_and_body_are_sent(url: str) -> None:
    added = await ctl(url, "dep-servers", "add", "--name", "Second", "--id", "second")
    changed = await ctl(url, "organisations", "change", "demo", "--org-name", "Other")
    some = await ctl(url, "devices", "list", "--limit", "2")
    faults = ("faults", "add", "--outcome", '{"name": "dep.NOT_FOUND"}', "--count", "1")
    fault = await ctl(url, *faults)
    key = await ctl(url, "push-keys", "add")
    gone = await ctl(url, "faults", "delete", str(fault["id"]))

    assert (added["id"], added["name"]) == ("second", "Second")
    assert changed["org_name"] == "Other"
    assert len(some["devices"]) == 2
    assert (fault["outcome"]["name"], fault["count"]) == ("dep.NOT_FOUND", 1)
    assert gone == {"removed": 1}
    assert await ctl(url, "push-keys", "delete", key["key_id"]) == "done\n"


def test_a_row_that_is_no_json_is_named() -> None:
    arguments = ["ctl", "faults", "add", "--outcome", "{", "--url", "http://127.0.0.1:1"]

    result = CliRunner().invoke(main, arguments)

    assert (result.exit_code, result.output) == (2, "mdmsim: --outcome must be JSON\n")


def test_a_row_named_like_a_common_option_has_one_of_its_own(
    groups: dict[str, click.Group],
) -> None:
    flags = {
        flag
        for group in groups.values()
        for command in group.commands.values()
        for row in command.params
        if str(row.name).startswith("row_")
        for flag in row.opts
    }

    assert not flags & {"--url", "--json", "--data", "--config", "--ready-file"}
