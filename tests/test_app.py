"""The whole simulator, started and stopped."""

import asyncio
import http.client
import json
import ssl
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.app import Simulator
from simulator.core.data_directory import holder
from simulator.core.settings import ConfigurationError, Settings

FREE: dict[str, Any] = {"tls_port": (0,), "http_port": 0, "control_port": 0, "proxy_port": 0}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=str(tmp_path / "data"), **FREE)


def get(url: str, path: str, ca: str | None = None) -> tuple[int, bytes]:
    host = url.rpartition("/")[2]
    if ca is None:
        connection = http.client.HTTPConnection(host, timeout=5)
    else:
        trust = ssl.create_default_context(cafile=ca)
        connection = http.client.HTTPSConnection(host, timeout=5, context=trust)
    with closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_it_answers_on_every_port(settings: Settings) -> None:
    async with Simulator(settings) as simulator:
        ready = simulator.ready
        https = await asyncio.to_thread(get, ready["tls"][0], "/account", ready["ca"])
        plain = await asyncio.to_thread(get, ready["http"], "/account")
        control = await asyncio.to_thread(get, ready["control"], "/readyz")

    assert https == plain
    assert https[0] == 401
    assert control[0] == 200


async def test_ready_json_has_the_agreed_shape_and_goes_at_the_end(settings: Settings) -> None:
    path = Path(settings.data) / "ready.json"

    async with Simulator(settings) as simulator:
        ready = json.loads(path.read_text())
        mode = stat.S_IMODE(path.stat().st_mode)

    assert ready == simulator.ready
    assert mode == 0o600
    assert list(ready) == [
        "version",
        "pid",
        "tls",
        "http",
        "control",
        "proxy",
        "control_token",
        "ca",
        "journal",
        "organisations",
    ]
    organisation = ready["organisations"][0]
    assert list(organisation) == [
        "id",
        "dep_servers",
        "axm_accounts",
        "vpp_locations",
        "push_topics",
    ]
    assert list(organisation["dep_servers"][0]) == ["id", "name", "token"]
    assert list(organisation["dep_servers"][0]["token"]) == [
        "consumer_key",
        "consumer_secret",
        "access_token",
        "access_secret",
        "access_token_expiry",
    ]
    assert Path(ready["ca"]).is_absolute()
    assert not path.exists()


async def test_a_second_start_finds_what_the_first_left(settings: Settings) -> None:
    async with Simulator(settings) as first:
        await asyncio.to_thread(get, first.ready["http"], "/account")
    async with Simulator(settings) as second:
        seqs = await second.gateway.run(lambda state: state.reserve("x", 0))

    assert seqs == 1
    assert second.ready["organisations"] == first.ready["organisations"]
    assert second.control_token == first.control_token


async def test_ports_can_be_off(tmp_path: Path) -> None:
    settings = Settings(
        data=":memory:", tls_port=(), http_port=0, control_port=None, proxy_port=None
    )

    async with Simulator(settings) as simulator:
        ready = simulator.ready
        urls = simulator.urls

    assert (ready["tls"], ready["control"], ready["proxy"]) == ([], None, None)
    assert urls == (ready["http"],)


async def test_several_tls_ports_serve_the_same(tmp_path: Path) -> None:
    settings = Settings(
        data=":memory:", tls_port=(0, 0), http_port=None, control_port=0, proxy_port=None
    )

    async with Simulator(settings) as simulator:
        ready = simulator.ready
        answers = [
            await asyncio.to_thread(get, url, "/account", ready["ca"]) for url in ready["tls"]
        ]

    assert ready["http"] is None
    assert len(set(ready["tls"])) == 2
    assert answers[0] == answers[1]


async def test_memory_leaves_nothing(tmp_path: Path) -> None:
    settings = Settings(data=":memory:", ready_file=str(tmp_path / "r.json"), **FREE)

    async with Simulator(settings) as simulator:
        directory = Path(simulator.ready["ca"]).parent
        axm = [name for name in names(directory) if name.startswith("axm-")]
        kept = [name for name in names(directory) if name not in axm]
        during = kept, names(tmp_path)

    assert simulator.ready["journal"] is None
    assert during == (
        ["ca.key", "ca.pem", "keys.json", "lock", "push", "push-ca.key", "push-ca.pem"],
        ["r.json"],
    )
    assert axm
    assert names(directory.parent).count(directory.name) == 0
    assert names(tmp_path) == []


async def test_a_second_process_is_refused(settings: Settings) -> None:
    async with Simulator(settings):
        with pytest.raises(ConfigurationError, match="is in use by process"):
            await Simulator(settings).__aenter__()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"world": "nowhere"}, "there is no world 'nowhere'", id="world"),
        pytest.param({"manifest": "nothing"}, "manifest", id="manifest"),
        pytest.param({"san": ("a b",)}, "'a b' is neither", id="san"),
        pytest.param({"host": "192.0.2.1"}, "192.0.2.1 is no address", id="host"),
    ],
)
async def test_what_keeps_it_from_starting_is_said_and_undone(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    settings = Settings(**{"data": str(tmp_path / "data"), **FREE, **change})

    with pytest.raises(ConfigurationError, match=said):
        await Simulator(settings).__aenter__()

    assert holder(Path(settings.data)) == 0
    assert not (Path(settings.data) / "ready.json").exists()


async def test_a_control_port_in_use_is_said(settings: Settings) -> None:
    async with Simulator(settings) as simulator:
        port = int(simulator.ready["control"].rpartition(":")[2])
        taken = Settings(
            data=":memory:", tls_port=(0,), http_port=None, control_port=port, proxy_port=None
        )

        with pytest.raises(ConfigurationError) as raised:
            await Simulator(taken).__aenter__()

    assert str(raised.value) == (
        f"port {port} is in use: stop the other program or choose another with --control-port"
    )


def tunnelled(proxy: str, name: str, ca: str) -> tuple[int, bytes]:
    trust = ssl.create_default_context(cafile=ca)
    host, _, port = proxy.rpartition("/")[2].partition(":")
    connection = http.client.HTTPSConnection(host, int(port), timeout=5, context=trust)
    with closing(connection):
        connection.set_tunnel(name, 443)
        connection.request("GET", "/account")
        answer = connection.getresponse()
        return answer.status, answer.read()


async def test_the_proxy_leads_a_client_with_built_in_names_to_us(settings: Settings) -> None:
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        ready = simulator.ready
        status, body = await asyncio.to_thread(
            tunnelled, ready["proxy"], "mdmenrollment.apple.com", ready["ca"]
        )
        with pytest.raises(OSError, match="403"):
            await asyncio.to_thread(tunnelled, ready["proxy"], "example.com", ready["ca"])
        async with session.get(f"{ready['control']}/api/v1/exchanges") as answer:
            recorded = (await answer.json())["exchanges"]

    assert (status, body) == (401, b"UNAUTHORIZED")
    assert recorded[0]["host"] == "mdmenrollment.apple.com"
    assert [one["rule"] for one in recorded[1]["findings"]] == ["host-unknown"]
