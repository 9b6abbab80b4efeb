"""Keys and certificates are written for the first of each list, and made for others on demand."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from simulator.app import Simulator
from simulator.cli import main
from simulator.core.settings import Settings
from simulator.pki.push import PushAuthority
from simulator.services.provisioning import File, Held, Making
from simulator.testing.client import Mdmsim
from simulator.worlds.issued import IssuedCredentials
from tests.worlds_as_text import ACCOUNT, organisation
from tests.worlds_as_text import world as world_of

NAMES = ("first", "second", "third")
LATER = ("second", "third")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    path = tmp_path / "three.toml"
    path.write_text(world_of("three", [organisation(name, ACCOUNT) for name in NAMES]))
    return path


def settings(tmp_path: Path, world: Path, **more: Any) -> Settings:
    given = {"tls_port": (), "http_port": None, "proxy_port": None, "control_port": 0} | more
    return Settings(data=str(tmp_path / "data"), world=str(world), **given)


@pytest.fixture
async def simulator(tmp_path: Path, world: Path) -> AsyncIterator[Simulator]:
    async with Simulator(settings(tmp_path, world, credential_files=1)) as running:
        yield running


async def call(simulator: Simulator, method: str, path: str, body: Any = None) -> Any:
    return await asyncio.to_thread(Mdmsim(simulator.ready).control, method, path, body)


def pair(simulator: Simulator, name: str) -> dict[str, Any]:
    """Return the push topic of an organisation as ready.json has it."""
    ready = json.loads((Path(simulator.settings.data) / "ready.json").read_text())
    (found,) = (one for one in ready["organisations"] if one["id"] == name)
    (topic,) = found["push_topics"]
    return dict(topic)


def run(simulator: Simulator, *arguments: str) -> Any:
    data = ("--data", simulator.settings.data)
    result = CliRunner().invoke(main, ["token", "push", *arguments, *data])
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def text(path: str) -> str:
    return Path(path).read_text() if Path(path).exists() else ""


def assert_is_pair(found: dict[str, Any]) -> None:
    key = load_pem_private_key(Path(found["key"]).read_bytes(), None)
    certificate = x509.load_pem_x509_certificate(Path(found["certificate"]).read_bytes())
    assert certificate.public_key() == key.public_key()
    assert found["topic"] in certificate.subject.rfc4514_string()


async def test_files_of_the_first_are_written_and_those_of_others_are_not(
    simulator: Simulator,
) -> None:
    assert_is_pair(pair(simulator, "first"))
    assert "written" not in pair(simulator, "first")
    for name in LATER:
        later = pair(simulator, name)
        assert later["written"] is False
        assert not text(later["certificate"])
        assert later["certificate"].endswith(f"{later['topic']}.pem")
    (api,) = simulator.ready["organisations"][2]["axm_accounts"]
    assert api["written"] is False


def test_of_each_list_the_first_are_due_whichever_organisation_changed(tmp_path: Path) -> None:
    def holders(*names: str) -> list[Held]:
        files = (File(key="key", name="{}.key"),)
        return [Held(id=one, entry={}, files=files) for one in names]

    now = datetime(2026, 1, 5, tzinfo=UTC)
    making = Making(now=now, push_authority=PushAuthority.create(now))
    issued = IssuedCredentials(tmp_path, making, 3, nullcontext)
    held = {
        "first": {"topics": holders("a", "b"), "accounts": holders("x")},
        "second": {"topics": holders("c", "d"), "accounts": holders("y")},
    }

    def due(some: dict[str, Any], *, is_all: bool) -> str:
        return "".join(sorted(one.id for one in issued.due(some, is_all=is_all)))

    assert due(held, is_all=True) == "abcxy"
    issued.take(held, is_all=True)
    assert due({"second": held["second"]}, is_all=False) == "cy"
    assert due({"first": {"topics": holders("e"), "accounts": []}}, is_all=False) == "e"
    assert due({"new": held["second"]}, is_all=False) == ""


async def test_asking_for_a_credential_makes_its_files_and_tells_of_them(
    simulator: Simulator,
) -> None:
    topic = pair(simulator, "second")["topic"]

    told = await call(simulator, "GET", f"/push-topics/{topic}/token")
    again = await call(simulator, "GET", f"/push-topics/{topic}/token")

    assert told == again == pair(simulator, "second")
    assert "written" not in told
    assert_is_pair(told)
    portal = await call(simulator, "GET", "/push-certificates")
    assert topic in {one["topic"] for one in portal["push_certificates"]}
    assert pair(simulator, "third")["written"] is False


async def test_asking_twice_at_once_leaves_a_key_with_its_own_certificate(
    simulator: Simulator,
) -> None:
    topic = pair(simulator, "second")["topic"]

    path = f"/push-topics/{topic}/token"
    told = await asyncio.gather(*(call(simulator, "GET", path) for _ in range(4)))

    assert told == [told[0]] * 4
    assert_is_pair(told[0])


async def test_a_new_key_of_an_account_has_its_files_in_the_answer(simulator: Simulator) -> None:
    told = await call(simulator, "POST", "/axm-accounts/third-api/token")

    assert text(told["key"]).startswith("-----BEGIN PRIVATE KEY-----")
    assert told == simulator.ready["organisations"][2]["axm_accounts"][0]


async def test_the_command_has_a_running_simulator_make_them(simulator: Simulator) -> None:
    topic = pair(simulator, "third")["topic"]

    (told,) = await asyncio.to_thread(run, simulator, "--topic", topic)

    assert told == pair(simulator, "third")
    assert_is_pair(told)
    assert pair(simulator, "second")["written"] is False


async def test_the_command_makes_those_of_one_organisation_if_nothing_runs(
    tmp_path: Path, world: Path
) -> None:
    async with Simulator(settings(tmp_path, world, credential_files=0)) as simulator:
        assert [pair(simulator, name)["written"] for name in NAMES] == [False] * 3

    (told,) = await asyncio.to_thread(run, simulator, "--organisation", "second")

    assert_is_pair(told)
    assert len(list((tmp_path / "data" / "push").glob("*.key"))) == 1


async def test_files_that_were_made_stay_with_a_reset_and_a_restart(
    tmp_path: Path, world: Path
) -> None:
    async with Simulator(settings(tmp_path, world, credential_files=1)) as simulator:
        topic = pair(simulator, "second")["topic"]
        made = await call(simulator, "GET", f"/push-topics/{topic}/token")
        await call(simulator, "POST", "/reset", {})
        assert pair(simulator, "second") == made
        portal = await call(simulator, "GET", "/push-certificates")
    async with Simulator(settings(tmp_path, world, credential_files=1)) as simulator:
        assert pair(simulator, "second") == made

    assert topic in {one["topic"] for one in portal["push_certificates"]}


async def test_the_client_of_test_suites_asks_for_the_first_topic(
    tmp_path: Path, world: Path
) -> None:
    async with Simulator(settings(tmp_path, world, credential_files=0)) as simulator:
        assert_is_pair(await asyncio.to_thread(lambda: Mdmsim(simulator.ready).push_topic))


async def test_the_key_of_a_file_that_was_just_made_is_not_recorded(
    tmp_path: Path, world: Path
) -> None:
    given = settings(tmp_path, world, credential_files=0, http_port=0)
    async with Simulator(given) as simulator, aiohttp.ClientSession() as http:
        topic = pair(simulator, "second")["topic"]
        made = await call(simulator, "GET", f"/push-topics/{topic}/token")
        line = text(made["key"]).splitlines()[3]
        async with http.post(f"{simulator.ready['http']}/nowhere", data=line.encode()) as answer:
            await answer.read()

    assert len(line) == 64
    kept = (tmp_path / "data").glob("mdmsim.db*")
    assert not any(line.encode() in file.read_bytes() for file in kept)
