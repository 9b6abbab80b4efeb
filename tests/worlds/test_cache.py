"""Large worlds are taken from what was loaded before: quicker, and without a secret."""

import asyncio
import json
import os
import sqlite3
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from simulator.app import Simulator
from simulator.core.settings import Settings
from simulator.services import provisionings
from simulator.services.fleet import devices as fleet
from simulator.services.provisioning import Step, TimelessSeeding
from simulator.store.opening import copied, open_store
from simulator.store.protocols import Store
from simulator.worlds.cache import CachedWorld, found_cache
from simulator.worlds.loading import load_steps
from simulator.worlds.seeding import timeless_steps
from simulator.worlds.world import parse_world
from tests.worlds_as_text import ACCOUNT, LOCATION, devices, organisation
from tests.worlds_as_text import world as world_of

COUNT = 2000


PEOPLE = 5
CREDENTIALS_OR_DATED = {
    "audit.event",
    "axm.account",
    "axm.package",
    "dep.server",
    "dep.token",
    "gdmf.release",
    "vpp.location",
    "vpp.token",
}
"""Kinds that differ from one loading to the next."""


def large(count: int) -> str:
    """Return a world with so many devices, some people, and apps with users."""
    location = f"{LOCATION}users = {PEOPLE}\n"
    text = world_of("large", [organisation("acme", ACCOUNT, location, devices(count))])
    return text.replace("admin_id", f"axm_users = {PEOPLE}\nadmin_id", 1)


WORLD = parse_world(large(40), "large.toml")
OTHER = parse_world(large(41), "large.toml")


def contents(store: Store) -> list[Any]:
    """Return the entities of a state that are alike each time, with their index values."""
    with store.transaction() as state:
        lines = [json.loads(line) for line in state.export_snapshot({})]
    entities = [line for line in lines if isinstance(line, list)]
    return [line for line in entities if line[1] not in CREDENTIALS_OR_DATED]


def started(
    folder: Path, seed: int = 1, world: Any = WORLD, now_ms: int = 0
) -> tuple[bool, list[Any]]:
    """Load the world as a simulator does; return whether something was kept, and what is there."""
    with closing(open_store(None)) as store:
        whole = copied(store)
        assert whole is not None
        cached = CachedWorld(folder, world, seed)
        found = cached.read(cached.find(), whole)
        if not found:
            for piece in timeless_steps(world, seed, provisionings()):
                with store.transaction() as state:
                    piece(state)
            cached.write(whole)
        for piece in load_steps(world, seed, now_ms, timeless=False):
            with store.transaction() as state:
                piece(state)
        return found, contents(store)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*")) if folder.exists() else []


def test_the_second_time_all_is_taken_as_it_was(tmp_path: Path) -> None:
    first, was = started(tmp_path / "worlds")
    second, now = started(tmp_path / "worlds", now_ms=86_400_000)

    assert (first, second) == (False, True)
    assert now == was
    counts = Counter(kind for _, kind, *_ in was)
    kinds = ("organisation", "dep.device", "axm.user", "vpp.user/acme-campus", "vpp.product")
    assert [counts[kind] for kind in kinds] == [1, 40, PEOPLE, PEOPLE, 12]


def test_without_what_was_kept_the_world_is_the_same(tmp_path: Path) -> None:
    _, kept = started(tmp_path / "worlds")
    with closing(open_store(None)) as store:
        for piece in load_steps(WORLD, 1, 86_400_000):
            with store.transaction() as state:
                piece(state)

        assert contents(store) == kept


def test_what_a_service_from_elsewhere_writes_is_not_kept(tmp_path: Path) -> None:
    def add(_: TimelessSeeding) -> list[Step]:
        return []

    given = (settings(tmp_path), parse_world(large(COUNT), "large.toml"))
    further = replace(provisionings()[0], seed_timeless=add)

    assert found_cache(*given, provisionings()) is not None
    assert found_cache(*given, (*provisionings(), further)) is None


