"""Two replicas over one PostgreSQL do what one simulator does."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.app import Simulator
from simulator.core.clock import Clock
from simulator.core.data_directory import Directory
from simulator.core.settings import ConfigurationError, Settings
from simulator.store.opening import check_clock
from tests.control.conftest import Control
from tests.postgres import PASSWORD, PostgresServer

SCARCE = 25
"""Devices that ask for one licence each at the same time."""


def settings(data: Path, store: str, **more: Any) -> Settings:
    return Settings(
        data=str(data), store=store, tls_port=(None,), http_port=0, control_port=0,
        proxy_port=None, push_auth="none", unknown_tokens="accept", **more,
    )  # fmt: skip


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.new()


@pytest.fixture
async def replicas(tmp_path: Path, url: str) -> AsyncIterator[list[Control]]:
    wanted = settings(tmp_path / "data", url)
    async with (
        Simulator(wanted) as one,
        Simulator(wanted) as other,
        aiohttp.ClientSession() as session,
    ):
        yield [Control(one, session), Control(other, session)]


async def test_a_fault_touches_as_many_calls_of_all_as_was_said(replicas: list[Control]) -> None:
    one, other = replicas
    fault = {
        "match": {"operation": "dep.account"},
        "outcome": {"name": "dep.TOO_MANY_REQUESTS"},
        "count": 3,
    }
    status, _ = await one.call("POST", "/faults", fault)
    assert status == 201

    answers = await asyncio.gather(*(each.ask("GET", "/account") for each in [one, other] * 5))

    assert sorted(status for status, _ in answers) == [401] * 7 + [429] * 3


async def test_time_is_that_of_whoever_set_it_last(replicas: list[Control]) -> None:
    one, other = replicas
    for at, (here, there) in enumerate([(one, other), (other, one)] * 3, 10):
        now = f"2031-01-01T{at}:00:00Z"
        status, _ = await here.call("PUT", "/clock", {"mode": "frozen", "now": now})
        assert status == 200
        await there.ask("GET", "/account")
        _, listed = await there.call("GET", "/exchanges")
        _, seen = await there.call("GET", "/clock")
        assert seen["now"] == now
        newest = max(listed["exchanges"], key=lambda exchange: exchange["seq"])
        assert newest["at"].replace(".000", "") == now

    status, moved = await one.call("PUT", "/clock", {"advance_s": 60})
    assert (status, moved["now"]) == (200, "2031-01-01T15:01:00Z")
    _, moved = await other.call("PUT", "/clock", {"advance_s": 60})
    assert moved["now"] == "2031-01-01T15:02:00Z"


async def test_who_waits_for_time_hears_of_it_in_each(replicas: list[Control]) -> None:
    one, other = replicas
    moved = asyncio.Event()
    with other.simulator.clock.watched(moved.set):
        await one.call("PUT", "/clock", {"mode": "frozen", "now": "2031-01-01T00:00:00Z"})
        async with asyncio.timeout(10):
            await moved.wait()

    assert other.simulator.clock.mode == "frozen"


async def test_a_push_to_one_wakes_who_listens_at_another(replicas: list[Control]) -> None:
    one, other = replicas
    token = "ab" * 32
    with other.simulator.gateway.notifier.listen(token) as arrived:
        topic = one.simulator.ready["organisations"][0]["push_topics"][0]["topic"]
        status, text = await one.ask(
            "POST", f"/3/device/{token}", data=b'{"mdm":"m"}', headers={"apns-topic": topic}
        )
        assert (status, text) == (200, "")
        async with asyncio.timeout(10):
            await arrived.wait()


async def test_a_stream_of_events_tells_what_others_recorded(replicas: list[Control]) -> None:
    one, other = replicas
    async with other.http.get(f"{other.base}/api/v1/events?after=0") as stream:
        await one.ask("GET", "/account")
        async with asyncio.timeout(10):
            async for line in stream.content:
                if line.startswith(b"data: "):
                    break
    assert json.loads(line[6:])["operation"] == "dep.account"


async def test_licences_add_up_whoever_is_asked(replicas: list[Control]) -> None:
    one, other = replicas
    location = one.simulator.ready["organisations"][0]["vpp_locations"][0]
    headers = {"Authorization": f"Bearer {location['stoken']}"}
    _, text = await one.ask("GET", "/mdm/v2/assets", headers=headers)
    asset = next(
        each for each in json.loads(text)["assets"] if 1 < each["totalCount"] <= SCARCE * 2
    )

    async def associate(number: int) -> None:
        body = {
            "assets": [{"adamId": asset["adamId"], "pricingParam": asset["pricingParam"]}],
            "serialNumbers": [f"0ZREPLICA{number:03d}"],
        }
        each = (one, other)[number % 2]
        status, _ = await each.ask("POST", "/mdm/v2/assets/associate", json=body, headers=headers)
        assert status == 200

    wanted = asset["availableCount"] + 10
    await asyncio.gather(*(associate(number) for number in range(wanted)))
    _, text = await other.ask("GET", "/mdm/v2/assets", headers=headers)
    left = next(each for each in json.loads(text)["assets"] if each["adamId"] == asset["adamId"])

    assert (left["availableCount"], left["assignedCount"]) == (0, asset["totalCount"])


async def test_connections_of_replicas_have_different_numbers(replicas: list[Control]) -> None:
    for each in replicas:
        await each.ask("GET", "/account")
    _, listed = await replicas[0].call("GET", "/exchanges")
    numbers = {exchange["connection"] for exchange in listed["exchanges"]}
    assert len(numbers) == 2


async def test_one_of_them_leads_and_another_goes_on_for_it(tmp_path: Path, url: str) -> None:
    wanted = settings(tmp_path / "data", url)
    async with Simulator(wanted) as other:
        async with Simulator(wanted) as one:
            replicas = [one, other]
            leads = [await leads_now(each) for each in replicas]
            assert sorted(leads) == [False, True]
        async with asyncio.timeout(10):
            while not await leads_now(other):  # noqa: ASYNC110 (it asks the database)
                await asyncio.sleep(0)


async def leads_now(simulator: Simulator) -> bool:
    replica = simulator.gateway._replica
    assert replica is not None
    return await replica.leads()


async def test_a_replica_with_other_keys_is_refused(tmp_path: Path, url: str) -> None:
    async with Simulator(settings(tmp_path / "data", url)):
        with pytest.raises(ConfigurationError, match="goes with the keys and CA of another data"):
            async with Simulator(settings(tmp_path / "other", url)):
                pass


async def test_nothing_is_kept_of_a_password(tmp_path: Path, postgres: PostgresServer) -> None:
    await asyncio.to_thread(postgres.run, "CREATE DATABASE told")
    wanted = settings(tmp_path / "data", postgres.tcp_url(database="told"))
    async with Simulator(wanted) as simulator:
        ready = simulator.ready
        written = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]

    assert ready["journal"] == f"postgresql://owner@127.0.0.1:{postgres.port}/told"
    assert not any(PASSWORD.encode() in content for content in written)


async def test_the_address_of_all_is_named(tmp_path: Path, url: str) -> None:
    public = ("https://apple.example:8443/", "http://apple.example")
    async with Simulator(settings(tmp_path / "data", url, public_url=public)) as simulator:
        assert simulator.ready["tls"] == ["https://apple.example:8443"]
        assert simulator.ready["http"] == "http://apple.example"


def test_a_password_is_no_part_of_what_settings_look_like() -> None:
    assert PASSWORD not in repr(Settings(store=f"postgresql://owner:{PASSWORD}@db.example/mdmsim"))


def test_keys_have_to_be_kept() -> None:
    with pytest.raises(ConfigurationError, match="keeps no keys"):
        Directory(":memory:", shared=True)


async def test_simulated_devices_are_in_the_replica_that_leads(replicas: list[Control]) -> None:
    statuses = [await each.call("GET", "/simulated-devices/0ZNONE") for each in replicas]

    assert sorted(status for status, _ in statuses) == [404, 409]


async def test_simulated_devices_go_on_in_the_replica_that_leads_next(
    tmp_path: Path, url: str
) -> None:
    wanted = settings(tmp_path / "data", url)
    async with (
        aiohttp.ClientSession() as session,
        Simulator(wanted) as one,
        Simulator(wanted) as other,
    ):
        assert await leads_now(one)
        here, there = Control(one, session), Control(other, session)
        _, listed = await here.call("GET", "/devices?limit=1")
        serial = listed["devices"][0]["serial_number"]
        body = {"serial_numbers": [serial]}
        status, made = await here.call("POST", "/simulated-devices", body)
        assert status == 201, made
        assert (await there.call("GET", f"/simulated-devices/{serial}"))[0] == 409
        await one.close()
        async with asyncio.timeout(20):
            while (status := (await there.call("GET", "/simulated-devices"))[0]) == 409:  # noqa: ASYNC110 (it asks the other)
                await asyncio.sleep(0.05)
        assert status == 200
        status, found = await there.call("GET", f"/simulated-devices/{serial}")
        assert (status, found["serial_number"]) == (200, serial)


@pytest.mark.parametrize("public", ["apple.example:8443", "ftp://apple.example", "https://"])
async def test_an_address_is_a_url(tmp_path: Path, public: str) -> None:
    with pytest.raises(ConfigurationError, match="is no URL such as https://HOST:8443"):
        async with Simulator(settings(tmp_path, "", public_url=(public,))):
            pass


async def test_who_leaves_says_so_and_goes_on(tmp_path: Path) -> None:
    seen = []
    async with (
        Simulator(settings(tmp_path, "", drain_s=1)) as simulator,
        aiohttp.ClientSession() as session,
    ):

        async def look() -> None:
            async with session.get(f"{Control(simulator, session).base}/readyz") as ready:
                told = await ready.json()
            async with session.get(f"{simulator.ready['http']}/mdm/v2/assets") as answer:
                connection = answer.headers.get("Connection")
                seen.append((ready.status, told["status"], answer.status, connection))

        await look()
        await asyncio.gather(simulator.drain(), look())

    assert seen == [(200, "ok", 401, None), (503, "unready", 401, "close")]


@pytest.mark.parametrize(
    ("off_ms", "how"), [(90_000, "90.0 s ahead of"), (-3_600_000, "3600.0 s behind")]
)
async def test_a_machine_whose_clock_is_off_is_refused(
    tmp_path: Path, url: str, off_ms: int, how: str
) -> None:
    simulator = Simulator(settings(tmp_path, url))
    simulator.clock.advance(off_ms)
    with pytest.raises(ConfigurationError) as caught:
        async with simulator:
            pass

    about = str(caught.value)
    assert about.startswith("the clock of this machine is ")
    assert how.split(" s ")[1] in about
    assert abs(float(about.split()[6]) - abs(off_ms) / 1000) < 30
    assert about.endswith("set both by NTP, as each replica goes by its own")


@pytest.mark.parametrize(("off_ms", "told"), [(0, 0), (31_000, 1), (-31_000, 1)])
def test_a_clock_that_is_a_little_off_is_told(
    url: str, caplog: pytest.LogCaptureFixture, off_ms: int, told: int
) -> None:
    clock = Clock()
    clock.advance(off_ms)

    check_clock(url, clock.now_ms)

    assert [record.levelname for record in caplog.records] == ["WARNING"] * told
