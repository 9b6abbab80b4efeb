"""Pages are recorded in a transaction of their own where making them has changed nothing."""

import asyncio
import json
from typing import Any

import pytest

from simulator.core.clock import Clock
from simulator.core.messages import Exchange, Request
from simulator.engine.gateway import Gateway
from simulator.engine.jobs import RequestJob
from tests.apple import AGENT, Apple, request

DEVICES = 300
"""Whose page is more than 64 KiB."""
ALL = [f"0ZSN{number:06d}" for number in range(DEVICES)]
OTHERS = [f"0ZNO{number:06d}" for number in range(3000)]


@pytest.fixture
def apple() -> Apple:
    made = Apple()
    made.add(*ALL)
    return made


def asking(apple: Apple, path: str, body: Any, method: str = "POST") -> Request:
    fields = [
        ("X-ADM-Auth-Session", apple.session()),
        ("X-Server-Protocol-Version", "10"),
        ("User-Agent", AGENT),
        ("Content-Type", "application/json;charset=UTF8"),
    ]
    return request(method, path, fields, json.dumps(body).encode())


def recorded(apple: Apple) -> list[Exchange]:
    return apple.store.journal().read(limit=1000)


@pytest.mark.parametrize(
    ("path", "body", "later_ms", "turns"),
    [
        pytest.param("/server/devices", {"limit": 1000}, 0, 2, id="page"),
        pytest.param("/devices", {"devices": OTHERS}, 0, 2, id="details"),
        pytest.param("/server/devices", {"limit": 10}, 0, 1, id="small-page"),
        pytest.param("/server/devices", {"limit": 1000}, 5000, 1, id="page-prolongs-the-session"),
        pytest.param("/profile/devices", {"devices": ALL[:1] + OTHERS}, 0, 1, id="changes"),
    ],
)
def test_what_reads_only_has_a_turn_of_its_own_for_its_record(
    apple: Apple, path: str, body: Any, later_ms: int, turns: int
) -> None:
    profile = {"profile_name": "x", "url": "https://mdm.example/enrol", "devices": []}
    uuid = apple.call("POST", "/profile", profile, session=apple.session()).json["profile_uuid"]
    is_assigned = "profile" in path
    wanted = asking(apple, path, body | ({"profile_uuid": uuid} if is_assigned else {}))
    gateway = Gateway(apple.store, apple.engine, Clock())
    job = RequestJob(gateway, wanted, lambda _: None, {}, apple.now_ms + later_ms)
    job.is_page = gateway._is_page(wanted)
    before = len(recorded(apple))

    counts = []
    for _ in range(turns):
        apple.run(job.run)
        counts.append(len(recorded(apple)) - before)

    assert counts == [0, 1][-turns:]
    assert not job.goes_on
    (*_, last) = recorded(apple)
    assert last.response.status == 200
    assert job.response is not None
    assert last.response.body == job.response.body


async def test_each_is_recorded_once_whatever_comes_between(apple: Apple) -> None:
    page = await asyncio.to_thread(asking, apple, "/server/devices", {"limit": 1000})
    brief = request("GET", "/account", list(page.headers[:3]))
    before = len(await asyncio.to_thread(recorded, apple))
    clock = Clock()
    clock.resume("frozen", apple.now_ms)
    gateway = Gateway(apple.store, apple.engine, clock)
    gateway.start()

    answers = await asyncio.gather(*(gateway.answer(one) for one in [page, brief] * 6))
    await gateway.close()

    found = (await asyncio.to_thread(recorded, apple))[before:]
    assert [one.status for one in answers] == [200] * 12
    assert len(found) == 12
    pages = [one for one in found if one.operation == "dep.fetch"]
    assert len(pages) == 6
    assert all(one.response.body.count(b'"serial_number"') == DEVICES for one in pages)
    assert [one.seq for one in found] == list(range(before + 1, before + 13))
