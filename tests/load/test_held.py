"""Connections that are held by hundreds live on, and slow clients keep nobody waiting.

`python -m tests.bench.connections` does the same with ten thousand of each, and times it.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from simulator.app import Simulator
from simulator.core.settings import Settings
from tests.load import crowd, rude

CONNECTIONS, STREAMS, SLOW = 150, 150, 20
PAGE = b"GET /reference HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""A long answer, of the control port."""
ASK = b"PUT /profile HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    settings = Settings(
        data=":memory:",
        tls_port=(0,),
        http_port=0,
        control_port=0,
        proxy_port=0,
        push_auth="none",
        unknown_tokens="accept",
    )
    async with Simulator(settings) as running:
        yield running


async def test_what_is_held_is_answered_beside_slow_clients(simulator: Simulator) -> None:
    ports = rude.Ports.of(simulator.ready)
    topic = simulator.ready["organisations"][0]["push_topics"][0]["topic"]

    apns = await crowd.hold_apns(ports.tls, CONNECTIONS)
    streams = await crowd.hold_streams(ports.control, [f"{one:064x}" for one in range(STREAMS)])
    slow = [await crowd.slow_reader(ports.control, PAGE) for _ in range(SLOW)]
    slow += [await crowd.slow_sender(ports.http) for _ in range(SLOW)]
    answers = await crowd.many(CONNECTIONS, lambda one: apns[one].push(topic, f"{one:064x}"))
    reader, writer = await asyncio.open_connection("127.0.0.1", ports.http)
    writer.write(ASK)
    line = await reader.readline()
    writer.close()

    assert answers == [b"\x88"] * CONNECTIONS
    assert line.startswith(b"HTTP/1.1 4")
    assert not any(one.lost for one in apns)
    assert not any(one.lost for one in streams)
    for transport in [one.transport for one in apns] + [one.transport for one in streams]:
        assert transport is not None
        transport.abort()
    for one in slow:
        one.transport.abort()
        one.close()
