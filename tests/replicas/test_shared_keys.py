"""Replicas need no directory in common: the store keeps their keys, sealed."""

import asyncio
import json
from pathlib import Path
from typing import NamedTuple

import aiohttp
import psycopg
import pytest
from click.testing import CliRunner, Result

from simulator.app import Simulator
from simulator.cli import main
from simulator.commands import replay
from simulator.core.settings import ConfigurationError
from simulator.pki.authority import Authority
from tests.control.conftest import Control
from tests.postgres import PostgresServer
from tests.replicas.test_replicas import settings

KEY = "0Zstore-key-of-the-tests-0123456789"
OTHER = "0Zanother-key-of-the-tests-0123456"
FILES = {"keys.json", "ca.pem", "ca.key", "push-ca.key", "vendor.key", "evidence.key"}
LAZY = {"device-ca.key", "vendor-ca.key", "evidence.pub"}


class Kept(NamedTuple):
    """A store with sealed files, and what they hold."""

    url: str
    files: dict[str, bytes]


def files(folder: Path) -> dict[str, bytes]:
    """Return what replicas have to have alike: the mode of each file and its content."""
    return {
        str(path.relative_to(folder)): path.stat().st_mode.to_bytes(4) + path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in {".pem", ".key", ".pub", ".p12"} or path.name == "keys.json"
    }


async def serve(data: Path | str, url: str, key: str = KEY) -> dict[str, bytes]:
    """Serve for a moment; return the files."""
    async with Simulator(settings(Path(data), url, store_key=key)) as simulator:
        return await asyncio.to_thread(files, Path(simulator.ready["ca"]).parent)


