"""The stream of what happens."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from simulator.control import push_streams
from simulator.control.api import events
from simulator.services.apns import pushes
from simulator.services.apns.pushes import Push
from tests.control.conftest import Control


class Stream:
    """An open stream of events."""

    def __init__(self, answer: Any) -> None:
        self._content = answer.content

    async def take(self, count: int) -> list[tuple[str, Any]]:
        """Return the next *count* events by name and data."""
        found: list[tuple[str, Any]] = []
        async with asyncio.timeout(10):
            while len(found) < count:
                block = (await self._content.readuntil(b"\n\n")).decode()
                lines = dict(line.split(": ", 1) for line in block.split("\n") if line[:1] > ":")
                if lines:
                    found.append((lines["event"], json.loads(lines["data"])))
        return found


@pytest.fixture
async def stream(control: Control) -> AsyncIterator[Stream]:
    async with control.http.get(f"{control.base}/api/v1/events") as answer:
        assert answer.content_type == "text/event-stream"
        await answer.content.readuntil(b"\n\n")
        yield Stream(answer)


async def test_exchanges_and_findings_are_told(control: Control, stream: Stream) -> None:
    await control.ask("GET", "/nowhere")

    events = await stream.take(2)

    assert [name for name, _ in events] == ["exchange", "finding"]
    assert events[0][1]["seq"] == events[1][1]["seq"] == 1
    assert events[1][1]["rule"] == "path-unknown"


async def test_a_stream_can_begin_earlier_and_be_narrowed(control: Control) -> None:
    for path in ("/session", "/account", "/account"):
        await control.ask("GET", path)

    url = f"{control.base}/api/v1/events?operation=dep.account"
    async with control.http.get(url, headers={"Last-Event-ID": "2"}) as answer:
        ((_, exchange), *_) = await Stream(answer).take(1)

    assert exchange["seq"] == 3


async def test_what_is_no_number_is_refused(control: Control) -> None:
    status, problem = await control.call("GET", "/events", headers={"Last-Event-ID": "x"})

    assert status == 400
    assert "numbers of exchanges" in problem["detail"]


async def test_a_push_that_a_device_gets_is_told(control: Control, stream: Stream) -> None:
    token = "a1" * 32
    push = Push("id", "com.apple.mgmt.x", '{"mdm":"M"}', "M", True, 0, 2**50)
    await control.simulator.gateway.run(
        lambda state: pushes.store(state.of("demo"), None, token, push)
    )

    url = f"{control.base}/api/v1/push-tokens/{token}/events"
    async with control.http.get(url):
        (event,) = await stream.take(1)

    shown = {"token": token, "matches": True, "topic": "com.apple.mgmt.x", "apns_id": "id"}
    assert event == ("push", shown)


@pytest.mark.parametrize("path", ["/events", f"/push-tokens/{'0' * 64}/events"])
async def test_who_leaves_is_forgotten_without_a_word(
    control: Control, path: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for module in (events, push_streams):
        monkeypatch.setattr(module, "KEEP_ALIVE_S", 0.01)
    waiting = control.simulator.gateway.notifier.names
    before = waiting()
    async with control.http.get(f"{control.base}/api/v1{path}") as answer:
        await answer.content.readany()
        assert waiting() > before
        answer.close()

    async with asyncio.timeout(10):
        while True:
            if waiting() == before:
                break
            await asyncio.sleep(0)
    assert not caplog.records


@pytest.mark.parametrize(
    "path", ["/events", f"/push-tokens/{'0' * 64}/events"], ids=["events", "device"]
)
async def test_who_listens_is_let_go_at_the_end(control: Control, path: str) -> None:
    async with control.http.get(f"{control.base}/api/v1{path}") as answer:
        closing = asyncio.ensure_future(control.simulator.close())
        async with asyncio.timeout(1):
            await answer.content.read()  # an end that was not told would raise
        await closing


async def test_who_waits_for_exchanges_is_told_of_the_end(control: Control) -> None:
    waits = control.simulator.gateway.notifier.names
    before = waits()
    asked = asyncio.ensure_future(
        control.http.post(f"{control.base}/api/v1/exchanges/wait", json={"count": 1})
    )
    async with asyncio.timeout(10):
        while True:
            if waits() != before:
                break
            await asyncio.sleep(0)

    await control.simulator.close()

    async with await asked as answer:
        assert answer.status == 503
        assert (await answer.json())["title"] == "Ending"