def test_another_seed_or_world_is_kept_apart(tmp_path: Path) -> None:
    _, first = started(tmp_path / "worlds")

    assert started(tmp_path / "worlds", seed=2)[0] is False
    assert started(tmp_path / "worlds", world=OTHER)[0] is False
    assert started(tmp_path / "worlds") == (True, first)
    assert len(files(tmp_path / "worlds")) == 3


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "worlds"
    started(folder)

    (file,) = files(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(flipped, id="a-bit"),
        pytest.param(lambda file: os.truncate(file, 4096), id="cut-off"),
        pytest.param(lambda file: os.truncate(file, 0), id="empty"),
        pytest.param(lambda file: file.chmod(0o666), id="others-may-write"),
    ],
)
def test_what_is_damaged_is_made_anew(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    folder = tmp_path / "worlds"
    _, was = started(folder)
    (file,) = files(folder)
    damage(file)

    assert started(folder) == (False, was)
    assert started(folder) == (True, was)
    assert len(files(folder)) == 1


def test_a_file_of_another_database_is_not_taken(tmp_path: Path) -> None:
    folder = tmp_path / "worlds"
    _, was = started(folder)
    (file,) = files(folder)
    with closing(sqlite3.connect(tmp_path / "theirs")) as theirs:
        theirs.execute("CREATE TABLE entity (key)")
    for content in (b"no database", (tmp_path / "theirs").read_bytes()):
        checksum = f"{zlib.crc32(content):08x}"
        file.with_name(f"{file.name.partition('-')[0]}-{checksum}.db").write_bytes(content)
    file.unlink()

    assert started(folder) == (False, was)
    assert len(files(folder)) == 1


def test_the_folder_stays_under_a_gibibyte(tmp_path: Path) -> None:
    folder = tmp_path / "worlds"
    folder.mkdir()
    for number, size in enumerate((1 << 20, 1 << 30)):
        old = folder / f"old{number}-00000000.db"
        old.touch()
        os.truncate(old, size)  # without taking so much of the disk
        os.utime(old, (1000 - number, 1000 - number))
    for name in ("unfinished-old", "unfinished-now"):
        (folder / name).mkdir()
    os.utime(folder / "unfinished-old", (1000, 1000))

    started(folder)

    names = [one.name for one in files(folder)]
    assert names[-2:] == ["old0-00000000.db", "unfinished-now"]
    assert len(names) == 3  # and the world


def test_where_nothing_can_be_kept_it_is_loaded_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    found, there = started(tmp_path / "file" / "worlds")

    assert not found
    assert sum(kind == "dep.device" for _, kind, *_ in there) == 40


def settings(tmp_path: Path, **more: Any) -> Settings:
    world = tmp_path / "large.toml"
    world.write_text(large(COUNT))
    return Settings(
        **{
            "data": ":memory:",
            "world": str(world),
            "world_cache": str(tmp_path / "worlds"),
            "tls_port": (),
            "http_port": None,
            "control_port": 0,
            "proxy_port": None,
            **more,
        }
    )


def secrets_of(simulator: Simulator) -> list[str]:
    (organisation,) = simulator.ready["organisations"]
    token = organisation["dep_servers"][0]["token"]
    key = Path(organisation["axm_accounts"][0]["key"]).read_text().splitlines()
    return [
        simulator.control_token,
        *(value for name, value in token.items() if name != "access_token_expiry"),
        organisation["vpp_locations"][0]["stoken"],
        *key[1:-1],
    ]


async def test_two_at_once_have_the_same_devices_and_no_secret_in_common(tmp_path: Path) -> None:
    given = settings(tmp_path)
    async with Simulator(given) as one:
        first = await asyncio.to_thread(secrets_of, one)
        (file,) = await asyncio.to_thread(files, tmp_path / "worlds")
        await asyncio.to_thread(os.utime, file, (0, 0))
    async with Simulator(given) as two, Simulator(given) as three:
        others = [await asyncio.to_thread(secrets_of, each) for each in (two, three)]
        counts = [
            await each.gateway.run(lambda state: state.of("acme").count(fleet.DEVICE))
            for each in (two, three)
        ]

    assert counts == [COUNT, COUNT]
    assert file.stat().st_mtime > 0  # it was used
    assert len({*first, *others[0], *others[1]}) == len(first) * 3
    content = file.read_bytes()
    assert b"0Z" in content
    assert not any(secret.encode() in content for secret in first + others[0] + others[1])


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"world_cache": "off"}, id="off"),
        pytest.param({"world": "demo"}, id="small-world"),
        pytest.param({"data": "data"}, id="data-directory"),
    ],
)
async def test_nothing_is_kept_where_it_is_off_or_saves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))

    async with Simulator(settings(tmp_path, **more)):
        pass

    assert files(tmp_path / "worlds") + files(tmp_path / "caches") == []


async def test_without_a_setting_it_is_where_caches_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))

    async with Simulator(settings(tmp_path, world_cache="")):
        pass

    assert len(files(tmp_path / "caches" / "mdmsim" / "worlds")) == 1