@pytest.fixture(scope="module")
def kept(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    url = postgres.new()
    folder = tmp_path_factory.mktemp("first")

    async def begin() -> dict[str, bytes]:
        async with (
            Simulator(settings(folder, url, store_key=KEY)) as simulator,
            aiohttp.ClientSession() as session,
        ):
            await Control(simulator, session).ask("GET", "/account")
            return await asyncio.to_thread(files, folder)

    return Kept(url, asyncio.run(begin()))


async def refused(data: Path, url: str, key: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        await serve(data, url, key)
    about = str(caught.value)
    assert "\n" not in about
    assert KEY not in about
    return about


@pytest.mark.parametrize("data", ["two", ":memory:"])
async def test_another_replica_gets_all_files_of_the_first(
    tmp_path: Path, kept: Kept, data: str
) -> None:
    assert kept.files.keys() > FILES | LAZY
    assert any(name.startswith("push/") for name in kept.files)
    there = data if data == ":memory:" else tmp_path / data
    assert kept.files.items() <= (await serve(there, kept.url)).items()


async def test_what_one_makes_later_is_that_of_all(tmp_path: Path, kept: Kept) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    async with (
        Simulator(settings(folders[0], kept.url, store_key=KEY)) as one,
        Simulator(settings(folders[1], kept.url, store_key=KEY)) as two,
        aiohttp.ClientSession() as session,
    ):
        organisation = one.ready["organisations"][0]["id"]
        body = {"organisation": organisation, "id": "later", "name": "Later"}
        status, _ = await Control(one, session).call("POST", "/axm-accounts", body)
        assert status == 201
        body = {"organisation": organisation, "id": "last", "name": "Last"}
        status, _ = await Control(two, session).call("POST", "/axm-accounts", body)
        assert status == 201
        here, there = await asyncio.gather(*(asyncio.to_thread(files, each) for each in folders))

    assert here.items() < there.items()
    assert sum("axm-later" in name or "axm-last" in name for name in there) == 4


async def test_who_makes_a_file_second_takes_the_first(tmp_path: Path, kept: Kept) -> None:
    name = next(one for one in kept.files if one.startswith("push/") and one.endswith(".key"))
    folder = tmp_path / "data"
    (folder / "push").mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    (folder / name).write_text("made in a race that another has won")

    assert (await serve(folder, kept.url))[name] == kept.files[name]


async def test_files_that_were_there_before_move_into_the_store(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    url = postgres.new()
    before = await serve(tmp_path / "one", url, "")
    about = await refused(tmp_path / "two", url, KEY)
    assert "goes with the keys and CA of another data directory" in about
    with psycopg.connect(url, autocommit=True) as connection:  # as the first version was
        connection.execute("DROP TABLE sealed_file")
        connection.execute("UPDATE meta SET value = 1 WHERE name = 'schema'")

    moved = await serve(tmp_path / "one", url)

    assert before.items() < moved.items()
    assert await serve(tmp_path / "three", url) == moved


def test_nothing_of_it_can_be_read_in_the_database(kept: Kept) -> None:
    with psycopg.connect(kept.url) as connection:
        rows = connection.execute("SELECT name, content FROM sealed_file").fetchall()

    assert {name for name, _ in rows} >= kept.files.keys()
    everything = b"".join(content for _, content in rows)
    assert b"PRIVATE KEY" not in everything
    assert b"control_token" not in everything
    assert len({content[:12] for _, content in rows}) == len(rows)


async def test_a_key_that_is_missing_wrong_or_short_is_told(tmp_path: Path, kept: Kept) -> None:
    assert (await refused(tmp_path, kept.url, "")).endswith(
        "keeps its keys encrypted: set MDMSIM_STORE_KEY to what they were encrypted with"
    )
    assert "keeps keys that MDMSIM_STORE_KEY does not open" in (
        await refused(tmp_path, kept.url, OTHER)
    )
    assert "has less than 32 characters" in await refused(tmp_path, kept.url, "short")
    assert not files(tmp_path)


async def test_a_file_in_the_place_of_another_is_noticed(tmp_path: Path, kept: Kept) -> None:
    swap = """UPDATE sealed_file one SET content = other.content FROM sealed_file other
      WHERE one.name IN ('ca.key', 'push-ca.key') AND other.name IN ('ca.key', 'push-ca.key')
        AND one.name <> other.name"""
    with psycopg.connect(kept.url, autocommit=True) as connection:
        connection.execute(swap)
        try:
            assert "does not open" in await refused(tmp_path, kept.url, KEY)
        finally:
            connection.execute(swap)
    assert not files(tmp_path)


async def test_a_directory_with_another_identity_is_left_as_it_is(
    tmp_path: Path, kept: Kept
) -> None:
    (tmp_path / "ca.pem").write_text("mine")

    assert "is not the one that" in await refused(tmp_path, kept.url, KEY)
    assert (tmp_path / "ca.pem").read_text() == "mine"


def run(*arguments: object, key: str = KEY) -> Result:
    return CliRunner().invoke(main, [str(one) for one in arguments], env={"MDMSIM_STORE_KEY": key})


def done(*arguments: object) -> str:
    found = run(*arguments)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_copies_carry_them_there_and_back(tmp_path: Path, postgres: PostgresServer) -> None:
    first, second = postgres.new(), postgres.new()
    done("world", "seed", "--data", tmp_path / "one", "--world", "demo")
    done("token", "push", "--data", tmp_path / "one")
    done("ca", "show", "--data", tmp_path / "one")
    made = files(tmp_path / "one")
    assert made

    done("store", "copy", tmp_path / "one", first)
    done("store", "copy", first, second)
    done("store", "copy", second, tmp_path / "two")

    assert files(tmp_path / "two") == made


def test_a_copy_of_sealed_keys_needs_what_opens_them(tmp_path: Path, kept: Kept) -> None:
    found = run("store", "copy", kept.url, tmp_path / "two", key="")

    assert found.exit_code == 2
    assert "keeps its keys encrypted" in found.output
    assert not (tmp_path / "two" / "mdmsim.db").exists()


def test_report_and_ca_are_had_without_the_directory(tmp_path: Path, kept: Kept) -> None:
    where = ("--store", kept.url, "--data", tmp_path / "two")

    assert "Disclosure report" in done("report", *where)
    assert done("ca", "show", "--pem", *where).encode() == kept.files["ca.pem"][4:]
    assert kept.files.items() <= files(tmp_path / "two").items()


def test_a_store_is_named_by_its_url_where_a_data_directory_is(tmp_path: Path, kept: Kept) -> None:
    unused = ("--data", tmp_path / "none")
    report = json.loads(done("judge", kept.url, "--format", "json"))
    again = json.loads(done("report", "--store", kept.url, *unused, "--format", "json"))
    assert report["sent"] == again["sent"]
    assert report["counts"]["exchanges"] == 1
    assert done("diff", kept.url, kept.url) == "disclosures: no difference\n"
    suggested = done("manifest", "suggest", "--store", kept.url, *unused)
    assert "[manifest]" in suggested
    assert replay._journal(kept.url).size == 1

    har = tmp_path / "exported.har"
    done("judge", kept.url, "--format", "har", "--redact", "clear", "--output", har)
    of_capture = json.loads(done("judge", har, "--data", kept.url, "--format", "json"))
    assert of_capture["counts"]["exchanges"] == 1


def test_a_store_that_was_set_is_not_read_in_place_of_a_directory(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MDMSIM_STORE", kept.url)
    found = run("judge", tmp_path)

    assert found.exit_code == 2
    assert f"there is no journal at {tmp_path}" in found.output.replace("\n", "")


async def ctl(*arguments: object, **keys: str) -> Result:
    env = {"MDMSIM_STORE_KEY": KEY, **keys}
    words = [str(one) for one in arguments]
    return await asyncio.to_thread(CliRunner().invoke, main, words, env=env)


async def test_ca_and_key_are_replaced_by_commands_once_no_replica_runs(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    url, data = postgres.new(), tmp_path / "data"
    replace = ("ca", "replace", "--data", data, "--store", url, "--san", "mdm.example")
    rekey = ("store", "rekey", "--store", url)
    async with Simulator(settings(tmp_path / "one", url, store_key=KEY)) as simulator:
        assert await simulator.gateway.leads()
        before = await asyncio.to_thread(files, tmp_path / "one")
        for asked in (replace, rekey):
            said = await ctl(*asked, MDMSIM_NEW_STORE_KEY=OTHER)
            assert (said.exit_code, said.stdout) == (2, "")
            assert said.stderr.endswith("stop all of them first\n")
            assert said.stderr.count("\n") == 1

    assert "has less than 32" in (await ctl(*rekey, "--new-key", "short")).stderr
    changed = await ctl(*replace)
    assert (changed.exit_code, changed.stdout) == (0, f"{data}/ca.pem\n")
    changed = await ctl(*rekey, MDMSIM_NEW_STORE_KEY=OTHER)
    assert changed.exit_code == 0
    assert changed.stdout.endswith("are encrypted by the new key\n")
    assert KEY not in changed.output
    assert OTHER not in changed.output

    assert "does not open" in await refused(tmp_path / "two", url, KEY)
    assert "give an empty --data" in await refused(tmp_path / "one", url, OTHER)
    after = await serve(tmp_path / "two", url, OTHER)
    assert {name for name in before if before[name] != after[name]} == {"ca.pem", "ca.key"}
    published = await asyncio.to_thread((data / "ca.pem").read_bytes)
    assert after["ca.pem"][4:] == published
    made = Authority.load(after["ca.pem"][4:], after["ca.key"][4:])
    assert made.sans == ("mdm.example",)


async def test_only_a_store_has_a_key() -> None:
    assert "give --store" in (await ctl("store", "rekey", "--new-key", OTHER)).stderr
