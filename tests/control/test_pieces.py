"""Calls about many organisations and devices: each transaction looks at some of them only."""

import plistlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.app import Simulator
from simulator.control.api import devices, pushes
from simulator.core.settings import Settings
from simulator.core.state import StoreAdmin
from simulator.engine import everywhere
from tests.apple import KEY
from tests.control.conftest import Control
from tests.worlds_as_text import ACCOUNT, LOCATION, organisation, world
from tests.worlds_as_text import devices as listed

NAMES = [f"org{number}" for number in range(7)]
PIECES = 4
"""Transactions that it takes to look at seven organisations, two at a time."""


@pytest.fixture
async def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Control]:
    monkeypatch.setattr(everywhere, "MOST", 2)
    path = tmp_path / "many.toml"
    tables = (ACCOUNT, LOCATION, listed(3))
    path.write_text(world("many", [organisation(name, *tables) for name in NAMES]))
    settings = Settings(
        data=":memory:",
        tls_port=(None,),
        http_port=None,
        control_port=0,
        proxy_port=None,
        world=str(path),
        world_cache="off",
        fingerprint_key=KEY.decode(),
    )
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        yield Control(simulator, session)


@pytest.fixture
def works(control: Control, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is run in transactions, of which there are as many at least."""
    found: list[object] = []
    run = control.simulator.gateway.run

    async def noted(work: Callable[[StoreAdmin], Any]) -> Any:
        found.append(work)
        return await run(work)

    monkeypatch.setattr(control.simulator.gateway, "run", noted)
    return found


@pytest.mark.parametrize(
    ("path", "key", "of"),
    [
        ("/organisations", "organisations", "id"),
        ("/dep-servers", "dep_servers", "organisation"),
        ("/push-topics", "push_topics", "organisation"),
        ("/vpp-locations", "vpp_locations", "organisation"),
    ],
)
async def test_a_list_looks_at_a_few_organisations_at_once(
    control: Control, works: list[object], path: str, key: str, of: str
) -> None:
    _, answer = await control.call("GET", path)

    assert [one[of] for one in answer[key]] == NAMES
    assert len(works) >= PIECES


async def test_who_has_a_credential_is_looked_for_a_few_organisations_at_once(
    control: Control, works: list[object]
) -> None:
    found = [
        await control.call(method, path)
        for method, path in (
            ("GET", "/dep-servers/org6-mdm/token"),
            ("POST", "/axm-accounts/org6-api/token"),
            ("GET", "/axm-accounts/nobody/token"),
        )
    ]

    assert [status for status, _ in found] == [200, 200, 404]
    assert len(works) >= len(found) * PIECES


async def test_orders_of_all_organisations_are_listed_and_cancelled(control: Control) -> None:
    order = {"count": 1, "every_s": 3600, "server": "org5-mdm"}
    _, made = await control.call("POST", "/arrivals", order)

    _, before = await control.call("GET", "/arrivals")
    status, gone = await control.call("DELETE", f"/arrivals/{made['id']}")
    _, after = await control.call("GET", "/arrivals")

    assert [one["organisation"] for one in before["arrivals"]] == ["org5"]
    assert (status, gone["organisation"], after["arrivals"]) == (200, "org5", [])


async def test_pages_go_through_all_devices_whatever_a_transaction_reads(
    control: Control, works: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "MAX_PAGE", 2)
    await control.call("POST", "/dep-servers", {"name": "Other", "id": "o", "organisation": "org3"})
    _, whole = await control.call("GET", "/devices?organisation=org3")
    serials = [one["serial_number"] for one in whole["devices"]]
    works.clear()

    _, own = await control.call("GET", "/devices?server=org3-mdm&prefix=0z&limit=2")
    query = f"server=org3-mdm&prefix=0z&limit=2&after={own['next']}"
    _, rest = await control.call("GET", f"/devices?{query}")
    _, none = await control.call("GET", "/devices?server=o&prefix=0z&limit=2")

    assert len(serials) == 3
    assert [one["serial_number"] for one in own["devices"] + rest["devices"]] == serials
    assert (rest["next"], none) == (None, {"devices": [], "next": None})
    assert len(works) >= 2 + 1 + 2


async def test_a_page_of_push_tokens_is_read_a_few_at_once(
    control: Control, works: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushes, "READ", 2)
    topic = control.simulator.ready["organisations"][0]["push_topics"][0]["topic"]
    for number in range(5):
        message: dict[str, Any] = {
            "MessageType": "TokenUpdate",
            "Topic": topic,
            "UDID": f"u{number}",
        }
        message |= {"PushMagic": "m", "Token": bytes([number] * 32)}
        url = f"{control.base}/api/v1/push-tokens/checkin"
        async with control.http.post(url, data=plistlib.dumps(message)) as answer:
            assert answer.status == 200, await answer.text()
    works.clear()

    _, most = await control.call("GET", "/push-tokens?organisation=org0&limit=3")
    query = f"organisation=org0&limit=3&after={most['next']}"
    _, rest = await control.call("GET", f"/push-tokens?{query}")

    assert [len(most["push_tokens"]), len(rest["push_tokens"])] == [3, 2]
    assert rest["next"] is None
    assert len(works) >= 2 + 2
