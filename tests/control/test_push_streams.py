"""Streams of pushes on real sockets: what ends, what hears, and what goes on waiting."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from simulator.app import Simulator
from simulator.control import push_streams
from simulator.core.settings import Settings
from simulator.core.state import State
from simulator.services.apns import pushes
from tests.control.conftest import Control

TOKEN = "ab" * 32
TOPIC = "com.apple.mgmt.External.0f0e4a52-6d0b-4c8e-9a53-2b7f6c1d8e90"


@asynccontextmanager
async def running(**more: Any) -> AsyncIterator[Control]:
    settings = Settings(
        data=":memory:", tls_port=(None,), http_port=None, control_port=0, proxy_port=None, **more
    )
    async with Simulator(settings) as simulator, aiohttp.ClientSession() as session:
        control = Control.__new__(Control)
        control.simulator, control.http = simulator, session
        control.base = simulator.ready["control"]
        yield control


@pytest.fixture
async def control() -> AsyncIterator[Control]:
    async with running() as made:
        yield made


async def push(control: Control, name: str = "p", *, expiration: str | None = None) -> None:
    """Store a push as the service does, and wake who listens."""
    now_ms = control.simulator.clock.now_ms()
    waiting = pushes.Push(
        name, TOPIC, "{}", "M", True, now_ms, pushes.expiry_ms(expiration, now_ms)
    )

    def work(state: State) -> None:
        pushes.store(state.of("demo"), None, TOKEN, waiting)

    await control.simulator.gateway.run(work)
    control.simulator.gateway.notifier.wake_topic(TOKEN)


class Device:
    """One raw connection that listens."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, control: Control) -> "Device":
        host, port = control.base.removeprefix("http://").split(":")
        made = cls(*await asyncio.open_connection(host, int(port)))
        made.writer.write(f"GET /events?token={TOKEN} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        await made.until(b": listening\n\n")
        return made

    async def until(self, what: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(what), 10)

    def close(self) -> None:
        self.writer.transport.abort()

    def end(self) -> None:
        self.writer.close()


async def statuses(control: Control) -> list[tuple[str, str]]:
    _, found = await control.call("GET", f"/push-tokens/{TOKEN}/pushes")
    return [(one["apns_id"], one["status"]) for one in found["pushes"]]


@pytest.mark.parametrize("leave", [Device.close, Device.end], ids=["reset", "closed"])
async def test_a_push_right_after_a_stream_ended_waits_for_the_next_one(
    control: Control, leave: Callable[[Device], None]
) -> None:
    for number in range(30):
        gone = await Device.connect(control)
        leave(gone)
        await push(control, f"p{number}")
        assert (await statuses(control))[0] == (f"p{number}", "waiting")

        back = await Device.connect(control)
        await back.until(b"event: ping\ndata: {}\n\n")
        back.end()
        await _until(control, (f"p{number}", "delivered"))


async def test_a_push_right_after_a_reconnection_is_heard(control: Control) -> None:
    for number in range(20):
        gone = await Device.connect(control)
        gone.end()
        back = await Device.connect(control)
        await push(control, f"p{number}")

        await back.until(b"event: ping\ndata: {}\n\n")
        back.end()


async def test_the_newest_stream_hears_and_the_older_is_told_why_it_ends(control: Control) -> None:
    older = await Device.connect(control)
    newer = await Device.connect(control)

    told = await older.until(b"\n\n")
    rest = await asyncio.wait_for(older.reader.read(), 10)
    await push(control)
    await newer.until(b"event: ping\ndata: {}\n\n")

    assert b"event: replaced" in told
    assert b"ping" not in rest
    older.end()
    newer.end()


async def test_shared_tokens_are_heard_by_all() -> None:
    async with running(shared_tokens="share") as control:
        devices = [await Device.connect(control) for _ in range(3)]

        await push(control)

        for one in devices:
            await one.until(b"event: ping\ndata: {}\n\n")
        _, stats = await _get(control, "/stats")
        assert (stats["connections"], stats["delivered"]) == (3, 1)
        for one in devices:
            one.end()


async def test_what_is_not_to_be_stored_is_only_for_who_listens(control: Control) -> None:
    await control.call("PUT", "/clock", {"mode": "frozen"})
    await push(control, "nobody", expiration="0")
    assert await statuses(control) == [("nobody", "expired")]

    device = await Device.connect(control)
    await push(control, "somebody", expiration="0")
    heard = await device.until(b"event: ping\ndata: {}\n\n")

    assert heard.count(b"event: ping") == 1
    device.end()
    await _until(control, ("somebody", "delivered"))


async def test_a_stream_that_ends_is_gone_at_once(control: Control) -> None:
    device = await Device.connect(control)
    _, one = await _get(control, "/stats")
    device.close()

    async with asyncio.timeout(5):
        while (await _get(control, "/stats"))[1]["connections"]:  # noqa: ASYNC110 (over sockets)
            await asyncio.sleep(0)

    assert one["connections"] == 1
    assert await _get(control, "/healthz") == (200, {"status": "ok"})


async def _until(control: Control, wanted: tuple[str, str]) -> None:
    async with asyncio.timeout(5):
        while await statuses(control) != [wanted]:  # noqa: ASYNC110 (over sockets)
            await asyncio.sleep(0)


async def _get(control: Control, path: str) -> tuple[int, Any]:
    async with control.http.get(f"{control.base}{path}") as answer:
        return answer.status, await answer.json()


async def test_a_stream_that_hears_nothing_does_not_ask_the_state(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_streams, "KEEP_ALIVE_S", 0.001)
    asked: list[object] = []
    run = control.simulator.gateway.run

    def counted(work: Any) -> Any:
        asked.append(work)
        return run(work)

    monkeypatch.setattr(control.simulator.gateway, "run", counted)
    device = await Device.connect(control)
    await device.until(b": alive\n\n")
    as_it_began = len(asked)
    for _ in range(5):
        await device.until(b": alive\n\n")

    assert len(asked) == as_it_began
    await push(control)
    await device.until(b"event: ping\ndata: {}\n\n")
    device.end()
