"""Calls end before the application does."""

import asyncio
import logging
import time

import pytest
from aiohttp import web

from simulator.control.calls import Calls

CLIENTS = 100
PATIENCE_S = 0.02
"""How long aiohttp waits: some calls end before that, some later, and one in that moment."""


async def test_none_ends_as_the_application_gives_up(caplog: pytest.LogCaptureFixture) -> None:
    calls, told_to_stop = Calls(), asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        calls.begin()
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await told_to_stop.wait()
        for _ in range(int(request.query["turns"])):
            await asyncio.sleep(0)
        return response

    async def be_slow() -> None:
        await told_to_stop.wait()
        for _ in range(CLIENTS):
            until = time.monotonic() + 0.001
            while time.monotonic() < until:
                """A turn of the loop takes so long."""
            await asyncio.sleep(0)

    async def stop(_: web.Application) -> None:
        told_to_stop.set()
        await calls.end(PATIENCE_S)

    application = web.Application()
    application.router.add_get("/", answer)
    application.on_shutdown.append(stop)
    runner = web.AppRunner(application, shutdown_timeout=PATIENCE_S, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    clients = []
    for number in range(CLIENTS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /?turns={number} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        clients.append(writer)

    await asyncio.gather(runner.cleanup(), be_slow())

    for writer in clients:
        writer.close()
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []
