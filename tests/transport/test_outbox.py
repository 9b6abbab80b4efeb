"""Notifications: sent by a running simulator to a listener of the MDM server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from simulator.app import Simulator
from simulator.core.settings import Settings
from tests.apple import KEY

APP = "1900000001"
TYPES = ["ASSET_MANAGEMENT", "USER_MANAGEMENT", "USER_ASSOCIATED", "ASSET_COUNT"]
WAIT_S = 20


@dataclass
class Mdm:
    """An MDM server's listener, and its calls to the simulator."""

    statuses: list[int] = field(default_factory=list)
    """What to answer next; 200 when there is nothing more."""
    got: asyncio.Queue[tuple[str, Any]] = field(default_factory=asyncio.Queue)
    url: str = ""
    simulator: Simulator = field(init=False)
    http: aiohttp.ClientSession = field(init=False)

    async def take(self, request: web.Request) -> web.Response:
        await self.got.put((request.headers["Authorization"], await request.json()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        (place,) = self.simulator.ready["organisations"][0]["vpp_locations"]
        headers = {"Authorization": f"Bearer {place['stoken']}"}
        url = f"{self.simulator.ready['http']}/mdm/v2{path}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self.simulator.ready['control']}/api/v1{path}"
        async with self.http.request(method, url, json=body) as answer:
            return await answer.json()

    async def subscribe(self, **more: Any) -> tuple[int, Any]:
        body = {
            "notificationUrl": self.url,
            "notificationAuthToken": "FAKE-notify-secret",
            "notificationTypes": TYPES,
        }
        return await self.call("POST", "/client/config", body | more)

    async def next(self) -> Any:
        async with asyncio.timeout(WAIT_S):
            secret, message = await self.got.get()
        assert secret == "Bearer FAKE-notify-secret"
        return message


@pytest.fixture
async def mdm(request: pytest.FixtureRequest) -> AsyncIterator[Mdm]:
    settings = Settings(
        data=":memory:",
        tls_port=(None,),
        http_port=0,
        control_port=0,
        proxy_port=None,
        fingerprint_key=KEY.decode(),
        strictness="observe",  # which lets an http URL pass
        **getattr(request, "param", {}),
    )
    mdm = Mdm()
    application = web.Application()
    application.router.add_post("/hook", mdm.take)
    async with (
        TestServer(application) as listener,
        Simulator(settings) as simulator,
        aiohttp.ClientSession() as session,
    ):
        mdm.url, mdm.simulator, mdm.http = str(listener.make_url("/hook")), simulator, session
        yield mdm


async def test_a_url_is_tried_before_it_is_taken(mdm: Mdm) -> None:
    status, body = await mdm.subscribe()

    assert (status, body["notificationUrl"]) == (200, mdm.url)
    tried = await mdm.next()
    assert (tried["notificationType"], tried["notification"]) == ("TEST_NOTIFICATION", {})
    assert tried["uId"] == body["uId"]


async def test_a_receiver_that_fails_refuses_the_whole_configuration(mdm: Mdm) -> None:
    await mdm.subscribe()
    before = await mdm.call("GET", "/client/config")
    mdm.statuses = [500]

    status, body = await mdm.subscribe(notificationTypes=[], notificationAuthToken="FAKE-other")

    assert (status, body["errorNumber"]) == (400, 9728)
    assert await mdm.call("GET", "/client/config") == before


async def test_an_address_that_is_not_allowed_is_unreachable(mdm: Mdm) -> None:
    status, body = await mdm.subscribe(notificationUrl="https://192.0.2.1/hook")

    assert (status, body["errorNumber"]) == (400, 9728)
    exchanges = await mdm.control("GET", "/exchanges")
    seq = exchanges["exchanges"][-1]["seq"]
    found = await mdm.control("GET", f"/exchanges/{seq}/findings")
    assert "--callback-allow" in str(found)


async def test_an_event_is_told_to_the_listener(mdm: Mdm) -> None:
    await mdm.subscribe()
    await mdm.next()

    _, started = await mdm.call(
        "POST", "/assets/associate", {"assets": [{"adamId": APP}], "serialNumbers": ["C1"]}
    )

    told = await mdm.next()
    assert told["notificationType"] == "ASSET_MANAGEMENT"
    assert told["notification"]["eventId"] == started["eventId"]
    assert told["notification"]["result"] == "SUCCESS"


async def test_what_the_portal_does_is_told_too(mdm: Mdm) -> None:
    await mdm.subscribe()
    await mdm.next()

    await mdm.control("POST", "/assets", {"adam_id": APP, "quantity": 5})

    told = await mdm.next()
    assert told["notification"] == {"adamId": APP, "pricingParam": "STDQ", "countDelta": 5}


@pytest.mark.parametrize("mdm", [{"vpp_events": "delay"}], indirect=True)
async def test_a_delayed_event_completes_and_tells_though_nobody_asks(mdm: Mdm) -> None:
    await mdm.subscribe()
    await mdm.next()
    await mdm.call(
        "POST", "/assets/associate", {"assets": [{"adamId": APP}], "serialNumbers": ["C1"]}
    )
    assert mdm.got.empty()

    await mdm.control("PUT", "/clock", {"mode": "offset", "advance_s": 5})

    assert (await mdm.next())["notificationType"] == "ASSET_MANAGEMENT"


async def test_a_failed_message_is_sent_again_by_the_clock(mdm: Mdm) -> None:
    await mdm.subscribe()
    await mdm.next()
    mdm.statuses = [500, 503]

    await mdm.control("POST", "/assets", {"adam_id": APP, "quantity": 5})
    first = await mdm.next()
    for pause in (60, 240):
        assert mdm.got.empty()
        await mdm.control("PUT", "/clock", {"mode": "offset", "advance_s": pause})
        assert await mdm.next() == first

    async with asyncio.timeout(WAIT_S):
        while True:
            rows = await mdm.control("GET", "/vpp-locations/campus/notifications")
            (row,) = rows["notifications"]
            if row["state"] == "delivered":
                break
    assert (row["attempts"], row["about"]) == (3, "")


async def test_messages_of_a_location_keep_their_order(mdm: Mdm) -> None:
    await mdm.subscribe()
    await mdm.next()

    for quantity in range(1, 6):
        await mdm.control("POST", "/assets", {"adam_id": APP, "quantity": quantity})

    told = [(await mdm.next())["notification"]["countDelta"] for _ in range(5)]
    assert told == [1, 2, 3, 4, 5]


async def test_who_does_not_want_to_hear_any_more_is_left_alone(mdm: Mdm) -> None:
    await mdm.subscribe()
    await mdm.next()
    mdm.statuses = [500]
    await mdm.control("POST", "/assets", {"adam_id": APP, "quantity": 5})
    await mdm.next()

    await mdm.call("POST", "/client/config", {"notificationUrl": "", "notificationAuthToken": ""})
    await mdm.control("PUT", "/clock", {"mode": "offset", "advance_s": 60})

    async with asyncio.timeout(WAIT_S):
        while True:
            rows = await mdm.control("GET", "/vpp-locations/campus/notifications")
            if rows["notifications"][0]["attempts"] > 1:
                break
    assert "no notificationUrl any more" in rows["notifications"][0]["about"]
    assert mdm.got.empty()
